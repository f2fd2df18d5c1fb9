"""The queue within one process: the contract of multiprocessing.Queue, and what goes beyond it."""

import operator
import os
import pickle
import queue
import threading
from datetime import UTC, datetime

import dill
import polars as pl
import pytest
from plait.queue import END, Failure, Frontier, Idle, Queue
from plait.queue.blocks import Packed, unload
from plait.queue.sides import Foreign


def test_items_come_out_as_they_went_in_and_in_order():
    q = Queue()
    items = [1, "two", {"three": [3.0, None]}, (4, b"5"), {6}, float("inf"), datetime(2010, 1, 1, tzinfo=UTC)]
    for item in items:
        q.put(item)
    assert [q.get() for _ in items] == items


def test_iterating_stops_at_end_and_leaves_what_comes_after_it():
    q = Queue()
    for item in ({"a": 1}, {"a": 2}, END, "after"):
        q.put(item)
    assert list(q) == [{"a": 1}, {"a": 2}]
    assert q.get_nowait() == "after"


def test_end_is_the_class_that_get_also_raises():
    q = Queue()
    q.put(queue.Empty)
    assert q.get() is END is queue.Empty
    with pytest.raises(queue.Empty):
        q.get_nowait()


@pytest.mark.parametrize("how", [{"block": False}, {"timeout": 0}, {"timeout": 0.01}, {"timeout": -1}])
def test_an_empty_queue_says_so(how):
    with pytest.raises(queue.Empty):
        Queue().get(**how)
    with pytest.raises(queue.Empty):
        Queue().get_block(**how)


@pytest.mark.parametrize("how", [{"block": False}, {"timeout": 0}, {"timeout": 0.01}, {"timeout": -1}])
def test_a_full_queue_says_so_and_stays_usable(how):
    q = Queue(2)
    q.put(1)
    q.put(2)
    assert q.full()
    with pytest.raises(queue.Full):
        q.put(3, **how)
    assert q.get() == 1
    q.put_nowait(3)
    assert [q.get(), q.get()] == [2, 3]


def test_every_get_makes_room_for_one_put():
    q = Queue(3)
    for number in range(3):
        q.put(number)
    for number in range(3, 200):
        assert q.get() == number - 3
        q.put_nowait(number)
        with pytest.raises(queue.Full):
            q.put_nowait(None)


def test_qsize_empty_and_full_count_items():
    q = Queue(2)
    assert (q.qsize(), q.empty(), q.full()) == (0, True, False)
    q.put({"a": 1})
    assert (q.qsize(), q.empty(), q.full()) == (1, False, False)
    q.put({"a": 2})
    assert (q.qsize(), q.empty(), q.full()) == (2, False, True)
    q.get()
    assert (q.qsize(), q.empty(), q.full()) == (1, False, False)


def test_what_is_put_is_a_copy():
    q = Queue()
    row = {"values": [1]}
    q.put(row)
    row["values"].append(2)
    q.put(row)
    first, second = q.get(), q.get()
    assert (first, second) == ({"values": [1]}, {"values": [1, 2]})
    assert first["values"] is not second["values"]


def test_two_puts_of_one_object_give_two_objects():
    q = Queue()
    row = {"values": [1]}
    q.put_block([row, row])
    first, second = q.get(), q.get()
    first["values"].append(2)
    assert second == {"values": [1]}


def test_what_cannot_be_pickled_is_named_by_the_put_that_brings_it():
    q = Queue()
    with pytest.raises(pickle.PicklingError, match="lock"):
        q.put({"lock": threading.Lock()})
    with pytest.raises(pickle.PicklingError, match="lambda"):
        q.put_block([1, lambda: None])
    q.put("good")
    assert q.get() == "good"
    assert q.empty()


class Stubborn:
    """Can be pickled, not unpickled."""

    def __reduce__(self):
        return int, ("no number",)


