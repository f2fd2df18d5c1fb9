"""The queue multiplexer: copying, fairness, registration, ends and failures, subclasses."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import queue as stdlib_queue
import signal
import subprocess
import sys
import threading
from multiprocessing import Manager

import polars as pl
import pytest
from plait.errors import SpecError, WorkerError
from plait.queue import Queue, pump
from plait.queue.queue_multiplexer import QueueMultiplexer
from plait.queue.sorted_queue_multiplexer import SortedQueueMultiplexer
from plait.record import END, Failure, Frontier, is_mark

SOON = 20  # seconds: a test that waits for so long has failed


@pytest.fixture(scope="module")
def manager():
    with Manager() as manager:
        yield manager


@pytest.fixture(params=["ours", "multiprocessing", "manager", "thread"])
def make(request):
    if request.param == "manager":
        return request.getfixturevalue("manager").Queue
    return {"ours": Queue, "multiprocessing": multiprocessing.Queue, "thread": stdlib_queue.Queue}[request.param]


def fill(queue, *items):
    for item in items:
        queue.put(item)
    queue.put(END)
    return queue


def drain(queue) -> list:
    """Get everything up to END, and make sure that there is only one."""
    items = []
    while (item := queue.get(timeout=SOON)) is not END:
        items.append(item)
    return items


def test_the_usage_text_of_the_original_runs():
    multiplexer = QueueMultiplexer().run()
    input_queue_1 = multiplexer.input_queue()
    input_queue_2 = multiplexer.input_queue(Manager().Queue())
    output_queue = multiplexer.output_queue()
    multiplexer.run()

    input_queue_1.put("value_1")
    input_queue_2.put("value_2")
    input_queue_1.put(stdlib_queue.Empty)
    input_queue_2.put(stdlib_queue.Empty)

    items = []
    while True:
        item = output_queue.get()
        if item == stdlib_queue.Empty:
            break
        items.append(item)
    assert sorted(items) == ["value_1", "value_2"]
    assert multiplexer.join(SOON)
    assert output_queue.qsize() == 0


def test_many_to_one(make):
    multiplexer = QueueMultiplexer()
    for i in range(3):
        fill(multiplexer.input_queue(make()), *((i, n) for n in range(20)))
    output = multiplexer.output_queue(make())
    multiplexer.run()
    items = drain(output)
    assert sorted(items) == [(i, n) for i in range(3) for n in range(20)]
    assert all([n for i, n in items if i == source] == list(range(20)) for source in range(3))


def test_one_to_many_with_run_chained(make):
    multiplexer = QueueMultiplexer().run()
    source = multiplexer.input_queue(make())
    outputs = [multiplexer.output_queue(make()) for _ in range(3)]
    fill(source, *range(20))
    assert [drain(output) for output in outputs] == [list(range(20))] * 3


def test_many_to_many_all_outputs_have_the_same_order(make):
    multiplexer = QueueMultiplexer()
    sources = [multiplexer.input_queue(make()) for _ in range(3)]
    outputs = [multiplexer.output_queue(make()) for _ in range(2)]
    multiplexer.run()
    for i, source in enumerate(sources):
        fill(source, *((i, n) for n in range(30)))
    first, second = map(drain, outputs)
    assert first == second
    assert sorted(first) == [(i, n) for i in range(3) for n in range(30)]


def test_inputs_take_turns(make):
    multiplexer = QueueMultiplexer()
    fill(multiplexer.input_queue(make()), "1_1", "1_2")
    fill(multiplexer.input_queue(make()), "2_1", "2_2", "2_3")
    output = multiplexer.output_queue()
    multiplexer.run()
    assert drain(output) == ["1_1", "2_1", "1_2", "2_2", "2_3"]


def test_a_long_block_does_not_keep_others_waiting():
    multiplexer = QueueMultiplexer()
    long, short, output = multiplexer.input_queue(), multiplexer.input_queue(), multiplexer.output_queue()
    long.put_block([("long", n) for n in range(1000)])
    for n in range(5):
        short.put(("short", n))
        short.put(Frontier(n))  # so that each comes in a block of its own
    long.put(END), short.put(END)
    multiplexer.run()
    places = [place for place, item in enumerate(i for i in drain(output) if not is_mark(i)) if item[0] == "short"]
    assert places[-1] < 5 * 2 * 33  # a mark is a block, too


def test_queues_can_be_registered_until_the_first_record_has_gone_out():
    multiplexer = QueueMultiplexer().run()
    first, output = multiplexer.input_queue(), multiplexer.output_queue()
    second = multiplexer.input_queue()
    first.put(1)
    assert output.get(timeout=SOON) == 1
    with pytest.raises(SpecError, match=r"input_queue: it is too late .* the first record has gone out"):
        multiplexer.input_queue()
    with pytest.raises(SpecError, match="output_queue"):
        multiplexer.output_queue()
    fill(first), fill(second, 2)
    assert drain(output) == [2]
    assert multiplexer.join(SOON)
    with pytest.raises(SpecError, match="has ended"):
        multiplexer.input_queue()


@pytest.mark.parametrize("method", ["input_queue", "output_queue"])
def test_what_is_no_queue_is_refused(method):
    with pytest.raises(SpecError, match="a queue has the method"):
        getattr(QueueMultiplexer(), method)([])


def test_the_same_queue_twice_is_refused():
    multiplexer, queue = QueueMultiplexer(), Queue()
    multiplexer.input_queue(queue)
    with pytest.raises(SpecError, match="is an input already"):
        multiplexer.input_queue(queue)


def test_run_again_is_run_once():
    multiplexer = QueueMultiplexer()
    assert multiplexer.run() is multiplexer.run()
    thread = multiplexer._thread
    assert multiplexer.run()._thread is thread
    assert multiplexer.close(SOON)


def test_join_before_run_says_what_to_call():
    with pytest.raises(RuntimeError, match=r"call run\(\)"):
        QueueMultiplexer().join()


def test_a_full_output_holds_up_the_input():
    multiplexer = QueueMultiplexer(maxsize=2)
    source, output = multiplexer.input_queue(), multiplexer.output_queue()
    multiplexer.run()
    put = 0
    with contextlib.suppress(stdlib_queue.Full):
        while put < 100:
            source.put(put, timeout=0.2)
            put += 1
    assert put <= 8
    assert [output.get(timeout=SOON) for _ in range(put)] == list(range(put))
    source.put(END)
    assert drain(output) == []


def test_frames_stay_frames_where_blocks_are_read_and_become_rows_elsewhere():
    frame = pl.DataFrame({"n": [1, 2]})
    multiplexer = QueueMultiplexer()
    source = multiplexer.input_queue()
    ours, theirs = multiplexer.output_queue(), multiplexer.output_queue(stdlib_queue.Queue())
    source.put({"n": 0})
    source.put(frame)
    fill(source, {"n": 3})
    multiplexer.run()
    assert ours.get_block(timeout=SOON) == [{"n": 0}]
    assert ours.get_block(timeout=SOON).equals(frame)
    assert drain(theirs) == [{"n": n} for n in range(4)]
    assert multiplexer.join(SOON)
    assert (multiplexer.statistics().delivered, multiplexer.statistics().inputs[0].received) == (4, 4)


def test_frames_on_a_queue_of_another_make_are_recognised():
    multiplexer, frame = QueueMultiplexer(), pl.DataFrame({"n": [1, 2]})
    fill(multiplexer.input_queue(stdlib_queue.Queue()), {"n": 0}, frame)
    output = multiplexer.output_queue()
    multiplexer.run()
    assert drain(output) == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_a_failure_goes_to_all_outputs_and_ends_its_input_only(make, caplog):
    multiplexer = QueueMultiplexer()
    bad, good = multiplexer.input_queue(make()), multiplexer.input_queue(make())
    outputs = [multiplexer.output_queue(make()) for _ in range(2)]
    multiplexer.run()
    bad.put(1)
    bad.put(Failure(ValueError("no more")))
    fill(good, 2, 3)
    for output in outputs:
        items = drain(output)
        failures = [item for item in items if isinstance(item, Failure)]
        assert sorted(item for item in items if not isinstance(item, Failure)) == [1, 2, 3]
        assert [str(failure.error) for failure in failures] == ["no more"]
    assert multiplexer.join(SOON)
    assert [source.failed for source in multiplexer.statistics().inputs] == [True, False]
    assert "input 1 has failed" in caplog.text


@pytest.mark.parametrize(("make", "before"), [(Queue, False), (Queue, True), (multiprocessing.Queue, True)])
def test_an_input_that_is_closed_here_is_a_failure_and_the_others_go_on(make, before):
    multiplexer = QueueMultiplexer()
    closed, good = multiplexer.input_queue(make()), multiplexer.input_queue()
    output = multiplexer.output_queue()
    if before:
        closed.close()
    multiplexer.run()
    good.put(1)
    first = [output.get() for _ in range(1 + before)]
    closed.close()
    fill(good, 2)
    items = first + drain(output)
    assert [str(item.error).endswith("is closed") for item in items if isinstance(item, Failure)] == [True]
    assert [item for item in items if not isinstance(item, Failure)] == [1, 2]


def test_what_all_producers_promise_is_passed_on():
    multiplexer = QueueMultiplexer()
    a, b, output = multiplexer.input_queue(), multiplexer.input_queue(), multiplexer.output_queue()
    a.put(1), a.put(Frontier(5)), b.put(2), b.put(Frontier(3))
    multiplexer.run()
    assert [output.get(timeout=SOON) for _ in range(3)] == [1, 2, Frontier(3)]
    fill(b)
    assert output.get(timeout=SOON) == Frontier(5)
    fill(a)
    assert drain(output) == []


def test_no_promise_is_passed_on_over_records_that_select_keeps():
    class KeepsTheLast(QueueMultiplexer):
        """Let a record out when the next one has come."""

        def select(self, inputs):
            [source] = inputs
            while source.pending > (0 if source.closed else 1):
                yield source.take()
            kept = self.__dict__.setdefault("kept", [])
            if source.pending:
                kept.append(source.take())
                source.held = len(kept)
            elif source.closed and kept:
                source.held = 0
                yield kept.pop()

    multiplexer = KeepsTheLast()
    source, output = multiplexer.input_queue(), multiplexer.output_queue()
    source.put(1), source.put(Frontier(5)), source.put(END)
    multiplexer.run()
    assert drain(output) == [1]


def test_an_input_that_comes_while_the_others_are_waited_for_is_heard(monkeypatch):
    waiting, real = threading.Event(), pump.wait

    def wait(queues, sentinels=(), timeout=None):
        if len(list(queues)) == 1 and timeout is None:
            waiting.set()
        return real(queues, sentinels, timeout)

    monkeypatch.setattr(pump, "wait", wait)
    multiplexer = QueueMultiplexer().run()
    silent, output = multiplexer.input_queue(), multiplexer.output_queue()
    assert waiting.wait(SOON)
    second = multiplexer.input_queue()
    second.put(1)
    assert output.get(timeout=SOON) == 1
    fill(silent), fill(second)
    assert drain(output) == []


def test_an_error_in_select_is_a_failure_and_the_end(caplog):
    class Broken(QueueMultiplexer):
        def select(self, inputs):
            for record in super().select(inputs):
                yield 1 // record

    multiplexer = Broken()
    fill(multiplexer.input_queue(), 1, 0)
    output = multiplexer.output_queue()
    multiplexer.run()
    assert isinstance(drain(output)[-1].error, ZeroDivisionError)
    assert multiplexer.join(SOON)
    assert isinstance(multiplexer.error, ZeroDivisionError)
    assert "Broken cannot go on" in caplog.text


def test_a_select_that_takes_nothing_is_an_error_not_a_hang():
    class Lazy(QueueMultiplexer):
        def select(self, inputs):
            return ()

    multiplexer = Lazy()
    fill(multiplexer.input_queue(), 1)
    output = multiplexer.output_queue()
    multiplexer.run()
    assert "select took nothing" in str(drain(output)[-1].error)


def test_an_output_that_is_closed_does_not_keep_the_others_from_their_end():
    multiplexer = QueueMultiplexer()
    source, closed, output = multiplexer.input_queue(), multiplexer.output_queue(), multiplexer.output_queue()
    closed.close()
    fill(source, 1)
    multiplexer.run()
    assert isinstance(drain(output)[-1], Failure)


def test_stop_lets_out_what_has_been_read_then_ends():
    multiplexer = QueueMultiplexer().run()
    source, output = multiplexer.input_queue(), multiplexer.output_queue()
    source.put(1)
    assert output.get(timeout=SOON) == 1
    multiplexer.stop()
    assert drain(output) == []
    assert multiplexer.close(SOON)


def test_close_without_any_queue_ends():
    assert QueueMultiplexer().close()
    assert QueueMultiplexer().run().close(SOON)


def test_priority_in_a_few_lines():
    class Priority(QueueMultiplexer):
        """What waits in an earlier input goes first."""

        def select(self, inputs):
            first = next((source for source in inputs if source.pending), None)
            if first is not None:
                yield first.take()

    multiplexer = Priority()
    urgent, usual, output = multiplexer.input_queue(), multiplexer.input_queue(), multiplexer.output_queue()
    fill(usual, "u1", "u2"), fill(urgent, "!1", "!2", "!3")
    multiplexer.run()
    assert drain(output) == ["!1", "!2", "!3", "u1", "u2"]


@pytest.mark.parametrize("base", [QueueMultiplexer, SortedQueueMultiplexer])
def test_de_duplication_in_a_few_lines_over_either_order(base):
    class Distinct(base):
        """Let each id through once, whichever input it comes from."""

        def __init__(self, **options):
            super().__init__(**options)
            self.seen = set()

        def select(self, inputs):
            for record in super().select(inputs):
                if record["id"] not in self.seen:
                    self.seen.add(record["id"])
                    yield record

    multiplexer = Distinct()
    for start in (0, 3):
        fill(multiplexer.input_queue(), *({"id": n, "timestamp": n} for n in range(start, start + 5)))
    output = multiplexer.output_queue()
    multiplexer.run()
    assert sorted(record["id"] for record in drain(output)) == list(range(8))
    assert multiplexer.join(SOON)
    statistics = multiplexer.statistics()
    assert (statistics.delivered, statistics.filtered) == (8, 2)
    assert [source.delivered for source in statistics.inputs] == [5, 5]


def test_a_subclass_may_divert_and_the_letters_say_what_and_why(caplog):
    class Valid(QueueMultiplexer):
        def select(self, inputs):
            for source in inputs:
                while source.pending:
                    record = source.take()
                    if record["temp"] > 0:
                        yield record
                    else:
                        self.divert(source, record, "it is colder than can be")

    letters = []
    multiplexer = Valid(dead_letters=letters.append, name="valid")
    fill(multiplexer.input_queue(name="kelvin"), {"temp": -1}, {"temp": 1})
    output = multiplexer.output_queue()
    multiplexer.run()
    assert drain(output) == [{"temp": 1}]
    [letter] = letters
    assert (letter.stage, letter.origin, letter.kind, letter.record) == ("valid", "kelvin", "dead", {"temp": -1})
    assert letter.reason == "it is colder than can be"


class Unreadable:
    def __reduce__(self):
        return int, ("x",)


def test_an_item_that_cannot_be_unpickled_is_counted_and_said(caplog):
    multiplexer = QueueMultiplexer()
    fill(multiplexer.input_queue(), 1, Unreadable(), 2)
    output = multiplexer.output_queue()
    with caplog.at_level(logging.WARNING):
        multiplexer.run()
        assert drain(output) == [1, 2]
    assert "cannot be unpickled" in caplog.text
    assert multiplexer.join(SOON)
    assert (multiplexer.statistics().inputs[0].received, multiplexer.statistics().inputs[0].dead) == (3, 1)


def produce(queue, number, count):
    for n in range(count):
        queue.put({"timestamp": n, "source": number})
    queue.put(END)


def produce_and_die(queue, count):
    for n in range(count):
        queue.put(n)
    queue.put(Frontier(0))  # ships what was put before
    os.kill(os.getpid(), signal.SIGKILL)


def produce_and_forget_the_end(queue):
    queue.put(1)


@pytest.mark.processes
def test_a_multiplexer_that_waits_does_not_keep_the_program_from_ending():
    text = """
