"""Sliding windows of which each row lies in very many: a row is added to a stretch of slots instead of one by one.

    slide 1, size 4      t = 5 lies in the windows 2, 3, 4, 5

    page of a key   | 0  1  2  3 | 4  5  6  7 |      a page has as many slots as a row has windows at most,
                            +--+---+--+              so these are in two pages at most, next to each other in each

The slots of a key stand in pages by the number of the window. To add a row to a stretch is one call of numpy for each
aggregate, at less than a nanosecond for each window. What windows have in common (panes: Li et al., "No pane, no
gain", 2005) is not shared: a sum of floats is the sum from the first row of its window to the last, to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..formats.direct import instants
from ..record import TIMESTAMP
from .accumulators import Count, Stretches
from .aggregates import Aggregate
from .groups import Groups, Values
from .keys import dense
from .room import fitting, latest_of, opened, sure
from .spans import Spans, last_by

if TYPE_CHECKING:
    import numpy.typing as npt
    import polars as pl

    Ints = npt.NDArray[Any]

__all__ = ["DEEP", "DeepWindows"]

DEEP: Final = 150
"""Windows that a row must be in for this to pay: below, what is done for each row costs more."""
_AT_ONCE: Final = 1 << 20
_NOTHING: Final = (np.zeros(0, np.int64),) * 3


class DeepWindows:
    """Aggregates the rows of a stream as `TimeWindows` does, and gives the same results.

    Args:
        spans, by, aggregates, columns, most: as of `TimeWindows`.
    """

    def __init__(
        self,
        spans: Spans,
        by: Sequence[str],
        aggregates: Mapping[str, Aggregate],
        columns: Mapping[str, Any],
        *,
        most: int = 10_000_000,
    ) -> None:
        self._spans = spans
        self._deepest = spans.deepest
        self._groups = Groups(by, aggregates, columns, most)
        self._rows = Count()  # by slot
        self._pages: dict[int, dict[int, int]] = {}  # by number: of each key, by its code, the first slot
        self._free: list[int] = []  # first slots of pages
        self._size = 0  # slots in all pages
        self._next: int | None = None  # no window before this one is open
        self._latest = np.zeros(0, np.int64)  # by code: the last window that has rows

    @property
    def groups(self) -> int:
        """How many groups are open."""
        return self._groups.count

    def fitting(self, frame: pl.DataFrame) -> int:
        """Return how many of the rows have room in `most`."""
        if sure(self._groups, frame.height, self._deepest):
            return frame.height
        codes = self._groups.keys.codes(frame)
        last = self._spans.numbers(instants(frame.get_column(TIMESTAMP)))
        latest = latest_of(self._latest, self._groups.keys.count)
        return fitting(self._groups, opened(codes, last - (self._deepest - 1), last, latest), self._deepest)

    def push(self, frame: pl.DataFrame) -> int:
        """Take rows. Return 0: each lies in windows, as they overlap."""
        values = self._groups.values(frame)
        codes = self._groups.keys.codes(frame)
        times = instants(frame.get_column(TIMESTAMP))
        step = max(1, _AT_ONCE // self._deepest)
        for start in range(0, len(times), step):
            cut = slice(start, start + step)
            self._add(times[cut], codes[cut], [None if v is None else v[cut] for v in values])
        return 0

    def _add(self, times: Ints, codes: Ints, values: Values) -> None:
        last = self._spans.numbers(times)
        first = self._first_of(times, last)
        self._open(codes, first, last)
        rows, stretches = self._stretches(codes, first, last)
        self._rows.add(stretches)
        self._groups.add(stretches, [None if column is None else column.gather(rows) for column in values])
        self._groups.check_room(self._key_of)

    def _first_of(self, times: Ints, last: Ints) -> Ints:
        """Return the first window that covers each time."""
        first = last - (self._deepest - 1)
        while (over := self._spans.over(first, times) & (first < last)).any():
            first = first + over
        return first

    def _open(self, codes: Ints, first: Ints, last: Ints) -> None:
        """Count the groups that rows open. Raises AggregateError if they are too many."""
        self._latest = latest_of(self._latest, self._groups.keys.count)
        self._groups.open(np.repeat(codes, opened(codes, first, last, self._latest)))
        self._latest[codes] = last  # of several the last one stays
        self._next = int(first[0]) if self._next is None else min(self._next, int(first[0]))

    def _stretches(self, codes: Ints, first: Ints, last: Ints) -> tuple[Ints, Stretches]:
        """Return the slots of the windows of each row: in the page of the first, and if it is another, of the last."""
        pages = np.stack([first, last], axis=1) // self._deepest
        slots = self._page_slots(pages, codes) - pages * self._deepest
        edge = pages[:, 1] * self._deepest
        starts = np.stack([first, np.maximum(edge, first)], axis=1) + slots
        stops = np.stack([np.where(edge > first, edge, last + 1), last + 1], axis=1) + slots
        wanted = np.stack([np.ones(len(first), np.bool_), edge > first], axis=1)
        rows = np.repeat(np.arange(len(first)), 2)[wanted.ravel()]
        return rows, Stretches(starts[wanted], stops[wanted])

    def _page_slots(self, pages: Ints, codes: Ints) -> Ints:
        """Return the first slot of each page; those that are new are made."""
        turns, numbers = dense(pages.ravel())
        places, names = dense(turns * self._groups.keys.count + np.repeat(codes, 2))
        wanted, keys = np.divmod(names, self._groups.keys.count)
        slots = np.array(list(map(self._page, numbers[wanted].tolist(), keys.tolist())))
        return slots[places].reshape(pages.shape)

    def _page(self, number: int, code: int) -> int:
        page = self._pages.setdefault(number, {})
        if code not in page:
            if not self._free:
                self._grow()
            page[code] = self._free.pop()
        return page[code]

    def _grow(self) -> None:
        """Make room for as many pages again."""
        more = max(1, self._size // self._deepest)
        self._free += [self._size + turn * self._deepest for turn in reversed(range(more))]
        self._size += more * self._deepest
        self._rows.grow(self._size)
        self._groups.grow(self._size)

    def _key_of(self, slot: int) -> int:
        pages = ((code, slot - start) for page in self._pages.values() for code, start in page.items())
        return next(code for code, place in pages if 0 <= place < self._deepest)

    def advance(self, frontier: int) -> Iterator[pl.DataFrame]:
        """Yield the results of the windows that end by then: nothing before it will follow."""
        if self._next is not None and int(self._spans.ends(np.array([self._next]))[0]) <= frontier:
            yield from self._take(last_by(self._spans, frontier))

    def end(self) -> Iterator[pl.DataFrame]:
        """Yield the results of all windows that are open."""
        if self._groups.count:
            yield from self._take(int(self._latest.max()))

    def _take(self, last: int) -> Iterator[pl.DataFrame]:
        """Yield the results of the windows up to a number, and let them go."""
        assert self._next is not None, "a window has begun"
        since, self._next = self._next, max(last + 1, self._next)
        found = [self._taken(number, since, last) for number in sorted(self._pages) if number * self._deepest <= last]
        slots, codes, numbers = (np.concatenate(each) for each in zip(_NOTHING, *found, strict=True))
        if not len(slots):
            return
        self._rows.take(slots)
        yield from self._groups.take(slots, codes, self._spans.starts(numbers), self._spans.ends(numbers))
        if not self._groups.count:
            self._next = None
        if self._groups.too_many_keys():
            self._forget_keys()

    def _taken(self, number: int, since: int, last: int) -> tuple[Ints, Ints, Ints]:
        """Return slot, key and window of the groups of a page; the page is let go of if no window follows in it."""
        page, first, behind = self._pages[number], number * self._deepest, (number + 1) * self._deepest
        windows = np.arange(max(first, since), min(behind, last + 1))
        codes, starts = (np.fromiter(some, np.int64, len(page)) for some in (page.keys(), page.values()))
        slots = np.add.outer(starts - first, windows).ravel()
        there = self._rows.of(slots) > 0
        if behind <= last + 1:
            self._free += self._pages.pop(number).values()
        return slots[there], np.repeat(codes, len(windows))[there], np.tile(windows, len(codes))[there]

    def _forget_keys(self) -> None:
        alive = np.unique([code for page in self._pages.values() for code in page]).astype(np.int64)
        latest = self._latest[alive]
        new = dict(zip(alive.tolist(), (numbers := self._groups.keys.forget(alive)).tolist(), strict=True))
        self._latest = latest_of(_NOTHING[0], self._groups.keys.count)
        self._latest[numbers] = latest
        self._pages = {
            number: {new[code]: start for code, start in page.items()} for number, page in self._pages.items()
        }