def test_what_cannot_be_unpickled_costs_only_itself():
    q = Queue()
    q.put_block([1, 2, Stubborn(), 3])
    assert [q.get(), q.get()] == [1, 2]
    with pytest.raises(ValueError, match="no number"):
        q.get()
    assert q.get() == 3


@pytest.mark.parametrize("word", ["put", "put_nowait", "put_block"])
def test_a_closed_queue_takes_nothing(word):
    q = Queue()
    q.put({"a": 1})
    q.close()
    with pytest.raises(ValueError, match="closed"):
        getattr(q, word)({"a": 1})


@pytest.mark.parametrize("word", ["get", "get_nowait", "get_block", "qsize", "empty"])
def test_a_closed_queue_gives_nothing(word):
    q = Queue()
    q.put({"a": 1})
    q.close()
    q.close()
    q.join_thread()
    with pytest.raises(ValueError, match="closed"):
        getattr(q, word)()


def test_join_thread_comes_after_close():
    q = Queue()
    q.cancel_join_thread()
    with pytest.raises(ValueError, match="not closed"):
        q.join_thread()


@pytest.mark.parametrize("library", [pickle, dill])
def test_a_copy_of_the_handle_is_the_same_queue(library):
    q = Queue(5)
    copy = library.loads(library.dumps(q))
    copy.put("there")
    assert q.get() == "there"
    q.put("back")
    assert copy.get() == "back"
    assert (copy.qsize(), copy.full()) == (0, False)


def test_a_handle_can_be_put_on_a_queue():
    outer, inner = Queue(), Queue()
    outer.put(inner)
    outer.get().put("through")
    assert inner.get() == "through"


def test_a_waiting_thread_gets_what_another_puts():
    q, got = Queue(), []
    threads = [threading.Thread(target=lambda: got.append(q.get())) for _ in range(5)]
    for thread in threads:
        thread.start()
    q.put_block([0, 1])
    for number in (2, 3, 4):
        q.put(number)
    for thread in threads:
        thread.join()
    assert sorted(got) == [0, 1, 2, 3, 4]


def test_a_thread_that_waits_for_room_goes_on_when_there_is_some():
    q = Queue(1)
    thread = threading.Thread(target=lambda: [q.put(number) for number in range(100)])
    thread.start()
    assert [q.get() for _ in range(100)] == list(range(100))
    thread.join()


@pytest.mark.parametrize("word", ["get", "put"])
def test_closing_a_handle_ends_the_wait_of_its_threads_and_of_no_others(word):
    q, ended = Queue(1), []
    other = pickle.loads(pickle.dumps(q))
    waiting = operator.methodcaller(word, *["more"] * (word == "put"))

    def wait_with(handle: Queue) -> None:
        try:
            ended.append(waiting(handle) or "put")
        except ValueError:
            ended.append("closed")

    q.put("first")
    if word == "get":
        q.get()
    threads = [threading.Thread(target=wait_with, args=(handle,)) for handle in (q, other)]
    for thread in threads:
        thread.start()
    while q._end.depot._sleepers + len(q._end.depot.givers) < 2:  # until they wait
        os.sched_yield()
    q.close()
    threads[0].join()
    assert ended == ["closed"]
    other.put("here") if word == "get" else other.get()
    threads[1].join()
    assert ended == ["closed", "here" if word == "get" else "put"]


@pytest.mark.parametrize("side", ["own", "foreign"])
@pytest.mark.parametrize("word", ["get", "get_block", "put", "put_block"])
def test_a_close_between_the_first_look_and_the_wait_is_not_missed(word, side, monkeypatch):
    q, puts = Queue(1), word.startswith("put")
    handle = pickle.loads(pickle.dumps(q))
    if side == "foreign":
        handle._start(Foreign(q._end.place(), 1))
    if puts:
        q.put("first")
    step = {"get": "fill_shelf", "get_block": "take_block"}.get(word, word)
    begin = getattr(handle._end, step)
    monkeypatch.setattr(handle._end, step, lambda *args: [handle.close(), begin(*args)])
    with pytest.raises(ValueError, match="closed"):
        getattr(handle, word)(*[["more"]] * puts)
    assert (q.qsize(), len(q._end.depot.givers)) == (puts, 0)


