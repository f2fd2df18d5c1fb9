"""What a run is, and the run of Python objects."""

from __future__ import annotations

import bisect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import chain, islice
from operator import le
from typing import Any, ClassVar

__all__ = ["ObjectRun", "Run"]


class Run(ABC):
    """Some records of one source with their times. In order, unless it comes straight from `Order.run`."""

    __slots__ = ()
    is_columnar: ClassVar[bool] = False
    """True if `times` is a Series, and what is done with it is best done for all of it at once."""

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
