"""Many rows of CSV are laid out of cells; few are written by polars. Nobody can tell which it was."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.formats.csv_printing import CSVPrinter, print_csv
from plait.formats.times import FEW_ROWS

FEW = FEW_ROWS // 2
START = datetime(2026, 1, 31, 23, 59, 58, tzinfo=UTC)


def piecewise(frame: pl.DataFrame, delimiter: str, digits: int) -> bytes:
    """Print so few rows at a time that they are not laid out of cells."""
    pieces = (frame[start : start + FEW] for start in range(0, frame.height, FEW))
    return b"".join(print_csv(piece, delimiter, digits) for piece in pieces)


def check(frame: pl.DataFrame, delimiter: str = ",", digits: int = 0) -> None:
    assert print_csv(frame, delimiter, digits) == piecewise(frame, delimiter, digits)


def many(values: list, dtype: object) -> pl.Series:
    column = pl.Series(values, dtype=dtype)
    return pl.concat([column] * (2 * FEW_ROWS // len(values) + 1))


def text() -> st.SearchStrategy:
    odd = st.sampled_from(
        ["", '"', ",", ";", "\r", "\n", "\0", "a\0", "é", "x" * 12, "x" * 13, "y" * 40, "z" * 41, "d" * 300]
    )
    return odd | st.text(st.characters(exclude_categories=["Cs"]), max_size=14)


def decimals() -> st.SearchStrategy:
    return st.builds(lambda number, digits: number / 10**digits, st.integers(-500, 500), st.integers(0, 4))


def moments() -> st.SearchStrategy:
    units = st.sampled_from([1, 1_000, 1_000_000, 60_000_000, 86_400_000_000, 40 * 86_400_000_000])
    return st.builds(lambda n, unit: START + timedelta(microseconds=n * unit), st.integers(-1_500, 1_500), units)


COLUMNS = [
    (pl.Float64, decimals()),
    (pl.Float64, st.floats()),
    (pl.Float64, decimals() | st.sampled_from([-0.0, math.nan, math.inf, 1e300, 1e-5, 0.1 + 0.2])),
    (pl.Float32, st.floats(width=32)),
    (pl.Int64, st.integers(-300, 300)),
    (pl.Int64, st.integers(-(2**63), 2**63 - 1)),
    (pl.UInt64, st.integers(2**64 - 300, 2**64 - 1)),
    (pl.Int8, st.integers(-128, 127)),
    (pl.String, text()),
    (pl.String, st.sampled_from(["ok", "warn", "fail"])),
    (pl.String, st.sampled_from(["sensor:temperature:1", "sensor:co2", "é" * 7])),
    (pl.Datetime("us", "UTC"), moments()),
    (pl.Boolean, st.booleans()),
    (pl.Date, st.dates(date(2000, 1, 1), date(2030, 1, 1))),
    (pl.List(pl.Int64), st.lists(st.integers(0, 9), max_size=3)),
]


@settings(max_examples=75, deadline=None)
@given(st.data(), st.sampled_from(",;:| "), st.sampled_from([0, 3, 6]))
def test_many_rows_are_printed_as_few(data, delimiter, digits):
    columns = {"first": many([1], pl.Int64)}
    for name in data.draw(st.sets(st.sampled_from("abc"), min_size=1)):
        dtype, values = data.draw(st.sampled_from(COLUMNS))
        columns[name] = many(data.draw(st.lists(st.none() | values, min_size=1, max_size=9)), dtype)[: 2 * FEW_ROWS]
    height = min(map(len, columns.values()))
    check(pl.DataFrame({name: column[:height] for name, column in columns.items()}), delimiter, digits)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(moments() | st.none(), min_size=1, max_size=6),
    st.sampled_from(["ms", "us", "ns"]),
    st.sampled_from([0, 3, 6]),
)
def test_times_of_all_units_and_zones_are_printed_as_few(values, unit, digits):
    utc = many(values, pl.Datetime("us", "UTC"))
    there = utc.dt.convert_time_zone("Asia/Kathmandu")
    frame = pl.DataFrame({"n": utc.dt.replace_time_zone(None), "t": utc, "there": there})
    check(frame.with_columns(pl.all().dt.cast_time_unit(unit)), digits=digits)


def test_times_before_1970_and_far_apart_have_their_text():
    times = [datetime(1, 1, 1, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), None]
    times += [datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=ZoneInfo("UTC"))]
    check(pl.DataFrame({"t": many(times, pl.Datetime("us", "UTC")), "n": many([1, 2, 3, 4], pl.Int64)}))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-9_000, 9_000), st.integers(1, 3_000), st.sampled_from([1, 10, 1_000])), max_size=6)
)
def test_what_a_printer_has_printed_before_does_not_show(blocks):
    printer = CSVPrinter()
    for least, count, scale in blocks:
        values = pl.Series([(least + i % count) / scale for i in range(FEW_ROWS)])
        frame = pl.DataFrame({"f": values, "i": pl.int_range(least, least + FEW_ROWS, eager=True)})
        assert b"".join(printer.parts(frame)) == piecewise(frame, ",", 0)


def test_a_part_of_a_frame_in_pieces_is_printed_as_a_whole_one():
    texts = many(["one", "two", None, "a text that is not so short"], pl.String)
    whole = pl.DataFrame({"a": texts, "b": [1.5] * len(texts)})
    in_pieces = pl.concat([whole[:700], whole[700:]], rechunk=False)[5:]
    assert print_csv(in_pieces) == print_csv(whole[5:].rechunk()) == piecewise(whole[5:], ",", 0)


@pytest.mark.parametrize("values", [[None], [None, 1.5], [math.nan], [-0.0, 0.0]])
def test_odd_columns_of_numbers(values):
    check(pl.DataFrame({"f": many(values, pl.Float64), "g": many(values, pl.Float64)}))


def test_no_row_of_many_in_a_single_column_is_an_empty_line():
    assert print_csv(pl.DataFrame({"a": many([1, None], pl.Int64)})).count(b'""\n') == FEW_ROWS + 1
