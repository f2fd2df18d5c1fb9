"""Types: what is inferred, what is accepted, what is refused, and that this is one rule."""

from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from plait.formats.csv_block import Bounds, Dialect
from plait.formats.csv_fields import fields_of
from plait.formats.csv_options import CsvOptions
from plait.formats.csv_scan import scan
from plait.formats.csv_types import ColumnType, convert, infer


def converted(texts, kind, *, inferred=False, nulls=()):
    """Return the values and reasons of a column that is written as CSV (with a first column that is never empty)."""
    data = "".join(f"x,{text}\n" for text in texts).encode()
    records = scan(data, Dialect(), Bounds(2, 1 << 20), final=True, first_line=1)
    fields = fields_of(records, 1, ord('"'))
    column, reasons = convert("c", fields, ColumnType(kind, inferred), CsvOptions(nulls=tuple(nulls)), lambda _: None)
    return column.to_list(), reasons


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", "-2", "0"], "integer"),
        (["1", None, "3"], "integer"),
        (["9223372036854775807", "-9223372036854775808"], "integer"),
        (["9223372036854775808"], "text"),
        (["12345678901234567890", "1.5"], "text"),
        (["1", "2.5"], "float"),
        (["1e5", "nan", "-inf", ".5", "5."], "float"),
        (["nan"], "text"),
        (["1e400"], "text"),
        (["007", "12"], "text"),
        (["00.5"], "text"),
        (["-0"], "text"),
        (["-0.5", "0.5", "0"], "float"),
        (["+49301234"], "text"),
        ([" 1"], "text"),
        (["1_000"], "text"),
        (["0x10"], "text"),
        (["true", "False", None], "boolean"),
        (["true", "1"], "text"),
        (["yes", "no"], "text"),
        ([None, None], "text"),
        ([""], "text"),
        ([], "text"),
        (["2010-01-01"], "text"),
    ],
)
def test_inferred_type(texts, kind):
    assert infer(pl.Series(texts, dtype=pl.String)) == ColumnType(kind, inferred=True)


NUMBERS = {
    "1": (1, 1.0),
    "-1": (-1, -1.0),
    "+1": (1, 1.0),
    "007": (7, 7.0),
    "-007": (-7, -7.0),
    "-0": (0, -0.0),
    "1e5": (None, 1e5),
    "1E5": (None, 1e5),
    "1.0": (None, 1.0),
    ".5": (None, 0.5),
    "5.": (None, 5.0),
    " 1": (None, None),
    "1 ": (None, None),
    "1_0": (None, None),
    "0x10": (None, None),
    "1d5": (None, None),
    "\u0661": (None, None),
    "--1": (None, None),
    "1e": (None, None),
    ".": (None, None),
    "-": (None, None),
    "inf": (None, math.inf),
    "-Infinity": (None, -math.inf),
    "1e400": (None, None),
    "1e-400": (None, 0.0),
    "9223372036854775807": (2**63 - 1, 2.0**63),
    "9223372036854775808": (None, 2.0**63),
    "18446744073709551617": (None, 2.0**64),
    "infinit": (None, None),
    "0x1p3": (None, None),
    "1e+5": (None, 1e5),
    "1f": (None, None),
}


@pytest.mark.parametrize(("text", "numbers"), NUMBERS.items())
def test_declared_numbers_are_what_they_look_like_in_full(text, numbers):
    for kind, number in zip(("integer", "float"), numbers, strict=True):
        values, reasons = converted([text], kind)
        assert values == [number]
        assert list(reasons) == ([] if number is not None else [0])


def test_nan_is_a_float():
    (values, reasons) = converted(["nan", "-NaN"], "float")
    assert all(math.isnan(value) for value in values)
    assert not reasons


@given(st.floats(allow_nan=False))
@example(5e-324)
@example(1.7976931348623157e308)
def test_floats_are_read_as_python_reads_them(number):
    assert converted([repr(number)], "float")[0] == [number]


@given(st.lists(st.text(alphabet="0123456789+-.eE_ infa", max_size=12), max_size=20))
def test_no_text_is_a_number_for_plait_that_is_none_for_python(texts):
    for kind, number in (("integer", int), ("float", float)):
        values, reasons = converted(texts, kind)
        for row, (text, value) in enumerate(zip(texts, values, strict=True)):
            assert (value is None) == (row in reasons or text == "")
            if value is not None:
                assert value == number(text) or math.isnan(value)


@pytest.mark.parametrize("kind", ["integer", "float"])
@pytest.mark.parametrize("text", ["007", "+1", "-0", "-01"])
def test_an_inferred_number_refuses_codes_and_says_how_to_keep_them(kind, text):
    values, reasons = converted(["12", text], kind, inferred=True)
    assert values[0] == 12
    assert "schema=(c=text)" in reasons[1]


def test_a_misfit_names_the_column_the_text_and_the_schema_that_mends_it():
    assert "column 'c': '2.5' is not an integer" in converted(["2.5"], "integer", inferred=True)[1][0]
    assert "schema=(c=float)" in converted(["2.5"], "integer", inferred=True)[1][0]
    assert "schema=(c=text)" in converted(["n/a"], "float", inferred=True)[1][0]
    assert "as schema=( ) says" in converted(["n/a"], "float")[1][0]
    assert len(converted(["x" * 1000], "float")[1][0]) < 200


def test_booleans():
    values, reasons = converted(["true", "True", "TRUE", "false", "False", "FALSE", "", "1", "tRue"], "boolean")
    assert values == [True] * 3 + [False] * 3 + [None] * 3
    assert sorted(reasons) == [7, 8]


@pytest.mark.parametrize("kind", ["integer", "float", "boolean", "time"])
def test_empty_fields_are_null_with_or_without_quotes(kind):
    assert converted(["", '""'], kind) == ([None, None], {})


def test_texts_that_mean_null_are_null_in_every_type():
    assert converted(["NA", "1", "-"], "integer", nulls=["NA", "-"]) == ([None, 1, None], {})
    assert converted(["NA", "x", ""], "text", nulls=["NA"]) == ([None, "x", None], {})
    assert converted(["NA", "2010-01-01"], "time", nulls=["NA"])[1] == {}


def test_times_of_the_schema():
    values, reasons = converted(["2010-01-01", "x"], "time")
    assert values[0].year == 2010
    assert "column 'c'" in reasons[1]


def test_quoted_numbers_are_numbers():
    assert converted(['"1"', '"2"'], "integer", inferred=True) == ([1, 2], {})
    assert list(converted(['"007"'], "integer", inferred=True)[1]) == [0]
