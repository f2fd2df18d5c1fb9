"""Tasks on worker processes, as those who wait for them see them."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

from ..errors import WorkerError

__all__ = ["Gathered", "RemoteTracebackError", "Task", "TaskTimeoutError"]


class TaskTimeoutError(TimeoutError):
    """A result was not there in time. The task goes on."""


class RemoteTracebackError(Exception):
    """The traceback of an error in another process, as text."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


class Task:
    """One call on a worker process. It can be waited for with `multiprocessing.connection.wait` and `plait.queue.wait`.

    Attributes:
        name: of the function, for messages.
        pid: of the worker that has begun it, None before.
    """

    def __init__(self, name: str, payload: Any) -> None:
        self.name = name
        self.pid: int | None = None
        self.payload = payload
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._hooks: list[Callable[[Task], object]] = []
        self._value: Any = None
        self._error: BaseException | None = None
        self._ends: tuple[int, int] | None = None

    # For those who wait.

    def result(self, timeout: float | None = None) -> Any:
        """Return what the function returned, waiting for it.

        Raises:
            WorkerError: the function raised (its error, with the remote traceback, is the cause), or the worker died.
            TaskTimeoutError: not within `timeout` seconds.
        """
        self._await(timeout)
        if isinstance(self._error, WorkerError):
            raise self._error
        if self._error is not None:
            kind = type(self._error).__name__
            raise WorkerError(f"{self.name} raised {kind} in worker process {self.pid}: {self._error}") from self._error
        return self._value

    def get(self, timeout: float | None = None) -> Any:
        """Return what the function returned, or raise what it raised, as results of pathos do; else as `result`."""
        self._await(timeout)
        if self._error is not None:
            raise self._error
        return self._value

    def _await(self, timeout: float | None) -> None:
        if not self._done.wait(timeout):
            raise TaskTimeoutError(f"{self.name} has not ended within {timeout} s")

    def wait(self, timeout: float | None = None) -> None:
        """Wait until it has ended in whatever way, or `timeout` seconds have passed."""
        self._done.wait(timeout)

    def ready(self) -> bool:
        """Tell whether it has ended."""
        return self._done.is_set()

    done = ready

    def successful(self) -> bool:
        """Tell whether it has ended well. Raises ValueError if it has not ended."""
        if not self.ready():
            raise ValueError(f"{self.name} has not ended")
        return self._error is None

    @property
    def sentinel(self) -> int:
        """A descriptor that becomes readable when the task has ended: it returned, it raised, or its worker died."""
        with self._lock:
            if self._ends is None:
                self._ends = os.pipe()
                weakref.finalize(self, os.close, self._ends[0])
                if self._done.is_set():
                    os.close(self._ends[1])
            return self._ends[0]

    def fileno(self) -> int:
        return self.sentinel

    def when_done(self, hook: Callable[[Task], object]) -> None:
        """Call the hook when it has ended: in the thread of the pool, or here if it has ended already."""
        with self._lock:
            if not self._done.is_set():
                self._hooks.append(hook)
                return
        hook(self)

    # For the pool.

    def settle(self, value: Any = None, error: BaseException | None = None) -> None:
        """Say how it ended."""
        with self._lock:
            self._value, self._error, self.payload = value, error, None
            self._done.set()
            if self._ends is not None:
                os.close(self._ends[1])
        for hook in self._hooks:
            hook(self)


class Gathered:
    """The results of many tasks as one, in their order: what `amap` returns."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._tasks = list(tasks)

    def get(self, timeout: float | None = None) -> list[Any]:
        """Return all results. Raises what the first task that failed raised; TaskTimeoutError."""
        deadline = None if timeout is None else monotonic() + timeout
        parts = [task.get(None if deadline is None else max(0.0, deadline - monotonic())) for task in self._tasks]
        return [value for part in parts for value in part]

    def wait(self, timeout: float | None = None) -> None:
        """Wait until all have ended, or `timeout` seconds have passed."""
        deadline = None if timeout is None else monotonic() + timeout
        for task in self._tasks:
            task.wait(None if deadline is None else max(0.0, deadline - monotonic()))

    def ready(self) -> bool:
        """Tell whether all have ended."""
        return all(task.ready() for task in self._tasks)

    def successful(self) -> bool:
        """Tell whether all have ended well. Raises ValueError if some have not ended."""
        return all(task.successful() for task in self._tasks)