from plait.queue import Queue
from plait.queue.queue_multiplexer import QueueMultiplexer
multiplexer = QueueMultiplexer().run()
source, output = multiplexer.input_queue(), multiplexer.output_queue()
source.put(1)
print(output.get())
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=SOON, check=True)
    assert (done.stdout, done.stderr) == ("1\n", "")


@pytest.mark.processes
@pytest.mark.parametrize("kind", ["ours", "multiprocessing", "manager"])
@pytest.mark.parametrize("multiplexer_class", [QueueMultiplexer, SortedQueueMultiplexer])
def test_producers_in_processes(kind, multiplexer_class, manager):
    context = multiprocessing.get_context("spawn")
    make = {"ours": Queue, "multiprocessing": context.Queue, "manager": manager.Queue}[kind]
    multiplexer = multiplexer_class()
    sources = [multiplexer.input_queue(make()) for _ in range(2)]
    output = multiplexer.output_queue()
    producers = [context.Process(target=produce, args=(q, i, 50), daemon=True) for i, q in enumerate(sources)]
    for producer in producers:
        producer.start()
    multiplexer.run()
    records = drain(output)
    for producer in producers:
        producer.join(SOON)
    if multiplexer_class is SortedQueueMultiplexer:
        assert records == [{"timestamp": n, "source": i} for n in range(50) for i in range(2)]
    else:
        assert sorted((r["source"], r["timestamp"]) for r in records) == [(i, n) for i in range(2) for n in range(50)]


@pytest.mark.processes
@pytest.mark.parametrize(("target", "args"), [(produce_and_die, (3,)), (produce_and_forget_the_end, ())])
def test_a_producer_that_ends_without_end_is_named_and_what_it_put_arrives(target, args, caplog):
    context = multiprocessing.get_context("spawn")
    multiplexer = QueueMultiplexer()
    source = Queue()
    producer = context.Process(target=target, args=(source, *args), name="feeder-7", daemon=True)
    producer.start()
    multiplexer.input_queue(source, process=producer)
    output = multiplexer.output_queue()
    multiplexer.run()
    *records, failure = [item for item in drain(output) if not isinstance(item, Frontier)]
    assert records == ([0, 1, 2] if args else [1])
    assert isinstance(failure.error, WorkerError)
    assert "feeder-7" in str(failure.error)
    producer.join(SOON)
