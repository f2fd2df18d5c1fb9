"""Pools as pathos has them, on workers that can be killed without anybody waiting for ever."""

from __future__ import annotations

import itertools
import os
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import Any

import pathos.multiprocessing
import pathos.threading

from .cores import cores
from .crew import Crew, Worker
from .task import Gathered, Task

__all__ = ["ProcessPool", "ThreadPool", "cores"]

_names = itertools.count(1)


def _calls(function: Callable[..., Any], chunk: Iterable[tuple[Any, ...]]) -> list[Any]:
    return [function(item) for item in chunk]


class _Engine:
    """What pathos takes for a pool of the standard library: the same calls, carried out by a crew."""

    def __init__(self, size: int) -> None:
        self.crew = Crew(size)

    def apply_async(self, function: Callable[..., Any], args: Any = (), kwds: Any = None) -> Task:
        return self.crew.submit(function, tuple(args), dict(kwds or {}))

    def apply(self, function: Callable[..., Any], args: Any = (), kwds: Any = None) -> Any:
        return self.apply_async(function, args, kwds).get()

    def map_async(self, function: Callable[..., Any], items: Iterable[Any], chunksize: int | None = None) -> Gathered:
        known = list(items)
        size = chunksize or max(1, -(-len(known) // (4 * self.crew.size)))
        return Gathered(self._chunks(function, known, size))

    def map(self, function: Callable[..., Any], iterable: Iterable[Any], chunksize: int | None = None) -> list[Any]:
        return self.map_async(function, iterable, chunksize).get()

    def _chunks(self, function: Callable[..., Any], iterable: Iterable[Any], size: int) -> Iterator[Task]:
        items = iter(iterable)
        while chunk := list(itertools.islice(items, size)):
            yield self.crew.submit(_calls, (function, chunk), {})

    def imap(self, function: Callable[..., Any], iterable: Iterable[Any], chunksize: int = 1) -> Iterator[Any]:
        tasks = self._chunks(function, iterable, chunksize)
        return _in_order(tasks, deque(itertools.islice(tasks, 2 * self.crew.size)))

    def imap_unordered(self, function: Callable[..., Any], items: Iterable[Any], chunksize: int = 1) -> Iterator[Any]:
        tasks = self._chunks(function, items, chunksize)
        return _as_done(tasks, list(itertools.islice(tasks, 2 * self.crew.size)))


def _in_order(tasks: Iterator[Task], ahead: deque[Task]) -> Iterator[Any]:
    while ahead:
        yield from ahead.popleft().get()
        ahead.extend(itertools.islice(tasks, 1))


def _as_done(tasks: Iterator[Task], ahead: list[Task]) -> Iterator[Any]:
    done: SimpleQueue[Task] = SimpleQueue()
    for task in ahead:
        task.when_done(done.put)
    running = len(ahead)
    while running:
        yield from done.get().get()
        running -= 1
        for task in itertools.islice(tasks, 1):
            task.when_done(done.put)
            running += 1


class ProcessPool(pathos.multiprocessing.ProcessPool):  # type: ignore[misc]
    """A pathos pool: `map amap imap uimap pipe apipe`, for functions of any make, lambdas and closures too.

    The workers come from a server process (never by a fork of this one, whose threads would be lost in the middle of
    what they do), which has polars and pyarrow imported.

    | | |
    |---|---|
    | buffered | tasks wait without limit for a free worker |
    | order | tasks begin in the order in which they were given |
    | a worker is killed | its task raises `WorkerError`, which names the process and the signal; a new worker comes |
    | this process is killed | the workers notice, and end |
    | a normal end | idle workers end in good order, those on a task by SIGTERM |
    | nobody refers to it | it does what it has to do, then its workers end |

    Results of `apipe` and `amap` have `get`, `wait`, `ready`, `successful`; `submit` returns a `Task`, which can be
    waited for together with queues.

    Args:
        ncpus: how many workers; as many as cores, if not said.
    """

    def __init__(self, ncpus: int | None = None) -> None:
        self._engine: _Engine | None = None
        self._size = cores() if ncpus is None else ncpus
        if self._size < 1:
            raise ValueError(f"a pool of {self._size} workers can do nothing")
        super().__init__(self._size, id=f"plait-{os.getpid()}-{next(_names)}")

    def submit(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Task:
        """Have a worker call the function. Raises ValueError if the pool is closed."""
        task: Task = self._serve().apply_async(function, args, kwargs)
        return task

    @property
    def workers(self) -> tuple[Worker, ...]:
        """The worker processes, with `pid` and `sentinel`, waiting until they have been started."""
        workers: tuple[Worker, ...] = self._serve().crew.workers()
        return workers

    @property
    def closed(self) -> bool:
        """Whether it takes no more tasks."""
        return bool(self._serve().crew.closed)

    def _serve(self, nodes: int | None = None) -> Any:
        if self._engine is None or (nodes is not None and nodes != self._engine.crew.size):
            if self._engine is not None:
                self._engine.crew.close()
            self._engine = _Engine(nodes or self._size)
            weakref.finalize(self, self._engine.crew.close).atexit = False
        return self._engine

    def close(self) -> None:
        """Take no more tasks; the workers end when those that there are have been done."""
        self._serve().crew.close()

    def terminate(self) -> None:
        """End the workers now. Tasks that have not ended raise WorkerError."""
        self._serve().crew.terminate()

    def join(self) -> None:
        """Wait until the workers have ended; after `close` or `terminate`. Raises ValueError before."""
        self._serve().crew.join()

    def restart(self, force: bool = False) -> Any:
        """Open a closed pool again, with new workers. With `force` also one that is open."""
        if not (force or self.closed):
            raise ValueError("the pool is still open")
        self.clear()
        return self._serve()

    def clear(self) -> None:
        """Do what there is to do, then end the workers. The next task gets new ones."""
        if self._engine is not None:
            self._engine.crew.close()
            self._engine.crew.join()
            self._engine = None

    _clear = clear


def _let_go(name: str) -> None:
    """Have pathos forget a pool of threads that nobody refers to; the threads end when they have nothing more to do."""
    pool = pathos.threading.ThreadPool.__state__.pop(name, None)
    if pool is not None:
        pool.close()


class ThreadPool(pathos.threading.ThreadPool):  # type: ignore[misc]
    """A pathos pool of threads: `map amap imap uimap pipe apipe`, for what waits rather than computes.

    Tasks wait without limit for a free thread and begin in the order in which they were given. Each pool is a new one
    (pathos by itself hands out the same pool, even closed, to all who ask for one of the same size).

    Args:
        nthreads: how many threads; as many as cores, if not said.
    """

    def __init__(self, nthreads: int | None = None) -> None:
        super().__init__(cores() if nthreads is None else nthreads, id=f"plait-{os.getpid()}-{next(_names)}")
        weakref.finalize(self, _let_go, self._id).atexit = False

    @property
    def closed(self) -> bool:
        """Whether it takes no more tasks."""
        return bool(self._serve()._state != "RUN")
