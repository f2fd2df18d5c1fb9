"""The queue between processes: every way to start one, and to hand over the handle."""

import itertools
import multiprocessing
import os
import queue
import signal
import threading
from collections import deque
from multiprocessing.connection import wait as stdlib_wait

import polars as pl
import pytest
from plait.queue import END, Failure, Frontier, Queue, wait
from plait.util import MultiProcessing

pytestmark = pytest.mark.processes

METHODS = ["fork", "forkserver", "spawn"]


@pytest.fixture(scope="module")
def pool():
    pool = MultiProcessing().ProcessPool(2)
    yield pool
    pool.terminate()
    pool.join()


def all_of(iterable):
    """Return the pieces of a process that runs through the iterable (built of what every process knows)."""
    return {"target": deque, "args": (iterable, 0)}


def drained(q):
    return list(iter(q.get, END))


# Handing over.


@pytest.mark.parametrize("method", METHODS)
def test_a_child_puts_and_all_of_it_arrives_after_it_has_ended(method):
    q = Queue()
    child = multiprocessing.get_context(method).Process(**all_of(map(q.put, range(20_000))))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert q.qsize() == 20_000
    assert [q.get() for _ in range(20_000)] == list(range(20_000))


@pytest.mark.parametrize("method", METHODS)
def test_a_child_gets_what_was_put_before_it_was_there(method):
    there, back = Queue(), Queue()
    for number in range(5000):
        there.put(number)
    there.put(END)
    child = multiprocessing.get_context(method).Process(**all_of(map(back.put, iter(there.get, END))))
    child.start()
    assert [back.get() for _ in range(5000)] == list(range(5000))
    child.join()


def test_items_put_before_a_fork_come_first():
    q = Queue()
    for number in range(10):
        q.put(number)
    child = multiprocessing.get_context("fork").Process(**all_of(map(q.put, range(10, 20))))
    child.start()
    child.join()
    assert [q.get() for _ in range(20)] == list(range(20))


def test_a_running_worker_gets_the_handle_as_an_argument(pool):
    q = Queue()
    task = pool.submit(lambda q: [q.put({"n": n}) for n in range(1000)] and q.put(END), q)
    assert [item["n"] for item in q] == list(range(1000))
    task.result()


def test_between_two_workers_while_the_owner_looks_on(pool):
    there, back = Queue(), Queue()
    consumer = pool.submit(lambda there, back: back.put(sum(there)), there, back)
    producer = pool.submit(lambda there: [there.put(n) for n in range(10_000)] and there.put(END), there)
    assert back.get() == sum(range(10_000))
    producer.result()
    consumer.result()


def test_when_end_has_been_put_the_owner_has_it(pool):
    q = Queue()
    for _ in range(50):
        pool.submit(lambda q: (q.put(1), q.put(END)), q).result()
        assert q.ready()
        assert [q.get_nowait(), q.get_nowait()] == [1, END]


def test_what_a_task_put_arrives_when_the_task_has_dropped_the_handle(pool):
    q = Queue()

    def burst(q):
        for n in range(3000):
            q.put(n)

    pool.submit(burst, q).result()
    assert [q.get() for _ in range(3000)] == list(range(3000))


def test_a_closed_handle_of_the_owner_does_not_stop_the_others(pool):
    there, back = Queue(), Queue()
    for n in range(100):
        there.put(n)
    there.put(END)
    task = pool.submit(lambda there, back: back.put(list(there)), there, back)
    there.close()
    assert back.get() == list(range(100))
    task.result()


