"""What is to be done when a process ends or is forked, whichever library started it."""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Callable
from multiprocessing.util import Finalize

__all__ = ["after_fork", "at_end", "is_ending"]

_AFTER_THE_CHILDREN = -5
"""Finalizers below 0 run when the children of the process have been joined."""


def at_end(function: Callable[[], object]) -> None:
    """Call the function when this process ends normally; more than once, if several libraries run their ends.

    Worker processes leave by the exit function of the library that started them (multiprocessing, or pathos'
    multiprocess), which skips `atexit`; the main program runs both by `atexit`. Threads that are no daemons have ended
    by then: they may still put and get.
    """
    last = functools.partial(_after_the_threads, function)
    Finalize(None, last, exitpriority=_AFTER_THE_CHILDREN)
    if "multiprocess.util" in sys.modules:
        sys.modules["multiprocess.util"].Finalize(None, last, exitpriority=_AFTER_THE_CHILDREN)


def _after_the_threads(function: Callable[[], object]) -> None:
    """Wait for the threads that are no daemons first: the libraries do so themselves, but after their finalizers."""
    ours = (threading.current_thread(), threading.main_thread())
    while others := [thread for thread in threading.enumerate() if not thread.daemon and thread not in ours]:
        for thread in others:
            thread.join()
    function()


def is_ending() -> bool:
    """Tell whether this process has begun to end, so that `at_end` comes too late."""
    libraries = map(sys.modules.get, ("multiprocessing.util", "multiprocess.util"))
    return any(library.is_exiting() for library in libraries if library)


@functools.cache
def after_fork(function: Callable[[], object]) -> None:
    """Call the function in every process that is forked off this one. Said twice is said once."""
    os.register_at_fork(after_in_child=function)
