"""Rows that are at hand go through gates and merges as frames do, and give the same."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from plait.formats.few_frames import records_of
from plait.formats.few_rows import FewRows
from plait.queue.few_run import FewRun
from plait.queue.frame_run import FrameRun
from plait.queue.gate import Gate
from plait.queue.merge import Merge
from plait.queue.ordering import Order

TIME = pl.Datetime("us", "UTC")
START = datetime(2010, 1, 1, tzinfo=ZoneInfo("UTC"))
COLUMNS = [
    {"timestamp": TIME, "x": pl.Int64},
    {"timestamp": TIME, "x": pl.Float64, "s": pl.String},
    {"s": pl.String, "timestamp": TIME},
]


def at(second):
    return START + timedelta(seconds=second)


def record(columns, second, number):
    values = {"timestamp": at(second), "x": number, "s": f"s{number}"}
    return {name: float(number) if columns[name] == pl.Float64 else values[name] for name in columns}


blocks = st.lists(st.lists(st.integers(0, 20), min_size=1, max_size=4), max_size=6)
steps = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["few", "frame"])), max_size=20)


def flow(inputs, columns, turns, kinds, tag, **rule):
    """Push the blocks of the inputs through gates and a merge, in turns; return all that can be told from outside."""
    gates = [Gate(**rule, source=f"g{index}") for index in range(len(inputs))]
    merge = Merge([f"g{index}" for index in range(len(inputs))], tag=tag)
    left = [iter(each) for each in inputs]
    told, number = [], 0

    def take():
        out = merge.take()
        if out is not None:
            told.append(("out", [repr(row) for row in out.to_dicts()], out.schema))

    for index, kind in [*turns, *((index, "few") for index in range(len(inputs)) for _ in range(8))]:
        seconds = next(left[index], None) if index < len(inputs) else None
        if seconds is None:
            continue
        rows = [record(columns[index], second, number + place) for place, second in enumerate(seconds)]
        number += len(rows)
        few = kinds == "few" or (kinds == "mixed" and kind == "few")
        block = FewRows(rows, columns[index]) if few else pl.DataFrame(rows, schema=columns[index])
        gated = gates[index].push(block)
        told.append((gated.diverted, gated.frontier, len(gates[index])))
        if gated.run is not None:
            told.append(merge.push(index, gated.run))
        merge.advance(index, gated.frontier)
        take()
    for index, gate in enumerate(gates):
        gated = gate.end()
        if gated.run is not None:
            merge.push(index, gated.block)
        merge.end(index)
        take()
    return told


@given(
    st.lists(blocks, min_size=1, max_size=3),
    st.lists(st.sampled_from(COLUMNS), min_size=3, max_size=3),
    steps,
    st.sampled_from([None, "source"]),
    st.sampled_from([timedelta(0), timedelta(seconds=3)]),
    st.sampled_from([None, timedelta(seconds=5)]),
)
def test_rows_at_hand_frames_and_a_mixture_of_both_give_the_same(inputs, columns, turns, tag, lateness, max_ahead):
    frames, few, mixed = (
        flow(inputs, columns, turns, kinds, tag, lateness=lateness, max_ahead=max_ahead)
        for kinds in ("frames", "few", "mixed")
    )
    assert few == frames
    assert mixed == frames


def test_rows_at_hand_stay_at_hand_through_gate_and_merge():
    gate, merge = Gate(lateness=timedelta(seconds=5)), Merge(["a"], tag="source")
    for second in (1, 3, 2):
        gated = gate.push(FewRows([record(COLUMNS[0], second, second)], COLUMNS[0]))
        assert gated.run is None
    merge.push(0, gate.end().run)
    merge.end(0)
    expected = [{"timestamp": at(second), "x": second, "source": "a"} for second in (1, 2, 3)]
    assert records_of(merge.take()) == expected


def test_a_frame_that_is_handed_on_whole_is_the_same_frame():
    frame = FewRows([record(COLUMNS[0], second, second) for second in (1, 2)], COLUMNS[0])
    run = Gate().push(frame).run
    assert isinstance(run, FewRun)
    assert run.block is frame


def test_times_that_are_none_are_found_as_in_any_frame():
    rows = [record(COLUMNS[0], 1, 1), {"timestamp": None, "x": 2}]
    run, unplaced = Order().sift(FewRows(rows, COLUMNS[0]))
    assert (type(run), len(run), [index for index, _ in unplaced]) == (FrameRun, 1, [1])
