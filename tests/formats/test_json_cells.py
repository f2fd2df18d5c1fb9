"""Many rows of JSON are laid out of cells; few are printed by polars. Nobody can tell which it was."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.formats import cells, json_printing, portions
from plait.formats.json_printing import JSONPrinter
from plait.formats.printing import print_json, print_lines
from plait.formats.times import FEW_ROWS

START = datetime(2026, 1, 31, 23, 59, 58, tzinfo=UTC)
ODD = ["", '"', "\\", "\n", "\x1f", "\x7f", "\0", "é\u2028", "x" * 12, "y" * 38, "z" * 41]
COLUMNS = [
    (pl.Float64, st.integers(-500, 500).map(lambda n: n / 10)),
    (pl.Float64, st.floats()),
    (pl.Float64, st.sampled_from([1.5, -0.0, math.nan, math.inf, 1e-5])),
    (pl.Float32, st.floats(width=32)),
    (pl.Int64, st.integers(-300, 300)),
    (pl.UInt64, st.integers(0, 2**64 - 1)),
    (pl.String, st.sampled_from(["ok", "warn"])),
    (pl.String, st.sampled_from(ODD)),
    (pl.Datetime("us", "UTC"), st.integers(-(10**12), 10**12).map(lambda n: START + timedelta(microseconds=n))),
    (pl.Datetime("ms"), st.integers(-(10**9), 10**9).map(lambda n: datetime(2026, 1, 1) + timedelta(milliseconds=n))),
    (pl.Boolean, st.booleans()),
    (pl.Struct({"a": pl.Int64}), st.builds(lambda n: {"a": n}, st.integers(0, 9))),
]


@pytest.fixture(scope="module", params=[(1, 4), (8, 4), (65_536, 4_096)], ids=str)
def sizes(request):
    """Lay out even a few rows of cells, in small pieces of small portions; and last, as it is."""
    portion, piece = request.param
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_printing, "FEW_ROWS", 1)
        patch.setattr(portions, "_ROWS", portion)
        patch.setattr(cells, "_BYTES", 1)
        patch.setattr(cells, "_LEAST_ROWS", piece)
        yield


def many(values: list, dtype: object, rows: int = FEW_ROWS) -> pl.Series:
    column = pl.Series(values, dtype=dtype)
    return pl.concat([column] * (rows // len(values) + 1))[:rows]


def check(data: st.DataObject, rows: int, digits: int, nulls: bool) -> None:
    columns = {}
    for name in data.draw(st.sets(st.sampled_from(["a", 'b"', "c"]), min_size=1)):
        dtype, values = data.draw(st.sampled_from(COLUMNS))
        drawn = data.draw(st.lists((st.none() | values) if nulls else values, min_size=1, max_size=9))
        columns[name] = many(drawn, dtype, rows)
    frame, printer = pl.DataFrame(columns), JSONPrinter(digits)
    expected = bytes(print_lines(print_json(frame, digits)))
    assert b"".join(printer.parts(frame)) == expected
    assert b"".join(printer.parts(frame)) == expected


@settings(max_examples=40, deadline=None)
@given(st.data(), st.sampled_from([0, 3, 6]), st.booleans())
def test_many_rows_are_printed_as_few(data, digits, nulls):
    check(data, FEW_ROWS, digits, nulls)


@settings(max_examples=30, deadline=None)
@given(st.data(), st.integers(1, 14), st.sampled_from([0, 3, 6]), st.booleans())
def test_pieces_and_portions_do_not_show(sizes, data, rows, digits, nulls):
    check(data, rows, digits, nulls)


@pytest.mark.parametrize("rows", [4_096, 4_097, 8_193, 65_537])
def test_the_last_of_many_rows_is_whole(rows):
    frame = pl.DataFrame({"a": range(rows), "s": ["s"] * rows})
    lines = b"".join(map(bytes, JSONPrinter().parts(frame))).decode().splitlines()
    assert lines == [f'{{"a":{row},"s":"s"}}' for row in range(rows)]
