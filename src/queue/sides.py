"""The two sides of a queue: in the process that made it, and everywhere else."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

from .blocks import Block, Loose
from .depot import Depot
from .exchange import Exchange
from .inlet import Inlet
from .outlet import Outlet
from .place import Place

__all__ = ["Adder", "Foreign", "Own"]

Adder: TypeAlias = Callable[[bytes], None]


class Own:
    """The queue in the process that made it."""

    def __init__(self, depot: Depot) -> None:
        self.depot = depot
        self.shelf = depot.shelf
        Exchange.here().keep(depot)

    def adder(self, known: Callable[[Adder], object]) -> Adder:
        return self.depot.add_pickle

    def put(self, body: bytes, block: bool, timeout: float | None) -> None:
        if self.depot.maxsize:
            self.depot.reserve(1, block, timeout)
            self.depot.add(Loose([body]), reserved=1)
        else:
            self.depot.add_pickle(body)

    def put_block(self, parcel: Block, block: bool, timeout: float | None) -> None:
        bounded = self.depot.maxsize > 0
        if bounded:
            self.depot.reserve(parcel.count, block, timeout)
        self.depot.add(parcel, parcel.count if bounded else 0)

    def flush(self, *, known: bool) -> None:
        """What is put here is there at once."""

    def fill_shelf(self, block: bool, timeout: float | None) -> None:
        self.depot.fill_shelf(block, timeout)

    def take_block(self, block: bool, timeout: float | None) -> Any:
        return self.depot.take_block(block, timeout)

    def qsize(self) -> int:
        return len(self.depot)

    def ready(self) -> bool:
        return self.depot.ready()

    def fileno(self) -> int:
        return self.depot.bell().fileno()

    def place(self, *, forking: bool = False) -> Place:
        return Exchange.here().share(self.depot, forking=forking)

    def close(self) -> None:
        Exchange.here().drop(self.depot)

    leave = close

    def abandon(self) -> None:
        """After a fork: the depot belongs to the parent."""


class Foreign:
    """The queue in any other process."""

    def __init__(self, place: Place, maxsize: int) -> None:
        self.shelf: deque[Any] = deque()
        self._place = place
        self._maxsize = maxsize
        self._lock = threading.Lock()
        self._outlet: Outlet | None = None
        self._inlet: Inlet | None = None

    def _out(self) -> Outlet:
        with self._lock:
            if self._outlet is None:
                self._outlet = Outlet(self._place, self._maxsize)
            return self._outlet

    def _in(self) -> Inlet:
        with self._lock:
            if self._inlet is None:
                self._inlet = Inlet(self._place, self._maxsize, self.shelf)
            return self._inlet

    def adder(self, known: Callable[[Adder], object]) -> Adder:
        """Return what adds an item; it connects when it is first called, and then makes `known` the direct way."""

        def connect(body: bytes) -> None:
            outlet = self._out()
            outlet.add(body)
            known(outlet.add)

        return connect

    def put(self, body: bytes, block: bool, timeout: float | None) -> None:
        (self._outlet or self._out()).put(body, block, timeout)

    def put_block(self, parcel: Block, block: bool, timeout: float | None) -> None:
        self._out().put_block(parcel, block, timeout)

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
        return self._in().ready()

    def fileno(self) -> int:
        return self._in().fileno()

    def place(self, *, forking: bool = False) -> Place:
        return self._place

    def close(self) -> None:
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
