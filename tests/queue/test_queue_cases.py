"""Situations that other queues between processes are tested with, put to ours."""

from __future__ import annotations

import datetime
import decimal
import multiprocessing
import pickle
import queue
import time
import uuid
from collections import OrderedDict, deque, namedtuple
from fractions import Fraction
from typing import Any

import pytest
from plait.queue import END, Empty, Full, Queue

SOON = 20
METHODS = ["fork", "forkserver", "spawn"]
Point = namedtuple("Point", "x y")


class Labelled(Queue):
    """A subclass without anything of its own."""


class Unpicklable:
    """Says so with an error that is not one of pickle's."""

    def __reduce__(self) -> Any:
        raise AttributeError("no state")


def all_of(iterable: Any) -> dict[str, Any]:
    """Return the target of a process that runs through the iterable (built of what every process knows)."""
    return {"target": deque, "args": (iterable, 0)}


def seconds_of(call: Any, *args: Any, **options: Any) -> float:
    started = time.monotonic()
    with pytest.raises((Empty, Full)):
        call(*args, **options)
    return time.monotonic() - started


# In one process.


def test_every_spelling_of_put_fills_and_every_spelling_of_get_empties():
    q = Queue(maxsize=6)
    q.put(1)
    q.put(2, True)
    q.put(3, True, None)
    q.put(4, False)
    q.put(5, False, None)
    q.put_nowait(6)
    assert (q.full(), q.empty(), q.qsize()) == (True, False, 6)
    assert [q.get(True, None), q.get(True), q.get(timeout=1)] == [1, 2, 3]
    assert [q.get(False), q.get(False, None), q.get_nowait()] == [4, 5, 6]
    assert (q.full(), q.empty(), q.qsize()) == (False, True, 0)


@pytest.mark.parametrize(
    ("args", "at_least"),
    [((False,), 0), ((False, None), 0), ((False, 9.0), 0), ((True, 0), 0), ((True, -1), 0), ((True, 0.2), 0.2)],
)
def test_a_timeout_is_kept_and_counts_only_if_it_blocks(args, at_least):
    q = Queue(maxsize=1)
    assert at_least <= seconds_of(q.get, *args) < 5
    q.put("full")
    assert at_least <= seconds_of(q.put, 7, *args) < 5
    assert q.get() == "full"
    assert q.empty()


@pytest.mark.parametrize(
    "item",
    [
        None, 0, "", b"", [], {}, (), False, 2**200, -0.0, 1 + 2j, {1, 2}, frozenset({3}), range(3), slice(1, 2), ...,
        NotImplemented, ValueError, int, len, Point(1, 2), OrderedDict(b=1, a=2), deque([1], maxlen=2), Fraction(1, 3),
        decimal.Decimal("0.10"), uuid.UUID(int=5), datetime.datetime(2010, 1, 1, tzinfo=datetime.UTC), bytearray(b"x"),
        queue.Full, {1: "one", None: "none", (1, 2): "pair"}, {"a": {"b": [1, {"c": ()}]}}, "\ud800", "x" * 200_000,
    ],
    ids=repr,
)  # fmt: skip
def test_an_item_comes_out_equal_and_of_its_type(item):
    q = Queue()
    q.put(item)
    q.put_block([item, item])
    for _ in range(3):
        out = q.get(timeout=SOON)
        assert type(out) is type(item)
        assert out == item


def test_an_exception_and_a_list_that_holds_itself():
    q = Queue()
    knot: list[Any] = []
    knot.append(knot)
    q.put(knot)
    q.put(KeyError("k"))
    out = q.get()
    assert out[0] is out
    assert repr(q.get()) == "KeyError('k')"


@pytest.mark.parametrize("maxsize", [0, 1])
@pytest.mark.parametrize("item", [Unpicklable(), {"a": Unpicklable()}, (n for n in "ab"), lambda: None])
def test_what_cannot_be_pickled_takes_no_room_and_stops_nothing(maxsize, item):
    q = Queue(maxsize)
    with pytest.raises(pickle.PicklingError):
        q.put(item)
    assert q.qsize() == 0
    q.put(True)
    assert q.qsize() == 1
    assert q.get(timeout=SOON) is True
    assert q.empty()


