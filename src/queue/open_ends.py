"""The connections of this process to queues of others, for its end and for its forks."""

from __future__ import annotations

import os
import threading
from typing import ClassVar, Protocol

from .endings import after_fork, at_end

__all__ = ["OpenEnds"]


class _End(Protocol):
    def end(self) -> None: ...

    def abandon(self) -> None: ...


class OpenEnds:
    """The ends that are open in this process: they are ended when it ends, and abandoned when it is forked."""

    _ends: ClassVar[set[_End]] = set()
    _pid: ClassVar[int] = 0
    _over: ClassVar[bool] = False

    @classmethod
    def add(cls, end: _End) -> None:
        if cls._pid != os.getpid():
            cls._pid, cls._over = os.getpid(), False
            at_end(cls._end)
            after_fork(cls._forget)
        cls._ends.add(end)

    @classmethod
    def remove(cls, end: _End) -> None:
        cls._ends.discard(end)

    @classmethod
    def over(cls) -> bool:
        """Tell whether the process ends. A daemon thread, which nobody waits for, stays here until it is gone."""
        over = cls._over and cls._pid == os.getpid()
        if over and threading.current_thread().daemon:
            threading.Event().wait()
        return over

    @classmethod
    def _end(cls) -> None:
        cls._over = True
        for end in list(cls._ends):
            end.end()

    @classmethod
    def _forget(cls) -> None:
        for end in list(cls._ends):
            end.abandon()
