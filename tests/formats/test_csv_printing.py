"""CSV as it is written: quotes only where needed, null and empty text apart."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from plait.formats import cells, csv_printing, portions
from plait.formats.csv_printing import print_csv, print_csv_header
from plait.formats.delimiter import Delimiter
from plait.formats.printing import print_value


def test_values_are_printed_in_the_one_way():
    frame = pl.DataFrame(
        {
            "t": [datetime(2010, 1, 1, tzinfo=UTC), datetime(2010, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)],
            "f": [1.0, 1e-7],
            "n": [float("nan"), -0.0],
            "i": [1, None],
            "b": [True, None],
            "s": ["", None],
            "j": [{"a": 1, "b": "x,y"}, None],
        }
    )
    assert print_csv(frame).decode() == (
        '2010-01-01T00:00:00Z,1.0,nan,1,true,"","{""a"":1,""b"":""x,y""}"\n2010-01-01T00:00:00.500Z,1e-07,-0.0,,,,\n'
    )


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("plain", "plain"),
        (" blanks ", " blanks "),
        ("#hash", "#hash"),
        ("it's", "it's"),
        ("", '""'),
        ("a,b", '"a,b"'),
        ('say "x"', '"say ""x"""'),
        ("two\nlines", '"two\nlines"'),
        ("cr\rlf\r\n", '"cr\rlf\r\n"'),
        ("\r", '"\r"'),
        (None, ""),
        ("é😀", "é😀"),
    ],
)
def test_a_field_is_quoted_only_where_it_must_be(text, field):
    frame = pl.DataFrame({"a": pl.Series([text], dtype=pl.String), "b": [1]})
    assert print_csv(frame).decode() == f"{field},1\n"
    assert text is None or print_csv_header([text, "b"]).decode() == f"{field},b\n"


def test_one_odd_field_changes_no_other_row():
    frame = pl.DataFrame({"a": ["x", "y\rz", "", None, "a,b"], "b": [1.5, 2.0, None, 1e-6, 0.0]})
    assert print_csv(frame).decode() == 'x,1.5\n"y\rz",2.0\n"",\n,1e-06\n"a,b",0.0\n'


def test_another_delimiter_is_quoted_instead():
    frame = pl.DataFrame({"a": ["a,b", "a;b"], "t": [datetime(2010, 1, 1, tzinfo=UTC)] * 2})
    assert print_csv(frame, ";").decode() == 'a,b;2010-01-01T00:00:00Z\n"a;b";2010-01-01T00:00:00Z\n'
    assert print_csv(frame, ":").decode() == 'a,b:"2010-01-01T00:00:00Z"\na;b:"2010-01-01T00:00:00Z"\n'


def test_no_row_of_a_single_column_is_an_empty_line():
    assert print_csv(pl.DataFrame({"a": ["x", None, ""]})) == b'x\n""\n""\n'
    assert print_csv(pl.DataFrame({"a": [1, None]})) == b'1\n""\n'


def test_a_frame_without_rows_prints_nothing():
    assert print_csv(pl.DataFrame(schema={"a": pl.Int64, "b": pl.String})) == b""


@pytest.mark.parametrize(("given", "taken"), [(";", ";"), ("tab", "\t"), ("\t", "\t"), ("\\t", "\t"), (" ", " ")])
def test_a_delimiter_is_one_character(given, taken):
    assert Delimiter().parse(given) == taken == Delimiter().parse(taken)


@pytest.mark.parametrize("given", ["", ",,", '"', "\n", "\r", "a", "1", ".", "-", "é", 7, None])
def test_a_delimiter_that_could_be_part_of_a_value_is_refused(given):
    with pytest.raises(ValueError, match="is not a delimiter"):
        Delimiter().parse(given)


@pytest.fixture(scope="module", params=[(1, 5, 3), (1, 65_536, 4), (3, 8, 4), (2_000, 65_536, 4_096)], ids=str)
def sizes(request):
    """Lay out even a few rows of cells, in small pieces of small portions; and last, print them as they are."""
    few, portion, piece = request.param
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_printing, "FEW_ROWS", few)
        patch.setattr(portions, "_ROWS", portion)
        patch.setattr(cells, "_BYTES", 1)
        patch.setattr(cells, "_LEAST_ROWS", piece)
        yield


_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(['"', ",", "\r", "\n", "\r\n"])
_rows = st.lists(st.tuples(_text, st.floats(), _text), min_size=1, max_size=14)


@settings(max_examples=50, deadline=None)
@given(_rows, st.sampled_from(",;\t|"))
@example([("x", float(number), f"{number}") for number in range(9)], ",")
def test_the_standard_library_reads_back_what_was_written(sizes, rows, delimiter):
    frame = pl.DataFrame(rows, schema={"a": pl.String, "f": pl.Float64, "b": pl.String}, orient="row")
    written = print_csv(frame, delimiter).decode()
    read = list(csv.reader(io.StringIO(written, newline=""), delimiter=delimiter, strict=True))
    assert read == [[a, print_value(f), b] for a, f, b in rows]


@settings(max_examples=40, deadline=None)
@given(_rows, st.integers(0, 14))
def test_the_cut_into_blocks_does_not_show(sizes, rows, cut):
    frame = pl.DataFrame(rows, schema={"a": pl.String, "f": pl.Float64, "b": pl.String}, orient="row")
    assert print_csv(frame) == print_csv(frame[:cut]) + print_csv(frame[cut:])


@pytest.mark.parametrize("rows", [4_096, 4_097, 8_193, 65_537])
def test_the_last_of_many_rows_is_whole(rows):
    frame = pl.DataFrame({"a": [row % 50 / 10 for row in range(rows)], "s": ["s"] * rows, "b": range(rows)})
    expected = [f"{row % 50 / 10},s,{row}" for row in range(rows)]
    assert print_csv(frame).decode().splitlines() == expected
