"""The bound of what a window holds: it counts what is open at a time of the stream, not what a block of rows opens."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

import polars as pl
import pytest
from plait.errors import SpecError
from plait.operators.window import SessionWindow, SlidingWindow, TumblingWindow
from plait.running import Context

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SUMS: dict[str, Any] = {"by": "key", "aggregate": {"n": "count", "sum": {"sum": "value"}}}
VALUES: dict[str, Any] = {"aggregate": {"all": {"collect": "value"}, "middle": {"median": "value"}}}
DEEP: dict[str, Any] = {"size": "300s", "slide": "2s"}


def block(seed: int, steps: list[int], count: int = 30) -> pl.DataFrame:
    chosen = random.Random(seed)
    times = [EPOCH + timedelta(seconds=time) for time in accumulate(chosen.choices(steps, k=count))]
    table = {"timestamp": times, "key": chosen.choices("abc", k=count), "value": [chosen.random() for _ in times]}
    return pl.DataFrame(table, schema_overrides={"timestamp": pl.Datetime("us", "UTC")})


def results(window: Any, frame: pl.DataFrame, *, one_by_one: bool = False) -> tuple[int, list[Any]] | None:
    """Return the results, or None if the window has no room. One by one: what is complete goes out before each row."""
    absorbed: list[int] = []
    made: list[int] = []
    running = window.open(Context(absorbed=absorbed.append, made=made.append))
    found: list[Any] = []
    try:
        for part in frame.iter_slices(1) if one_by_one else [frame]:
            if one_by_one:
                found += running.on_frontier(part["timestamp"][0])
            found += running.on_frame(part)
        found += running.on_frontier(frame["timestamp"][-1])
        found += running.on_end()
    except SpecError as error:
        assert "max_state allows" in str(error)  # noqa: PT017 - whether it is raised is what is asked for
        return None
    rows = pl.concat(found).rows()
    assert sum(made) == len(rows)
    return sum(absorbed), rows


@pytest.mark.parametrize(
    ("window", "options", "bounds"),
    [
        (SlidingWindow, {**DEEP, **SUMS}, [149, 300, 310, 450]),
        (SlidingWindow, {**DEEP, **VALUES}, [299, 700, 1_500, 3_000]),
        (SlidingWindow, {**DEEP, **SUMS, "fill": True}, [4_400]),
        (SlidingWindow, {"size": "7s", "slide": "2s", **SUMS}, range(3, 13, 3)),
        (SlidingWindow, {"size": "7s", "slide": "2s", **VALUES}, range(6, 50, 14)),
        (SlidingWindow, {"size": "2s", "slide": "7s", **VALUES}, [1, 3, 5]),
        (TumblingWindow, {"size": "10s", **SUMS}, range(1, 5)),
        (SessionWindow, {"gap": "5s", **SUMS}, range(1, 5)),
        (SessionWindow, {"gap": "5s", **VALUES}, range(2, 20, 6)),
    ],
)
def test_a_block_has_room_if_its_rows_have_one_by_one(window: Any, options: Any, bounds: Any) -> None:
    frame = block(1, [0, 1, 1, 1, 40, 600])
    wanted = results(window(**options), frame)
    for most in bounds:
        bound = window(**options, max_state=most)
        one_by_one = results(bound, frame, one_by_one=True)
        assert one_by_one in (wanted, None)
        assert results(bound, frame) == one_by_one


def test_rows_ten_seconds_apart_hold_the_windows_of_one() -> None:
    frame = block(0, [10], 100)
    window = SlidingWindow(size="10s", slide="50ms", max_state=300, aggregate={"n": "count", "sum": {"sum": "value"}})
    slide = timedelta(milliseconds=50)
    found = results(window, frame)
    assert found == (
        frame.height,
        [
            (time + slide * turn, time + slide * (turn - 200), time + slide * turn, 1, value)
            for time, value in frame.select("timestamp", "value").rows()
            for turn in range(1, 201)
        ],
    )


def test_no_result_goes_out_that_lacks_rows_of_an_input_that_was_cut_off() -> None:
    absorbed: list[int] = []
    window = TumblingWindow(size="10s", max_state=1, aggregate={"n": "count"})
    running = window.open(Context(absorbed=absorbed.append, lacks_rows=lambda: True))
    assert list(running.on_frame(block(0, [10]))) == []
    assert sum(absorbed) == 30
