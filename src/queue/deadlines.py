"""Waiting for so long and no longer, as `block` and `timeout` of the standard library's queues say it."""

from __future__ import annotations

from time import monotonic
from typing import Protocol

__all__ = ["acquire", "deadline_of", "left_until"]


class _Lock(Protocol):
    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool: ...


def deadline_of(block: bool, timeout: float | None) -> float | None:
    """Return until when to wait: 0 for not at all, None for ever."""
    if not block:
        return 0.0
    return None if timeout is None else monotonic() + timeout


def left_until(deadline: float | None) -> float | None:
    """Return the seconds that are left, not less than 0, or None for any number."""
    return None if deadline is None else max(0.0, deadline - monotonic())


def acquire(lock: _Lock, deadline: float | None) -> bool:
    """Acquire the lock, or return False when time is out."""
    left = left_until(deadline)
    return lock.acquire(timeout=-1 if left is None else left)
