"""Windows and aggregates against DuckDB, which has its own idea of each of them: `GROUP BY time_bucket(...)`.

Where SQL leaves something open, the query says it: first and last go by the number of the row. Two things are kept
out: a spread of values with NaN among them, of which DuckDB makes an error, and sums beyond 64 bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.windows import AGGREGATES, Aggregate, Span, make_spans
from plait.windows.time_windows import TimeWindows

duckdb = pytest.importorskip("duckdb", reason="requirements-dev.txt is not installed")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SCHEMA = {
    "timestamp": pl.Datetime("us", "UTC"),
    "number": pl.Int64,
    "city": pl.String,
    "temp": pl.Float64,
    "calm": pl.Float64,
    "hits": pl.Int64,
    "word": pl.String,
}
SQL = {
    ("count", None): "count(*)",
    ("count", "temp"): "count(temp)",
    ("sum", "temp"): "sum(temp)",
    ("sum", "hits"): "sum(hits)::BIGINT",
    ("mean", "temp"): "avg(temp)",
    ("mean", "hits"): "avg(hits)",
    ("min", "temp"): "min(temp)",
    ("min", "hits"): "min(hits)",
    ("min", "word"): "min(word)",
    ("max", "temp"): "max(temp)",
    ("max", "word"): "max(word)",
    ("first", "temp"): "arg_min(temp, number)",
    ("first", "word"): "arg_min(word, number)",
    ("last", "hits"): "arg_max(hits, number)",
    ("last", "word"): "arg_max(word, number)",
    ("variance", "calm"): "var_samp(calm)",
    ("variance", "hits"): "var_samp(hits)",
    ("stddev", "calm"): "stddev_samp(calm)",
    ("stddev", "hits"): "stddev_samp(hits)",
    ("median", "temp"): "quantile_cont(temp, 0.5)",
    ("median", "hits"): "quantile_cont(hits::DOUBLE, 0.5)",
    ("quantile", "temp"): "quantile_cont(temp, 0.9)",
    ("quantile", "hits"): "quantile_cont(hits::DOUBLE, 0.25)",
    ("distinct", "temp"): "count(DISTINCT temp)",
    ("distinct", "word"): "count(DISTINCT word)",
    ("collect", "hits"): "list(hits ORDER BY number) FILTER (hits IS NOT NULL)",
}
SHARES = {"temp": 0.9, "hits": 0.25}
CHOSEN = {
    f"{function}_{of or 'rows'}": Aggregate(function=function, of=of, q=SHARES[of or ""])
    if function == "quantile"
    else Aggregate(function=function, of=of)
    for function, of in SQL
}
SIZES = {  # how plait and DuckDB write them, and where DuckDB begins to count
    "7us": ("to_microseconds(7)", "1970-01-01"),
    "90s": ("INTERVAL 90 SECOND", "1970-01-01"),
    "1h": ("INTERVAL 1 HOUR", "1970-01-01"),
    "1d": ("INTERVAL 1 DAY", "1970-01-01"),
    "1w": ("INTERVAL 7 DAY", "1970-01-05"),
    "1mo": ("INTERVAL 1 MONTH", "1970-01-01"),
    "1y": ("INTERVAL 1 YEAR", "1970-01-01"),
}
STEPS = {"7us": 5, "90s": 60_000_000, "1h": 1_800_000_000}

quarters = st.integers(-(2**20), 2**20).map(lambda number: number / 4)  # their sums are exact, whatever the order
rows = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(["a", "b", "é", None]),
        st.one_of(st.none(), quarters, st.just(math.nan), st.sampled_from([-0.0, 0.0, math.inf])),
        st.one_of(st.none(), quarters),
        st.one_of(st.none(), st.integers(-9, 9), st.integers(-(2**40), 2**40)),
        st.sampled_from([None, "x", "é", "zz", "", "Z", "𝄞", "ﬀ"]),
    ),
    max_size=40,
)


def made(drawn: Sequence[Any], start: int, step: int) -> pl.DataFrame:
    """Return rows in the order of time, numbered."""
    table, time = [], start * step + 1
    for number, (steps, *others) in enumerate(drawn):
        time += steps * step
        table.append((EPOCH + timedelta(microseconds=time), number, *others))
    return pl.DataFrame(table, schema=SCHEMA, orient="row")


def windowed(frame: pl.DataFrame, size: str, at: int) -> list[dict[str, Any]]:
    """Return the results of plait; the rows come in two blocks."""
    windows = TimeWindows(make_spans(Span.parse(size)), ["city"], CHOSEN, SCHEMA)
    out: list[dict[str, Any]] = []
    for block in (frame[:at], frame[at:]):
        if block.height:
            windows.push(block)
            out += [row for found in windows.advance(ticks(block["timestamp"][-1])) for row in found.to_dicts()]
    return out + [row for found in windows.end() for row in found.to_dicts()]


def ticks(time: datetime) -> int:
    return (time - EPOCH) // timedelta(microseconds=1)


@pytest.fixture(scope="module")
def database() -> Any:
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        yield connection


def asked(database: Any, frame: pl.DataFrame, size: str) -> list[dict[str, Any]]:
    """Return the results of DuckDB."""
    span, origin = SIZES[size]
    values = ", ".join(f'{sql} AS "{name}"' for name, sql in zip(CHOSEN, SQL.values(), strict=True))
    database.register("rows", frame.with_columns(pl.col("timestamp").dt.replace_time_zone(None)).to_arrow())
    found = database.execute(
        f"SELECT begin + {span} AS timestamp, begin AS window_start, begin + {span} AS window_end, city, {values} "
        f"FROM (SELECT *, time_bucket({span}, timestamp, TIMESTAMP '{origin}') AS begin FROM rows) "
        "GROUP BY begin, city ORDER BY begin, city NULLS FIRST"
    )
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def same(one: Any, other: Any) -> bool:
    if isinstance(one, datetime):
        return one.replace(tzinfo=None) == other
    if isinstance(one, float) and isinstance(other, float):
        return (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return type(one) is type(other) and bool(one == other)


@settings(max_examples=50, deadline=None)
@given(rows, st.sampled_from(list(SIZES)), st.integers(-2000, 50), st.integers(0, 40))
def test_windows_and_aggregates_are_those_of_duckdb(
    database: Any, drawn: list[Any], size: str, start: int, at: int
) -> None:
    frame = made(drawn, start, STEPS.get(size, 20 * 3_600_000_000))
    found, wanted = windowed(frame, size, at), asked(database, frame, size)
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert one.keys() == other.keys()
        assert {name: (one[name], other[name]) for name in one if not same(one[name], other[name])} == {}


def test_all_aggregates_but_one_that_sql_does_not_have_are_asked_for() -> None:
    assert {function for function, _ in SQL} == set(AGGREGATES) - {"count_by"}
