"""The two sides of a queue: in the process that made it, and everywhere else."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from .blocks import Block
from .depot import Depot
from .exchange import Exchange
from .inlet import Inlet
from .outlet import Outlet
from .place import Place
from .tray import Tray

__all__ = ["Foreign", "Own"]


class Own:
    """The queue in the process that made it."""

    def __init__(self, depot: Depot) -> None:
        self.depot = depot
        self.shelf = depot.shelf
        self.tray = depot.tray
        self.givers = depot.givers
        self._closed = False
        Exchange.here().keep(depot)

    def put(self, part: Any, block: bool, timeout: float | None) -> None:
        self.depot.put(part, block, timeout, self._is_closed)

    def put_block(self, parcel: Block, block: bool, timeout: float | None) -> None:
        bounded = self.depot.maxsize > 0
        if bounded:
            self.depot.reserve(parcel.count, block, timeout, self._is_closed)
        self.depot.add(parcel, parcel.count if bounded else 0)

    def settle(self) -> None:
        """Give the room that there is now to those who wait for it."""
        self.depot.settle()

    def flush(self, *, known: bool) -> None:
        """What is put here is there at once."""

    def fill_shelf(self, block: bool, timeout: float | None) -> None:
        self.depot.fill_shelf(block, timeout, self._is_closed)

    def take_block(self, block: bool, timeout: float | None) -> Any:
        return self.depot.take_block(block, timeout, self._is_closed)

    def qsize(self) -> int:
        return len(self.depot)

    def ready(self) -> bool:
        return self.depot.ready()

    def fileno(self) -> int:
        return self.depot.bell().fileno()

    def place(self, *, forking: bool = False) -> Place:
        return Exchange.here().share(self.depot, forking=forking)

    def _is_closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        self._closed = True
        self.leave()
        self.depot.recall()

    def leave(self) -> None:
        Exchange.here().drop(self.depot)

    def abandon(self) -> None:
        """After a fork: the depot belongs to the parent."""


class Foreign:
    """The queue in any other process. It connects when it is first used, once to put and once to get."""

    def __init__(self, place: Place, maxsize: int) -> None:
        self.shelf: deque[Any] = deque()
        self.givers = ()  # the owner knows
        self.tray = Tray(1, self._ship_first, bounded=maxsize > 0)
        self._place = place
        self._maxsize = maxsize
        self._lock = threading.RLock()  # reentrant: a signal's handler may close what it has interrupted
        self._closed = False
        self._outlet: Outlet | None = None
        self._inlet: Inlet | None = None

    def _out(self) -> Outlet:
        with self._lock:
            if self._outlet is None:
                self._check_open()
                try:
                    self._outlet = Outlet(self._place, self._maxsize, self.tray)
                except EOFError as error:
                    raise BrokenPipeError(str(error)) from error
            return self._outlet

    def _in(self) -> Inlet:
        with self._lock:
            if self._inlet is None:
                self._check_open()
                self._inlet = Inlet(self._place, self._maxsize, self.shelf)
            return self._inlet

    def _check_open(self) -> None:
        """Raise ValueError if another thread has closed the handle since that was looked at: nobody would hang up."""
        if self._closed:
            raise ValueError(f"the handle of a queue of process {self._place.owner} is closed")

    def _ship_first(self) -> None:
        try:
            self._out().flush()
        except OSError:
            self.tray.clear()
            raise

    def put(self, part: Any, block: bool, timeout: float | None) -> None:
        (self._outlet or self._out()).put(part, block, timeout)

    def put_block(self, parcel: Block, block: bool, timeout: float | None) -> None:
        self._out().put_block(parcel, block, timeout)

    def settle(self) -> None:
        """Do nothing: the owner gives room when something is fetched."""

    def flush(self, *, known: bool) -> None:
        if self._outlet is not None:
            (self._outlet.qsize if known else self._outlet.flush)()

    def fill_shelf(self, block: bool, timeout: float | None) -> None:
        self._in().fill_shelf(block, timeout)

    def take_block(self, block: bool, timeout: float | None) -> Any:
        return self._in().take_block(block, timeout)

    def qsize(self) -> int:
        return self._out().qsize() + len(self.shelf)

    def ready(self) -> bool:
        try:
            inlet = self._in()
        except ValueError:  # closed meanwhile, which is to be told
            return True
        return inlet.ready()

    def fileno(self) -> int:
        return self._in().fileno()

    def place(self, *, forking: bool = False) -> Place:
        return self._place

    def close(self) -> None:
        with self._lock:  # an end that is being opened is waited for, and closed
            self._closed = True
        if self._inlet is not None:
            self._inlet.close()
        if self._outlet is not None:
            self._outlet.close()

    def leave(self) -> None:
        if self._inlet is not None:
            self._inlet.close()
        if self._outlet is not None:
            self._outlet.leave()

    def abandon(self) -> None:
        for end in (self._inlet, self._outlet):
            if end is not None:
                end.abandon()
