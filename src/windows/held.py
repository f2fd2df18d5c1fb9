"""Rows that are held for others to come: found by key and time, let go of from the oldest on.

They stand in runs, each in the order of the stream. A block becomes a run of its own; when it has half the size of the
one before, the two become one. So there are few runs, each row is copied a few times in all, and what a block costs
does not grow with what is held (O'Neil et al., "The Log-Structured Merge-Tree", 1996).

    runs    [ 300,000 rows ][ 40,000 ][ 2,000 ][ 2,000 ]      the next block makes the last three one
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import polars as pl

from ..formats.arrow_series import column_of
from ..formats.direct import laid, taken

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[Any]
    Mask: TypeAlias = npt.NDArray[np.bool_]

__all__ = ["NOBODY", "ByKey", "Held", "Rows", "codes_held", "gathered", "joined", "ranges"]

NOBODY = -1
"""Instead of the number of a row: there is none. As a code: a key that belongs to no other."""

_FEW = 4
"""So many runs may stand as they are: most of what is held is let go of soon, and to copy it first would be in vain."""


class ByKey:
    """The rows of a run, key by key, those of one key in the order of time: found by bisection.

    Args:
        codes: of the keys.
        times: those of the rows, in order.

    Attributes:
        order: the places of the rows, key by key.
    """

    def __init__(self, codes: Ints, times: Ints) -> None:
        self.order = _stable_order(codes)
        self._times = times
        self._width = len(times) + 1
        # Code and time in one number. A row's place says as much as its time, and always leaves room for the code.
        self._numbers = codes[self.order] * self._width + self.order

    def find(self, codes: Ints, times: Ints | int, *, side: Any = "left") -> Ints:
        """Return where, in `order`, the first row of each key at or after a time stands; with side="right": after it.

        Where there is none, it is where the next key begins.
        """
        ranks = np.searchsorted(self._times, times, side=side)
        return np.searchsorted(self._numbers, codes * self._width + ranks)

    def edges(self, codes: Ints) -> tuple[Ints, Ints]:
        """Return where the rows of each key begin in `order`, and where they end."""
        begins, ends = (np.searchsorted(self._numbers, each * self._width) for each in (codes, codes + 1))
        return begins, ends

    def between(self, codes: Ints, low: Ints, high: Ints, check: Callable[[Ints], None]) -> tuple[Ints, Ints]:
        """Return all rows whose time lies in a range, both ends included: the place of the range, and of the row.

        Args:
            codes, low, high: the ranges.
            check: called with how many rows each range has, before they are named: there may be more than memory holds.
        """
        first = self.find(codes, low)
        counts = np.where(codes == NOBODY, 0, np.maximum(self.find(codes, high, side="right") - first, 0))
        check(counts)
        return np.repeat(np.arange(len(codes)), counts), self.order[ranges(first, counts)]


def _stable_order(codes: Ints) -> Ints:
    """Return the places by code, those of one code as they are. Numpy sorts short numbers ten times faster."""
    short = len(codes) > 0 and int(codes.max()) < (1 << 16) - 1
    order: Ints = np.argsort((codes - NOBODY).astype(np.uint16) if short else codes, kind="stable")
    return order


def ranges(starts: Ints, counts: Ints) -> Ints:
    """Return start, start + 1, ... for each, as many as its count.

    >>> ranges(np.array([5, 0]), np.array([2, 3]))
    array([5, 6, 0, 1, 2])
    """
    ends = counts.cumsum()
    total = int(ends[-1]) if len(ends) else 0
    places: Ints = np.arange(total) - np.repeat(ends - counts - starts, counts)
    return places


class Rows:
    """Some rows in the order of their stream, in one piece.

    Attributes:
        frame: their columns.
        codes: of their keys.
        times: in microseconds, in order.
        numbers: how many rows of the stream came before each.
        told: of which nothing more is to be said: they have found a partner, or it is known that they have none.
        done: how many of them, from the first on, have been let go of.
    """

    __slots__ = ("_by_key", "_waiting", "codes", "done", "frame", "numbers", "times", "told")

    def __init__(self, frame: pl.DataFrame, codes: Ints, times: Ints, numbers: Ints, told: Mask | None = None) -> None:
        self.frame, self.codes, self.times, self.numbers = frame, codes, times, numbers
        self.told = np.zeros(len(times), np.bool_) if told is None else told
        self.done = self._waiting = 0
        self._by_key: ByKey | None = None

    def __len__(self) -> int:
        """How many rows are held."""
        return len(self.times) - self.done

    @property
    def by_key(self) -> ByKey:
        """The rows by key; they are put in order when this is first asked for."""
        if self._by_key is None:
            self._by_key = ByKey(self.codes, self.times)
        return self._by_key

    def first_waiting(self) -> int | None:
        """Return the time of the first row of which something is still to be said."""
        waiting = max(self._waiting, self.done)
        waiting += int(self.told[waiting:].argmin()) if waiting < len(self.times) else 0
        if waiting < len(self.times) and self.told[waiting]:
            waiting = len(self.times)
        self._waiting = waiting  # what has been told stays told, so nothing before is looked at again
        return int(self.times[waiting]) if waiting < len(self.times) else None

    def recode(self, new: Ints) -> None:
        """Give each key its new code."""
        self.codes = np.where(self.codes == NOBODY, NOBODY, new[self.codes])
        self._by_key = None

    def conform(self, columns: Mapping[str, Any]) -> None:
        """Give the rows these columns: those that they do not have are null, others are cast."""
        known = self.frame.schema
        if list(known.items()) != list(columns.items()):
            series = (
                self.frame.get_column(name).cast(dtype)
                if name in known
                else pl.Series(name, [None], dtype=dtype).new_from_index(0, len(self.times))
                for name, dtype in columns.items()
            )
            self.frame = pl.DataFrame(list(series))

    def at(self, places: Ints) -> Rows:
        """Return the rows at these places, which are in order."""
        if len(places) == len(self.times):
            return self
        frame = gathered(self.frame, places)
        return Rows(frame, self.codes[places], self.times[places], self.numbers[places], self.told[places])

    def part(self, start: int, stop: int) -> Rows:
        """Return the rows from `start` up to `stop`, without copying them."""
        if start == self.done == 0 and stop == len(self.times):
            return self
        cut = slice(start, stop)
        frame = self.frame.slice(start, stop - start)
        return Rows(frame, self.codes[cut], self.times[cut], self.numbers[cut], self.told[cut])


def gathered(frame: pl.DataFrame, places: Ints) -> pl.DataFrame:
    """Return the rows of a frame at these places."""
    return taken(frame, column_of(places.astype(np.uint32))) if frame.width else frame


def joined(runs: Sequence[Rows]) -> Rows:
    """Return runs that follow each other as one."""
    if len(runs) == 1:
        return runs[0]
    frame = laid([run.frame for run in runs])
    arrays = zip(*((run.codes, run.times, run.numbers, run.told) for run in runs), strict=True)
    return Rows(frame, *map(np.concatenate, arrays))


class Held:
    """The rows that are held of a stream: a few runs."""

    def __init__(self) -> None:
        self.runs: list[Rows] = []

    def __len__(self) -> int:
        return sum(map(len, self.runs))

    def add(self, run: Rows) -> None:
        """Take a run, which is behind all others."""
        if len(run):
            self.runs.append(run)

    def compact(self, wanted: Callable[[Rows], Mask] | None = None) -> None:
        """Make runs one where the newer has grown to half of the older.

        Args:
            wanted: tells of a run which rows are still needed: only they go into the new one. None: all.
        """
        runs = self.runs
        while len(runs) > _FEW and len(runs[-2]) < 2 * len(runs[-1]):
            later, earlier = runs.pop(), runs.pop()
            run = joined([each.part(each.done, len(each.times)) for each in (earlier, later)])
            self.add(run if wanted is None else run.at(np.flatnonzero(wanted(run))))

    def let_go(self, before: int | None) -> list[tuple[Rows, Ints]]:
        """Let go of the rows before a time, or of all; return them: each run with the places of those that go."""
        gone: list[tuple[Rows, Ints]] = []
        while self.runs:
            run = self.runs[0]
            last = len(run.times) if before is None else int(np.searchsorted(run.times, before))
            if last > run.done:
                gone.append((run, np.arange(run.done, last)))
                run.done = last
            if len(run):
                break
            del self.runs[0]
        return gone

    def first_waiting(self) -> int | None:
        """Return the time of the first row of which something is still to be said."""
        times = (run.first_waiting() for run in self.runs)
        return next((time for time in times if time is not None), None)

    def located(self, numbers: Ints) -> Iterator[tuple[Rows, Ints, Ints]]:
        """Yield where the rows with these numbers stand: a run, which of the numbers it has, and their places in it."""
        if not len(numbers):
            return
        which = np.searchsorted([run.numbers[0] for run in self.runs], numbers, side="right") - 1
        for turn, run in enumerate(self.runs):
            mine = np.flatnonzero(which == turn)
            if len(mine):
                yield run, mine, np.searchsorted(run.numbers, numbers[mine])


def codes_held(runs: Iterable[Rows]) -> Ints:
    """Return the codes of all rows that are held and have a key."""
    codes: Ints = np.concatenate([np.zeros(0, np.int64), *(run.codes[run.done :] for run in runs)])
    keyed: Ints = codes[codes != NOBODY]
    return keyed
