"""How an outlet ships: trays, segments of shared memory, messages of any length."""

import contextlib
import itertools
import multiprocessing
import os
import signal
import socket
import threading
from collections import deque

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.queue import END, Queue
from plait.queue.memory import Buffers
from plait.queue.segments import Borrowed, Segment, Segments
from plait.queue.tray import Tray
from plait.queue.wire import Wire
from plait.util import MultiProcessing


def blocks_of(q):
    """Yield what `get_block` gives until END (a frame cannot be compared with it)."""
    while (block := q.get_block(timeout=30)) is not END:
        yield block


SIZES = st.lists(st.integers(0, 400_000), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def pool():
    pool = MultiProcessing().ProcessPool(1)
    yield pool
    pool.terminate()
    pool.join()


# Trays.


def test_of_many_threads_that_append_and_take_none_loses_anything():
    taken = []
    lock = threading.Lock()

    def full():
        with lock:
            taken.append(tray.take())

    tray = Tray(10, full, bounded=False)

    def append(name):
        for n in range(5000):
            tray.append((name, n))
            if len(tray) >= tray.limit:
                tray.full()

    threads = [threading.Thread(target=append, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    full()
    items = list(itertools.chain.from_iterable(taken))
    assert all([n for name, n in items if name == one] == list(range(5000)) for one in "abc")


@pytest.mark.processes
def test_what_a_signal_puts_in_the_middle_of_a_put_arrives_too(pool):
    q = Queue()

    def interrupted(q):
        ticks = itertools.count()

        def tick(*_):
            q.put({"tick": next(ticks)})
            signal.setitimer(signal.ITIMER_REAL, 0.0005)

        q.put({"n": 0})
        signal.signal(signal.SIGALRM, tick)
        tick()
        for n in range(1, 30_000):
            q.put({"n": n})
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        q.put(END)
        return next(ticks)

    task = pool.submit(interrupted, q)
    items = list(q)
    assert [item["n"] for item in items if "n" in item] == list(range(30_000))
    assert [item["tick"] for item in items if "tick" in item] == list(range(task.result()))


@pytest.mark.processes
def test_a_producer_that_stops_without_a_word_leaves_nothing_lying(pool):
    q, go = Queue(), Queue()

    def burst(q, go):
        for count in (1, 2, 3, 999, 1000, 1001, 2500):
            for n in range(count):
                q.put({"count": count, "n": n})
            go.get()

    task = pool.submit(burst, q, go)
    for count in (1, 2, 3, 999, 1000, 1001, 2500):
        assert [q.get(timeout=30) for _ in range(count)] == [{"count": count, "n": n} for n in range(count)]
        go.put("on")
    task.result()


# Messages.


@settings(max_examples=30, deadline=None)
@given(SIZES)
def test_messages_of_any_length_arrive_whole_and_in_order(sizes):
    here, there = (Wire(sock) for sock in socket.socketpair())
    there.trust()
    contents = [os.urandom(size) for size in sizes]
    sender = threading.Thread(target=lambda: [here.send(1, number, data) for number, data in enumerate(contents)])
    sender.start()
    got = [there.next() for _ in sizes]
    sender.join()
    assert [(message.number, bytes(message.data)) for message in got] == list(enumerate(contents))
    here.close()
    there.close()


@settings(max_examples=20, deadline=None)
@given(SIZES)
def test_what_is_handed_over_never_waits_for_the_other_side(sizes):
    here, there = (Wire(sock) for sock in socket.socketpair())
    there.trust()
    for number, size in enumerate(sizes):
        here.hand_over(1, number, bytes(size))
        message = there.next()
        assert (message.number, bytes(message.data)) == (number, bytes(size))
    here.close()
    there.close()


@pytest.mark.parametrize("cut", [10, 30, 200_000])
def test_half_a_message_is_no_message(cut):
    sock, other = socket.socketpair()
    whole, there = Wire(sock), Wire(other)
    there.trust()
    message = bytearray()
    whole.socket = type("Tap", (), {"send": staticmethod(lambda data: message.extend(data) or len(data))})()
    whole.send(1, 7, bytes(300_000))
    sender = threading.Thread(target=lambda: (sock.sendall(message[:cut]), sock.close()))
    sender.start()
    with pytest.raises(EOFError):
        there.next()
    sender.join()
    there.close()


class Interrupted(BaseException):
    pass


@contextlib.contextmanager
def interrupted_once_something_has_come(sock):
    """Raise in this thread as soon as something can be read from the socket."""

    def interrupt():
        sock.recv(1, socket.MSG_PEEK)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)

    def handle(*_):
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, handle)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)


def test_a_message_that_was_interrupted_is_sent_to_its_end_before_the_next():
    here, there = (Wire(sock) for sock in socket.socketpair())
    there.trust()
    contents = [os.urandom(5_000_000), b"short", os.urandom(300_000)]
    with pytest.raises(Interrupted), interrupted_once_something_has_come(there.socket):
        here.send(1, 0, contents[0])  # longer than what the kernel holds: nobody reads yet
    assert here.unsent()
    sender = threading.Thread(target=lambda: [here.send(1, n, data) for n, data in enumerate(contents[1:], 1)])
    sender.start()
    got = [there.next() for _ in contents]
    sender.join()
    assert [(message.number, bytes(message.data)) for message in got] == list(enumerate(contents))
    assert not here.unsent()
    here.close()
    there.close()


