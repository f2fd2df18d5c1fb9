"""Runs of frames do what runs of objects do, whatever their times are made of."""

from __future__ import annotations

import heapq
from datetime import UTC, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.queue.merge import Merge
from plait.queue.ordering import Order
from plait.queue.runs import braid

START = datetime(2010, 1, 1, tzinfo=UTC)
EAST = timezone(timedelta(hours=9))
KINDS = {
    "us": (pl.Datetime("us", "UTC"), lambda n: START + timedelta(microseconds=n)),
    "ms": (pl.Datetime("ms", "UTC"), lambda n: START + timedelta(milliseconds=n)),
    "naive": (pl.Datetime("us"), lambda n: datetime(2010, 1, 1) + timedelta(microseconds=n)),
    "integer": (pl.Int64, lambda n: n),
    "short": (pl.UInt8, lambda n: n),
    "long": (pl.UInt64, lambda n: 2**63 + n),
    "float": (pl.Float64, lambda n: n / 3),
    "text": (pl.String, lambda n: f"{n:03}"),
    "date": (pl.Date, lambda n: (START + timedelta(days=n)).date()),
}
numbers = st.lists(st.integers(0, 12), min_size=1, max_size=30)
kinds = st.sampled_from(sorted(KINDS))


def frame(kind: str, times: list[int], source: int = 0) -> pl.DataFrame:
    dtype, make = KINDS[kind]
    stamps = pl.Series("timestamp", [make(n) for n in times], dtype=dtype)
    return pl.DataFrame({"timestamp": stamps, "source": [source] * len(times), "number": range(len(times))})


def both(kind: str, times: list[int]) -> tuple:
    rows = frame(kind, times)
    return Order().run(rows), Order().run(rows.to_dicts())


@settings(deadline=None)
@given(kinds, numbers, st.integers(0, 12), st.booleans(), st.data())
def test_a_run_of_a_frame_is_cut_as_one_of_objects(kind, times, limit, inclusive, data):
    as_frame, as_objects = both(kind, sorted(times))
    start = data.draw(st.integers(0, len(times) - 1))
    stop = data.draw(st.integers(start + 1, len(times)))
    cuts = [run.part(start, stop).cut(KINDS[kind][1](limit), inclusive=inclusive) for run in (as_frame, as_objects)]
    assert [part and part.as_objects().block for part in cuts[0]] == [part and part.block for part in cuts[1]]
    for one, other in zip(*cuts, strict=True):
        if one is not None and other is not None:
            assert (one.first, one.last, len(one), one.time(0)) == (other.first, other.last, len(other), other.time(0))
            assert one.record(len(one) - 1) == other.record(len(other) - 1)
            assert one.times.to_list() == other.times


@settings(deadline=None)
@given(kinds, numbers, st.sets(st.integers(0, 29)))
def test_a_run_of_a_frame_is_sorted_and_thinned_as_one_of_objects(kind, times, gone):
    as_frame, as_objects = both(kind, times)
    assert as_frame.is_sorted() == as_objects.is_sorted()
    assert as_frame.sorted().block.to_dicts() == as_objects.sorted().block
    indices = sorted(index for index in gone if index < len(times))
    assert as_frame.without(indices).block.to_dicts() == as_objects.without(indices).block


@pytest.mark.parametrize("limit", [2.5, True, 2**70, -(2**70), float("inf")])
def test_a_limit_of_another_type_is_compared_as_python_does(limit):
    as_frame, as_objects = both("integer", [1, 2, 3])
    assert as_frame.count(limit, inclusive=True) == as_objects.count(limit, inclusive=True)


def test_a_limit_of_another_zone_is_the_same_moment():
    as_frame, as_objects = both("us", [0, 5, 5, 9])
    limit = (START + timedelta(microseconds=5)).astimezone(EAST)
    assert as_frame.count(limit, inclusive=False) == as_objects.count(limit, inclusive=False) == 1


def test_a_limit_without_a_zone_does_not_compare_with_times_that_have_one():
    as_frame, _ = both("us", [0, 5])
    with pytest.raises(TypeError):
        as_frame.cut(datetime(2010, 1, 1), inclusive=False)


@pytest.mark.parametrize("rows", [100, 3_000, 20_000])
@pytest.mark.parametrize("kind", ["us", "float", "ms"])
def test_long_runs_are_braided_with_ties_by_run_then_as_they_were(rows, kind):
    times = [sorted((i * step) % 251 for i in range(rows)) for step in (7, 11, 13)]
    runs = [Order().run(frame(kind, some, source)) for source, some in enumerate(times)]
    out = braid(runs).block
    keyed = [[(time, source, i) for i, time in enumerate(some)] for source, some in enumerate(times)]
    assert out.select("source", "number").rows() == [(source, i) for _, source, i in heapq.merge(*keyed)]


def test_a_long_frame_that_goes_out_row_by_row_is_not_copied_each_time():
    merge = Merge(["long", "short"])
    long = frame("us", list(range(50_000)))
    merge.push(0, long)
    for n in range(500):
        merge.push(1, frame("us", [n], 1))
        assert merge.take().height == 2
    waiting = merge._inputs[0].waiting._runs[0]
    assert len(waiting) == 50_000 - 500
    assert waiting._frame is long  # still a view of what was pushed


def test_nothing_new_gives_nothing_to_take():
    merge = Merge(["a", "b"])
    merge.push(0, frame("us", [1, 2]))
    merge.push(1, frame("us", [1, 3]))
    assert merge.take().height == 3
    assert merge.take() is None
    merge.advance(0, START)
    assert merge.take() is None
    merge.end(0)
    assert merge.take().height == 1
