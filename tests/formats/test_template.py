"""Templates: what they print, and which are refused."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plait.formats.template import Template, TemplateText

T = datetime(2010, 1, 1, 12, 30, tzinfo=UTC)
ROW = {"timestamp": T, "temp": 47.84, "city": "sf", "ok": True, "place": {"x": 1.5, "at": {"name": "dock"}}, "a.b": 7}


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("{timestamp} {city}: {temp:.1f} F", "2010-01-01T12:30:00Z sf: 47.8 F"),
        ("{temp}", "47.84"),
        ("{timestamp:%H:%M}", "12:30"),
        ("{city:>4}|{temp:8.2f}|{ok:>6}", "  sf|   47.84|  true"),
        ("{place.x} {place.at.name} {place.at}", '1.5 dock {"name":"dock"}'),
        ("{a.b}", "7"),
        ("{{{city}}}", "{sf}"),
        ("no field", "no field"),
        ("", ""),
        ("two\n{city}", "two\nsf"),
    ],
)
def test_a_row_and_a_column_of_rows_are_printed_alike(template, line):
    assert Template(template).render(ROW) == line
    assert Template(template).render_frame(pl.DataFrame([ROW, ROW])).to_list() == [line, line]


def test_null_is_printed_with_and_without_a_format():
    template = Template("{a} {a:.1f} {a:>9}")
    assert template.render({"a": None}) == "null null null"
    assert template.render({}) == "null null null"
    frame = pl.DataFrame({"a": [None, 1.25]}, schema={"a": pl.Float64})
    assert template.render_frame(frame).to_list() == ["null null null", "1.25 1.2      1.25"]


def test_a_frame_without_rows_has_no_lines():
    assert Template("{a:.1f} x").render_frame(pl.DataFrame(schema={"a": pl.Float64})).to_list() == []
    assert Template("x").render_frame(pl.DataFrame(schema={"a": pl.Float64})).to_list() == []


def test_the_names_are_known():
    assert Template("{a} {b.c:.1f} {a}").names == ("a", "b.c", "a")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{", "'{' encountered"),
        ("}", "'}' encountered"),
        ("{}", "{} does not name a column"),
        ("{0}", "{0} does not name a column"),
        ("{a!r}", "{a!r} does not name a column"),
        ("{a[b]}", "does not name a column"),
        ("{a..b}", "does not name a column"),
        ("{a:.1q}", "'.1q' is no format"),
        ("{a:{b}}", "is no format"),
    ],
)
def test_a_template_that_cannot_be_right_is_refused_at_once(template, message):
    with pytest.raises(ValueError) as caught:
        TemplateText().parse(template)
    assert message in str(caught.value)


def test_a_column_that_is_not_there_is_named_with_the_nearest():
    frame = pl.DataFrame({"temp": [1], "place": [{"x": 1}]})
    with pytest.raises(LookupError, match="no column 'tmep'; did you mean 'temp'"):
        Template("{tmep}").render_frame(frame)
    with pytest.raises(LookupError, match="'place' has no member 'y'"):
        Template("{place.y}").render_frame(frame)
    with pytest.raises(LookupError, match="'temp' has no member 'y'"):
        Template("{temp.y}").render_frame(frame)


def test_a_value_that_does_not_fit_its_format_is_named():
    with pytest.raises(ValueError, match=r"city: 'sf' cannot be printed as '\.1f'"):
        Template("{city:.1f}").render(ROW)
    with pytest.raises(ValueError, match=r"city: 'sf' cannot be printed as '\.1f'"):
        Template("{city:.1f}").render_frame(pl.DataFrame([ROW]))


@given(st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"])))
def test_text_without_braces_prints_itself(text):
    assert Template(text).render({}) == text
