"""All pairs of rows of one key that are near each other in time: by a range, or in the same window.

lower -2, upper 1        left   5        8
                         right    6  4         10      pairs (5, 6), (5, 4), (8, 6): 4 - 5 = -1 and so on
                                                       10 - 8 = 2 is too far
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import polars as pl

from ..windows.aggregates import WINDOW_END, WINDOW_START
from ..windows.spans import Spans
from .shape import How, Shape
from .sides import NOBODY, Codes, Results, Rows, check_pairs, check_room, within

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[Any]

__all__ = ["Band", "Nearness", "PairJoin", "SameWindow"]


@dataclass(frozen=True, slots=True)
class Entries:
    """Where rows look for partners.

    Attributes:
        rows: the place of the row that each entry is of.
        windows: a number that both must have in common.
        low, high: the times that the partner may have, both included.
    """

    rows: Ints
    windows: Ints
    low: Ints
    high: Ints


class Nearness(Protocol):
    """Which times belong together."""

    def entries(self, times: Ints, *, of_left: bool) -> Entries:
        """Return where rows with these times look for partners."""

    def more(self, windows: Ints) -> dict[str, pl.Series]:
        """Return the columns that are added to results, by what their rows have in common."""


@dataclass(frozen=True, slots=True)
class Band:
    """The right time less the left time is in a range, in microseconds, both ends included."""

    lower: int
    upper: int

    def entries(self, times: Ints, *, of_left: bool) -> Entries:
        low, high = (self.lower, self.upper) if of_left else (-self.upper, -self.lower)
        return Entries(np.arange(len(times)), np.zeros(len(times), np.int64), times + low, times + high)

    def more(self, windows: Ints) -> dict[str, pl.Series]:
        return {}


class SameWindow:
    """Both are in a window. Rows that share several windows are a pair in each of them."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans

    def entries(self, times: Ints, *, of_left: bool) -> Entries:
        found = [
            (np.arange(len(times)) if rows is None else rows, numbers) for rows, numbers in self._spans.covering(times)
        ]
        rows = np.concatenate([rows for rows, _ in found]) if found else np.zeros(0, np.int64)
        windows = np.concatenate([numbers for _, numbers in found]) if found else np.zeros(0, np.int64)
        return Entries(rows, windows, self._spans.starts(windows), self._spans.ends(windows) - 1)

    def more(self, windows: Ints) -> dict[str, pl.Series]:
        return {
            WINDOW_START: pl.Series(self._spans.starts(windows)),
            WINDOW_END: pl.Series(self._spans.ends(windows)),
        }


class PairJoin:
    """Join two streams by key and nearness.

    A row is held as long as a row may come that it belongs to, and so are results until all that go before them are
    known: with `how` other than inner, until it is known which rows have no partner.

    Args:
        near: which times belong together.
        how: what becomes of rows without a partner.
        shape: keys and names.
        left, right: names and types of the columns of either side.
        most: how many rows may be held.
    """

    def __init__(
        self,
        near: Nearness,
        how: How,
        shape: Shape,
        left: Mapping[str, Any],
        right: Mapping[str, Any],
        *,
        most: int = 10_000_000,
    ) -> None:
        self._near = near
        self._wants = how.sides
        self._codes = Codes(shape.by)
        self._sides = (Rows(), Rows())
        self._fresh = [0, 0]
        self._results = Results(shape, left, right)
        self._most = most

    @property
    def held(self) -> int:
        """How many rows are held, and results that may not go out yet."""
        return sum(map(len, self._sides)) + len(self._results)

    def push(self, side: int, frame: pl.DataFrame) -> None:
        """Take rows: 0 left, 1 right."""
        self._sides[side].add(frame, self._codes.of(frame))

    def advance(self, frontier: int | None) -> tuple[pl.DataFrame | None, int | None]:
        """Note that nothing before it will follow on either side; None: nothing at all.

        Returns:
            The results that may go out, and the time before which none will follow.
        """
        self._find_pairs()
        bound = frontier
        for side in (0, 1):
            until = self._until(side)
            open_ = until >= frontier if frontier is not None else np.zeros(len(until), np.bool_)
            rows = self._sides[side]
            if self._wants[side]:
                self._add_alone(side, np.flatnonzero(~open_ & ~rows.matched))
                waiting = rows.times[open_ & ~rows.matched]
                if len(waiting) and bound is not None:
                    bound = min(bound, int(waiting.min()))
            rows.keep(open_)
            self._fresh[side] = len(rows)
        self._codes.prune(*self._sides)
        ready = self._results.take(bound)
        check_room(self._most, self._codes, self._results, *self._sides)
        return ready, bound

    def _find_pairs(self) -> None:
        """Find the pairs of which at least one row is new."""
        left, right = self._sides
        self._pair(slice(self._fresh[0], None), slice(None))
        self._pair(slice(None, self._fresh[0]), slice(self._fresh[1], None))
        self._fresh = [len(left), len(right)]

    def _pair(self, lefts: slice, rights: slice) -> None:
        left, right = self._sides
        if not len(left.times[lefts]) or not len(right.times[rights]):
            return
        one = self._near.entries(left.times[lefts], of_left=True)
        other = self._near.entries(right.times[rights], of_left=False)
        keys = np.concatenate([left.codes[lefts][one.rows], right.codes[rights][other.rows]])
        codes = _numbered(keys, np.concatenate([one.windows, other.windows]))
        split = len(one.rows)
        first, second = within(
            codes[:split],
            one.low,
            one.high,
            codes[split:],
            right.times[rights][other.rows],
            lambda counts: check_pairs(self._most, self._codes, keys[:split], counts),
        )
        places = (one.rows[first] + (lefts.start or 0), other.rows[second] + (rights.start or 0))
        left.matched[places[0]] = True
        right.matched[places[1]] = True
        self._results.add(left, right, *places, self._near.more(one.windows[first]))

    def _until(self, side: int) -> Ints:
        """Return up to which time a partner of each row may come; before its own, if it has nowhere to look."""
        rows = self._sides[side]
        entries = self._near.entries(rows.times, of_left=side == 0)
        until = rows.times - 1
        np.maximum.at(until, entries.rows, entries.high)
        return until

    def _add_alone(self, side: int, places: Ints) -> None:
        nobody = np.full(len(places), NOBODY)
        lefts, rights = (places, nobody) if side == 0 else (nobody, places)
        nothing = {name: pl.Series([None] * len(places)) for name in self._near.more(nobody)}
        self._results.add(*self._sides, lefts, rights, nothing)


def _numbered(keys: Ints, windows: Ints) -> Ints:
    """Number what rows must have in common from 0 on: codes are multiplied later, and must stay small for that."""
    if not windows.any():
        return keys
    _, ranks = np.unique(windows, return_inverse=True)
    _, numbers = np.unique(keys * (int(ranks.max()) + 1) + ranks, return_inverse=True)
    return np.where(keys == NOBODY, NOBODY, numbers)
