"""Runs: records with their times, as a view into two lists or as a frame; and what is done with them.

A run is cut without copying, so a long one may wait while little by little of it goes out.
"""

from __future__ import annotations

import bisect
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import chain, islice, pairwise
from operator import le
from typing import TYPE_CHECKING, Any

from .columns import conform, unite

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Backlog", "FrameRun", "ObjectRun", "Run", "braid"]


class Run(ABC):
    """Some records of one source with their times. In order, unless it comes straight from `Order.run`."""

    __slots__ = ()

    @property
    @abstractmethod
    def first(self) -> Any:
        """The time of the first record."""

    @property
    @abstractmethod
    def last(self) -> Any:
        """The time of the last record."""

    @property
    @abstractmethod
    def block(self) -> Any:
        """The records as a block: a frame, or a list."""

    @property
    @abstractmethod
    def times(self) -> Any:
        """The times, record by record: a list, or a Series."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def time(self, index: int) -> Any:
        """Return the time of one record."""

    @abstractmethod
    def record(self, index: int) -> Any:
        """Return one record; a row of a frame as a dict."""

    @abstractmethod
    def part(self, start: int, stop: int) -> Run:
        """Return the records from `start` up to `stop`, without copying them."""

    @abstractmethod
    def count(self, limit: Any, *, inclusive: bool) -> int:
        """Return how many records are before `limit` (or at it, if inclusive). The run must be in order."""

    @abstractmethod
    def is_sorted(self) -> bool:
        """Return whether the records are in order. Raises TypeError if two times cannot be compared."""

    @abstractmethod
    def without(self, indices: Sequence[int]) -> Run:
        """Return the run without these records."""

    @abstractmethod
    def sorted(self) -> Run:
        """Return the run in order; records of the same time stay as they are."""

    @abstractmethod
    def tagged(self, name: str, value: str) -> Run:
        """Return the same records with one more column (or key), which has the same value in all of them."""

    @abstractmethod
    def as_objects(self) -> ObjectRun:
        """Return the same records as Python objects (dicts, if they were a frame)."""

    def cut(self, limit: Any, *, inclusive: bool) -> tuple[Run | None, Run | None]:
        """Split the run, which is in order, into what is before `limit` and the rest; None stands for nothing."""
        if self.last < limit or (inclusive and self.last == limit):
            return self, None
        if limit < self.first:
            return None, self
        head = self.count(limit, inclusive=inclusive)
        return (self.part(0, head), self.part(head, len(self))) if head else (None, self)


class ObjectRun(Run):
    """A run of Python objects: a view into two lists of the same length."""

    __slots__ = ("_objects", "_start", "_stop", "_times")

    def __init__(self, objects: list[Any], times: list[Any], start: int = 0, stop: int | None = None) -> None:
        self._objects = objects
        self._times = times
        self._start = start
        self._stop = len(objects) if stop is None else stop

    @property
    def first(self) -> Any:
        return self._times[self._start]

    @property
    def last(self) -> Any:
        return self._times[self._stop - 1]

    @property
    def block(self) -> list[Any]:
        return self._objects[self._start : self._stop]

    @property
    def times(self) -> list[Any]:
        return self._times[self._start : self._stop]

    def __len__(self) -> int:
        return self._stop - self._start

    def time(self, index: int) -> Any:
        return self._times[self._start + index]

    def record(self, index: int) -> Any:
        return self._objects[self._start + index]

    def part(self, start: int, stop: int) -> ObjectRun:
        return ObjectRun(self._objects, self._times, self._start + start, self._start + stop)

    def count(self, limit: Any, *, inclusive: bool) -> int:
        find = bisect.bisect_right if inclusive else bisect.bisect_left
        return find(self._times, limit, self._start, self._stop) - self._start

    def is_sorted(self) -> bool:
        times = self.times
        return all(map(le, times, islice(times, 1, None)))

    def without(self, indices: Sequence[int]) -> ObjectRun:
        gone = set(indices)
        kept = [self._start + i for i in range(len(self)) if i not in gone]
        return self._picked(kept)

    def sorted(self) -> ObjectRun:
        return self._picked(sorted(range(self._start, self._stop), key=self._times.__getitem__))

    def as_objects(self) -> ObjectRun:
        return self

    def tagged(self, name: str, value: str) -> ObjectRun:
        return ObjectRun([{**record, name: value} for record in self.block], self.times)

    def _picked(self, indices: list[int]) -> ObjectRun:
        objects, times = self._objects, self._times
        return ObjectRun([objects[i] for i in indices], [times[i] for i in indices])

    @staticmethod
    def chained(runs: Sequence[ObjectRun]) -> ObjectRun:
        """Return the records of all runs, one run after the other."""
        objects = list(chain.from_iterable(run.block for run in runs))
        return ObjectRun(objects, list(chain.from_iterable(run.times for run in runs)))


class FrameRun(Run):
    """A run of the rows of a frame, ordered by one of its columns."""

    __slots__ = ("_column", "columns", "first", "frame", "last", "times")

    first: Any
    last: Any
    times: Any

    def __init__(self, frame: pl.DataFrame, column: str, columns: Mapping[str, Any] | None = None) -> None:
        self.frame = frame
        self._column = column
        # Asking a frame for its schema takes 10 us, so parts share that of the whole; the same object: surely equal.
        self.columns = dict(zip(frame.columns, frame.dtypes, strict=True)) if columns is None else columns
        self.times: pl.Series = frame.get_column(column)
        self.first = self.times.item(0) if frame.height else None
        self.last = self.times.item(-1) if frame.height else None

    @property
    def block(self) -> pl.DataFrame:
        return self.frame

    def __len__(self) -> int:
        return self.frame.height

    def time(self, index: int) -> Any:
        return self.times.item(index)

    def record(self, index: int) -> dict[str, Any]:
        return self.frame.row(index, named=True)

    def part(self, start: int, stop: int) -> FrameRun:
        return FrameRun(self.frame.slice(start, stop - start), self._column, self.columns)

    def count(self, limit: Any, *, inclusive: bool) -> int:
        # Series.search_sorted takes time in proportion to the length; this takes 17 looks at 100,000 rows.
        find = bisect.bisect_right if inclusive else bisect.bisect_left
        return find(range(len(self)), limit, key=self.times.item)

    def is_sorted(self) -> bool:
        return bool(self.times.is_sorted())

    def without(self, indices: Sequence[int]) -> FrameRun:
        import polars as pl

        rows = pl.int_range(pl.len(), dtype=pl.Int64)
        kept = self.frame.filter(~rows.is_in(pl.Series(indices, dtype=pl.Int64).implode()))
        return FrameRun(kept, self._column, self.columns)

    def sorted(self) -> FrameRun:
        return FrameRun(self.frame.sort(self._column, maintain_order=True), self._column, self.columns)

    def as_objects(self) -> ObjectRun:
        return ObjectRun(self.frame.to_dicts(), self.times.to_list())

    def conformed(self, columns: Mapping[str, Any]) -> FrameRun:
        """Return the same rows with exactly these columns, in this order: missing ones are null, others are cast."""
        if self.columns is columns:
            return self
        same = list(self.columns.items()) == list(columns.items())
        return FrameRun(self.frame if same else conform(self.frame, columns), self._column, columns)

    def tagged(self, name: str, value: str) -> FrameRun:
        import polars as pl

        return FrameRun(self.frame.with_columns(pl.lit(value).alias(name)), self._column)

    @staticmethod
    def chained(runs: Sequence[FrameRun]) -> FrameRun:
        """Return the rows of all runs, one run after the other; columns are united by name."""
        import polars as pl

        columns = runs[0].columns
        if any(run.columns is not columns and run.columns != columns for run in runs):
            columns = unite([("an earlier block", columns), *(("a later block", run.columns) for run in runs)])
        return FrameRun(pl.concat([run.conformed(columns).frame for run in runs]), runs[0]._column, columns)


def braid(runs: Sequence[Run]) -> Run:
    """Merge runs, each in order, into one; records of the same time go by the order of the runs, then as they were.

    Frames stay frames if all are. Runs that do not overlap are laid end to end, which copies nothing of a frame.
    """
    if len(runs) == 1:
        return runs[0]
    in_sequence = _in_sequence(runs)
    joined = _chained(in_sequence or runs)
    return joined if in_sequence else joined.sorted()


def _in_sequence(runs: Sequence[Run]) -> list[Run] | None:
    """Return the runs in an order in which they need only be laid end to end, or None if they overlap."""
    numbered = sorted(enumerate(runs), key=lambda numbered: numbered[1].first)
    for (i, run), (j, following) in pairwise(numbered):
        if following.first < run.last or (j < i and not run.last < following.first):
            return None
    return [run for _, run in numbered]


def _chained(runs: Sequence[Run]) -> Run:
    frames = [run for run in runs if isinstance(run, FrameRun)]
    if len(frames) == len(runs):
        return FrameRun.chained(frames)
    return ObjectRun.chained([run.as_objects() for run in runs])


class Backlog:
    """Records that wait for their turn: runs that follow each other in time."""

    __slots__ = ("_runs", "_size")

    def __init__(self) -> None:
        self._runs: deque[Run] = deque()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, run: Run) -> None:
        """Put the records of a run in their places, behind those of the same time."""
        self._size += len(run)
        overlapping: list[Run] = []
        while self._runs and run.first < self._runs[-1].last:
            stays, moves = self._runs.pop().cut(run.first, inclusive=True)
            if moves:
                overlapping.insert(0, moves)
            if stays:
                self._runs.append(stays)
                break
        self._runs.append(braid([*overlapping, run]))

    def until(self, limit: Any, *, inclusive: bool) -> list[Run]:
        """Take out what is before `limit` (or at it, if inclusive), in order."""
        taken: list[Run] = []
        while self._runs:
            goes, stays = self._runs.popleft().cut(limit, inclusive=inclusive)
            if goes:
                taken.append(goes)
            if stays:
                self._runs.appendleft(stays)
                break
        self._size -= sum(map(len, taken))
        return taken

    def all(self) -> list[Run]:
        """Take out everything, in order."""
        taken = list(self._runs)
        self._runs.clear()
        self._size = 0
        return taken
