"""Where puts gather until somebody takes them away."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from typing import Any

from .blocks import COPIES, OBJECTS, ROWS, kind_of
from .plain_rows import KEPT

__all__ = ["NEVER", "Tray"]

NEVER = sys.maxsize


class Tray(list[Any]):
    """Sealed items that were put, in order; threads append without a lock.

    Whoever has appended looks at the limit, and calls `full` if it is reached. So who wants to be called for the next
    item lowers the limit FIRST and looks at what is there THEN: each item is seen by one of the two, or by both.

    Attributes:
        limit: at how many items `full` is to be called.
        full: what takes the items away.
        room: yields True as long as there is room; None if there always is. Taking from an iterator needs no lock.
        kinds: of what has ever been put (see `blocks`); said before the first of a kind is there. Only if there is more
            than one, what has been taken needs to be looked at.
    """

    __slots__ = ("full", "kinds", "limit", "room")

    def __init__(self, limit: int, full: Callable[[], object], *, bounded: bool) -> None:
        super().__init__()
        self.limit = limit
        self.full = full
        self.room: Iterator[bool] | None = repeat(True, 0) if bounded else None
        self.kinds = {ROWS}

    def lay(self, part: Any) -> None:
        """Put a sealed item of any kind; rows of the plainest values need only be appended."""
        if type(part) is tuple or COPIES not in self.kinds:  # else it changes nothing
            self.kinds.add(kind_of(part))
        self.append(part)

    def kind(self, parts: list[Any]) -> int:
        """Return the kind of the block that these make, which have been taken away."""
        if len(self.kinds) == 1:
            return ROWS
        types = set(map(type, parts))
        if types != {dict}:
            return OBJECTS if tuple in types else COPIES
        values = chain.from_iterable(map(dict.values, parts))
        return ROWS if KEPT.issuperset(map(type, values)) else COPIES

    def take(self, most: int = NEVER) -> list[Any]:
        """Take the first items away, while others append."""
        count = min(len(self), most)
        taken = self[:count]
        del self[:count]
        return taken
