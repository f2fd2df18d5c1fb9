"""Tumbling and sliding windows: each row goes to all windows that cover its time, and a window that is complete out.

      t  1   4  5      9        size 4, slide 4: by 9 the first two windows are complete
      [0       4)               count 1
               [4      8)       count 2
                       [8       is open

A group is a window with a key. The open groups stand in one array of numbers, window first and then key, in order: so
rows find theirs by a search, and the windows that are complete are the beginning of the array.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..formats.direct import instants
from ..record import TIMESTAMP
from .aggregates import Aggregate
from .groups import Groups
from .keys import dense
from .room import fitting, latest_of, opened, sure
from .spans import Spans, last_by

if TYPE_CHECKING:
    import numpy.typing as npt
    import polars as pl

    Ints = npt.NDArray[Any]

__all__ = ["TimeWindows"]

_FILLED_AT_ONCE = 4096
_AT_ONCE = 1 << 13
_KEYS = 1 << 31
"""More than there can be. A group's number is the place of its window among the open ones, times this, plus its key."""


class TimeWindows:
    """Aggregates the rows of a stream, which come in the order of time, by windows and keys.

    Args:
        spans: the windows.
        by: names of the key columns.
        aggregates: what is computed, by the name of its column.
        columns: names and types of the rows' columns.
        fill: also give the windows without rows: of each key, from its first window on, those that the stream passes.
        most: how many groups (windows with their keys) may be open at a time.
    """

    def __init__(
        self,
        spans: Spans,
        by: Sequence[str],
        aggregates: Mapping[str, Aggregate],
        columns: Mapping[str, Any],
        *,
        fill: bool = False,
        most: int = 10_000_000,
    ) -> None:
        self._spans = spans
        self._groups = Groups(by, aggregates, columns, most)
        self._windows = np.zeros(0, np.int64)  # the numbers of the open ones
        self._open, self._slots = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._first_end = 0
        self._fill = fill
        self._since = np.zeros(0, np.int64)  # by key: its first window
        self._next_to_fill: int | None = None

    @property
    def groups(self) -> int:
        """How many groups are open."""
        return self._groups.count

    def fitting(self, frame: pl.DataFrame) -> int:
        """Return how many of the rows have room in `most`."""
        deepest = self._spans.deepest
        if sure(self._groups, frame.height, deepest):
            return frame.height
        codes = self._groups.keys.codes(frame)
        last = self._spans.numbers(instants(frame.get_column(TIMESTAMP)))
        latest = latest_of(np.zeros(0, np.int64), self._groups.keys.count)
        latest[self._open % _KEYS] = self._windows[self._open // _KEYS]  # of several the last one stays
        return fitting(self._groups, opened(codes, last - (deepest - 1), last, latest), deepest)

    def push(self, frame: pl.DataFrame) -> int:
        """Take rows. Return how many of them lie in no window (where windows leave gaps)."""
        values = self._groups.values(frame)
        codes = self._groups.keys.codes(frame)
        times = instants(frame.get_column(TIMESTAMP))
        inside = 0
        for rows, numbers in _together(self._spans.covering(times), len(times)):
            inside = inside or len(numbers if rows is None else np.unique(rows))
            if rows is None:
                self._groups.add(self._slots_of(numbers, codes), values)
            else:
                some = [None if column is None else column.gather(rows) for column in values]
                self._groups.add(self._slots_of(numbers, codes[rows]), some)
            self._groups.check_room(lambda slot: int(self._open[self._slots == slot][0] % _KEYS))
        return len(times) - inside

    def _slots_of(self, numbers: Ints, codes: Ints) -> Ints:
        """Return the slot of each row; groups that are new are opened."""
        turns, windows = dense(numbers)
        least = int(codes.min())
        span = int(codes.max()) - least + 1
        places, groups = dense(turns * span + (codes - least))
        keys = groups % span + least
        wanted = self._indices(windows)[groups // span] * _KEYS + keys
        found, fresh = _search(self._open, wanted)
        if fresh.any():
            self._open = _inserted(self._open, found[fresh], wanted[fresh])
            self._slots = _inserted(self._slots, found[fresh], self._groups.allocate(keys[fresh]))
            self._begin(windows[groups // span][fresh], keys[fresh])
            found = np.searchsorted(self._open, wanted)
        slots: Ints = self._slots[found][places]
        return slots

    def _indices(self, windows: Ints) -> Ints:
        """Return the places of windows, which are in order, among the open ones; those that are new get one."""
        known = self._windows
        found, fresh = _search(known, windows)
        if not fresh.any():
            return found
        self._windows = _inserted(known, found[fresh], windows[fresh])
        if (found[fresh] < len(known)).any():  # not all of the new ones are behind the old
            moved = np.searchsorted(self._windows, known)
            self._open = moved[self._open // _KEYS] * _KEYS + self._open % _KEYS
        return np.searchsorted(self._windows, windows)

    def _begin(self, windows: Ints, keys: Ints) -> None:
        """Note which windows there are now, and, to fill, the first one of each key."""
        self._first_end = self._end_of(int(self._windows[0]))
        if self._fill:
            first = int(windows.min())
            self._next_to_fill = first if self._next_to_fill is None else min(first, self._next_to_fill)
            more = np.full(self._groups.keys.count - len(self._since), np.iinfo(np.int64).max)
            self._since = np.concatenate([self._since, more])
            np.minimum.at(self._since, keys, windows)

    def _end_of(self, number: int) -> int:
        return int(self._spans.ends(np.array([number]))[0])

    def advance(self, frontier: int) -> Iterator[pl.DataFrame]:
        """Yield the results of the windows that end by then: nothing before it will follow."""
        if self._fill and self._next_to_fill is not None:
            yield from self._filled(last_by(self._spans, frontier))
        elif len(self._open) and self._first_end <= frontier:
            yield from self._take(last_by(self._spans, frontier))
            if self._groups.too_many_keys():
                self._forget_keys()

    def end(self) -> Iterator[pl.DataFrame]:
        """Yield the results of all windows that are open."""
        if len(self._open):
            last = int(self._windows[-1])
            yield from self._filled(last) if self._fill else self._take(last)

    def _filled(self, last: int) -> Iterator[pl.DataFrame]:
        """Yield all windows up to a number, those without rows among them."""
        assert self._next_to_fill is not None, "a window has begun"
        while self._next_to_fill <= last:
            known = np.flatnonzero(self._since <= last)
            some = min(last + 1, self._next_to_fill + max(1, _FILLED_AT_ONCE // max(1, len(known))))
            windows = np.arange(self._next_to_fill, some)
            windows = windows[self._spans.starts(windows) < self._spans.ends(windows)]  # calendars may lack a day
            numbers, keys = np.repeat(windows, len(known)), np.tile(known, len(windows))
            begun = self._since[keys] <= numbers
            if begun.any():
                self._slots_of(numbers[begun], keys[begun])
                yield from self._take(some - 1)
            self._next_to_fill = some

    def _take(self, last: int) -> Iterator[pl.DataFrame]:
        """Yield the results of the windows up to a number, and let them go."""
        complete = int(np.searchsorted(self._windows, last, side="right"))
        count = int(np.searchsorted(self._open, complete * _KEYS))
        groups, slots = self._open[:count], self._slots[:count]
        numbers = self._windows[groups // _KEYS]
        self._open, self._slots = self._open[count:] - complete * _KEYS, self._slots[count:]
        self._windows = self._windows[complete:]
        if len(self._windows):
            self._first_end = self._end_of(int(self._windows[0]))
        yield from self._groups.take(slots, groups % _KEYS, self._spans.starts(numbers), self._spans.ends(numbers))
        self._groups.free(slots)

    def _forget_keys(self) -> None:
        alive, places = np.unique(self._open % _KEYS, return_inverse=True)
        self._open = self._open // _KEYS * _KEYS + self._groups.keys.forget(alive)[places]
        order = np.argsort(self._open)
        self._open, self._slots = self._open[order], self._slots[order]


def _search(ordered: Ints, wanted: Ints) -> tuple[Ints, Any]:
    """Return where numbers are, or belong, among those in order; and which of them are not there."""
    found = np.searchsorted(ordered, wanted)
    fresh = np.ones(len(wanted), np.bool_)
    if len(ordered):
        np.not_equal(ordered.take(found, mode="clip"), wanted, out=fresh)
    return found, fresh


def _inserted(array: Ints, places: Ints, values: Ints) -> Ints:
    """Do as `np.insert`, and quickly if all belong behind the others: new keys in the latest window, mostly."""
    at_the_end = len(places) > 0 and int(places[0]) == len(array)
    return np.concatenate([array, values]) if at_the_end else np.insert(array, places, values)


def _together(turns: Iterator[tuple[Ints | None, Ints]], height: int) -> Iterator[tuple[Ints | None, Ints]]:
    """Yield the windows of rows as they come, as many turns at once as have few enough rows.

    A window has its later rows in later turns, so those of each stay in order.
    """
    most = max(1, _AT_ONCE // max(1, height))
    while some := list(itertools.islice(turns, most)):
        if len(some) == 1:
            yield some[0]
        else:
            rows = [np.arange(height) if rows is None else rows for rows, _ in some]
            yield np.concatenate(rows), np.concatenate([numbers for _, numbers in some])
