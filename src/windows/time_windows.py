"""Tumbling and sliding windows: each row goes to all windows that cover its time, and a window that is complete out.

t  1   4  5      9        size 4, slide 4: by 9 the first two windows are complete
[0       4)               count 1
         [4      8)       count 2
                 [8       is open
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..record import TIMESTAMP
from .aggregates import Aggregate
from .groups import Groups, Key
from .keys import Keys, dense, keys_of
from .spans import Spans

if TYPE_CHECKING:
    import numpy.typing as npt
    import polars as pl

    Ints = npt.NDArray[Any]

__all__ = ["TimeWindows"]

_FILLED_AT_ONCE = 4096


class TimeWindows:
    """Aggregates the rows of a stream, which come in the order of time, by windows and keys.

    Args:
        spans: the windows.
        by: names of the key columns.
        aggregates: what is computed, by the name of its column.
        columns: names and types of the rows' columns.
        fill: also give the windows without rows: of each key, from its first window on, those before the last window
            of the stream.
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
        self._by = list(by)
        self._groups = Groups(by, aggregates, columns, most)
        self._open: dict[int, dict[Key, int]] = {}
        self._first_end: int | None = None
        self._fill = fill
        self._known: dict[Key, int] = {}
        self._next_to_fill: int | None = None

    @property
    def groups(self) -> int:
        """How many groups are open."""
        return self._groups.count

    def push(self, frame: pl.DataFrame) -> int:
        """Take rows. Return how many of them lie in no window (where windows leave gaps)."""
        values = self._groups.values(frame)
        keys = keys_of(frame, self._by)
        times = frame.get_column(TIMESTAMP).to_physical().to_numpy()
        outside = len(times)
        for turn, (rows, numbers) in enumerate(self._spans.covering(times)):
            if turn == 0:
                outside -= len(numbers)
            if rows is None:
                self._groups.add(self._slots(numbers, keys.codes, keys), values)
            else:
                some = [None if column is None else column.gather(rows) for column in values]
                self._groups.add(self._slots(numbers, keys.codes[rows], keys), some)
        return outside

    def _slots(self, numbers: Ints, codes: Ints, keys: Keys) -> Ints:
        """Return the slot of each row; groups that are new are opened."""
        different = len(keys.values)
        places, groups = dense((numbers - numbers.min()) * different + codes)
        first = int(numbers.min())
        slots = np.empty(len(groups), np.int64)
        for place, group in enumerate(groups.tolist()):
            number, key = first + group // different, keys.values[group % different]
            window = self._open.get(number)
            if window is None:
                window = self._begin(number)
            slot = window.get(key)
            if slot is None:
                slot = window[key] = self._groups.allocate(key)
                if self._fill:
                    self._known.setdefault(key, number)
            slots[place] = slot
        return slots[places]

    def _begin(self, number: int) -> dict[Key, int]:
        window = self._open[number] = {}
        end = int(self._spans.ends(np.array([number]))[0])
        self._first_end = end if self._first_end is None else min(end, self._first_end)
        if self._next_to_fill is None or number < self._next_to_fill:
            self._next_to_fill = number
        return window

    def advance(self, frontier: int) -> Iterator[pl.DataFrame]:
        """Yield the results of the windows that end by then: nothing before it will follow."""
        if self._fill and self._next_to_fill is not None:
            yield from self._filled(self._last_by(frontier))
        elif self._first_end is not None and self._first_end <= frontier:
            numbers = np.array(sorted(self._open))
            yield self._take(numbers[self._spans.ends(numbers) <= frontier].tolist())

    def end(self) -> Iterator[pl.DataFrame]:
        """Yield the results of all windows that are open."""
        if self._fill and self._open:
            yield from self._filled(max(self._open))
        elif self._open:
            yield self._take(sorted(self._open))

    def _last_by(self, frontier: int) -> int:
        """Return the number of the last window that ends by the frontier."""
        number = int(self._spans.numbers(np.array([frontier]))[0])
        while int(self._spans.ends(np.array([number]))[0]) > frontier:
            number -= 1
        return number

    def _filled(self, last: int) -> Iterator[pl.DataFrame]:
        """Yield all windows up to a number, those without rows among them."""
        assert self._next_to_fill is not None, "a window has begun"
        waiting: list[int] = []
        groups = 0
        while self._next_to_fill <= last:
            number, self._next_to_fill = self._next_to_fill, self._next_to_fill + 1
            window = self._open.setdefault(number, {})
            for key, since in self._known.items():
                if since <= number and key not in window:
                    window[key] = self._groups.allocate(key)
            waiting.append(number)
            groups += len(window)
            if groups >= _FILLED_AT_ONCE:
                yield self._take(waiting)
                waiting, groups = [], 0
        if waiting:
            yield self._take(waiting)

    def _take(self, numbers: list[int]) -> pl.DataFrame:
        windows = [self._open.pop(number) for number in numbers]
        each = np.repeat(np.array(numbers), [len(window) for window in windows])
        slots = [slot for window in windows for slot in window.values()]
        keys = [key for window in windows for key in window]
        left = np.array(list(self._open), dtype=np.int64)
        self._first_end = int(self._spans.ends(left).min()) if len(left) else None
        return self._groups.take(slots, keys, self._spans.starts(each), self._spans.ends(each))
