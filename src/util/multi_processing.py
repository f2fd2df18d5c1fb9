"""The one owner of worker processes and threads in a program."""

from __future__ import annotations

import atexit
import functools
import os
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from multiprocessing.managers import SyncManager

    from .pools import ProcessPool, ThreadPool
    from .task import Task

__all__ = ["MultiProcessing"]


class MultiProcessing:
    """The owner of all pools: `MultiProcessing()` is the same object wherever it is called in a program.

    Nothing is started before it is asked for. At the end of the program the pools end: idle workers in good order,
    those on a task by SIGTERM, and by SIGKILL after two seconds. No signal handlers are installed: the program's door
    does that, and calls `terminate` or `close`.

    On a worker of a pool there is no second pool of processes: asking for one raises RuntimeError there, since
    every worker would start as many again. Threads are to be had everywhere. A process that was forked off starts anew,
    without the pools of its parent.

    Example:
        >>> pool = MultiProcessing().ProcessPool(2)       # doctest: +SKIP
        >>> pool.map(lambda x, y: x * y, [1, 2], [3, 4])  # doctest: +SKIP
        [3, 8]
    """

    _one: ClassVar[MultiProcessing | None] = None
    _making: ClassVar[threading.Lock] = threading.Lock()

    _thread_pools: weakref.WeakSet[Any]
    _global_process_pool: ProcessPool | None
    _global_thread_pool: ThreadPool | None
    _manager: SyncManager | None
    _lock: Any
    _mutex: Any

    def __new__(cls) -> MultiProcessing:
        with cls._making:
            if cls._one is None:
                cls._one = super().__new__(cls)
                cls._one._begin()
            return cls._one

    def _begin(self) -> None:
        self._thread_pools = weakref.WeakSet()
        self._global_process_pool = None
        self._global_thread_pool = None
        self._manager = None
        self._lock = None
        self._mutex = threading.RLock()

    # Pools.

    def GlobalProcessPool(self, ncpus: int | None = None) -> ProcessPool:
        """Return the pool of processes that the whole program shares; `ncpus` counts when it is first asked for."""
        with self._mutex:
            if self._global_process_pool is None or self._global_process_pool.closed:
                self._global_process_pool = self.ProcessPool(ncpus)
            return self._global_process_pool

    def GlobalThreadPool(self, nthreads: int | None = None) -> ThreadPool:
        """Return the pool of threads that the whole program shares; `nthreads` counts when it is first asked for."""
        with self._mutex:
            if self._global_thread_pool is None or self._global_thread_pool.closed:
                self._global_thread_pool = self.ThreadPool(nthreads)
            return self._global_thread_pool

    def ProcessPool(self, ncpus: int | None = None) -> ProcessPool:
        """Return a new pool of `ncpus` processes (as many as cores, if not said).

        Raises:
            RuntimeError: this is a worker of a pool itself, or one that is just importing the program.
        """
        _check_that_workers_can_start()
        from .pools import ProcessPool

        _end_with_the_program()
        return ProcessPool(ncpus)

    def ThreadPool(self, nthreads: int | None = None) -> ThreadPool:
        """Return a new pool of `nthreads` threads (as many as cores, if not said)."""
        from .pools import ThreadPool

        pool = ThreadPool(nthreads)
        _end_with_the_program()
        self._thread_pools.add(pool)
        return pool

    def submit(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Task:
        """Have a worker of the global pool call the function; the task can be waited for together with queues."""
        return self.GlobalProcessPool().submit(function, *args, **kwargs)

    # What processes share.

    def Manager(self) -> SyncManager:
        """Return the manager that the whole program shares: a process that keeps queues, dicts and locks for others."""
        with self._mutex:
            if self._manager is None:
                from multiprocessing import get_context, resource_tracker
                from multiprocessing.managers import SyncManager

                from .starting import starting
                from .worker import end_with

                self._manager = SyncManager(ctx=get_context("spawn"))
                with starting(resource_tracker):
                    self._manager.start(end_with, (os.getpid(),))
            return self._manager

    def Lock(self) -> Any:
        """Return the lock that the whole program shares; it can be given to workers as an argument.

        The manager keeps it. A process that is killed while it holds the lock keeps it for ever: hold it briefly.
        """
        with self._mutex:
            if self._lock is None:
                self._lock = self.Manager().Lock()
            return self._lock

    # The end.

    def close(self) -> None:
        """Let all pools do what they have to do, then end them; wait for that."""
        self._end("close")

    def terminate(self) -> None:
        """End all pools now, and the manager; wait for that. Tasks that have not ended raise WorkerError."""
        self._end("terminate")
        with self._mutex:
            if self._manager is not None:
                self._manager.shutdown()
                self._manager = self._lock = None

    def _end(self, how: str) -> None:
        from .crew import Crew

        pools = [*Crew.alive, *self._thread_pools]
        for pool in pools:
            getattr(pool, how)()
        for pool in pools:
            pool.join()
        self._thread_pools.clear()


def _check_that_workers_can_start() -> None:
    from multiprocess import current_process

    if getattr(current_process(), "_inheriting", False):
        guard = 'if __name__ == "__main__":'
        raise RuntimeError(
            f"a worker imports the program and would start workers: put what the program does under {guard}"
        )
    if current_process().daemon:
        raise RuntimeError("this is a worker of a pool: it cannot have workers of its own; use a ThreadPool here")


@functools.cache
def _end_with_the_program() -> None:
    owner = os.getpid()
    atexit.register(lambda: MultiProcessing().terminate() if os.getpid() == owner else None)
    os.register_at_fork(after_in_child=_begin_anew)


def _begin_anew() -> None:
    from .crew import Crew

    Crew.alive.clear()
    MultiProcessing._making = threading.Lock()
    if MultiProcessing._one is not None:
        MultiProcessing._one._begin()
