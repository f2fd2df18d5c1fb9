"""The sorted queue multiplexer: one order, late records, silent inputs, options."""

from __future__ import annotations

import heapq
import logging
import multiprocessing
import queue as stdlib_queue
from datetime import UTC, datetime, timedelta
from multiprocessing import Manager

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.errors import OrderError, SpecError
from plait.queue import Queue, pump
from plait.queue.sorted_queue_multiplexer import SortedQueueMultiplexer
from plait.record import END, Failure, Frontier, Idle

SOON = 20
START = datetime(2010, 1, 1, tzinfo=UTC)


def fill(queue, *items):
    for item in items:
        queue.put(item)
    queue.put(END)
    return queue


def drain(queue) -> list:
    items = []
    while (item := queue.get(timeout=SOON)) is not END:
        items.append(item)
    return items


def merged(inputs, **options) -> tuple[list, SortedQueueMultiplexer]:
    """Put each list on an input of its own, and return what comes out."""
    multiplexer = SortedQueueMultiplexer(**options)
    for items in inputs:
        fill(multiplexer.input_queue(), *items)
    output = multiplexer.output_queue()
    multiplexer.run()
    out = drain(output)
    assert multiplexer.join(SOON)
    return out, multiplexer


def frame(seconds: list[int], source: int) -> pl.DataFrame:
    return pl.DataFrame(
        {"timestamp": [START + timedelta(seconds=s) for s in seconds], "source": source, "n": range(len(seconds))},
        schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    )


def test_the_usage_text_of_the_original_runs():
    multiplexer = SortedQueueMultiplexer(sort_key="timestamp", sort_direction="min", max_size=100).run()
    input_queue_1 = multiplexer.input_queue()
    input_queue_2 = multiplexer.input_queue(Manager().Queue())
    output_queue = multiplexer.output_queue()
    multiplexer.run()

    input_queue_1.put({"timestamp": 1010})
    input_queue_1.put({"timestamp": 1020})
    input_queue_1.put({"timestamp": 1030})
    input_queue_2.put({"timestamp": 1019})
    input_queue_2.put({"timestamp": 1020})
    input_queue_2.put({"timestamp": 1021})
    input_queue_1.put(stdlib_queue.Empty)
    input_queue_2.put(stdlib_queue.Empty)

    stamps = []
    while True:
        item = output_queue.get()
        if item == stdlib_queue.Empty:
            break
        stamps.append(item["timestamp"])
    assert stamps == [1010, 1019, 1020, 1020, 1021, 1030]
    assert multiplexer.join(SOON)
    assert output_queue.qsize() == 0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 15), max_size=12).map(sorted), min_size=1, max_size=4))
def test_ordered_inputs_come_out_as_heapq_merge_has_them(inputs):
    records = [[(time, i, n) for n, time in enumerate(times)] for i, times in enumerate(inputs)]
    out, _ = merged(records, sort_key=[0])
    assert out == list(heapq.merge(*records))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 15), max_size=12), min_size=1, max_size=3), st.integers(0, 6), st.data())
def test_disordered_inputs_come_out_in_order_and_the_ledger_balances(inputs, lateness, data):
    expected, late = [], []
    for i, times in enumerate(inputs):
        for n, time in enumerate(times):
            is_late = time < max(times[:n], default=time) - lateness
            (late if is_late else expected).append((time, i, n))
    letters = []
    blocks = [[{"t": (time, i, n), "at": time} for n, time in enumerate(times)] for i, times in enumerate(inputs)]
    multiplexer = SortedQueueMultiplexer("at", lateness=lateness, dead_letters=letters.append)
    output, queues = multiplexer.output_queue(), [multiplexer.input_queue() for _ in inputs]
    multiplexer.run()
    for queue, items in zip(queues, blocks, strict=True):
        while items:
            size = data.draw(st.integers(1, 5))
            queue.put_block(items[:size])
            items = items[size:]
        queue.put(END)
    assert [record["t"] for record in drain(output)] == sorted(expected)
    assert sorted(letter.record["t"] for letter in letters) == sorted(late)
    assert multiplexer.join(SOON)
    for source in multiplexer.statistics().inputs:
        assert source.received == source.delivered + source.late
        assert (source.waiting, source.ended) == (0, True)


