"""Ctrl-C while workers are just starting: their owner hears of it, and nobody prints a traceback."""

import signal
import subprocess
import sys
from multiprocessing import resource_tracker

import pytest
from plait.util.starting import starting

pytestmark = pytest.mark.processes

POOL = """
import os, signal
from plait.util import MultiProcessing

if __name__ == "__main__":
    heard = []
    signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    pool = MultiProcessing().ProcessPool(2)
    tasks = [pool.submit(pow, 2, 3), pool.submit(signal.pthread_sigmask, signal.SIG_BLOCK, [])]
    os.killpg(0, signal.SIGINT)
    while not all(task.ready() for task in tasks):
        os.killpg(0, signal.SIGINT)
        tasks[-1].wait(0.002)
    print(tasks[0].result(), tasks[1].result(), bool(heard), signal.pthread_sigmask(signal.SIG_BLOCK, []))
    MultiProcessing().terminate()
"""

MANAGER = """
import os, signal, threading
from plait.util import MultiProcessing

if __name__ == "__main__":
    heard, started = [], threading.Event()
    signal.signal(signal.SIGINT, lambda *_: heard.append(1))

    def interrupt():
        while not started.wait(0.002):
            os.killpg(0, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    manager = MultiProcessing().Manager()
    started.set()
    thread.join()
    queue = manager.Queue()
    queue.put(8)
    print(queue.get(), bool(heard), signal.pthread_sigmask(signal.SIG_BLOCK, []))
    MultiProcessing().terminate()
"""


def run(tmp_path, text):
    """Run a program in a process group of its own."""
    program = tmp_path / "program.py"
    program.write_text(text)
    return subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, timeout=60, start_new_session=True, check=False
    )


def test_workers_that_are_starting_show_nothing_of_ctrl_c(tmp_path):
    done = run(tmp_path, POOL)
    assert (done.stderr, done.stdout, done.returncode) == ("", "8 set() True set()\n", 0)


def test_a_manager_that_is_starting_shows_nothing_of_ctrl_c(tmp_path):
    done = run(tmp_path, MANAGER)
    assert (done.stderr, done.stdout, done.returncode) == ("", "8 True set()\n", 0)


def test_signals_are_as_before_after_a_start():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with starting(resource_tracker):
        assert signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
