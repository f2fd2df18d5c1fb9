"""To each row the latest row of the other side at or before it.

left    2       5     6            tolerance 3
right  1    3            7         (2, 1), (5, 3), (6, 3); nothing for a left row at 11: 7 is 4 before it
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .shape import How, Shape
from .sides import NOBODY, Codes, Results, Rows, check_room

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[Any]

__all__ = ["AsofJoin"]


class AsofJoin:
    """Join to each left row the latest right row of its key at or before it; of several at that time, the last.

    Left rows are held until nothing at or before them will follow on the right. Of the right rows, the latest of each
    key is held, and with a tolerance not for longer than it may be found.

    Args:
        tolerance: microseconds that the right row may be before the left one; None: any.
        how: what becomes of rows without a partner; right and outer need a tolerance.
        shape: keys and names.
        left, right: names and types of the columns of either side.
        most: how many rows may be held.
    """

    def __init__(
        self,
        tolerance: int | None,
        how: How,
        shape: Shape,
        left: Mapping[str, Any],
        right: Mapping[str, Any],
        *,
        most: int = 10_000_000,
    ) -> None:
        self._tolerance = tolerance
        self._wants = how.sides
        self._codes = Codes(shape.by)
        self._left, self._right = Rows(), Rows()
        self._results = Results(shape, left, right)
        self._most = most

    @property
    def held(self) -> int:
        """How many rows are held, and results that may not go out yet."""
        return len(self._left) + len(self._right) + len(self._results)

    def push(self, side: int, frame: pl.DataFrame) -> None:
        """Take rows: 0 left, 1 right."""
        (self._left, self._right)[side].add(frame, self._codes.of(frame))

    def advance(self, frontier: int | None) -> tuple[pl.DataFrame | None, int | None]:
        """Note that nothing before it will follow on either side; None: nothing at all.

        Returns:
            The results that may go out, and the time before which none will follow.
        """
        left, right = self._left, self._right
        known = np.ones(len(left), np.bool_) if frontier is None else left.times < frontier
        places = np.flatnonzero(known)
        found = self._latest(left.codes[places], left.times[places])
        right.matched[found[found != NOBODY]] = True
        some = slice(None) if self._wants[0] else found != NOBODY
        self._results.add(left, right, places[some], found[some])
        left.keep(~known)
        bound = self._let_go(frontier)
        self._codes.prune(left, right)
        ready = self._results.take(bound)
        check_room(self._most, self._codes, self._results, left, right)
        return ready, bound

    def _latest(self, codes: Ints, times: Ints) -> Ints:
        """Return the place of the right row for each left one."""
        right = self._right
        if not len(right) or not len(codes):
            return np.full(len(codes), NOBODY)
        moments, ranks = np.unique(right.times, return_inverse=True)
        width = len(moments) + 1
        order = np.argsort(right.codes * width + ranks, kind="stable")
        ordered = (right.codes * width + ranks)[order]
        behind = np.searchsorted(ordered, codes * width + np.searchsorted(moments, times, side="right"), side="left")
        found = order[np.maximum(behind - 1, 0)]
        fits = (behind > 0) & (right.codes[found] == codes) & (codes != NOBODY)
        if self._tolerance is not None:
            fits &= times - right.times[found] <= self._tolerance
        return np.where(fits, found, NOBODY)

    def _let_go(self, frontier: int | None) -> int | None:
        """Let go of the right rows that no left row will find any more; return before which time no result follows."""
        right = self._right
        kept = np.zeros(len(right), np.bool_)
        if frontier is not None:
            kept = (right.times >= frontier) | self._is_latest_before(frontier)
            if self._tolerance is not None:
                kept &= right.times + self._tolerance >= frontier
            kept &= right.codes != NOBODY
        if self._wants[1]:
            alone = np.flatnonzero(~kept & ~right.matched)
            self._results.add(self._left, right, np.full(len(alone), NOBODY), alone)
        waiting = right.times[kept & ~right.matched] if self._wants[1] else right.times[:0]
        right.keep(kept)
        return frontier if frontier is None or not len(waiting) else min(frontier, int(waiting.min()))

    def _is_latest_before(self, frontier: int) -> npt.NDArray[np.bool_]:
        """Tell which right rows are the last of their key before the frontier."""
        right = self._right
        before = np.flatnonzero(right.times < frontier)
        latest = np.zeros(len(right), np.bool_)
        _, first = np.unique(right.codes[before][::-1], return_index=True)
        latest[before[len(before) - 1 - first]] = True
        return latest
