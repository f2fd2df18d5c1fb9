"""Run one command and tell what it and all its descendants used: wall time, CPU time, peak memory.

    python measure.py RESULT.json SECONDS COMMAND ...

This runs in a process of its own, which makes itself the reaper of its descendants (`PR_SET_CHILD_SUBREAPER`): a worker
whose parent ends before it becomes a child of this process and is waited for here. `wait4` tells of each child what it
and all that it has waited for used; so no process is missed, and none counted twice. The workers of a pool that are
children of a fork server are counted with it.

Memory is the proportional set size (PSS) of all processes together: pages that several of them share count once. It
is looked up every 50 ms in `/proc/PID/smaps_rollup`; a peak that is shorter can be missed. Linux only.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["descendants", "measure", "proportional_kib"]

INTERVAL_S = 0.05
GRACE_S = 10.0  # for processes that are left when the command has ended
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def descendants(root: int) -> Iterator[int]:
    """Yield the ids of all processes below `root`, parents first."""
    with contextlib.suppress(OSError):  # it may have ended by now
        for task in Path(f"/proc/{root}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield int(child)
                yield from descendants(int(child))


def proportional_kib(process: int) -> int:
    """Return the proportional set size of one process in KiB; 0 if it has ended."""
    with contextlib.suppress(OSError), Path(f"/proc/{process}/smaps_rollup").open() as lines:
        return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return 0


class Memory(threading.Thread):
    """Look up the memory of all processes below this one, again and again, until stopped."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak_kib = 0
        self.most_processes = 0
        self._stop_asked = threading.Event()

    def run(self) -> None:
        while not self._stop_asked.wait(INTERVAL_S):
            sizes = [proportional_kib(process) for process in descendants(os.getpid())]
            self.peak_kib = max(self.peak_kib, sum(sizes))
            self.most_processes = max(self.most_processes, len(sizes))

    def stop(self) -> None:
        self._stop_asked.set()
        self.join()


def become_reaper() -> None:
    """Become the parent of all descendants whose own parent ends before them, and end with the own parent."""
    signal.signal(signal.SIGTERM, _end)
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")


def _end(*_: object) -> None:
    """Leave nobody behind: who measures has gone."""
    _kill_all()
    os._exit(1)


def _kill_all() -> None:
    for process in descendants(os.getpid()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _reap() -> Iterator[tuple[int, int, float]]:
    """Wait for child after child until there is none; yield its id, its exit status and its CPU seconds."""
    while True:
        try:
            process, status, usage = os.wait4(-1, 0)
        except ChildProcessError:
            return
        yield process, os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime


def measure(command: list[str], limit_s: float) -> dict[str, float]:
    """Run `command`; it and its descendants are killed after `limit_s` seconds. Blocks until all of them have ended.

    Returns:
        `wall_s` until the command itself ended, `cpu_s` (user and system) and `peak_kib` of all its processes, `exit`
        (negative: the signal), `processes` (most at a time), `left`: how many outlived the command by more than 10 s.
    """
    become_reaper()
    memory = Memory()
    memory.start()
    clock = threading.Timer(limit_s, _kill_all)
    clock.start()
    begin = time.monotonic()
    root = subprocess.Popen(command).pid
    found: dict[str, float] = {"cpu_s": 0.0, "left": 0}
    for process, status, cpu_s in _reap():
        found["cpu_s"] += cpu_s
        if process == root:
            found |= {"wall_s": time.monotonic() - begin, "exit": status}
            clock.cancel()
            clock = threading.Timer(GRACE_S, _kill_all)
            clock.start()
        elif time.monotonic() - begin > found.get("wall_s", limit_s) + GRACE_S:
            found["left"] += 1
    clock.cancel()
    memory.stop()
    return found | {"peak_kib": memory.peak_kib, "processes": memory.most_processes}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(measure(sys.argv[3:], float(sys.argv[2]))))
