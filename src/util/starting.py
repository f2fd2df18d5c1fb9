"""Start processes so that a signal to the whole group does not reach them before they have said what it means to them.

Ctrl-C goes to the whole process group, and so does the SIGTERM of a supervisor. A process that is just importing
Python, or the program, would raise KeyboardInterrupt in the middle of that and print where, or end, and its children
with it. A blocked signal stays blocked across fork and exec, so the processes begin with both blocked: workers let
them through when they have settled what they mean, the fork server never does. What comes meanwhile waits for us here.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["GROUP_SIGNALS", "starting"]

GROUP_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})


@contextmanager
def starting(resource_tracker: Any) -> Iterator[None]:
    """Block SIGINT and SIGTERM in this thread, and in the processes that it starts meanwhile.

    Args:
        resource_tracker: the module of that name of the library that starts them.
    """
    resource_tracker.ensure_running()  # its own start blocks SIGINT by itself, and ends with unblocking it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, GROUP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
