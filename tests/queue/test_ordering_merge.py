"""The merge of several sources: the order, what may go out when, columns, idle inputs."""

from __future__ import annotations

import heapq
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.errors import OrderError, SpecError
from plait.queue.merge import Merge
from plait.queue.ordering import Order

START = datetime(2010, 1, 1, tzinfo=UTC)
sources = st.lists(st.lists(st.integers(0, 15), max_size=15).map(sorted), min_size=1, max_size=4)


def frame(seconds: list[int], **columns: object) -> pl.DataFrame:
    stamps = [START + timedelta(seconds=s) for s in seconds]
    return pl.DataFrame({"timestamp": stamps, **columns}, schema_overrides={"timestamp": pl.Datetime("us", "UTC")})


def as_objects(source: int, rows: list[tuple[int, int]]) -> list[dict]:
    return [{"timestamp": time, "source": source, "number": number} for time, number in rows]


def as_frame(source: int, rows: list[tuple[int, int]]) -> pl.DataFrame:
    return frame([t for t, _ in rows], source=[source] * len(rows), number=[number for _, number in rows])


def as_tuples(block: object) -> list[tuple[int, int]]:
    records = block.iter_rows(named=True) if isinstance(block, pl.DataFrame) else block or []
    return [(record["source"], record["number"]) for record in records]


def play(data: st.DataObject, inputs: list[list[int]], make) -> list[tuple[int, int]]:
    """Push the inputs in pieces of any size, in any interleaving, and take out whenever one likes."""
    merge = Merge([f"input {i}" for i in range(len(inputs))], least=data.draw(st.sampled_from([1, 1, 5])))
    rest = [list(zip(times, range(len(times)), strict=True)) for times in inputs]
    running, out = set(range(len(inputs))), []
    while running:
        i = data.draw(st.sampled_from(sorted(running)))
        size = data.draw(st.integers(1, 6))
        piece, rest[i] = rest[i][:size], rest[i][size:]
        if piece:
            assert merge.push(i, make(i, piece)) == []
        else:
            merge.end(i)
            running.remove(i)
        if data.draw(st.booleans()):
            out += as_tuples(merge.take())
    return out + as_tuples(merge.take())


@pytest.mark.parametrize("make", [as_objects, as_frame])
def test_few_records_wait_for_others_if_that_is_wanted(make):
    merge = Merge(["a", "b"], least=5)
    merge.push(0, make(0, [(1, 0), (4, 1), (6, 2), (9, 3)]))
    merge.push(1, make(1, [(3, 0), (5, 1)]))
    assert (merge.take(), merge.frontier, merge.holding(), merge.buffered(0)) == (None, None, [1], 4)
    merge.push(1, make(1, [(6, 2)]))
    assert as_tuples(merge.take()) == [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)]
    merge.advance(1, START + timedelta(seconds=20) if make is as_frame else 20)
    assert (merge.take(), merge.holding()) == (None, [0])
    merge.end(0)
    assert merge.take() is None
    merge.end(1)
    assert as_tuples(merge.take()) == [(0, 3)]


def oracle(inputs: list[list[int]]) -> list[tuple[int, int]]:
    keyed = [[(time, i, number) for number, time in enumerate(times)] for i, times in enumerate(inputs)]
    return [(i, number) for _, i, number in heapq.merge(*keyed)]


@settings(deadline=None)
@given(st.data(), sources)
def test_objects_come_out_as_heapq_merge_has_them_whatever_the_blocks(data, inputs):
    assert play(data, inputs, as_objects) == oracle(inputs)


@settings(deadline=None)
@given(st.data(), sources)
def test_frames_come_out_as_heapq_merge_has_them_whatever_the_blocks(data, inputs):
    assert play(data, inputs, as_frame) == oracle(inputs)


@settings(deadline=None)
@given(st.data(), sources)
def test_frames_and_objects_together_come_out_in_order(data, inputs):
    def either(source: int, rows: list[tuple[int, int]]) -> object:
        rows_as_frame = as_frame(source, rows)
        return rows_as_frame if data.draw(st.booleans()) else rows_as_frame.to_dicts()

    assert play(data, inputs, either) == oracle(inputs)