@pytest.mark.parametrize("make", [Queue, multiprocessing.Queue, stdlib_queue.Queue])
def test_many_to_many_with_all_kinds_of_queues(make):
    multiplexer = SortedQueueMultiplexer(None)
    for i in range(3):
        fill(multiplexer.input_queue(make()), *range(i, 60, 3))
    outputs = [multiplexer.output_queue(make()) for _ in range(2)]
    multiplexer.run()
    assert [drain(output) for output in outputs] == [list(range(60))] * 2


def test_largest_first():
    for options in ({"sort_reverse": True}, {"sort_direction": "max"}):
        assert merged([[9, 5, 1], [8, 5, 2]], sort_key=None, **options)[0] == [9, 8, 5, 5, 2, 1]


def test_frames_stay_frames():
    multiplexer = SortedQueueMultiplexer()
    fill(multiplexer.input_queue(), frame([0, 2, 4], 0))
    fill(multiplexer.input_queue(), frame([1, 2, 3], 1))
    output = multiplexer.output_queue()
    multiplexer.run()
    blocks = []
    while (block := output.get_block(timeout=SOON)) is not END:
        blocks.append(block)
    assert all(isinstance(block, pl.DataFrame) for block in blocks)
    assert pl.concat(blocks).select("source", "n").rows() == [(0, 0), (1, 0), (0, 1), (1, 1), (1, 2), (0, 2)]


def test_frames_among_objects_count_as_their_rows():
    stamp = START + timedelta(seconds=1)
    out, multiplexer = merged([[frame([0, 2], 0)], [{"timestamp": stamp, "source": 1}]])
    assert [record["source"] for record in out] == [0, 1, 0]
    assert multiplexer.statistics().delivered == 3


def test_a_frame_has_its_late_rows_diverted():
    letters = []
    out, _ = merged([[frame([0, 5, 3, 6], 0)]], dead_letters=letters.append)
    assert [record["n"] for record in out] == [0, 1, 3]
    assert [letter.record["n"] for letter in letters] == [2]
    assert (
        letters[0].reason
        == "2010-01-01T00:00:03Z comes after 2010-01-01T00:00:05Z (record 2), and no lateness is allowed"
    )


def test_records_without_the_key_are_diverted_with_a_reason():
    letters = stdlib_queue.Queue()
    out, multiplexer = merged([[{"timestamp": 1}, {"time": 2}, "text", {"timestamp": 3}]], dead_letters=letters)
    assert out == [{"timestamp": 1}, {"timestamp": 3}]
    first, second = letters.get(), letters.get()
    assert (first.kind, first.record, first.origin) == ("dead", {"time": 2}, "input 1")
    assert first.reason == "has no 'timestamp' to be ordered by"
    assert second.text == "'text'"
    assert multiplexer.statistics().inputs[0].dead == 2


def test_without_dead_letters_the_first_of_an_input_is_logged(caplog):
    with caplog.at_level(logging.WARNING):
        _, multiplexer = merged([[5, 1, 2, 6]], sort_key=None)
    assert caplog.text.count("is not delivered: 1 comes after 5 (record 1)") == 1
    assert multiplexer.statistics().inputs[0].late == 2


def test_drop_counts_without_letters():
    letters = []
    out, multiplexer = merged([[5, 1, 6]], sort_key=None, late="drop", dead_letters=letters.append)
    assert (out, letters, multiplexer.statistics().inputs[0].late) == ([5, 6], [], 1)


def test_fail_is_a_failure_then_the_end():
    out, multiplexer = merged([[5, 1, 6]], sort_key=None, late="fail")
    error = out[-1].error
    assert isinstance(error, OrderError)
    assert (error.timestamp, error.frontier) == (1, 5)
    assert isinstance(multiplexer.error, OrderError)


def test_max_ahead_diverts_the_one_that_ran_ahead():
    out, multiplexer = merged([[1, 999, 2, 3]], sort_key=None, max_ahead=10)
    assert (out, multiplexer.statistics().inputs[0].ahead) == ([1, 2, 3], 1)