# Frames.


def frame(count: int, start: int = 0) -> pl.DataFrame:
    stamps = pl.Series("timestamp", range(start, start + count)).cast(pl.Datetime("us", "UTC"))
    return pl.DataFrame({"timestamp": stamps, "value": range(start, start + count)})


def test_a_frame_is_got_as_it_is_or_row_by_row():
    q = Queue()
    q.put_block(frame(3))
    q.put(frame(2, 3))
    q.put_block(frame(1, 5))
    assert q.qsize() == 6
    assert q.get_block().equals(frame(3))
    assert [q.get()["value"], q.get()["value"]] == [3, 4]
    assert q.get() == {"timestamp": datetime(1970, 1, 1, 0, 0, 0, 5, tzinfo=UTC), "value": 5}


def test_frames_objects_and_marks_keep_their_order():
    q = Queue()
    for item in ("a", frame(2), {"b": 1}, "c", Frontier(4), "d", END):
        q.put(item)
    blocks = [q.get_block() for _ in range(6)]
    assert blocks[0] == ["a"]
    assert blocks[1].equals(frame(2))
    assert blocks[2:] == [[{"b": 1}, "c"], Frontier(4), ["d"], END]


def test_an_empty_block_is_nothing():
    q = Queue(1)
    q.put_block([])
    q.put_block(frame(0))
    q.put(frame(0))
    assert q.empty()


def test_marks_travel_in_band():
    q = Queue()
    marks = [Frontier(datetime(2010, 1, 1, tzinfo=UTC)), Idle(1.5), END]
    for mark in marks:
        q.put(mark)
    assert [q.get_block() for _ in marks] == marks


class AwkwardError(Exception):
    """An error that does not survive pickling, as many do not."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def test_a_failure_arrives_whatever_its_error_is_made_of():
    q = Queue()
    q.put(Failure(AwkwardError(1, 2)))
    q.put(Failure(ValueError("plain")))
    assert "AwkwardError: 1 and 2" in str(q.get().error)
    assert isinstance(q.get().error, ValueError)


def test_maxsize_counts_rows():
    q = Queue(10)
    q.put_block(frame(7))
    with pytest.raises(queue.Full):
        q.put_block(frame(4), block=False)
    q.put_block(frame(3, 7))
    assert q.full()
    assert [q.get()["value"] for _ in range(4)] == [0, 1, 2, 3]
    q.put_block(["a", "b", "c", "d"], block=False)
    with pytest.raises(queue.Full):
        q.put_nowait("e")


def test_a_block_larger_than_maxsize_goes_alone():
    q = Queue(2)
    q.put_block(frame(100), block=False)
    with pytest.raises(queue.Full):
        q.put_nowait(1)
    assert q.get_block().height == 100
    q.put_nowait(1)
    with pytest.raises(queue.Full):
        q.put_block(frame(100), timeout=0.01)


def test_rows_of_a_large_frame_are_not_all_made_at_once():
    q = Queue()
    q.put_block(frame(100_000))
    assert q.get()["value"] == 0
    assert len(q._shelf) < 10_000
    assert q.qsize() == 99_999
    assert q.get_block() == [{"timestamp": stamp, "value": value} for stamp, value in frame(4095, 1).rows()]
    assert q.get_block().equals(frame(95_904, 4096))


def test_a_packed_block_can_be_split_anywhere():
    q = Queue()
    q.put_block(list(range(10)))
    block = q._end.depot.drain()[0]
    packed = Packed(block.count, block.payload())
    for place in range(1, 10):
        first, rest = packed.split(place)
        assert first.items() + rest.items() == list(range(10))


def test_unloading_leaves_the_rest_in_the_blocks():
    from collections import deque

    from plait.queue.blocks import Rows

    blocks = deque([Rows(frame(5000))])
    assert len(unload(blocks)) + blocks[0].count == 5000
