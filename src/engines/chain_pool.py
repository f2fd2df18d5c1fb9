"""Some threads that run many chains of this process together: a step of one chain, then a step of another.

    chain 0 --+           +-- inlet 0
    chain 1 --+- thread --+-- inlet 1     each time the chain of which the least is waiting
    chain 2 --+- thread --+-- inlet 2
    ...

A thread for each chain would do, but wait most of its time: for a core, for the interpreter's lock, for room; and what
the C library keeps for it of the memory that it has freed is there once for each thread. As no thread of the pool waits
for room, no chain waits behind one that is not wanted now. A chain stays with the thread that took its first step, for
its components are promised to be called from one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

from ..record import END
from .chain import ChainRun
from .inlets import Bell, BufferedInlet

__all__ = ["ChainPool", "PooledInlet"]


class ChainPool:
    """Runs chains whose sources come to an end, and never wait for long.

    Args:
        size: how many threads; so many chains read at once.
        bell: what the inlets of the flow ring.
    """

    def __init__(self, size: int, bell: Bell) -> None:
        self._size = size
        self._tasks: list[_Task] = []
        self._threads: list[threading.Thread] = []
        self.room = threading.Condition(bell.lock)
        self.ended = threading.Condition(bell.lock)

    def add(self, chain: ChainRun, inlet: BufferedInlet) -> _Task:
        """Return what feeds the inlet; all that are added are there before the first one is started."""
        self._tasks.append(_Task(self, chain.steps(), inlet))
        return self._tasks[-1]

    def start(self) -> None:
        """Begin, unless it has begun."""
        if not self._threads:
            names = [f"plait-reading-{number}" for number in range(min(self._size, len(self._tasks)))]
            self._threads = [threading.Thread(target=self._work, name=name, daemon=True) for name in names]
            for thread in self._threads:
                thread.start()

    @property
    def started(self) -> bool:
        """True from `start` on."""
        return bool(self._threads)

    def close(self) -> None:
        """Wait until the threads have ended, which they do when all chains have."""
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (task := self._next()) is not None:
            ended = next(task.steps, END) is END
            if ended:
                self._end(task)

    def _next(self) -> _Task | None:
        """Choose a chain to take a step of; wait for one if all have enough waiting. None: all have ended."""
        thread = threading.get_ident()
        with self.room:
            while not all(task.ended for task in self._tasks):
                free = [task for task in self._tasks if task.is_free_for(thread)]
                if free:
                    chosen = min(free, key=lambda task: (task.inlet.waiting, task.turns))
                    chosen.thread = thread
                    chosen.turns += 1
                    return chosen
                self.room.wait()
        return None

    def _end(self, task: _Task) -> None:
        with self.room:
            task.ended = True
            self.room.notify_all()
            self.ended.notify_all()


class _Task:
    """A chain of the pool; to its inlet, whoever feeds it."""

    def __init__(self, pool: ChainPool, steps: Iterator[None], inlet: BufferedInlet) -> None:
        self._pool = pool
        self.steps = steps
        self.inlet = inlet
        self.ended = False
        self.thread: int | None = None
        self.turns = 0

    def is_free_for(self, thread: int) -> bool:
        """Tell whether a thread, which is between two steps, may take the next one of this chain."""
        return self.thread in (None, thread) and not self.ended and self.inlet.has_room

    def start(self) -> None:
        self._pool.start()

    def is_alive(self) -> bool:
        return self._pool.started and not self.ended

    def join(self) -> None:
        with self._pool.ended:
            self._pool.ended.wait_for(lambda: self.ended)


class PooledInlet(BufferedInlet):
    """What comes from a chain of a pool: it is asked for more when there is room, so that `put` never waits."""

    def __init__(self, name: str, pool: ChainPool, *, bell: Bell) -> None:
        super().__init__(name, finite=True, bell=bell)
        self._room = pool.room

    def _wait_for_room(self) -> None:
        """Go on: the items of one step come together."""