def test_a_list_too_deep_for_pickle_is_named_too():
    deep: list[Any] = []
    for _ in range(50_000):
        deep = [deep]
    q = Queue()
    with pytest.raises(pickle.PicklingError, match="recursion"):
        q.put(deep)
    assert q.empty()


def test_after_close_everything_says_so():
    q = Queue()
    q.put(1)
    q.close()
    q.close()
    q.join_thread()
    for call in (q.get, q.get_nowait, lambda: q.put(1), lambda: q.put_nowait(1), lambda: q.put({"a": 1}), q.qsize):
        with pytest.raises(ValueError, match="is closed"):
            call()


@pytest.mark.parametrize("maxsize", [None, "3"])
def test_a_size_that_is_no_number_is_refused(maxsize):
    with pytest.raises(TypeError):
        Queue(maxsize)


@pytest.mark.parametrize("maxsize", [0, -1])
def test_no_size_is_no_limit(maxsize):
    q = Queue(maxsize)
    for number in range(5000):
        q.put_nowait(number)
    assert not q.full()
    assert q.qsize() == 5000


# Between processes.


@pytest.mark.processes
@pytest.mark.parametrize("method", METHODS)
def test_several_producers_and_several_consumers_lose_and_double_nothing(method):
    context = multiprocessing.get_context(method)
    q, out = Queue(maxsize=100), Queue()
    consumers = [context.Process(**all_of(map(out.put, iter(q.get, None)))) for _ in range(2)]
    producers = [context.Process(**all_of(map(q.put, range(n * 500, (n + 1) * 500)))) for n in range(4)]
    for process in (*consumers, *producers):
        process.start()
    for process in producers:
        process.join()
    for _ in consumers:
        q.put(None)
    assert sorted(out.get(timeout=SOON) for _ in range(2000)) == list(range(2000))
    for process in consumers:
        process.join()
    assert (q.empty(), out.empty()) == (True, True)


@pytest.mark.processes
@pytest.mark.parametrize("method", METHODS)
def test_a_handle_goes_to_a_process_that_is_running_already(method):
    context = multiprocessing.get_context(method)
    handles, answers = Queue(), Queue()
    child = context.Process(**all_of(map(answers.put, map(Queue.get, iter(handles.get, END)))))
    child.start()
    for number in range(3):
        late = Queue()
        late.put(number)
        handles.put(late)
        assert answers.get(timeout=SOON) == number
    handles.put(END)
    child.join()
    assert child.exitcode == 0


@pytest.mark.processes
def test_a_handle_goes_over_a_pipe_and_through_a_manager():
    q = Queue()
    here, there = multiprocessing.Pipe()
    there.send(q)
    here.recv().put("by pipe")
    with multiprocessing.get_context("spawn").Manager() as manager:
        names = manager.dict(q=q)
        names["q"].put("by manager")
    assert [q.get(timeout=SOON), q.get(timeout=SOON)] == ["by pipe", "by manager"]


@pytest.mark.processes
def test_handles_of_a_subclass_go_to_the_workers_of_a_pool():
    q = Labelled(maxsize=5)
    q.put("before")
    with multiprocessing.get_context("spawn").Pool(2, initializer=q.put, initargs=("started",)) as pool:
        assert [q.get(timeout=SOON) for _ in range(3)] == ["before", "started", "started"]
        pool.map(q.put, range(5))
        assert sorted(q.get(timeout=SOON) for _ in range(5)) == list(range(5))
    copy = pickle.loads(pickle.dumps(q))
    assert type(copy) is Labelled


@pytest.mark.processes
@pytest.mark.parametrize("method", METHODS)
def test_what_a_child_cannot_pickle_is_its_error_and_the_rest_arrives(method):
    q = Queue()
    child = multiprocessing.get_context(method).Process(**all_of(map(q.put, map(_item, range(4)))))
    child.start()
    child.join()
    assert child.exitcode == 1
    assert [q.get(timeout=SOON) for _ in range(3)] == [0, 1, 2]
    assert q.empty()


def _item(number: int) -> Any:
    return Unpicklable() if number == 3 else number
