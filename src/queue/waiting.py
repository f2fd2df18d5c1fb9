"""Waiting for several queues at once, and queues that others made."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from multiprocessing import connection
from typing import Any

from ..record import END, Failure
from .blocks import Plain, leading
from .channel import Queue
from .deadlines import deadline_of, left_until
from .depot import Depot

__all__ = ["Adopted", "adopt", "wait"]


def wait(queues: Iterable[Any], sentinels: Iterable[Any] = (), timeout: float | None = None) -> list[Any]:
    """Wait, in the kernel, until any of the queues has something or any of the sentinels is ready.

    Args:
        queues: queues of ours, or what `adopt` returned.
        sentinels: what `multiprocessing.connection.wait` takes: `Process.sentinel`, pipes, sockets, tasks of a pool.
        timeout: seconds; None waits for ever, 0 only looks.

    Returns:
        Those of the queues and sentinels that are ready, in the order given; none after the timeout. A queue whose
        owner has ended is ready, and so is one that was closed: getting from it says so.
    """
    queues, sentinels = list(queues), list(sentinels)
    deadline = deadline_of(True, timeout)
    while True:
        filled = [q for q in queues if q.ready()]
        left = 0.0 if filled else left_until(deadline)
        asleep = [] if filled else queues
        try:
            woken = connection.wait([*asleep, *sentinels], left) if sentinels or asleep else []
        except ValueError:
            if any(q.ready() for q in asleep):  # one was closed since it was looked at
                continue
            raise
        ready = filled or [q for q in queues if q in woken and q.ready()]
        ready += [s for s in sentinels if s in woken]
        if ready or left == 0:
            return ready


def adopt(source: Any) -> Any:
    """Return a queue of any make as one that can be waited for and gives blocks.

    A queue of ours is returned as it is. A `multiprocessing.Queue` is read as it stands. Anything else that has `get`
    and `put`, such as `Manager().Queue()` or `queue.Queue`, has nothing to wait for: a thread blocks in its `get` and
    passes on what it gets, until END, so from now on nobody else should get from it.
    """
    if isinstance(source, Queue | Adopted):
        return source
    if hasattr(source, "_reader") and hasattr(source, "_poll"):
        return _Piped(source)
    return _Fed(source)


class Adopted:
    """A queue that somebody else made. Attribute `source` is that queue.

    | | |
    |---|---|
    | buffered, full, writers, order | as the other queue says |
    | several readers | no: what is here has been taken from the other queue |
    | somebody is killed | as the other queue says; the end of a manager comes as `Failure`, then END |
    """

    def __init__(self, source: Any) -> None:
        self.source = source

    def put(self, item: Any) -> None:
        """Put an item on the other's queue, as that queue does it."""
        self.source.put(item)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take one item. Raises queue.Empty."""
        raise NotImplementedError

    def get_nowait(self) -> Any:
        """Take one item if there is one. Raises queue.Empty."""
        return self.get(block=False)

    def get_block(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take a list of items, or a mark. Raises queue.Empty."""
        raise NotImplementedError

    def ready(self) -> bool:
        """Tell whether `get` would return without waiting."""
        raise NotImplementedError

    def fileno(self) -> int:
        """Return the descriptor to wait for, after `ready` was False."""
        raise NotImplementedError


class _Piped(Adopted):
    """A `multiprocessing.Queue`: a pipe, a lock that its readers share, and what those promise."""

    _kept: list[Any]

    def __init__(self, source: Any) -> None:
        super().__init__(source)
        self._kept = []

    @property
    def closed(self) -> bool:
        """Whether the other queue was closed in this process: to get from it says so."""
        return bool(getattr(self.source, "_closed", False))

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        return self._kept.pop(0) if self._kept else self.source.get(block, timeout)

    def get_block(self, block: bool = True, timeout: float | None = None) -> Any:
        items = [self.get(block, timeout), *self._kept]
        while self.source._reader.poll():
            items.append(self.source.get())
        first, self._kept = leading(items)
        return first

    def ready(self) -> bool:
        return self.closed or bool(self._kept) or bool(self.source._reader.poll())

    def fileno(self) -> int:
        return int(self.source._reader.fileno())


class _Fed(Adopted):
    """A queue without a descriptor; a thread brings what it has."""

    _AHEAD = 1024

    def __init__(self, source: Any) -> None:
        super().__init__(source)
        self._depot = Depot(self._AHEAD)
        threading.Thread(target=self._feed, name="plait-feeder", daemon=True).start()

    def _feed(self) -> None:
        item = None
        while item is not END:
            for item in self._next():
                self._depot.reserve(1)
                self._depot.add(Plain([item]), reserved=1)

    def _next(self) -> Sequence[Any]:
        try:
            return [self.source.get()]
        except Exception as error:  # the manager has ended, say; without it all would wait for ever
            return [Failure(error), END]

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        deadline = deadline_of(True, timeout)
        while True:
            self._depot.fill_shelf(block, left_until(deadline))
            try:
                item = self._depot.shelf.popleft()
            except IndexError:
                continue  # another thread was quicker
            self._depot.settle()
            return item

    def get_block(self, block: bool = True, timeout: float | None = None) -> Any:
        taken = self._depot.take_block(block, timeout)
        self._depot.settle()
        return taken

    def ready(self) -> bool:
        return self._depot.ready()

    def fileno(self) -> int:
        return self._depot.bell().fileno()
