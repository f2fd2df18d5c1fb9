"""Sessions: rows of one key that are at most a gap apart belong together.

gap 3     t  1  2    4        9  12
             [--------------7)           from 1 to 4 + 3: a row at 7 would still belong to it
                              [-------15
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..record import TIMESTAMP
from .aggregates import Aggregate
from .groups import Groups, Key
from .keys import keys_of

if TYPE_CHECKING:
    import numpy.typing as npt
    import polars as pl

    Ints = npt.NDArray[Any]

__all__ = ["Sessions"]


class Sessions:
    """Aggregates the rows of a stream, which come in the order of time, by sessions of each key.

    As rows come in order, a row either goes on with the session of its key or begins the next. A session is complete
    when the frontier has passed the time of its last row plus the gap; at that very time a row may still come.

    Args:
        gap: microseconds.
        by: names of the key columns.
        aggregates: what is computed, by the name of its column.
        columns: names and types of the rows' columns.
        most: how many sessions may be open at a time.
    """

    def __init__(
        self,
        gap: int,
        by: Sequence[str],
        aggregates: Mapping[str, Aggregate],
        columns: Mapping[str, Any],
        *,
        most: int = 10_000_000,
    ) -> None:
        self._gap = gap
        self._by = list(by)
        self._groups = Groups(by, aggregates, columns, most)
        self._open: dict[Key, int] = {}  # the latest session of each key; earlier ones wait for the frontier only
        self._keys: dict[int, Key] = {}
        self._first, self._last = np.zeros(0, np.int64), np.zeros(0, np.int64)

    @property
    def groups(self) -> int:
        """How many sessions are open."""
        return self._groups.count

    def push(self, frame: pl.DataFrame) -> int:
        """Take rows. Return 0: each lies in a session."""
        if not frame.height:
            return 0
        values = self._groups.values(frame)
        keys = keys_of(frame, self._by)
        times = frame.get_column(TIMESTAMP).to_physical().to_numpy()
        order = np.argsort(keys.codes, kind="stable")
        codes, ordered = keys.codes[order], times[order]
        begins = np.ones(len(order), np.bool_)
        begins[1:] = (np.diff(codes) != 0) | (np.diff(ordered) > self._gap)
        starts = np.flatnonzero(begins)
        ends = np.append(starts[1:], len(order)) - 1
        slots = self._slots([keys.values[code] for code in codes[starts].tolist()], ordered[starts], ordered[ends])
        each = np.empty(len(order), np.int64)
        each[order] = np.repeat(slots, ends - starts + 1)
        self._groups.add(each, values)
        return 0

    def _slots(self, keys: list[Key], first: Ints, last: Ints) -> Ints:
        """Return the slot of each piece of a session: that of the session that it goes on with, or a new one."""
        slots = np.empty(len(keys), np.int64)
        for place, (key, begin, end) in enumerate(zip(keys, first.tolist(), last.tolist(), strict=True)):
            slot = self._open.get(key)
            if slot is None or begin - int(self._last[slot]) > self._gap:
                slot = self._open[key] = self._groups.allocate(key)
                self._keys[slot] = key
                if slot >= len(self._first):
                    self._first, self._last = (np.resize(a, 2 * slot + 1024) for a in (self._first, self._last))
                self._first[slot] = begin
            self._last[slot] = end
            slots[place] = slot
        return slots

    def advance(self, frontier: int) -> Iterator[pl.DataFrame]:
        """Yield the results of the sessions that no row can go on with any more, if nothing before `frontier` comes."""
        slots = np.fromiter(self._keys, np.int64, len(self._keys))
        complete = slots[self._last[slots] + self._gap < frontier]
        if len(complete):
            yield self._take(complete)

    def end(self) -> Iterator[pl.DataFrame]:
        """Yield the results of all sessions that are open."""
        if self._keys:
            yield self._take(np.fromiter(self._keys, np.int64, len(self._keys)))

    def _take(self, slots: Ints) -> pl.DataFrame:
        keys = [self._keys.pop(slot) for slot in slots.tolist()]
        for key, slot in zip(keys, slots.tolist(), strict=True):
            if self._open.get(key) == slot:
                del self._open[key]
        return self._groups.take(slots.tolist(), keys, self._first[slots], self._last[slots] + self._gap)
