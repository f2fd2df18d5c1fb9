"""The owner of pools: what it promises, and the traps of its parts."""

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from multiprocessing.connection import wait

import pytest
from plait.errors import WorkerError
from plait.queue import END, Queue
from plait.util import MultiProcessing

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def pool():
    pool = MultiProcessing().ProcessPool(2)
    yield pool
    pool.terminate()
    pool.join()


def at_module_level(number):
    return number * 2


class RefusesError(Exception):
    """An error that cannot be unpickled."""

    def __init__(self, one, two):
        super().__init__(one)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


# The calls of pathos.


def test_there_is_one_owner():
    assert MultiProcessing() is MultiProcessing()
    assert MultiProcessing().GlobalThreadPool() is MultiProcessing().GlobalThreadPool()


def test_maps_keep_order_and_take_several_sequences(pool):
    assert pool.map(pow, [1, 2, 3], [4, 5, 6]) == [1, 32, 729]
    assert pool.amap(pow, range(100), [2] * 100).get(30) == [n * n for n in range(100)]
    assert list(pool.imap(pow, range(100), [2] * 100)) == [n * n for n in range(100)]
    assert sorted(pool.uimap(pow, range(100), [2] * 100)) == [n * n for n in range(100)]
    assert pool.map(at_module_level, []) == []


def test_many_small_tasks_are_all_done(pool):
    tasks = [pool.submit(at_module_level, n) for n in range(5_000)]
    assert [task.result(60) for task in tasks] == [2 * n for n in range(5_000)]
    assert all(task.successful() for task in tasks)


def test_imap_does_not_read_ahead_for_ever(pool):
    import itertools

    assert list(itertools.islice(pool.imap(at_module_level, itertools.count()), 5)) == [0, 2, 4, 6, 8]


def test_lambdas_closures_and_functions_of_modules_that_workers_cannot_import(pool):
    offset = 10
    assert pool.map(lambda n: n + offset, [1, 2]) == [11, 12]
    assert pool.pipe(at_module_level, 4) == 8
    assert pool.apipe(lambda: at_module_level(5)).get(30) == 10


def test_pipes_take_keywords_and_raise_what_the_function_raised(pool):
    assert pool.pipe(int, "ff", base=16) == 255
    with pytest.raises(ValueError, match="invalid literal") as caught:
        pool.apipe(int, "no number").get(30)
    assert "Traceback" in str(caught.value.__cause__)


def test_results_can_be_asked_without_waiting(pool):
    go = Queue()
    result = pool.apipe(lambda go: go.get(), go)
    assert not result.ready()
    with pytest.raises(TimeoutError):
        result.get(0.01)
    with pytest.raises(ValueError, match="not ended"):
        result.successful()
    go.put("done")
    result.wait(30)
    assert result.ready()
    assert result.successful()


def test_what_cannot_be_sent_raises_at_once(pool):
    with pytest.raises(TypeError):
        pool.apipe(lambda it: it, (n for n in range(3)))
    with pytest.raises(TypeError, match="generator"):
        pool.apipe(lambda: (n for n in range(3))).get(30)


# Tasks.


def test_a_task_can_be_waited_for_together_with_other_things(pool):
    go, other = Queue(), os.pipe()
    task = pool.submit(lambda go: go.get(), go)
    assert wait([task, other[0]], 0.01) == []
    go.put("result")
    assert wait([task.sentinel, other[0]], 30) == [task.sentinel]
    assert task.result() == "result"
    assert task.pid in {worker.pid for worker in pool.workers}
    for end in other:
        os.close(end)


def test_an_error_in_a_task_is_a_worker_error_with_the_remote_traceback(pool):
    with pytest.raises(WorkerError, match=r"int raised ValueError in worker process \d+") as caught:
        pool.submit(int, "no number").result(30)
    assert isinstance(caught.value.__cause__, ValueError)
    assert "Traceback" in str(caught.value.__cause__.__cause__)


def test_an_error_that_cannot_travel_is_told_in_words(pool):
    def refuse():
        raise RefusesError("this", "that")

    with pytest.raises(WorkerError, match="RefusesError"):
        pool.submit(refuse).result(30)


def test_sys_exit_in_a_task_ends_the_task_only(pool):
    with pytest.raises(WorkerError, match="SystemExit"):
        pool.submit(sys.exit, 3).result(30)
    assert pool.pipe(at_module_level, 1) == 2


# Killing.


