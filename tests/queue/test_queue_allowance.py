"""Room is asked for ahead of the need, and still there are never more items than there is room for, nor fewer."""

import pickle
import queue
import signal
import threading

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plait.queue import END, Queue
from plait.util import MultiProcessing

pytestmark = pytest.mark.processes

STEPS = st.lists(st.one_of(st.integers(1, 90), st.integers(-90, -1), st.just(0)), max_size=14)
"""What a writer does: n puts n items one by one, -n puts a list of n, 0 asks for the size."""


@pytest.fixture(scope="module")
def pool():
    pool = MultiProcessing().ProcessPool(2)
    yield pool
    pool.terminate()
    pool.join()


def write_at_once(q, steps):
    """Do the steps without waiting for room; return how many items got in at each, or the size that was told."""
    first, done = 0, []
    for step in steps:
        before = first
        try:
            for number in range(first, first + max(step, 0)):
                q.put({"n": number}, block=False)
                first += 1
            if step < 0:
                q.put_block([{"n": number} for number in range(first, first - step)], block=False)
                first -= step
        except queue.Full:
            pass
        done.append(first - before if step else q.qsize())
    return done


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, maxsize=st.sampled_from([1, 5, 64, 100, 200]))
def test_one_writer_elsewhere_gets_in_what_there_is_room_for(pool, steps, maxsize):
    q = Queue(maxsize)
    size = 0
    for step, said in zip(steps, pool.submit(write_at_once, q, steps).result(timeout=60), strict=True):
        room = maxsize - size if size or step > 0 else max(maxsize, -step)  # a larger block is let in if it is alone
        fits = min(step, max(room, 0)) if step > 0 else -step if -step <= room else 0
        assert said == (fits if step else size)
        size += fits
    assert [q.get(timeout=30)["n"] for _ in range(size)] == list(range(size))
    assert q.empty()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(maxsize=st.sampled_from([64, 100, 5000]), pause_every=st.integers(1, 3000), writers=st.integers(1, 2))
def test_a_stream_goes_on_however_the_reader_pauses(pool, maxsize, pause_every, writers):
    q, total = Queue(maxsize), 12_000

    def write(q, name, total):
        for n in range(total):
            q.put({"name": name, "n": n})
        q.put(END)

    tasks = [pool.submit(write, q, name, total) for name in range(writers)]
    counts = [0] * writers
    while sum(counts) < total * writers:
        if sum(counts) % pause_every == 0:
            assert q.qsize() <= maxsize
        row = q.get(timeout=30)
        if row is not END:
            assert row["n"] == counts[row["name"]]
            counts[row["name"]] += 1
    for task in tasks:
        task.result(timeout=30)


def test_a_writer_that_has_asked_ahead_and_ends_leaves_its_room_to_others(pool):
    q = Queue(100)

    def write(q):
        for n in range(80):
            q.put({"n": n})
        q.close()

    pool.submit(write, q).result(timeout=30)
    for n in range(80, 100):
        q.put({"n": n}, timeout=30)
    with pytest.raises(queue.Full):
        q.put_nowait({"n": 100})
    assert [q.get()["n"] for _ in range(100)] == list(range(100))


def test_an_interrupt_while_room_is_awaited_loses_none(pool):
    q = Queue(100)

    def write(q):
        def interrupt(*_):
            raise KeyboardInterrupt

        signal.signal(signal.SIGALRM, interrupt)
        put = 0
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        try:
            while True:
                q.put({"n": put})
                put += 1
        except KeyboardInterrupt:
            return put, q.qsize()

    put, size = pool.submit(write, q).result(timeout=30)
    assert put == size == q.qsize() == 100
    assert [q.get()["n"] for _ in range(put)] == list(range(put))
    threads = [threading.Thread(target=q.put, args=({"n": n},)) for n in range(100)]
    for thread in threads:
        thread.start()
    assert sorted(q.get(timeout=30)["n"] for _ in threads) == list(range(100))
    for thread in threads:
        thread.join()


def test_a_block_that_cannot_be_written_leaves_its_room_to_others(pool):
    q = Queue(10)

    def write(q):
        from plait.queue import arrow

        def fail(*_):
            raise MemoryError

        write, arrow._write = arrow._write, fail
        try:
            q.put(pl.DataFrame({"n": range(10)}))
        except MemoryError:
            q.put_block([{"n": n} for n in range(10)], block=False)
        finally:
            arrow._write = write

    pool.submit(write, q).result(timeout=30)
    assert [q.get()["n"] for _ in range(10)] == list(range(10))


@pytest.mark.parametrize("maxsize", [64, 100])
def test_writers_that_put_once_and_stay_keep_nobody_out(pool, maxsize):
    q, go = Queue(maxsize), Queue()
    handles = [pickle.dumps(q) for _ in range(maxsize)]

    def write(handles, go):
        kept = [pickle.loads(handle) for handle in handles]
        for n, handle in enumerate(kept):
            handle.put({"n": n}, timeout=30)
            handle.qsize()
        go.get()

    task = pool.submit(write, handles, go)
    assert [q.get(timeout=30)["n"] for _ in handles] == list(range(maxsize))
    for n in range(maxsize // 2):
        q.put({"n": n}, block=False)
    go.put("end")
    task.result(timeout=30)


@pytest.mark.parametrize("rows", [100, 600, 1500])
def test_a_frame_gets_in_beside_a_writer_that_idles_if_nothing_waits(pool, rows):
    q, go = Queue(1000), Queue()

    def write(q, go):
        q.put({"n": -1})
        q.qsize()
        go.get()

    task = pool.submit(write, q, go)
    assert q.get(timeout=30) == {"n": -1}
    q.put(pl.DataFrame({"n": range(rows)}), timeout=30)
    with pytest.raises(queue.Full):
        q.put(pl.DataFrame({"n": range(1000)}), block=False)
    assert q.qsize() == rows
    go.put("end")
    task.result(timeout=30)
