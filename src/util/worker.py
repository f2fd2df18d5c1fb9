"""What runs in a worker process: one task after the other, until the process that started it hangs up.

Spoken over one pipe, a message each, told apart by the first byte. From the owner: a pickled task, or the answer to a
question. From here: READY; BEGUN, when a task has been read (a task that a dying worker never began may be given to
another); WHERE, where a module lies that cannot be imported here; DONE or FAILED with what came of the task.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from .starting import GROUP_SIGNALS

__all__ = ["BEGUN", "DONE", "FAILED", "READY", "WHERE", "end_with", "work"]

READY, BEGUN, WHERE, DONE, FAILED = b"R", b"B", b"W", b"D", b"F"


def work(owner: Any, owner_pid: int, authkey: bytes) -> None:
    """Do what the owner sends, until it hangs up."""
    import multiprocessing

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the owner decides what it means
    multiprocessing.current_process().authkey = authkey  # proxies of a manager show it; pathos' library has its own
    end_with(owner_pid)
    elsewhere = _Elsewhere(owner)
    sys.meta_path.append(elsewhere)
    with contextlib.suppress(EOFError, OSError):  # the owner has hung up
        owner.send_bytes(READY)
        while True:
            task = owner.recv_bytes()
            owner.send_bytes(BEGUN)
            with elsewhere:
                answer = _done(task)
            owner.send_bytes(answer)


def _done(task: bytes) -> bytes:
    import dill

    from .pickling import dumps

    try:
        function, args, kwargs = dill.loads(task)  # noqa: S301 - from the process that started this one
        result = function(*args, **kwargs)
        del function, args, kwargs  # what a task held, a queue for one, is let go before the owner hears of its end
        return DONE + bytes(dumps(result))
    except BaseException as error:
        text = "".join(traceback.format_exception(error))
        return FAILED + pickle.dumps((_portable(error), repr(error), text))


def _portable(error: BaseException) -> bytes | None:
    """Return the error pickled, without the chain behind it, or None if it cannot travel."""
    import dill

    from .pickling import dumps

    try:
        data = bytes(dumps(error.with_traceback(None)))
        dill.loads(data)  # noqa: S301 - what was pickled in the line above
    except Exception:
        return None
    return data


def end_with(owner_pid: int) -> None:
    """Have this process end at once when the owner does, however that ends, and let the signals through that wait."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, GROUP_SIGNALS)
    threading.Thread(target=_end_with, args=(owner_pid,), name="plait-owner", daemon=True).start()


def _end_with(owner_pid: int) -> None:
    from multiprocess import parent_process
    from multiprocess.connection import wait

    try:
        death: Any = os.pidfd_open(owner_pid)
    except ProcessLookupError:
        os._exit(1)
    except (AttributeError, OSError):  # not Linux, or an old one
        parent = parent_process()
        death = parent.sentinel if parent is not None else threading.Event().wait()
    wait([death])
    os._exit(1)


class _Elsewhere(importlib.abc.MetaPathFinder):
    """Finds the modules that the owner has imported from where this process does not look (a test module, a script).

    It asks only while a task is on, as a context manager: at other times the answer would be taken for a task.
    """

    def __init__(self, owner: Any) -> None:
        self._owner = owner
        self._asking = threading.Lock()
        self._on = False

    def __enter__(self) -> None:
        self._switch(True)

    def __exit__(self, *_: object) -> None:
        self._switch(False)

    def _switch(self, on: bool) -> None:
        with self._asking:
            self._on = on

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        place = self._ask(fullname)
        if place is None:
            return None
        if place == "":
            return importlib.machinery.ModuleSpec(fullname, None, is_package=True)
        folder = [os.path.dirname(place)] if os.path.basename(place) == "__init__.py" else None  # noqa: PTH119, PTH120
        return importlib.util.spec_from_file_location(fullname, place, submodule_search_locations=folder)

    def _ask(self, name: str) -> str | None:
        with self._asking:
            if not self._on:
                return None
            self._owner.send_bytes(WHERE + name.encode())
            place: str | None = pickle.loads(self._owner.recv_bytes())  # noqa: S301
            return place