def test_keys_that_do_not_compare_are_a_failure_that_names_both_inputs():
    out, _ = merged([[1], ["x"]], sort_key=None)
    assert "'x' of input 2 and 1 of input 1" in str(out[-1].error) or "1 of input 1 and 'x'" in str(out[-1].error)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sort_reverse": True, "sort_direction": "min"}, "sort_reverse: sort_direction='min' says something else"),
        ({"max_size": 5, "maxsize": 6}, "maxsize: max_size=5 says something else"),
        ({"sort_direction": "mim"}, "did you mean 'min'"),
        ({"late": "dorp"}, "did you mean 'drop'"),
    ],
)
def test_options_that_contradict_or_are_unknown(options, said):
    with pytest.raises(SpecError, match=said):
        SortedQueueMultiplexer(**options)


def test_the_queues_it_makes_hold_max_size_items():
    queue = SortedQueueMultiplexer(max_size=2).input_queue()
    queue.put(1), queue.put(2)
    with pytest.raises(stdlib_queue.Full):
        queue.put(3, block=False)


def test_an_input_may_be_added_while_nothing_has_gone_out():
    multiplexer = SortedQueueMultiplexer(None).run()
    a, b, output = multiplexer.input_queue(), multiplexer.input_queue(), multiplexer.output_queue()
    a.put(5)
    c = multiplexer.input_queue()
    fill(a), fill(b, 7), fill(c, 3)
    assert drain(output) == [3, 5, 7]


def test_a_silent_input_holds_the_others_back():
    multiplexer = SortedQueueMultiplexer(None)
    a, b, output = multiplexer.input_queue(), multiplexer.input_queue(), multiplexer.output_queue()
    multiplexer.run()
    a.put(1), a.put(9), b.put(2)
    assert [output.get(timeout=SOON) for _ in range(2)] == [1, 2]
    with pytest.raises(stdlib_queue.Empty):
        output.get(timeout=0.05)
    b.put(Frontier(10))
    assert [output.get(timeout=SOON)] == [9]
    fill(a), fill(b)
    assert [item for item in drain(output) if not isinstance(item, Frontier)] == []


def test_what_producers_promise_lets_records_within_the_lateness_go_and_is_passed_on():
    multiplexer = SortedQueueMultiplexer(None, lateness=100)
    a, output = multiplexer.input_queue(), multiplexer.output_queue()
    multiplexer.run()
    a.put(5), a.put(3), a.put(Frontier(5))
    assert [output.get(timeout=SOON) for _ in range(3)] == [3, 5, Frontier(5)]
    fill(a)
    assert drain(output) == []


def test_a_failure_ends_its_input_and_the_others_go_on():
    multiplexer = SortedQueueMultiplexer(None)
    bad, good, output = multiplexer.input_queue(), multiplexer.input_queue(), multiplexer.output_queue()
    bad.put(1), bad.put(Failure(ValueError("no more")))
    fill(good, 2, 3)
    multiplexer.run()
    out = drain(output)
    assert [item for item in out if not isinstance(item, Failure)] == [1, 2, 3]
    assert len(out) == 4


# Idle: a clock that only waiting moves.


