"""To each row the latest row of the other side at or before it.

left    2       5     6            tolerance 3
right  1    3            7         (2, 1), (5, 3), (6, 3); nothing for a left row at 11: 7 is 4 before it
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..windows.held import NOBODY, Held, Rows, codes_held, joined
from .core import JoinCore
from .layout import How, Layout

if TYPE_CHECKING:
    import numpy.typing as npt
    import polars as pl

    Ints = npt.NDArray[Any]

__all__ = ["LatestJoin"]


class LatestJoin(JoinCore):
    """Join to each left row the latest right row of its key at or before it; of several at that time, the last.

    Left rows are held until nothing at or before them will follow on the right. Of the right rows, the latest of each
    key is held, and with a tolerance not for longer than it may be found.

    Args:
        tolerance: microseconds that the right row may be before the left one; None: any.
        how: what becomes of rows without a partner; right and outer need a tolerance.
        layout, left, right, most: as of `JoinCore`.
    """

    def __init__(
        self,
        tolerance: int | None,
        how: How,
        layout: Layout,
        left: Mapping[str, Any],
        right: Mapping[str, Any],
        *,
        most: int = 10_000_000,
    ) -> None:
        super().__init__(how, layout, left, right, most=most)
        self._tolerance = tolerance
        self._passed = Held()  # right rows that the frontier has passed; of each key, the latest is still needed
        # By code: number and time of the latest of these. The last place is never a code's: NOBODY finds nothing there.
        self._latest, self._times = np.full(1, NOBODY), np.zeros(1, np.int64)
        self._keys_held = 0

    def _store(self, side: int) -> Held | None:
        return self._passed if side else None

    def _rows_held(self) -> int:
        return sum(map(len, self._coming)) + self._keys_held

    def _codes_held(self) -> Ints:
        coming = codes_held(run for held in self._coming for run in held.runs)
        return np.concatenate([coming, np.flatnonzero(self._latest != NOBODY)])

    def _recode(self, new: Ints) -> None:
        super()._recode(new)
        alive = np.flatnonzero(new != NOBODY)
        latest, times = self._latest[alive], self._times[alive]
        self._latest, self._times = np.full(1, NOBODY), np.zeros(1, np.int64)
        self._grow()
        self._latest[new[alive]], self._times[new[alive]] = latest, times

    def _grow(self) -> None:
        """Make room for the codes that there are now."""
        if len(self._latest) <= self._keys.count:
            more = 2 * self._keys.count + 1 - len(self._latest)
            self._latest = np.concatenate([self._latest, np.full(more, NOBODY)])
            self._times = np.concatenate([self._times, np.zeros(more, np.int64)])

    def advance(self, frontier: int | None) -> tuple[pl.DataFrame | None, int | None]:
        self._grow()
        lefts, rights = (coming.let_go(frontier) for coming in self._coming)
        passed = joined([run.part(int(places[0]), int(places[-1]) + 1) for run, places in rights]) if rights else None
        if passed is not None:
            self._passed.add(passed)
        for run, places in lefts:
            self._match(run, places, passed)
        if passed is not None:
            self._supersede(passed)
            self._passed.compact(lambda run: self._latest[run.codes] == run.numbers)
        self._let_go(frontier)
        self._forget_keys()
        waiting = self._passed.first_waiting() if self._wants[1] else None
        bound = frontier if frontier is None or waiting is None else min(frontier, waiting)
        ready = self._results.take(bound)
        self._check_room()
        return ready, bound

    def _match(self, left: Rows, places: Ints, passed: Rows | None) -> None:
        """Find the partner of each left row: among the right rows that have just been passed, or before them."""
        codes, times = left.codes[places], left.times[places]
        numbers, moments = self._latest[codes], self._times[codes]
        if passed is not None:
            behind = passed.by_key.find(codes, times, side="right")
            before = passed.by_key.order[np.maximum(behind - 1, 0)]
            newer = (behind > 0) & (passed.codes[before] == codes)
            numbers = np.where(newer, passed.numbers[before], numbers)
            moments = np.where(newer, passed.times[before], moments)
        there = (numbers != NOBODY) & (codes != NOBODY)
        if self._tolerance is not None:
            there &= times - moments <= self._tolerance
        found = places[there]
        for run, which, partners in self._passed.located(numbers[there]):
            run.told[partners] = True
            self._results.add((left, run), (found[which], partners))
        if self._wants[0]:
            alone = places[~there]
            self._results.add((left, None), (alone, alone))

    def _supersede(self, passed: Rows) -> None:
        """Note which right row is now the latest of its key; those that no left row will find any more are told."""
        order = passed.by_key.order
        ordered = passed.codes[order]
        last = order[np.diff(ordered, append=ordered[-1] + 1) != 0]
        last = last[passed.codes[last] != NOBODY]
        codes = passed.codes[last]
        former = self._latest[codes]
        former = former[former != NOBODY]
        if self._wants[1]:
            self._tell(np.concatenate([former, np.delete(passed.numbers, last)]))
        self._latest[codes], self._times[codes] = passed.numbers[last], passed.times[last]
        self._keys_held += len(codes) - len(former)

    def _tell(self, numbers: Ints) -> None:
        """Let right rows that have found no partner be results."""
        for run, _, places in self._passed.located(numbers):
            alone = places[~run.told[places]]
            run.told[alone] = True
            self._results.add((None, run), (alone, alone))

    def _let_go(self, frontier: int | None) -> None:
        """Let go of the right rows that are too old to be found."""
        if frontier is not None and self._tolerance is None:
            return
        before = None if frontier is None else frontier - (self._tolerance or 0)
        for run, places in self._passed.let_go(before):
            if self._wants[1]:
                alone = places[~run.told[places]]
                self._results.add((None, run), (alone, alone))
            codes = run.codes[places]
            codes = codes[self._latest[codes] == run.numbers[places]]
            self._latest[codes] = NOBODY
            self._keys_held -= len(codes)