def autumn(source: int, rows: list[tuple[int, int]]) -> list[dict]:
    """Quarters of an hour around the hour that the clocks of Berlin show twice."""
    zone, start = ZoneInfo("Europe/Berlin"), datetime(2020, 10, 25, tzinfo=UTC)
    moments = [(start + timedelta(minutes=15 * quarters)).astimezone(zone) for quarters, _ in rows]
    return [{**row, "timestamp": moment} for row, moment in zip(as_objects(source, rows), moments, strict=True)]


def autumn_frame(source: int, rows: list[tuple[int, int]]) -> pl.DataFrame:
    return pl.DataFrame(autumn(source, rows), schema_overrides={"timestamp": pl.Datetime("us", "Europe/Berlin")})


def nanoseconds(source: int, rows: list[tuple[int, int]]) -> pl.DataFrame:
    """Times that only their nanoseconds tell apart, and in another order: those do not count."""
    times = pl.Series("timestamp", [1000 * time + (source * 7 + number * 600) % 1000 for time, number in rows])
    return as_frame(source, rows).with_columns(times.cast(pl.Datetime("ns", "UTC")))


@pytest.mark.parametrize("make", [autumn, autumn_frame, nanoseconds])
@settings(deadline=None, max_examples=30)
@given(data=st.data(), inputs=sources)
def test_times_are_compared_by_microseconds_of_utc_not_by_the_clock_of_their_zone(make, data, inputs):
    assert play(data, inputs, make) == oracle(inputs)


@settings(deadline=None)
@given(st.data(), sources)
def test_taken_apart_the_same_records_go_out_at_the_same_time(data, inputs):
    names = [f"input {i}" for i in range(len(inputs))]
    whole, apart = Merge(names), Merge(names)
    for i in data.draw(st.permutations(range(len(inputs)))):
        rows = list(zip(inputs[i], range(len(inputs[i])), strict=True))
        cut = data.draw(st.integers(0, len(rows)))
        for piece in filter(None, (rows[:cut], rows[cut:])):
            for merge in (whole, apart):
                merge.push(i, as_frame(i, piece).rename({"number": f"n{i}"} if merge is apart else {}))
            together, parts = as_tuples(whole.take()), apart.take_apart()
            assert [[row for row in together if row[0] == j] for j in range(len(inputs))] == [
                [row for index, part in parts if index == j for row in part.select("source", f"n{j}").rows()]
                for j in range(len(inputs))
            ]
        whole.end(i)
        apart.end(i)
    assert whole.frontier == apart.frontier


@given(sources, st.integers(1, 5))
def test_memory_is_bounded_when_reads_follow_holding(inputs, size):
    merge = Merge([str(i) for i in range(len(inputs))], Order(None))
    rest, out = [list(times) for times in inputs], []
    while merge.holding():
        for i in merge.holding():
            piece, rest[i] = rest[i][:size], rest[i][size:]
            merge.push(i, piece) if piece else merge.end(i)
        out += merge.take() or []
        assert all(merge.buffered(i) <= size for i in range(len(inputs)))
    assert out == list(heapq.merge(*inputs))


@settings(deadline=None)
@given(st.data(), sources)
def test_nothing_goes_out_of_order_when_inputs_fall_silent_and_wake(data, inputs):
    merge = Merge([str(i) for i in range(len(inputs))])
    out, diverted, frontier = [], 0, None
    for number, i in enumerate(data.draw(st.lists(st.integers(0, len(inputs) - 1), max_size=40))):
        if data.draw(st.booleans()):
            merge.idle(i)
        else:
            piece = data.draw(st.lists(st.integers(0, 15), max_size=4).map(sorted))
            late = merge.push(i, [{"timestamp": t, "source": i, "number": number} for t in piece])
            assert [d.index for d in late] == list(range(len(late)))
            diverted += len(late)
            assert all("silent" in d.reason or "had said" in d.reason for d in late)
            inputs[i] = inputs[i] + piece
        block = merge.take() or []
        assert all(frontier is None or record["timestamp"] >= frontier for record in block)
        frontier = merge.frontier
        out += block
    order = [(record["timestamp"], record["source"]) for record in out]
    assert order == sorted(order)


