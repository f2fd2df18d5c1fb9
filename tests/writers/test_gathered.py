"""Small frames are written as one, and nothing else changes by it."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.writers.gathered import Gathered


def numbers(start: int, rows: int) -> pl.DataFrame:
    return pl.DataFrame({"n": range(start, start + rows)}, schema={"n": pl.Int64})


@settings(deadline=None)
@given(st.lists(st.sampled_from([1, 2, 500, 8_191, 8_192, 20_000]), max_size=100))
def test_all_rows_come_out_in_order_and_little_waits(sizes):
    waiting, out, taken = Gathered(), [], 0
    for size in sizes:
        out += list(waiting.add(numbers(taken, size)))
        taken += size
        assert taken - sum(frame.height for frame in out) < 8_192
    out += list(waiting.rest())
    assert [n for frame in out for n in frame["n"]] == list(range(taken))
    assert list(waiting.rest()) == []


def test_many_slices_do_not_wait_together():
    waiting = Gathered()
    assert sum(len(list(waiting.add(numbers(i, 1)))) for i in range(1_000)) == 1_000 // 64


def test_frames_with_other_columns_are_not_laid_together():
    waiting = Gathered()
    list(waiting.add(numbers(0, 1)))
    (before,) = waiting.add(pl.DataFrame({"n": [0.5]}))
    assert before.schema == {"n": pl.Int64}
    assert [frame["n"].to_list() for frame in waiting.rest()] == [[0.5]]
