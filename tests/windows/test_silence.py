"""A live source that falls silent: the clock closes windows, and what comes behind it is kept apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from plait.operators.window import SessionWindow, SlidingWindow, TumblingWindow
from plait.record import DeadLetter
from plait.running import Context, Operator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COUNT = {"aggregate": {"n": "count", "last": {"last": "at"}}}


class Line:
    """A window with a source in front of it; both clocks are in seconds."""

    def __init__(self, window: Any) -> None:
        self.now = 0.0
        self.late: list[DeadLetter] = []
        self.running: Operator = window.open(Context(stage="w", clock=lambda: self.now, dead=self.late.append))

    def rows(self, *times: int) -> list[Any]:
        table = [(EPOCH + timedelta(seconds=time), time) for time in times]
        schema = {"timestamp": pl.Datetime("us", "UTC"), "at": pl.Int64}
        return self.results(self.running.on_frame(pl.DataFrame(table, schema=schema, orient="row")))

    def frontier(self, time: int) -> list[Any]:
        return self.results(self.running.on_frontier(EPOCH + timedelta(seconds=time)))

    def silent(self, seconds: float) -> list[Any]:
        return self.results(self.running.on_idle(self.now - seconds))

    def end(self) -> list[Any]:
        return self.results(self.running.on_end())

    @staticmethod
    def results(frames: Any) -> list[Any]:
        found = [row for frame in frames for row in frame.select("window_start", "window_end", "n").rows()]
        return [((start - EPOCH).seconds, (end - EPOCH).seconds, n) for start, end, n in found]


def test_the_last_window_closes_without_a_new_row() -> None:
    line = Line(TumblingWindow(size="10s", **COUNT))
    assert line.rows(1, 4) == line.frontier(4) == line.silent(5) == []
    assert line.silent(6) == [(0, 10, 2)]
    assert line.end() == []


def test_what_comes_behind_the_clock_is_a_dead_letter() -> None:
    line = Line(TumblingWindow(size="10s", **COUNT))
    line.rows(4)
    line.frontier(4)
    assert line.silent(7) == [(0, 10, 1)]
    line.rows(9, 10, 11, 12)
    assert line.end() == [(10, 20, 2)]
    assert [(letter.kind, letter.record["at"]) for letter in line.late] == [("late", 9), ("late", 10)]
    assert "w had gone on by the clock to 1970-01-01T00:00:11+00:00" in line.late[0].reason


def test_silence_before_the_first_row_closes_nothing() -> None:
    line = Line(TumblingWindow(size="10s", **COUNT))
    assert line.silent(5) == line.frontier(4) == line.silent(5) == []
    line.rows(4, 9)
    assert line.end() == [(0, 10, 1)]
    assert [letter.record["at"] for letter in line.late] == [4]


@pytest.mark.parametrize(
    ("window", "wanted"),
    [
        (SessionWindow(gap="4s", **COUNT), [(10, 18, 2)]),
        (SlidingWindow(size="20s", slide="20s", **COUNT), [(0, 20, 2)]),
    ],
)
def test_rows_that_silence_has_let_through_are_not_overtaken(window: Any, wanted: list[Any]) -> None:
    """With lateness=5s the gate holds 10 and 14 back; silence lets them through, although 12 may still come."""
    line = Line(window)
    line.frontier(9)
    line.rows(10, 14)
    assert line.silent(1) == []
    line.rows(12)
    assert line.end() == wanted
    assert [letter.record["at"] for letter in line.late] == [12]