def test_a_frontier_without_data_lets_others_go():
    merge = Merge(["a", "b"], Order(None))
    merge.push(0, [1, 2, 3])
    assert merge.take() is None
    merge.advance(1, 2)
    assert (merge.take(), merge.frontier, merge.holding()) == ([1, 2], 2, [1])
    merge.end(1)
    assert (merge.take(), merge.holding()) == ([3], [0])


def test_ties_go_by_input_so_a_later_input_waits_at_the_frontier_of_an_earlier_one():
    merge = Merge(["a", "b"], Order(None))
    merge.push(0, [5])
    merge.push(1, [5])
    assert (merge.take(), merge.buffered(1), merge.holding()) == ([5], 1, [0])


def test_too_late_after_a_silence_names_the_silent_source():
    merge = Merge(["a", "b"], Order(None))
    merge.push(0, [5])
    merge.push(1, [7, 9])
    merge.idle(0)
    assert merge.take() == [5, 7, 9]
    late = merge.push(0, [6, 9, 10])
    assert [(d.index, d.timestamp) for d in late] == [(0, 6), (1, 9)]  # (9, "a") stands before (9, "b")
    assert late[0].reason == "6 comes too late: a had been silent, and the merge had gone on without it to 9"
    merge.end(1)
    assert merge.take() == [10]


def test_a_silent_source_that_is_not_behind_loses_nothing():
    merge = Merge(["a", "b"], Order(None))
    merge.push(0, [1])
    merge.push(1, [2])
    merge.idle(0)
    assert merge.take() == [1, 2]
    assert merge.push(0, [2.5]) == []
    assert merge.holding() == [1]


def test_columns_are_united_by_name_and_numbers_widened():
    merge = Merge(["a", "b"], tag="city")
    merge.push(0, frame([1, 3], n=[1, 2], only_a=["x", "y"]))
    merge.push(1, frame([2], n=[0.5], only_b=[True]))
    merge.end(0), merge.end(1)
    out = merge.take()
    assert out.columns == ["timestamp", "n", "only_a", "only_b", "city"]
    assert out.rows()[0][1:] == (1.0, "x", None, "a")
    assert out.rows()[1][1:] == (0.5, None, True, "b")
    assert out.schema["n"] == pl.Float64


def test_declared_columns_are_there_from_the_first_block():
    merge = Merge(["a", "b"])
    merge.declare(1, frame([0], late=[1.5]).schema)
    merge.push(0, frame([1], n=[1]))
    merge.advance(1, START + timedelta(seconds=9))
    assert merge.take().columns == ["timestamp", "n", "late"]


def test_types_that_do_not_unite_are_an_error_that_names_inputs_and_column():
    merge = Merge(["a", "b"])
    merge.push(0, frame([1], n=[1]))
    merge.push(1, frame([1], n=["one"]))
    with pytest.raises(SpecError, match="'n' is integer in 'a' and text in 'b'"):
        merge.take()


def test_a_tag_that_is_a_column_is_an_error():
    merge = Merge(["a"], tag="n")
    merge.push(0, frame([1], n=[1]))
    with pytest.raises(SpecError, match="tag"):
        merge.take()


def test_objects_are_tagged_too():
    merge = Merge(["a"], tag="city")
    merge.push(0, [{"timestamp": 1}])
    assert merge.take() == [{"timestamp": 1, "city": "a"}]


def test_inputs_whose_times_do_not_compare_are_both_named():
    merge = Merge(["a", "b"], Order(None))
    merge.push(0, [1])
    with pytest.raises(OrderError, match="'x' of b and 1 of a"):
        merge.push(1, ["x"])


@pytest.mark.parametrize("block", [[2, 1], [2, "x"]])
def test_a_block_that_is_not_in_order_is_refused(block):
    with pytest.raises(OrderError):
        Merge(["a"], Order(None)).push(0, block)


def test_a_long_run_that_goes_out_record_by_record_is_not_copied_each_time():
    merge = Merge(["long", "short"], Order(None))
    merge.push(0, list(range(50_000)))
    for time in range(2_000):
        merge.push(1, [time])
        assert merge.take() is not None
    waiting = merge._inputs[0].waiting._runs[0]
    assert waiting._stop == 50_000  # still a view into the list that was pushed
