"""Start processes so that Ctrl-C does not reach them before they have said what it means to them.

Ctrl-C goes to the whole process group. A process that is just importing Python, or the program, would raise
KeyboardInterrupt in the middle of that and print where. A blocked signal stays blocked across fork and exec, so the
processes begin with it blocked; what comes meanwhile is dropped when they ignore it, and waits for us here.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["starting"]


@contextmanager
def starting(resource_tracker: Any) -> Iterator[None]:
    """Block SIGINT in this thread, and in the processes that it starts meanwhile.

    Args:
        resource_tracker: the module of that name of the library that starts them.
    """
    resource_tracker.ensure_running()  # its own start blocks SIGINT by itself, and ends with unblocking it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
