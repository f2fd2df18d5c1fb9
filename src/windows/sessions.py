"""Sessions: rows of one key that are at most a gap apart belong together.

gap 3     t  1  2    4        9  12
             [--------------7]           from 1 to 4 + 3: a row at 7 would still belong to it
                              [------15]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..formats.direct import instants
from ..record import TIMESTAMP
from .aggregates import Aggregate
from .groups import Groups
from .room import fitting, sure
from .spans import within_time

if TYPE_CHECKING:
    import numpy.typing as npt
    import polars as pl

    Ints = npt.NDArray[Any]

__all__ = ["Sessions"]

_NOBODY = -1


class Sessions:
    """Aggregates the rows of a stream, which come in the order of time, by sessions of each key.

    As rows come in order, a row either goes on with the latest session of its key or begins the next. A session is
    complete when the frontier has passed the time of its last row plus the gap; at that very time a row may still come.

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
        self._groups = Groups(by, aggregates, columns, most)
        self._latest = np.zeros(0, np.int64)  # by key: the slot of its latest session
        self._open = np.zeros(0, np.int64)  # slots, as the sessions began
        self._keys, self._first, self._last = (np.zeros(0, np.int64) for _ in range(3))  # by slot

    @property
    def groups(self) -> int:
        """How many sessions are open."""
        return self._groups.count

    def fitting(self, frame: pl.DataFrame) -> int:
        """Return how many of the rows have room in `most`."""
        if sure(self._groups, frame.height, 1):
            return frame.height
        codes = self._groups.keys.codes(frame)
        times = instants(frame.get_column(TIMESTAMP))
        order = np.argsort(codes, kind="stable")
        begins = self._begins(codes[order], times[order])
        first = np.flatnonzero(np.diff(codes[order], prepend=_NOBODY) != 0)
        begins[first] = ~self._go_on(codes[order][first], times[order][first])
        fresh = np.empty(len(order), np.int64)
        fresh[order] = begins
        return fitting(self._groups, fresh, 1)

    def push(self, frame: pl.DataFrame) -> int:
        """Take rows. Return 0: each lies in a session."""
        if not frame.height:
            return 0
        values = self._groups.values(frame)
        codes = self._groups.keys.codes(frame)
        times = instants(frame.get_column(TIMESTAMP))
        order = np.argsort(codes, kind="stable")
        keys, ordered = codes[order], times[order]
        starts = np.flatnonzero(self._begins(keys, ordered))
        ends = np.append(starts[1:], len(order)) - 1
        slots = self._slots(keys[starts], ordered[starts], ordered[ends])
        each = np.empty(len(order), np.int64)
        each[order] = np.repeat(slots, ends - starts + 1)
        self._groups.add(each, values)
        self._groups.check_room(lambda slot: int(self._keys[slot]))
        return 0

    def _begins(self, keys: Ints, times: Ints) -> Any:
        """Tell of rows, put in order by key and then time, where a piece of a session begins."""
        begins = np.ones(len(keys), np.bool_)
        begins[1:] = (np.diff(keys) != 0) | (np.diff(times) > self._gap)
        return begins

    def _go_on(self, keys: Ints, times: Ints) -> Any:
        """Tell of rows with keys whether they go on with the latest session of theirs."""
        if self._groups.keys.count > len(self._latest):
            more = np.full(self._groups.keys.count, _NOBODY)
            self._latest = np.concatenate([self._latest, more])
        slots = self._latest[keys]
        goes_on = slots != _NOBODY
        goes_on[goes_on] = times[goes_on] - self._last[slots[goes_on]] <= self._gap
        return goes_on

    def _slots(self, keys: Ints, first: Ints, last: Ints) -> Ints:
        """Return the slot of each piece of a session: that of the session that it goes on with, or a new one."""
        goes_on = np.diff(keys, prepend=_NOBODY) != 0  # only the first piece of a key can
        goes_on[goes_on] = self._go_on(keys[goes_on], first[goes_on])
        slots = self._latest[keys]
        fresh = self._groups.allocate(keys[~goes_on])
        slots[~goes_on] = fresh
        self._grow(int(slots.max()) + 1)
        self._open = np.concatenate([self._open, fresh])
        self._keys[fresh], self._first[fresh] = keys[~goes_on], first[~goes_on]
        self._last[slots] = last
        self._latest[keys] = slots  # of several pieces the last one stays
        return slots

    def _grow(self, slots: int) -> None:
        if slots > len(self._last):
            more = np.zeros(slots + len(self._last), np.int64)
            self._keys, self._first, self._last = (
                np.concatenate([array, more]) for array in (self._keys, self._first, self._last)
            )

    def advance(self, frontier: int) -> Iterator[pl.DataFrame]:
        """Yield the results of the sessions that no row can go on with any more, if nothing before `frontier` comes."""
        complete = self._last[self._open] + self._gap < frontier
        if complete.any():
            yield from self._take(complete)
            if self._groups.too_many_keys():
                self._forget_keys()

    def end(self) -> Iterator[pl.DataFrame]:
        """Yield the results of all sessions that are open."""
        if len(self._open):
            yield from self._take(np.ones(len(self._open), np.bool_))

    def _take(self, complete: npt.NDArray[np.bool_]) -> Iterator[pl.DataFrame]:
        slots, self._open = self._open[complete], self._open[~complete]
        keys = self._keys[slots]
        over = self._latest[keys] == slots
        self._latest[keys[over]] = _NOBODY
        yield from self._groups.take(slots, keys, self._first[slots], within_time(self._last[slots] + self._gap))
        self._groups.free(slots)

    def _forget_keys(self) -> None:
        alive, places = np.unique(self._keys[self._open], return_inverse=True)
        latest = self._latest[alive]
        new = self._groups.keys.forget(alive)
        self._keys[self._open] = new[places]
        self._latest = np.full(self._groups.keys.count, _NOBODY)
        self._latest[new] = latest
