"""Keys that are floats: NaN is one key, a zero has no sign, in a block and from block to block."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plait.joins import How, Layout
from plait.joins.pairs import Band, PairJoin
from plait.windows import Aggregate, Span, make_spans
from plait.windows.sessions import Sessions
from plait.windows.time_windows import TimeWindows

SCHEMA = {"timestamp": pl.Datetime("us", "UTC"), "key": pl.Float64}
COUNT = {"n": Aggregate(function="count")}
keys = st.lists(st.lists(st.sampled_from([None, math.nan, -0.0, 0.0, 1.5]), max_size=4), max_size=4)


def frame(values: list[float | None]) -> pl.DataFrame:
    now = datetime(2010, 1, 1, tzinfo=UTC)
    return pl.DataFrame([(now, value) for value in values], schema=SCHEMA, orient="row")


@pytest.mark.parametrize(
    "windows",
    [
        lambda: TimeWindows(make_spans(Span.parse("1d")), ["key"], COUNT, SCHEMA),
        lambda: Sessions(1, ["key"], COUNT, SCHEMA),
    ],
)
@given(blocks=keys)
def test_rows_of_one_key_are_counted_together(windows: Any, blocks: list[list[float | None]]) -> None:
    gathering = windows()
    for block in filter(None, blocks):
        gathering.push(frame(block))
    found = {repr(key): n for result in gathering.end() for key, n in result.select("key", "n").rows()}
    everything = [repr(key if key is None else key + 0.0) for block in blocks for key in block]
    assert found == {key: everything.count(key) for key in everything}


@pytest.mark.parametrize("function", ["collect", "count_by", "first", "last", "max", "min"])
def test_what_is_aggregated_as_it_stands_has_no_sign_of_zero_either(function: str) -> None:
    """A column alone is an expression, too: the answer must not depend on which of two zeros came first."""
    found = {}
    for of in ("key", "key * 1"):
        windows = TimeWindows(make_spans(Span.parse("1d")), [], {"x": Aggregate(function=function, of=of)}, SCHEMA)
        windows.push(frame([-0.0, 0.0, None, -0.0]))
        found[of] = repr([result["x"].to_list() for result in windows.end()])
    assert found["key"] == found["key * 1"]
    assert "-0.0" not in found["key"]


@given(blocks=keys)
def test_rows_of_one_key_find_each_other(blocks: list[list[float | None]]) -> None:
    join = PairJoin(Band(0, 0), How.INNER, Layout(("key",)), SCHEMA, SCHEMA)
    for number, block in enumerate(filter(None, blocks)):
        join.push(number % 2, frame(block))
    sides = [
        [repr(key + 0.0) for block in [*filter(None, blocks)][side::2] for key in block if key is not None]
        for side in (0, 1)
    ]
    found, _ = join.advance(None)
    assert (0 if found is None else found.height) == sum(sides[1].count(key) for key in sides[0])