def test_a_killed_worker_fails_its_task_alone_and_is_replaced(pool):
    go = Queue()
    before = {worker.pid for worker in pool.workers}
    other = pool.submit(lambda go: go.get(), go)
    with pytest.raises(WorkerError, match=r"process \d+ was killed by SIGKILL while it was on die"):
        pool.submit(die).result(30)
    go.put("alive")
    assert other.result(30) == "alive"
    assert pool.map(at_module_level, range(10)) == [2 * n for n in range(10)]
    assert len({worker.pid for worker in pool.workers} - before) == 1


def test_map_does_not_wait_for_a_killed_worker(pool):
    with pytest.raises(WorkerError, match="SIGKILL"):
        pool.map(lambda n: die() if n == 3 else n, range(8))


def test_a_worker_killed_while_idle_costs_nothing(pool):
    for _ in range(3):
        for worker in pool.workers:
            os.kill(worker.pid, signal.SIGKILL)
        assert pool.pipe(at_module_level, 21) == 42


def test_the_sentinel_of_a_worker_tells_its_death(pool):
    worker = pool.workers[0]
    os.kill(worker.pid, signal.SIGTERM)
    assert wait([worker.sentinel], 30) == [worker.sentinel]


# Pools.


def test_a_second_pool_of_the_same_size_is_another():
    first, second = MultiProcessing().ProcessPool(1), MultiProcessing().ProcessPool(1)
    first.terminate()
    first.join()
    assert second.pipe(at_module_level, 1) == 2
    with pytest.raises(ValueError, match="closed"):
        first.pipe(at_module_level, 1)
    second.terminate()
    second.join()


def test_threads_likewise():
    first, second = MultiProcessing().ThreadPool(2), MultiProcessing().ThreadPool(2)
    first.close()
    first.join()
    assert first.closed
    assert second.map(lambda n: threading.get_ident() != n, [threading.get_ident()]) == [True]
    second.close()
    second.join()


def test_close_lets_tasks_finish_and_terminate_does_not():
    go = Queue()
    pool = MultiProcessing().ProcessPool(1)
    with pytest.raises(ValueError, match="open"):
        pool.join()
    running, waiting = pool.submit(lambda go: go.get(), go), pool.submit(at_module_level, 1)
    pool.close()
    go.put("finished")
    pool.join()
    assert (running.result(), waiting.result()) == ("finished", 2)

    pool.restart()
    running, waiting = pool.submit(lambda go: go.get(), go), pool.submit(at_module_level, 1)
    while running.pid is None:
        wait([running], 0.01)
    pool.terminate()
    pool.join()
    with pytest.raises(WorkerError, match=r"SIGTERM.*the pool ended"):
        running.result()
    with pytest.raises(WorkerError, match="before the task began"):
        waiting.result()


def test_a_pool_that_nobody_refers_to_ends_when_it_is_done():
    pool = MultiProcessing().ProcessPool(1)
    task, worker = pool.submit(at_module_level, 4), pool.workers[0]
    del pool
    assert task.result(30) == 8
    assert wait([worker.sentinel], 30) == [worker.sentinel]


def test_a_pool_of_no_workers_is_refused():
    with pytest.raises(ValueError, match="0 workers"):
        MultiProcessing().ProcessPool(0)


def test_the_global_pool_is_shared_until_it_is_closed():
    owner = MultiProcessing()
    first = owner.GlobalProcessPool(1)
    assert owner.GlobalProcessPool() is first
    assert owner.submit(at_module_level, 3).result(30) == 6
    first.terminate()
    first.join()
    second = owner.GlobalProcessPool(1)
    assert second is not first
    second.terminate()
    second.join()


def test_a_worker_cannot_have_workers_but_threads(pool):
    def nested():
        return MultiProcessing().ThreadPool(2).map(at_module_level, [1, 2])

    assert pool.pipe(nested) == [2, 4]
    with pytest.raises(RuntimeError, match="ThreadPool"):
        pool.pipe(lambda: MultiProcessing().GlobalProcessPool().map(at_module_level, [1]))


def test_workers_can_use_polars(pool):
    def total():
        import polars as pl

        frame = pl.DataFrame({"a": range(100_000), "b": [n % 7 for n in range(100_000)]})
        return frame.lazy().group_by("b").agg(pl.col("a").sum()).collect()["a"].sum()

    assert pool.amap(lambda _: total(), range(4)).get(60) == [sum(range(100_000))] * 4


def test_a_worker_puts_on_a_queue_of_ours_and_of_a_manager(pool):
    ours, theirs = Queue(), MultiProcessing().Manager().Queue()

    def produce(q):
        for n in range(3):
            q.put(n)
        q.put(END)

    for q in (ours, theirs):
        pool.apipe(produce, q).get(60)
        assert [q.get() for _ in range(4)] == [0, 1, 2, END]


