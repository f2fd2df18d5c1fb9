"""All pairs of rows of one key that are near each other in time: by a range, or in the same window.

lower -2, upper 1        left   5        8
                         right    6  4         10      pairs (5, 6), (5, 4), (8, 6): 4 - 5 = -1 and so on
                                                       10 - 8 = 2 is too far
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from ..formats.arrow_series import column_of
from ..frozen import frozen
from ..windows.aggregates import WINDOW_END, WINDOW_START
from ..windows.held import Held, Rows, joined
from ..windows.spans import Spans, last_moments
from .core import JoinCore
from .layout import How, Layout

if TYPE_CHECKING:
    import numpy.typing as npt
    import polars as pl

    Ints = npt.NDArray[Any]

__all__ = ["Band", "Nearness", "PairJoin", "SameWindow"]

_AT_ONCE = 1 << 20
"""So many places to look for partners are made at a time: a row may lie in ten thousand windows."""


@frozen
class Entries:
    """Where rows look for partners.

    Attributes:
        rows: the place of the row that each entry is of.
        low, high: the times that the partner may have, both included.
        windows: the number of the window that both are in; None: there are none.
    """

    rows: Ints
    low: Ints
    high: Ints
    windows: Ints | None = None

    def near(self, times: Ints) -> Ints:
        """Return the entries that may have a partner at one of these times, which are in order: of a block and what is
        held, mostly few."""
        return np.flatnonzero((self.low <= times[-1]) & (self.high >= times[0]))

    def windows_of(self, places: Ints) -> Ints | None:
        """Return the windows of some entries."""
        return None if self.windows is None else self.windows[places]


class Nearness(Protocol):
    """Which times belong together.

    Attributes:
        deepest: in how many windows a time lies at most, as of `Spans`; 1 if there are none.
    """

    @property
    def deepest(self) -> int: ...

    def entries(self, times: Ints, *, of_left: bool) -> Entries:
        """Return where rows with these times look for partners."""

    def since(self, frontier: int, *, of_left: bool) -> int:
        """Return the least time of a row for which a partner at the frontier or later may come."""

    def more(self, windows: Ints | None) -> dict[str, pl.Series]:
        """Return the columns that are added to results, by the window of each."""


@frozen
class Band:
    """The right time less the left time is in a range, in microseconds, both ends included."""

    lower: int
    upper: int
    deepest: ClassVar[int] = 1

    def entries(self, times: Ints, *, of_left: bool) -> Entries:
        low, high = (self.lower, self.upper) if of_left else (-self.upper, -self.lower)
        return Entries(np.arange(len(times)), times + low, times + high)

    def since(self, frontier: int, *, of_left: bool) -> int:
        return frontier - (self.upper if of_left else -self.lower)

    def more(self, windows: Ints | None) -> dict[str, pl.Series]:
        return {}


class SameWindow:
    """Both are in a window. Rows that share several windows are a pair in each of them."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans
        self.deepest = spans.deepest

    def entries(self, times: Ints, *, of_left: bool) -> Entries:
        found = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
        for covered, numbers in self._spans.covering(times):
            found.append((np.arange(len(times)) if covered is None else covered, numbers))
        rows, windows = map(np.concatenate, zip(*found, strict=True))
        return Entries(rows, self._spans.starts(windows), last_moments(self._spans, windows), windows)

    def since(self, frontier: int, *, of_left: bool) -> int:
        latest = int(self._spans.numbers(np.array([frontier]))[0])
        numbers = np.arange(latest - self._spans.deepest, latest + 1)
        over = int(np.searchsorted(last_moments(self._spans, numbers), frontier))
        return int(self._spans.starts(numbers[:1] + over)[0])

    def more(self, windows: Ints | None) -> dict[str, pl.Series]:
        if windows is None:
            return {}
        starts, ends = self._spans.starts(windows), self._spans.ends(windows)
        return {WINDOW_START: column_of(starts), WINDOW_END: column_of(ends)}


class PairJoin(JoinCore):
    """Join two streams by key and nearness.

    A row is held as long as a row may come that it belongs to, and so are results until all that go before them are
    known: with `how` other than inner, until it is known which rows have no partner.

    Args:
        near: which times belong together.
        how, layout, left, right, most: as of `JoinCore`.
    """

    def __init__(
        self,
        near: Nearness,
        how: How,
        layout: Layout,
        left: Mapping[str, Any],
        right: Mapping[str, Any],
        *,
        most: int = 10_000_000,
    ) -> None:
        super().__init__(how, layout, left, right, most=most)
        self._near = near
        self._sides = (Held(), Held())

    def _store(self, side: int) -> Held:
        return self._sides[side]

    def advance(self, frontier: int | None) -> tuple[pl.DataFrame | None, int | None]:
        self._find_pairs()
        bound = frontier
        for side in (0, 1):
            self._let_go(side, frontier)
            waiting = self._sides[side].first_waiting() if self._wants[side] else None
            if waiting is not None and bound is not None:
                bound = min(bound, waiting)
        self._forget_keys()
        ready = self._results.take(bound)
        self._check_room()
        return ready, bound

    def _find_pairs(self) -> None:
        """Find the pairs of which at least one row is new, and put the new rows to the others."""
        left, right = self._sides
        news = [joined(coming.runs) if coming.runs else None for coming in self._coming]
        new_left, new_right = news
        if new_left is not None:
            self._pair(new_left, [*right.runs, *([] if new_right is None else [new_right])], of_left=True)
        if new_right is not None:
            self._pair(new_right, left.runs, of_left=False)
        for held, coming, new in zip(self._sides, self._coming, news, strict=True):
            coming.runs = []
            if new is not None:
                held.add(new)
                held.compact()

    def _pair(self, rows: Rows, runs: Sequence[Rows], *, of_left: bool) -> None:
        """Find the partners that rows, of the left or of the right, have in runs of the other side."""
        step = max(1, _AT_ONCE // self._near.deepest)
        for first in range(0, len(rows.times), step):
            self._pair_some(rows.part(first, min(first + step, len(rows.times))), runs, of_left=of_left)

    def _pair_some(self, rows: Rows, runs: Sequence[Rows], *, of_left: bool) -> None:
        entries = self._near.entries(rows.times, of_left=of_left)
        codes = rows.codes[entries.rows]
        for others in runs:
            near = entries.near(others.times)
            if len(near):
                some = codes[near]
                check = partial(self._check_pairs, some)
                found, partners = others.by_key.between(some, entries.low[near], entries.high[near], check)
                found = near[found]
                places = entries.rows[found]
                rows.told[places] = others.told[partners] = True
                windows = entries.windows_of(found)
                both = ((rows, others), (places, partners)) if of_left else ((others, rows), (partners, places))
                self._results.add(*both, windows, self._near.more(windows))

    def _let_go(self, side: int, frontier: int | None) -> None:
        """Let go of the rows for which no partner can come; those that have none are results."""
        before = None if frontier is None else self._near.since(frontier, of_left=side == 0)
        for run, places in self._sides[side].let_go(before):
            if self._wants[side]:
                alone = places[~run.told[places]]
                self._results.add((run, None) if side == 0 else (None, run), (alone, alone))
