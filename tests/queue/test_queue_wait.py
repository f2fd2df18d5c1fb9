"""Waiting for several queues and processes at once; queues that others made."""

import multiprocessing
import os
import pickle
import queue
import signal
import threading
from collections import deque

import pytest
from plait.queue import END, Failure, Queue, adopt, wait
from plait.queue.sides import Foreign
from plait.util import MultiProcessing


def test_nothing_is_ready_and_the_wait_ends_in_time():
    assert wait([Queue(), Queue()], timeout=0) == []
    assert wait([Queue()], timeout=0.01) == []


def test_those_that_have_something_are_returned_in_the_order_given():
    queues = [Queue() for _ in range(4)]
    queues[3].put(1)
    queues[1].put(END)
    assert wait(queues) == [queues[1], queues[3]]
    queues[1].get()
    assert wait(queues) == [queues[3]]


def test_items_already_fetched_are_not_missed():
    q = Queue()
    q.put_block([1, 2, 3])
    assert q.get() == 1
    assert wait([q], timeout=0) == [q]
    assert [q.get(), q.get()] == [2, 3]
    assert wait([q], timeout=0) == []


def test_a_put_ends_the_wait_again_and_again():
    q, go = Queue(), Queue()

    def answer():
        for item in go:
            q.put(item)

    thread = threading.Thread(target=answer)
    thread.start()
    for number in range(200):
        go.put(number)
        assert wait([Queue(), q], timeout=30) == [q]
        assert q.get_nowait() == number
    go.put(END)
    thread.join()


@pytest.mark.processes
def test_a_queue_that_is_closed_is_ready_to_say_so():
    q, other = Queue(), Queue()
    assert wait([q, other], timeout=0) == []  # from here on there is a descriptor to wait for
    thread = threading.Thread(target=q.close)
    thread.start()
    assert wait([q, other]) == [q]
    thread.join()
    with pytest.raises(ValueError, match="closed"):
        q.get()

    def child():
        assert wait([other], timeout=0) == []
        thread = threading.Thread(target=other.close)
        thread.start()
        assert wait([q := Queue(), other]) == [other]
        thread.join()
        assert wait([q, other]) == [other]

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(30)
    assert process.exitcode == 0


@pytest.mark.parametrize("side", ["own", "foreign"])
@pytest.mark.parametrize("where", ["before ready", "before fileno", "in fileno"])
def test_a_queue_that_is_closed_as_the_wait_begins_is_ready(where, side, monkeypatch):
    q = Queue()
    handle = pickle.loads(pickle.dumps(q))
    if side == "foreign":
        handle._start(Foreign(q._end.place(), 0))
    step = where.split()[1]
    place = handle if where == "before fileno" else handle._end
    go_on = getattr(place, step)
    monkeypatch.setattr(place, step, lambda: [handle.close(), go_on()][1])
    assert wait([Queue(), handle]) == [handle]
    assert wait([handle, Queue()]) == [handle]


@pytest.mark.parametrize("queues", [[], [Queue()]])
def test_a_sentinel_that_is_none_is_told(queues):
    with pytest.raises(ValueError, match="-1"):
        wait(queues, [-1])


def test_sentinels_are_returned_beside_queues():
    q = Queue()
    reader, writer = multiprocessing.Pipe(duplex=False)
    assert wait([q], [reader], timeout=0) == []
    writer.send("x")
    assert wait([q], [reader]) == [reader]
    q.put(1)
    assert wait([q], [reader]) == [q, reader]


@pytest.mark.processes
def test_the_death_of_a_writer_ends_the_wait():
    q = Queue()
    child = multiprocessing.get_context("fork").Process(target=deque, args=(map(q.put, iter(Queue().get, 0)), 0))
    child.start()
    assert wait([q], [child.sentinel], timeout=0.05) == []
    os.kill(child.pid, signal.SIGKILL)
    assert wait([q], [child.sentinel], timeout=30) == [child.sentinel]
    child.join()


@pytest.mark.processes
def test_waiting_in_another_process_misses_nothing():
    a, b, back = Queue(), Queue(), Queue()

    def follow(a, b, back):
        open_queues = [a, b]
        while open_queues:
            for ready in wait(open_queues):
                item = ready.get_nowait()
                if item is END:
                    open_queues.remove(ready)
                else:
                    back.put(item)

    pool = MultiProcessing().ProcessPool(1)
    task = pool.submit(follow, a, b, back)
    for n in range(300):
        a.put(("a", n))
        if n % 3 == 0:
            b.put(("b", n))
            assert back.get(timeout=30) is not None
    a.put(END)
    b.put(END)
    task.result()  # the last items may still be on their way: only END, a flush or a close wait for them
    rest = [back.get(timeout=30) for _ in range(300)]
    assert sorted(n for source, n in rest if source == "a")[-1] == 299
    assert back.empty()
    pool.terminate()
    pool.join()


# Queues of others.


def test_our_own_queue_is_adopted_as_it_is():
    q = Queue()
    assert adopt(q) is q
    other = adopt(queue.Queue())
    assert adopt(other) is other


@pytest.fixture(params=["threads", "multiprocessing", "manager"])
def foreign(request):
    if request.param == "threads":
        yield queue.Queue()
    elif request.param == "manager":
        yield MultiProcessing().Manager().Queue()
    else:
        q = multiprocessing.get_context("spawn").Queue()
        yield q
        q.close()
        q.join_thread()


@pytest.mark.processes
def test_a_queue_of_any_make_can_be_waited_for(foreign):
    ours, theirs = Queue(), adopt(foreign)
    assert wait([ours, theirs], timeout=0) == []
    for item in ({"a": 1}, {"a": 2}, END):
        foreign.put(item)
    got = []
    while got[-1:] != [END]:
        assert wait([ours, theirs], timeout=30) == [theirs]
        got.append(theirs.get_nowait())
    assert got == [{"a": 1}, {"a": 2}, END]


@pytest.mark.processes
def test_blocks_of_a_queue_of_any_make_stop_at_marks(foreign):
    theirs = adopt(foreign)
    for item in (1, 2, END):
        theirs.put(item)
    got = []
    while END not in got:
        block = theirs.get_block(timeout=30)
        got += block if isinstance(block, list) else [block]
    assert got == [1, 2, END]


def test_an_adopted_queue_that_breaks_is_a_failure_and_no_wait_for_ever():
    class Broken:
        items = iter([{"a": 1}])

        def get(self):
            for item in self.items:
                return item
            raise RuntimeError("the wire is cut")

    theirs = adopt(Broken())
    assert theirs.get(timeout=30) == {"a": 1}
    failure = theirs.get(timeout=30)
    assert isinstance(failure, Failure)
    assert "the wire is cut" in str(failure.error)
    assert theirs.get(timeout=30) is END


def test_adopted_queues_say_when_they_are_empty():
    with pytest.raises(queue.Empty):
        adopt(queue.Queue()).get(timeout=0.01)
    with pytest.raises(queue.Empty):
        adopt(queue.Queue()).get_block(block=False)


@pytest.mark.processes
def test_the_end_of_a_manager_is_a_failure_and_an_end():
    manager = multiprocessing.get_context("spawn").Manager()
    theirs = adopt(manager.Queue())
    manager.shutdown()
    got = list(iter(lambda: theirs.get(timeout=30), END))
    assert isinstance(got[-1], Failure)