def test_messages_of_several_threads_arrive_whole():
    here, there = (Wire(sock) for sock in socket.socketpair())
    there.trust()
    counts = range(3000)
    senders = [
        threading.Thread(target=lambda kind=kind: [here.send(kind, n, bytes([kind])) for n in counts])
        for kind in (1, 2, 3)
    ]
    for sender in senders:
        sender.start()
    got = [there.next() for _ in senders for _ in counts]
    for sender in senders:
        sender.join()
    for kind in (1, 2, 3):
        assert [message.number for message in got if message.kind == kind] == list(counts)
        assert {bytes(message.data) for message in got if message.kind == kind} == {bytes([kind])}
    assert not here.unsent()
    here.close()
    there.close()


@pytest.mark.processes
def test_a_put_that_was_interrupted_amid_a_long_message_arrives_and_so_do_the_next(pool):
    q = Queue()

    def write(q):
        from plait.queue.wire import _Part

        send = _Part.send

        def cut_off(part, sock):
            if len(part._data) < 1_000_000:
                return send(part, sock)
            _Part.send = send
            part._sent.append(sock.send(part._data[:1000]))
            raise KeyboardInterrupt

        q.put("first")
        _Part.send = cut_off
        try:
            q.put("x" * 5_000_000)
        except KeyboardInterrupt:
            q.put("next")
            return q.qsize()

    assert pool.submit(write, q).result(timeout=30) == 3
    assert [q.get(timeout=30)[:5] for _ in range(3)] == ["first", "xxxxx", "next"]


def test_a_stranger_cannot_make_us_find_memory_for_a_long_message():
    sock, other = socket.socketpair()
    here, there = Wire(sock), Wire(other)
    threading.Thread(target=here.send, args=(1, 0, bytes(100_000)), daemon=True).start()
    with pytest.raises(EOFError, match="does not speak"):
        there.next()
    here.close()
    there.close()


# Memory that is used again.


def test_a_buffer_is_used_again_only_when_nobody_holds_anything_of_it():
    buffers = Buffers(1000)
    first = buffers.get(100)
    first[:3] = b"one"
    part = first[:3]
    second = buffers.get(100)
    second[:3] = b"two"
    del first
    third = buffers.get(100)
    third[:3] = b"six"
    assert bytes(part) == b"one"
    del part, second
    fourth = buffers.get(50)
    assert len(fourth) == 50
    assert bytes(fourth[:3]) in (b"one", b"two")
    assert bytes(third[:3]) == b"six"


def test_buffers_keep_no_more_than_they_may():
    buffers = Buffers(1000)
    held = [buffers.get(300) for _ in range(10)]
    assert sum(map(len, buffers._kept)) <= 1000
    assert len(held) == 10


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3_000_000), st.booleans()), max_size=30))
def test_a_segment_that_is_lent_is_not_written_to(steps):
    ours, theirs, held = Segments(), Borrowed(), []
    for size, hold in steps:
        room = ours.get(size)
        assert memoryview(room).nbytes >= size
        if isinstance(room, Segment):
            mark = os.urandom(min(size, 16))
            room[: len(mark)] = mark
            room.lend()
            if room.descriptor is not None:
                theirs.map(room.number, os.dup(room.descriptor))
                room.let_go()
            view = theirs.view(room.number, size)
            if hold:
                held.append((view, mark))
            del view
        assert all(bytes(view[: len(mark)]) == mark for view, mark in held)
    held.clear()
    assert not any(segment.lent for segment in ours._segments.values())
    ours.close()


@pytest.mark.processes
def test_a_fork_that_lets_go_of_what_its_parent_borrowed_does_not_give_it_back():
    ours, theirs = Segments(), Borrowed()
    segment = ours.get(100_000)
    segment.lend()
    theirs.map(segment.number, os.dup(segment.descriptor))
    held = {"view": theirs.view(segment.number, 100_000)}
    child = multiprocessing.get_context("fork").Process(target=held.clear)
    child.start()
    child.join()
    assert child.exitcode == 0
    assert segment.lent
    held.clear()
    assert not segment.lent
    ours.close()


@pytest.mark.processes
@pytest.mark.parametrize("keep", [0, 3, 100])
def test_frames_that_are_kept_stay_as_they_were(pool, keep):
    q = Queue(40_000)

    def send(q):
        for n in range(60):
            q.put_block(pl.DataFrame({"n": [n] * 5000, "text": [f"text number {n}"] * 5000}))
        q.put(END)

    task = pool.submit(send, q)
    kept = deque(maxlen=keep or 1)
    for n, frame in enumerate(blocks_of(q)):
        kept.append((n, frame.slice(n, 4000)))
        for number, part in kept:
            assert part["n"].unique().to_list() == [number]
            assert part["text"].unique().to_list() == [f"text number {number}"]
    task.result()
    assert n == 59


@pytest.mark.processes
def test_a_frame_of_many_chunks_arrives_as_one(pool):
    q = Queue()

    def send(q):
        q.put_block(pl.concat([pl.DataFrame({"n": range(n)}) for n in range(50)], rechunk=False))

    pool.submit(send, q).result()
    frame = q.get_block()
    assert frame["n"].to_list() == [n for count in range(50) for n in range(count)]
    assert frame.n_chunks() == 1


@pytest.mark.processes
def test_a_writer_killed_amid_frames_harms_nobody():
    q = Queue(50_000)
    frame = pl.DataFrame({"n": range(20_000)})
    spawn = multiprocessing.get_context("spawn")
    victim = spawn.Process(target=deque, args=(map(q.put_block, itertools.repeat(frame)), 0))
    victim.start()
    first = q.get_block()
    os.kill(victim.pid, signal.SIGKILL)
    victim.join()
    survivor = spawn.Process(target=deque, args=(map(q.put, [frame.head(3), END]), 0))
    survivor.start()
    rest = list(blocks_of(q))
    survivor.join()
    assert all(got.equals(frame) for got in [first, *rest[:-1]])
    assert rest[-1].equals(frame.head(3))
