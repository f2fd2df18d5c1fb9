"""Joins against DuckDB: its ASOF JOIN, and plain joins by a range of time.

No two rows of the right side have one time and key: which of them ASOF JOIN takes, SQL leaves open.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plait.joins import How, Layout
from plait.joins.latest import LatestJoin
from plait.joins.pairs import Band, PairJoin

duckdb = pytest.importorskip("duckdb", reason="requirements-dev.txt is not installed")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SCHEMA = {"timestamp": pl.Datetime("us", "UTC"), "key": pl.String, "value": pl.Int64}
SHAPE = Layout(("key",))
KINDS = {How.INNER: "", How.LEFT: "LEFT", How.RIGHT: "RIGHT", How.OUTER: "FULL"}
Row = tuple[int, str | None, int]

steps = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["a", "b", None])), max_size=40)
starts = st.integers(-100, 5)


def made(drawn: Sequence[tuple[int, str | None]], start: int, *, unique: bool = False) -> list[Row]:
    """Return rows in the order of time: ticks, key, and the number of the row."""
    out: list[Row] = []
    time, seen = start, set()
    for step, key in drawn:
        time += step
        if not unique or (time, key) not in seen:
            out.append((time, key, len(out)))
        seen.add((time, key))
    return out


def frame_of(rows: Sequence[Row]) -> pl.DataFrame:
    table = [(EPOCH + timedelta(microseconds=time), key, value) for time, key, value in rows]
    return pl.DataFrame(table, schema=SCHEMA, orient="row")


def joined(join: Any, lefts: list[Row], rights: list[Row], at: int) -> list[tuple[Any, ...]]:
    """Push both sides, first what is before a time, then the rest; return the numbers of the rows of each result."""
    out: list[tuple[Any, ...]] = []
    for frontier, wanted in ((at, lambda time: time < at), (None, lambda time: time >= at)):
        for side, rows in enumerate((lefts, rights)):
            join.push(side, frame_of([row for row in rows if wanted(row[0])]))
        frame, _ = join.advance(frontier)
        out += [] if frame is None else frame.select("timestamp", "value", "value_right").rows()
    return [((time - EPOCH) // timedelta(microseconds=1), left, right) for time, left, right in out]


@pytest.fixture(scope="module")
def database() -> Any:
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        yield connection


def asked(database: Any, lefts: list[Row], rights: list[Row], join: str) -> list[tuple[Any, ...]]:
    """Ask for the pairs, in the order that joins promise: the later time, the left row, the right row."""
    for name, rows in (("l", lefts), ("r", rights)):
        table = pl.DataFrame(rows, schema={"t": pl.Int64, "key": pl.String, "n": pl.Int64}, orient="row")
        database.register(name, table.to_arrow())
    return list(
        database.execute(
            f"SELECT greatest(l.t, r.t) AS t, l.n, r.n FROM {join} ORDER BY 1, l.n NULLS LAST, r.n NULLS LAST"
        ).fetchall()
    )


@given(steps, steps, starts, starts, st.integers(-50, 50), st.sampled_from([None, 0, 2, 9]), st.booleans())
def test_asof_is_that_of_duckdb(
    database: Any, one: Any, other: Any, first: int, second: int, at: int, tolerance: int | None, inner: bool
) -> None:
    lefts, rights = made(one, first), made(other, second, unique=True)
    how = How.INNER if inner else How.LEFT
    join = LatestJoin(tolerance, how, SHAPE, SCHEMA, SCHEMA)
    pairs = asked(database, lefts, rights, "l ASOF LEFT JOIN r ON l.key = r.key AND l.t >= r.t")
    near = [
        (time, left, right if right is None or tolerance is None or time - rights[right][0] <= tolerance else None)
        for time, left, right in pairs
    ]
    wanted = [pair for pair in near if not inner or pair[2] is not None]
    assert joined(join, lefts, rights, at) == wanted


@given(steps, steps, starts, starts, st.integers(-50, 50), st.integers(-6, 6), st.integers(0, 6), st.sampled_from(How))
def test_interval_is_a_join_by_a_range(
    database: Any, one: Any, other: Any, first: int, second: int, at: int, lower: int, width: int, how: How
) -> None:
    lefts, rights = made(one, first), made(other, second)
    join = PairJoin(Band(lower, lower + width), how, SHAPE, SCHEMA, SCHEMA)
    by = f"l.key = r.key AND r.t - l.t BETWEEN {lower} AND {lower + width}"
    assert joined(join, lefts, rights, at) == asked(database, lefts, rights, f"l {KINDS[how]} JOIN r ON {by}")
