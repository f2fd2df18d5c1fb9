"""The queue between processes: what `from plait.queue import Queue` gives."""

from __future__ import annotations

import functools
import os
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sized
from queue import Empty, Full
from typing import Any, ClassVar

from ..record import END, Failure, is_mark
from .blocks import Block, Loose, Rows, is_frame
from .deadlines import deadline_of, left_until
from .depot import Depot
from .exchange import Exchange
from .open_ends import OpenEnds
from .place import Place
from .plain_rows import KEPT
from .sealing import has_containers, portable, sealed, sealed_frame
from .sides import Foreign, Own
from .tray import NEVER, Tray

__all__ = ["Queue"]


class Queue:
    """A queue between processes, with the methods of `multiprocessing.Queue`, that also carries frames.

    The process that makes the queue owns it: there lies what is waiting, for as long as that process lives. The handle
    may be given to any other process of the same user on this machine: at its start (fork, spawn, forkserver), or
    pickled to one that is running. Everybody puts and gets through a connection of their own; no lock is shared.

    | | |
    |---|---|
    | buffered | yes, in the process that made it; what is put is copied at once: later changes do not matter |
    | full | `maxsize` counts items, and the rows of frames; then `put` blocks, or raises `queue.Full`; 0 is no limit |
    | several writers | yes, any number of processes and threads |
    | several readers | yes: each item goes to one of them; with several, items are handed out one at a time |
    | order | that of each writer is kept; among writers, by arrival |
    | a writer fails | its Failure comes after what it had put: `get` returns it, iteration raises its error |
    | a writer is killed | what it had not shipped is lost; nobody else notices |
    | a reader is killed | what it had fetched is lost (little more than it had used); nobody else notices |
    | the owner is killed | readers get `EOFError`, writers `BrokenPipeError`, both naming the process |
    | a normal end | everything put before arrives; nobody waits for a consumer; what a reader did not use goes back |

    With several writers and a large `maxsize` a put may wait although up to half of the room is still free: it has been
    promised to another writer. There are never more than `maxsize` items, but for one block that is larger than what is
    not promised, which is let in when nothing else is waiting.

    Example:
        >>> q = Queue()
        >>> q.put({"timestamp": 1}); q.put({"timestamp": 2}); q.put(END)
        >>> [row["timestamp"] for row in q]
        [1, 2]

    Args:
        maxsize: how many items may wait, 0 or less for any number.
    """

    _alive: ClassVar[weakref.WeakSet[Queue]] = weakref.WeakSet()

    def __init__(self, maxsize: int = 0) -> None:
        self._maxsize = max(0, maxsize)
        self._start(Own(Depot(self._maxsize)))

    def _start(self, end: Own | Foreign) -> None:
        self._closed = False
        self._end = end
        self._shelf = end.shelf
        self._tray = end.tray
        self._givers: Sized = end.givers
        self._finalizer = weakref.finalize(self, end.leave)
        self._finalizer.atexit = False  # `endings` sees to that, in the right order
        self._alive.add(self)
        _watch_forks()

    # Putting.

    def put(self, obj: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put one item, a mark, or a frame (which counts as its rows).

        A mark ships what was put before it. When END or a Failure has been put, the owner has it all.

        Raises:
            queue.Full: there is no room, at once or within `timeout` seconds.
            pickle.PicklingError: the item cannot be pickled; it is shown.
            BrokenPipeError: the process that made the queue has ended.
            ValueError: the queue is closed.
        """
        if type(obj) is not dict or has_containers(obj):
            return self._put(obj, block, timeout)
        for value in obj.values():  # as `sealed` does it, without the cost of a call
            if type(value) not in KEPT:
                return self._put(obj, block, timeout)
        tray = self._tray
        if tray.room is not None and not next(tray.room, False):
            return self._put(obj, block, timeout)
        tray.append(obj.copy())
        if len(tray) >= tray.limit:
            tray.full()
        return None

    def _put(self, obj: Any, block: bool, timeout: float | None) -> None:
        if self._closed:
            raise ValueError(f"{self!r} is closed")
        if type(obj) is dict:
            self._do(self._end.put, sealed(obj), block=block, timeout=timeout)
        elif is_frame(obj):
            self.put_block(obj, block, timeout)
        else:
            part = sealed(portable(obj) if isinstance(obj, Failure) else obj)
            self._do(self._end.put, part, block=block, timeout=timeout)
            if is_mark(obj):
                self._end.flush(known=obj is END or isinstance(obj, Failure))

    def _do(self, what: Callable[..., Any], *args: Any, block: bool, timeout: float | None) -> Any:
        """Call what may wait. A thread that waits is told when another one closes this handle."""
        deadline = deadline_of(block, timeout)
        while not self._closed:
            try:
                return what(*args, block, timeout)
            except (Empty, Full):
                timeout = left_until(deadline)
                if OpenEnds.over() or (timeout == 0 and not self._closed):
                    raise
            except OSError:  # another thread may have hung up
                if not self._closed:
                    raise
        raise ValueError(f"{self!r} is closed")

    def put_nowait(self, obj: Any) -> None:
        """Put one item if there is room, else raise queue.Full."""
        self.put(obj, block=False)

    def put_block(self, block_of_items: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put a frame, or a list of items, as a whole: it has room all at once or not at all.

        Raises as `put`; a PicklingError also names a column that cannot travel: one of Python objects, or of 128 bits.
        """
        if self._closed:
            raise ValueError(f"{self!r} is closed")
        if is_frame(block_of_items):
            parcel: Block = Rows(sealed_frame(block_of_items))
        else:
            parcel = Loose(list(map(sealed, block_of_items)))
        if parcel.count:
            self._do(self._end.put_block, parcel, block=block, timeout=timeout)

    # Getting.

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take one item; from a frame, one row as a dict.

        Raises:
            queue.Empty: there is none, at once or within `timeout` seconds.
            EOFError: the process that made the queue has ended.
            ValueError: the queue is closed.
            Exception: what unpickling the item raised; the item is gone then, and the next ones are not.
        """
        try:
            item = self._shelf.popleft()
        except IndexError:
            item = self._get(block, timeout)
        if self._givers:
            self._end.settle()
        return item

    def _get(self, block: bool, timeout: float | None) -> Any:
        deadline = deadline_of(True, timeout)
        while True:
            self._do(self._end.fill_shelf, block=block, timeout=left_until(deadline))
            try:
                return self._shelf.popleft()
            except IndexError:
                continue  # another thread was quicker

    def get_nowait(self) -> Any:
        """Take one item if there is one, else raise queue.Empty."""
        return self.get(block=False)

    def get_block(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take what has gathered: a frame as it was put, a list of items, or a single mark. Raises as `get`."""
        taken = self._do(self._end.take_block, block=block, timeout=timeout)
        if self._givers:
            self._end.settle()
        return taken

    def __iter__(self) -> Iterator[Any]:
        """Yield items until END, which is taken and not yielded.

        Raises:
            BaseException: the error of a Failure, where it stands among the items; `get` returns the mark itself.
        """
        while True:
            try:
                item = self._shelf.popleft()
            except IndexError:
                item = self._get(True, None)
            if self._givers:
                self._end.settle()
            if type(item) is not dict:
                if item is END:
                    return
                if isinstance(item, Failure):
                    raise item.error
            yield item

    # Looking on.

    def qsize(self) -> int:
        """Return how many items wait, rows counted one by one. From another process, this asks the owner."""
        if self._closed:
            raise ValueError(f"{self!r} is closed")
        return self._end.qsize()

    def empty(self) -> bool:
        """Tell whether nothing is waiting."""
        return self.qsize() == 0

    def full(self) -> bool:
        """Tell whether `maxsize` items are waiting."""
        return 0 < self._maxsize <= self.qsize()

    def ready(self) -> bool:
        """Tell whether `get` would return, or raise EOFError (or ValueError: the queue is closed), without waiting.

        If not, the descriptor (`fileno`) becomes readable when it would. Ask this first: what has been fetched already
        does not show in the descriptor. `plait.queue.wait` does both.
        """
        return self._closed or bool(self._shelf) or self._end.ready()

    def fileno(self) -> int:
        """Return the descriptor to wait for, after `ready` was False. Raises ValueError: the queue is closed."""
        if not self._closed:
            descriptor = self._end.fileno()
            if not self._closed:  # else `close` may have rung before there was anything to ring
                return descriptor
        raise ValueError(f"{self!r} is closed")

    def __repr__(self) -> str:
        return f"<Queue maxsize={self._maxsize} {'closed' if self._closed else type(self._end).__name__.lower()}>"

    # The end, and the way to other processes.

    @property
    def closed(self) -> bool:
        """Whether this handle was closed."""
        return self._closed

    def close(self) -> None:
        """Say that this process will neither put nor get any more. What it put arrives; others go on.

        Threads of this process that wait in a `get` or `put` of the handle get the ValueError at once.
        """
        if not self._closed:
            self._closed = True
            self._shelf = deque()
            self._tray = Tray(NEVER, self.close, bounded=True)  # has no room: `_put` says why
            self._finalizer.detach()
            self._end.close()

    def join_thread(self) -> None:
        """Wait until what was put has left this process; after `close`, which has waited already."""
        if not self._closed:
            raise ValueError(f"{self!r} is not closed")

    def cancel_join_thread(self) -> None:
        """Do nothing: the end of a process never waits for a consumer, only for the owner to read."""

    def __reduce__(self) -> tuple[Any, ...]:
        if self._closed:
            raise ValueError(f"{self!r} is closed")
        return _handle, (type(self), self._end.place(), self._maxsize)

    def _arrive(self, place: Place, maxsize: int) -> None:
        self._maxsize = maxsize
        depot = Exchange.here().find(place) if place.owner == os.getpid() else None
        self._start(Foreign(place, maxsize) if depot is None else Own(depot))

    def _before_fork(self) -> None:
        self._elsewhere = None if self._closed else self._end.place(forking=True)

    def _after_fork(self) -> None:
        self._finalizer.detach()
        if not self._closed and self._elsewhere is not None:
            self._end.abandon()
            self._start(Foreign(self._elsewhere, self._maxsize))

    _elsewhere: Place | None = None


def _handle(cls: type[Queue], place: Place, maxsize: int) -> Queue:
    handle = cls.__new__(cls)
    handle._arrive(place, maxsize)
    return handle


@functools.cache
def _watch_forks() -> None:
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork)


def _before_fork() -> None:
    for handle in list(Queue._alive):
        handle._before_fork()


def _after_fork_in_parent() -> None:
    Exchange.here().start()


def _after_fork() -> None:
    Exchange.forget()
    for handle in list(Queue._alive):
        handle._after_fork()