def race(q):
    """Put in two threads, and close under them; return the last number that each has put, and what else was raised."""
    import sys

    sys.setswitchinterval(1e-6)
    put, odd, begun = {}, [], threading.Barrier(3)

    def putting(name):
        begun.wait()
        try:
            for number in range(10_000):
                q.put({"by": name, "n": number})
                put[name] = number
        except ValueError:
            pass
        except Exception as error:
            odd.append(repr(error))

    threads = [threading.Thread(target=putting, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    begun.wait()
    while len(put) < 2:
        q.qsize()
    q.close()
    for thread in threads:
        thread.join()
    return put, odd


@pytest.mark.parametrize("maxsize", [0, 50_000])
def test_of_puts_that_another_thread_closes_under_each_arrives_or_says_so(pool, maxsize):
    """Of the threads that put while one closes, none is told that the owner has ended, and none loses what went in."""
    for _ in range(5):
        q = Queue(maxsize)
        put, odd = pool.submit(race, q).result()
        arrived = [q.get_nowait() for _ in range(q.qsize())]
        assert not odd
        for name, last in put.items():
            assert [row["n"] for row in arrived if row["by"] == name][: last + 1] == list(range(last + 1))


def test_a_queue_made_in_a_worker_outlives_its_maker(pool):
    """The task ends: the queue stays while somebody uses it. The worker ends: what was waiting is sent on."""
    outer = Queue()

    def make(outer):
        inner = Queue()
        for n in range(10):
            inner.put(n)
        outer.put(inner)

    small = MultiProcessing().ProcessPool(1)
    small.submit(make, outer).result()
    inner = outer.get()
    assert inner.get() == 0
    small.close()
    small.join()
    assert [inner.get() for _ in range(9)] == list(range(1, 10))
    with pytest.raises(EOFError, match=r"process \d+"):
        inner.get()


def test_nothing_is_left_lying_when_threads_put_side_by_side(pool):
    """Marks are shipped by those who put them; items of another thread must not be forgotten meanwhile."""
    q, go = Queue(), Queue()

    def busy(q, go):
        import threading

        marks = threading.Thread(target=lambda: [q.put(Frontier(n)) for n in range(1000)])
        marks.start()
        for n in range(20_000):
            q.put(n)
        marks.join()
        return go.get()

    task = pool.submit(busy, q, go)
    got = [q.get(timeout=30) for _ in range(21_000)]
    assert [item for item in got if isinstance(item, int)] == list(range(20_000))
    go.put("enough")
    assert task.result() == "enough"


# Semantics across processes.


def test_maxsize_holds_for_several_writers_together(pool):
    q, log = Queue(4), Queue()

    def work(q, log, name):
        for n in range(50):
            q.put((name, n))
            log.put((name, n))

    tasks = [pool.submit(work, q, log, name) for name in "ab"]
    for _ in range(4):
        log.get(timeout=30)
    with pytest.raises(queue.Empty):
        log.get(timeout=0.2)
    assert q.full()
    got = [q.get() for _ in range(100)]
    assert [n for name, n in got if name == "a"] == [n for name, n in got if name == "b"] == list(range(50))
    for task in tasks:
        task.result()


def test_put_from_afar_raises_full_at_once_and_in_time(pool):
    q = Queue(2)

    def fill(q):
        raised = []
        q.put(1)
        q.put_nowait(2)
        for how in ({"block": False}, {"timeout": 0.01}, {"timeout": 0}):
            try:
                q.put(3, **how)
            except queue.Full:
                raised.append(how)
        return raised, q.full(), q.qsize()

    raised, full, size = pool.submit(fill, q).result()
    assert len(raised) == 3
    assert (full, size) == (True, 2)
    assert [q.get(), q.get()] == [1, 2]
    q.put_nowait(3)


def test_room_that_was_given_up_in_vain_is_there_for_others(pool):
    q = Queue(1)
    q.put(0)

    def try_in_vain(q):
        for _ in range(20):
            try:
                q.put(1, timeout=0)
            except queue.Full:
                continue
            return "put"
        return "full"

    assert pool.submit(try_in_vain, q).result() == "full"
    assert q.get() == 0
    q.put_nowait(1)
    assert q.get() == 1


def test_get_from_afar_raises_empty_and_loses_nothing(pool):
    q = Queue()

    def look(q):
        raised = 0
        for how in ({"block": False}, {"timeout": 0.01}, {"timeout": 0}):
            try:
                q.get(**how)
            except queue.Empty:
                raised += 1
        return raised

    assert pool.submit(look, q).result() == 3
    q.put("kept")
    assert q.get() == "kept"


def test_what_a_reader_fetched_and_did_not_use_goes_back_to_the_head(pool):
    q = Queue()
    for n in range(1000):
        q.put(n)
    assert pool.submit(lambda q: [q.get() for _ in range(300)], q).result() == list(range(300))
    while q.qsize() < 700:  # it goes back when the reader's handle is let go, which may be after its result is here
        os.sched_yield()
    assert [q.get() for _ in range(700)] == list(range(300, 1000))


def test_two_readers_share_and_nothing_is_lost_or_doubled(pool):
    q, back = Queue(), Queue()
    tasks = [pool.submit(lambda q, back: [back.put(item) for item in q] and None, q, back) for _ in range(2)]
    for n in range(500):
        q.put(n)
    q.put(END)
    q.put(END)
    for task in tasks:
        task.result()
    assert sorted(back.get_nowait() for _ in range(500)) == list(range(500))


@pytest.mark.parametrize("rows", [3, 200_000])
def test_frames_travel_small_and_large_and_in_order(pool, rows):
    q = Queue()
    frame = pl.DataFrame({"n": range(rows), "text": [f"text number {n % 100}" for n in range(rows)]})

    def send(q, frame):
        q.put({"before": 1})
        q.put_block(frame)
        q.put(Frontier(1))
        q.put_block(frame.head(2))
        q.put(END)

    task = pool.submit(send, q, frame)
    assert q.get_block() == [{"before": 1}]
    assert q.get_block().equals(frame)
    assert q.get_block() == Frontier(1)
    assert q.get() == {"n": 0, "text": "text number 0"}
    assert drained(q) == [{"n": 1, "text": "text number 1"}]
    task.result()


def test_every_kind_of_column_survives(pool):
    from decimal import Decimal

    frame = pl.DataFrame(
        {
            "list": [[1], [], None],
            "struct": [{"a": 1}, {"a": None}, None],
            "category": pl.Series(["x", "y", None], dtype=pl.Categorical),
            "enum": pl.Series(["x", "y", None], dtype=pl.Enum(["x", "y"])),
            "decimal": [Decimal("1.50"), None, Decimal("2.25")],
            "bytes": [b"\0", None, b"x" * 100],
            "null": [None, None, None],
            "array": pl.Series([[1, 2], [3, 4], None], dtype=pl.Array(pl.Int16, 2)),
        }
    )
    there, back = Queue(), Queue()
    there.put_block(frame)
    pool.submit(lambda there, back: back.put_block(there.get_block()), there, back).result()
    returned = back.get_block()
    assert returned.equals(frame)
    assert returned.schema == frame.schema


def test_a_large_object_travels(pool):
    q = Queue()
    pool.submit(lambda q: q.put(b"x" * 5_000_000), q).result()
    assert q.get() == b"x" * 5_000_000


def test_frames_block_the_writer_too(pool):
    q, log = Queue(10), Queue()

    def send(q, log):
        for n in range(4):
            q.put_block(pl.DataFrame({"n": [n] * 6}))
            log.put(n)

    task = pool.submit(send, q, log)
    assert log.get(timeout=30) == 0
    with pytest.raises(queue.Empty):
        log.get(timeout=0.2)
    for n in range(4):
        assert q.get_block()["n"].to_list() == [n] * 6
    task.result()


def test_a_failure_from_afar_is_an_error_here(pool):
    q = Queue()
    pool.submit(lambda q: q.put(Failure(KeyError("gone"))), q).result()
    assert isinstance(q.get().error, KeyError)


# Killing.


def killed(child):
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert child.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("maxsize", [0, 50])
def test_a_killed_writer_harms_nobody(maxsize):
    q = Queue(maxsize)
    spawn = multiprocessing.get_context("spawn")
    victim = spawn.Process(**all_of(map(q.put, itertools.count())))
    survivor = spawn.Process(**all_of(map(q.put, [{"survivor": n} for n in range(200)])))
    victim.start()
    assert [q.get() for _ in range(500)] == list(range(500))
    killed(victim)
    survivor.start()
    got = [q.get()]
    while {"survivor": 199} not in got[-1:]:
        got.append(q.get())
    survivor.join()
    numbers = [item for item in got if isinstance(item, int)]
    assert numbers == list(range(500, 500 + len(numbers)))
    assert [item for item in got if isinstance(item, dict)] == [{"survivor": n} for n in range(200)]


def test_a_writer_killed_while_it_waits_for_room_holds_none():
    q = Queue(3)
    victim = multiprocessing.get_context("fork").Process(**all_of(map(q.put, range(10))))
    victim.start()
    assert q.get() == 0
    killed(victim)
    while not q.empty():
        q.get()
    for n in range(3):
        q.put(n, timeout=30)  # until the owner has heard of it
    with pytest.raises(queue.Full):
        q.put_nowait(3)


def test_a_killed_reader_harms_nobody():
    q, back = Queue(), Queue()
    fork = multiprocessing.get_context("fork")
    victim = fork.Process(**all_of(map(back.put, iter(q.get, END))))
    victim.start()
    q.put("first")
    assert back.get() == "first"
    killed(victim)
    for n in range(100):
        q.put(n)
    q.put(END)
    heir = fork.Process(**all_of(map(back.put, iter(q.get, END))))
    heir.start()
    heir.join()
    assert [back.get() for _ in range(100)] == list(range(100))


@pytest.mark.parametrize("closes", [True, False])
@pytest.mark.parametrize("word", ["get", "put"])
def test_a_thread_that_waits_holds_up_neither_close_nor_the_end_of_its_process(word, closes):
    q, go, told = Queue(word == "put"), Queue(), Queue()
    if word == "put":
        q.put("all there is room for")

    def wait_for_ever():
        with pytest.raises(ValueError, match="closed"):
            q.get() if word == "get" else q.put("more")
        told.put("closed")

    def child():
        waiting = threading.Thread(target=wait_for_ever, daemon=True)
        waiting.start()
        go.get()
        if closes:
            q.close()
            waiting.join()

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    while not (q._end.depot.takers or q._end.depot.givers):  # until it waits
        os.sched_yield()
    go.put("on")
    process.join(30)
    assert (process.exitcode, told.qsize()) == (0, closes)
    q.put("here") if word == "get" else None
    assert q.get(timeout=1) == ("here" if word == "get" else "all there is room for")


@pytest.mark.parametrize("before", [0, 1])
def test_threads_that_outlive_the_first_one_of_their_process_go_on(before):
    there, back = Queue(), Queue()
    for number in range(3005):
        there.put({"number": number})

    def pass_on():
        for _ in range(before):
            back.put(there.get())
        threading.main_thread().join()
        for _ in range(before, 3000):
            back.put(there.get())

    child = multiprocessing.get_context("fork").Process(target=lambda: threading.Thread(target=pass_on).start())
    child.start()
    child.join()
    assert [back.get_nowait()["number"] for _ in range(3000)] == list(range(3000))
    assert there.qsize() == 5


def test_a_killed_owner_is_named_to_readers_and_writers():
    outer, go = Queue(), Queue()
    small = MultiProcessing().ProcessPool(1)

    def own(outer, go):
        outer.put(Queue())
        go.get()

    task = small.submit(own, outer, go)
    inner = outer.get()
    inner.put("here")
    owner = small.workers[0].pid
    os.kill(owner, signal.SIGKILL)
    task.wait()
    with pytest.raises(BrokenPipeError, match=str(owner)):
        deque(map(inner.put, itertools.count()), 0)
    with pytest.raises(EOFError, match=str(owner)):
        inner.get()
    small.terminate()
    small.join()


def test_a_child_whose_owner_was_killed_still_ends():
    """The owner forks a writer, hands its pid out, and is killed: the writer must not hang at its end."""
    outer = Queue()
    small = MultiProcessing().ProcessPool(1)

    def own(outer):
        inner = Queue()
        pid = os.fork()
        if pid == 0:
            try:
                for _ in itertools.count():
                    inner.put("x")
            finally:
                os._exit(0)
        outer.put(pid)
        signal.pause()

    small.submit(own, outer)
    writer = os.pidfd_open(outer.get())
    os.kill(small.workers[0].pid, signal.SIGKILL)
    assert stdlib_wait([writer], 30) == [writer]
    os.close(writer)
    small.terminate()
    small.join()


# Strangers.


def test_a_caller_without_the_secret_gets_nothing():
    import dataclasses

    q = Queue()
    q.put("private")
    place = dataclasses.replace(q._end.place(), secret=b"x" * 16, owner=1)
    stranger = Queue.__new__(Queue)
    stranger._arrive(place, 0)
    with pytest.raises(EOFError):
        stranger.get()
    assert "secret" not in repr(place)
    assert q.get() == "private"


def test_garbage_on_the_socket_disturbs_nobody(caplog):
    import socket

    q = Queue()
    address = q._end.place().address
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(address)
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n" * 100)
        assert stranger.recv(100) in (b"",)
    child = multiprocessing.get_context("fork").Process(target=q.put, args=("fine",))
    child.start()
    assert wait([q], timeout=30) == [q]
    assert q.get() == "fine"
    child.join()