class Clock:
    """Stands still but for waits that nothing ends, and for what a test adds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self._wait = pump.wait
        monkeypatch.setattr(pump, "wait", self.wait)

    def __call__(self) -> float:
        return self.now

    def wait(self, queues, sentinels=(), timeout=None):
        ready = self._wait(queues, sentinels, None if timeout is None else 0.0)
        if not ready and timeout:
            self.now += timeout
        return ready


def test_an_idle_input_is_left_out_named_and_comes_back(monkeypatch, caplog):
    letters = []
    clock = Clock(monkeypatch)
    multiplexer = SortedQueueMultiplexer(None, idle=timedelta(seconds=5), dead_letters=letters.append, clock=clock)
    a, b = multiplexer.input_queue(name="radio"), multiplexer.input_queue()
    output = multiplexer.output_queue()
    a.put(1), b.put(2), b.put(8), b.put(9)
    with caplog.at_level(logging.WARNING):
        multiplexer.run()
        assert [output.get(timeout=SOON) for _ in range(4)] == [1, 2, 8, 9]
    assert "radio has been silent for 5 s: going on without it; 3 records were waiting" in caplog.text
    assert [source.idle for source in multiplexer.statistics().inputs] == [True, False]
    fill(a, 7, 10), fill(b)
    assert drain(output) == [10]
    [letter] = letters
    assert letter.reason == "7 comes too late: radio had been silent, and the merge had gone on without it to 9"
    assert (letter.kind, letter.text) == ("late", "7")
    assert multiplexer.join(SOON)
    assert [source.late for source in multiplexer.statistics().inputs] == [1, 0]


def test_what_a_silent_input_holds_within_its_lateness_goes_out_with_the_others(monkeypatch):
    multiplexer = SortedQueueMultiplexer(None, idle=5, lateness=100, clock=Clock(monkeypatch))
    a, b, output = multiplexer.input_queue(), multiplexer.input_queue(), multiplexer.output_queue()
    a.put(3), a.put(1), b.put(2)
    multiplexer.run()
    assert [output.get(timeout=SOON) for _ in range(3)] == [1, 2, 3]
    fill(a), fill(b)
    assert drain(output) == []


def test_an_input_that_speaks_in_time_is_never_idle(monkeypatch, caplog):
    clock = Clock(monkeypatch)
    multiplexer = SortedQueueMultiplexer(None, idle=5, clock=clock)
    a, b, output = multiplexer.input_queue(), multiplexer.input_queue(), multiplexer.output_queue()
    rest, real = iter(range(1, 20)), pump.wait

    def speak_before_it_is_too_late(queues, sentinels=(), timeout=None):
        if timeout and (n := next(rest, None)) is not None:
            clock.now += 3.0
            a.put(n)
        return real(queues, sentinels, timeout)

    monkeypatch.setattr(pump, "wait", speak_before_it_is_too_late)
    a.put(0), fill(b, *range(16))
    multiplexer.run()
    assert [output.get(timeout=SOON) for _ in range(30)] == sorted([*range(15), *range(15)])
    assert "input 1 has been silent" not in caplog.text
    multiplexer.stop()


def test_an_input_that_is_back_is_waited_for_also_while_its_lateness_holds_its_records(monkeypatch):
    multiplexer = SortedQueueMultiplexer(None, lateness=10, clock=Clock(monkeypatch))
    a, b, output = multiplexer.input_queue(), multiplexer.input_queue(), multiplexer.output_queue()
    multiplexer.run()
    a.put(Idle(0.0)), b.put(1), b.put(20)
    assert output.get(timeout=SOON) == 1
    a.put(15)
    fill(b, 90)
    with pytest.raises(stdlib_queue.Empty):  # 20 waits for a, which may still bring 5
        output.get(timeout=0.1)
    fill(a)
    assert drain(output) == [15, 20, 90]


def test_being_blocked_by_a_slow_output_is_not_being_idle(monkeypatch, caplog):
    clock = Clock(monkeypatch)

    class Slow(stdlib_queue.Queue):
        def put(self, item):
            clock.now += 1000.0
            super().put(item)

    multiplexer = SortedQueueMultiplexer(None, idle=5, clock=clock)
    a, b = multiplexer.input_queue(), multiplexer.input_queue()
    output = multiplexer.output_queue(Slow())
    fill(a, *range(0, 100, 2)), fill(b, *range(1, 100, 2))
    multiplexer.run()
    assert drain(output) == list(range(100))
    assert "silent" not in caplog.text


def test_a_producer_may_say_itself_that_it_is_idle():
    multiplexer = SortedQueueMultiplexer(None)
    a, b, output = multiplexer.input_queue(), multiplexer.input_queue(), multiplexer.output_queue()
    multiplexer.run()
    a.put(1), a.put(Idle(0.0)), b.put(2), b.put(3)
    assert [output.get(timeout=SOON) for _ in range(3)] == [1, 2, 3]
    fill(a, 4), fill(b)
    assert drain(output) == [4]


def test_nobody_is_idle_while_nothing_waits(monkeypatch):
    multiplexer = SortedQueueMultiplexer(None, idle=5, clock=Clock(monkeypatch))
    a, b, output = multiplexer.input_queue(), multiplexer.input_queue(), multiplexer.output_queue()
    multiplexer.run()
    assert not any(source.idle for source in multiplexer.statistics().inputs)
    fill(a, 1), fill(b, 2)
    assert drain(output) == [1, 2]