def test_the_lock_can_be_given_to_workers(pool):
    lock, shared = MultiProcessing().Lock(), MultiProcessing().Manager().dict(count=0)
    assert lock is MultiProcessing().Lock()

    def count(lock, shared):
        for _ in range(50):
            with lock:
                shared["count"] = shared["count"] + 1

    pool.map(count, [lock] * 2, [shared] * 2)
    assert shared["count"] == 100


# The end of a program, and what it leaves behind. Each of these is a program of its own.


def program(text, tmp_path):
    """Start a program in a new session. It and all its descendants hold its `stdout` open as long as they live."""
    path = tmp_path / "program.py"
    path.write_text(text)
    return subprocess.Popen(
        [sys.executable, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


BUSY = """
import os, signal, sys
from plait.util import MultiProcessing
from plait.queue import Queue

def busy(q):
    q.put(os.getpid())
    signal.pause()

if __name__ == "__main__":
    q = Queue()
    MultiProcessing().Manager()
    pool = MultiProcessing().ProcessPool(2)
    for _ in range(2):
        pool.apipe(busy, q)
    pids = (q.get(), q.get())
    {then}
"""


def test_a_program_ends_with_busy_workers_and_leaves_none(tmp_path):
    process = program(BUSY.format(then="print(*pids); sys.exit(5)"), tmp_path)
    out, err = process.communicate(timeout=60)  # returns when the last of them has closed stdout
    assert (process.returncode, err) == (5, "")
    assert len(out.split()) == 2


def test_workers_of_a_killed_program_end(tmp_path):
    process = program(BUSY.format(then="print(*pids, flush=True); signal.pause()"), tmp_path)
    workers = [os.pidfd_open(int(pid)) for pid in process.stdout.readline().split()]
    process.kill()
    process.communicate(timeout=60)  # returns when the last of them, the servers among them, has closed stdout
    assert len(workers) == 2
    for worker in workers:
        assert wait([worker], 30) == [worker]
        os.close(worker)


def test_ctrl_c_reaches_the_program_and_not_its_workers(tmp_path):
    text = """try:
        print("ready", flush=True)
        signal.pause()
    except KeyboardInterrupt:
        print("caught", flush=True)
        os.kill(pids[0], 0)
        os.kill(pids[1], 0)"""
    process = program(BUSY.format(then=text), tmp_path)
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "caught\n", "")


def test_a_program_without_a_guard_is_told_so(tmp_path):
    text = """
from plait.util import MultiProcessing
from plait.errors import WorkerError
try:
    MultiProcessing().ProcessPool(1).pipe(len, "abc")
except WorkerError as error:
    print("told:", error)
"""
    process = program(text, tmp_path)
    out, _ = process.communicate(timeout=60)
    assert "told: worker process" in out
    assert "__name__" in out


def test_a_class_of_the_program_travels_both_ways(tmp_path):
    text = """
from plait.util import MultiProcessing
from plait.queue import Queue

class Reading:
    def __init__(self, value): self.value = value

def produce(q, reading):
    q.put(reading)
    q.put(Reading(reading.value + 1))

if __name__ == "__main__":
    q = Queue()
    MultiProcessing().ProcessPool(1).pipe(produce, q, Reading(1))
    print(q.get().value, q.get().value, type(q) is Queue)
"""
    process = program(text, tmp_path)
    assert process.communicate(timeout=60) == ("1 2 True\n", "")


def test_importing_starts_nothing_and_is_light():
    code = (
        "import sys, threading, signal; before = signal.getsignal(signal.SIGINT); import plait.util, plait.queue;"
        "plait.util.MultiProcessing(); plait.queue.Queue().put(1);"
        "assert threading.active_count() == 1; assert signal.getsignal(signal.SIGINT) is before;"
        "heavy = ('pathos', 'multiprocess', 'dill', 'polars', 'pyarrow', 'numpy', 'zmq');"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


def test_a_fork_has_no_share_in_the_pools_of_its_parent(pool):
    pool.pipe(at_module_level, 1)
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        try:
            pool.submit(at_module_level, 1)
        except ValueError as error:
            os.write(writer, pickle.dumps(str(error)))
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    assert f"process {os.getpid()}" in pickle.loads(os.read(reader, 1000))
    os.close(reader)
    assert pool.pipe(at_module_level, 1) == 2


def test_iterable_queue_stops_at_end():
    from plait.util import IterableQueue

    for source in (queue.Queue(), Queue(), MultiProcessing().Manager().Queue()):
        for item in (1, 2, END, 3):
            source.put(item)
        assert list(IterableQueue(source)) == [1, 2]
        assert source.get() == 3
