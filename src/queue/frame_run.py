"""The run of the rows of a frame.

Asking polars for a slice, a sort or the types of the columns costs microseconds, whatever the size of the frame: a
live stream of ten rows at a time would be made of nothing else. So a part of a run is only two numbers until its rows
are wanted, times are looked up in a numpy array, and rows are put in order by one stable sort of indices and one
gather. Each call of polars, and most of numpy, lets go of the interpreter's lock and may wait to get it back: so limits
are looked up, and times made of numbers, without them.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, reduce
from typing import TYPE_CHECKING, Any, ClassVar

from ..formats.direct import kept, taken, whole_columns
from ..formats.rows import row_dicts
from .columns import conform, unite
from .run import ObjectRun, Run

if TYPE_CHECKING:
    import numpy.typing as npt
    import polars as pl

__all__ = ["FrameRun", "keys_of", "same_columns"]

_FEW_ROWS = 1_000
_FEW_FRAMES = 8
_MICROSECOND = timedelta(microseconds=1)


class FrameRun(Run):
    """A run of the rows of a frame, ordered by one of its columns: a view from one row up to another."""

    is_columnar: ClassVar[bool] = True
    __slots__ = ("_column", "_columns", "_first", "_frame", "_keys", "_last", "_sorted", "_start", "_stop", "_times")

    def __init__(self, frame: pl.DataFrame, column: str, columns: Mapping[str, Any] | None = None) -> None:
        """Make a run of a frame.

        Args:
            frame: the rows.
            column: the one that they are ordered by; no time is null or NaN.
            columns: names and types of all columns, if they are known.
        """
        self._frame = frame
        self._column = column
        self._columns = columns
        self._times = _moments(frame.get_column(column))
        self._keys = keys_of(self._times)
        self._start, self._stop = 0, frame.height
        self._first: Any = None
        self._last: Any = None
        self._sorted = False  # as far as is known

    @property
    def columns(self) -> Mapping[str, Any]:
        """Names and types of all columns, in order. Two runs with the same object surely have the same columns."""
        if self._columns is None:
            self._columns = dict(zip(self._frame.columns, self._frame.dtypes, strict=True))
        return self._columns

    @property
    def first(self) -> Any:
        if self._first is None and len(self):
            self._first = self.time(0)
        return self._first

    @property
    def last(self) -> Any:
        if self._last is None and len(self):
            self._last = self.time(len(self) - 1)
        return self._last

    @property
    def block(self) -> pl.DataFrame:
        """The rows as a frame, which shares its memory with the whole."""
        whole = len(self) == len(self._times)
        return self._frame if whole else self._frame.slice(self._start, len(self))

    @property
    def times(self) -> Any:
        return self._times if len(self) == len(self._times) else self._times.slice(self._start, len(self))

    @property
    def keys(self) -> npt.NDArray[Any] | None:
        """The times as an array that numpy can sort and search; None if they are not of such a type."""
        return None if self._keys is None else self._keys[self._start : self._stop]

    def __len__(self) -> int:
        return self._stop - self._start

    def time(self, index: int) -> Any:
        place = self._start + index
        if self._keys is None or self._keys.dtype.kind != "M":
            return self._times.item(place)
        zoned = getattr(self._times.dtype, "time_zone", None) is not None
        return _epoch(zoned) + timedelta(microseconds=_numbers(self._keys)[place])

    def record(self, index: int) -> dict[str, Any]:
        return self._frame.row(self._start + index, named=True)

    def part(self, start: int, stop: int) -> FrameRun:
        return self._view(self._start + start, self._start + stop, self._columns)

    def count(self, limit: Any, *, inclusive: bool) -> int:
        key = None if self._keys is None else _key(limit, self._keys)
        find = bisect.bisect_right if inclusive else bisect.bisect_left
        if self._keys is None or key is None:
            return find(range(len(self)), limit, key=self.time)
        return find(_numbers(self._keys), key, self._start, self._stop) - self._start

    def is_sorted(self) -> bool:
        # What is known already is asked first: that does not let go of the interpreter's lock.
        self._sorted = self._sorted or self._times.flags["SORTED_ASC"] or bool(self.times.is_sorted())
        return self._sorted

    def without(self, indices: Sequence[int]) -> FrameRun:
        import polars as pl

        good = pl.Series([True]).new_from_index(0, len(self)).scatter(indices, False)
        return FrameRun(kept(self.block, good), self._column, self._columns)

    def sorted(self) -> FrameRun:
        return FrameRun.braided([self])

    def as_objects(self) -> ObjectRun:
        return ObjectRun(list(row_dicts(self.block)), self.times.to_list())

    def sharing(self, columns: Mapping[str, Any]) -> FrameRun:
        """Return the run with `columns` itself for its columns, if they are equal: that is seen at a glance later."""
        return self._view(self._start, self._stop, columns) if same_columns(self.columns, columns) else self

    def conformed(self, columns: Mapping[str, Any]) -> FrameRun:
        """Return the same rows with exactly these columns, in this order: missing ones are null, others are cast."""
        if self.columns is columns:
            return self
        if list(self.columns.items()) == list(columns.items()):
            return self._view(self._start, self._stop, columns)
        return FrameRun(conform(self.block, columns), self._column, columns)

    def tagged(self, name: str, value: str) -> FrameRun:
        import polars as pl

        tags = pl.Series(name, [value], dtype=pl.String).new_from_index(0, len(self))
        return FrameRun(self.block.hstack([tags]), self._column)

    @staticmethod
    def chained(runs: Sequence[FrameRun]) -> FrameRun:
        """Return the rows of all runs, one run after the other; columns are united by name."""
        columns = runs[0].columns
        if any(run.columns is not columns and run.columns != columns for run in runs):
            columns = unite([("an earlier block", columns), *(("a later block", run.columns) for run in runs)])
        frame = _stacked([run.conformed(columns).block for run in runs])
        return FrameRun(frame, runs[0]._column, columns)

    @staticmethod
    def braided(runs: Sequence[FrameRun]) -> FrameRun:
        """Return the rows of all runs in order; those of the same time by the order of the runs, then as they were."""
        whole = FrameRun.chained(runs) if len(runs) > 1 else runs[0]
        keys, frame = whole.keys, whole.block
        if keys is None:
            frame = frame.sort(whole._column, maintain_order=True)
        else:
            # To gather from a frame in pieces is quicker than to make it one piece, for a few rows only.
            frame = taken(frame if len(keys) < _FEW_ROWS else whole_columns(frame), _in_order(keys))
        return FrameRun(frame, whole._column, whole._columns)

    def _view(self, start: int, stop: int, columns: Mapping[str, Any] | None) -> FrameRun:
        """Return some of the rows of the same frame."""
        view = FrameRun.__new__(FrameRun)
        view._frame, view._column, view._columns = self._frame, self._column, columns
        view._times, view._keys = self._times, self._keys
        view._start, view._stop = start, stop
        view._first = view._last = None
        view._sorted = self._sorted
        return view


def _moments(times: pl.Series) -> pl.Series:
    """Return times in microseconds of UTC, as Python tells them apart: not by what the clocks of a zone show."""
    import polars as pl

    dtype = times.dtype
    if not isinstance(dtype, pl.Datetime):
        return times
    if dtype.time_unit != "us":
        times = times.dt.cast_time_unit("us")
    return times if dtype.time_zone in (None, "UTC") else times.dt.convert_time_zone("UTC")


def keys_of(times: pl.Series) -> npt.NDArray[Any] | None:
    """Return the times as int64, float64 or datetime64; None if they are of another type."""
    import polars as pl

    dtype = times.dtype
    if dtype == pl.Int64 or dtype == pl.Float64 or (isinstance(dtype, pl.Datetime) and dtype.time_unit == "us"):
        return times.to_numpy()
    return None


def _numbers(keys: npt.NDArray[Any]) -> memoryview:
    """Return the keys as Python sees them one by one: numbers, those of times in microseconds since 1970."""
    return (keys.view("i8") if keys.dtype.kind == "M" else keys).data


def _key(limit: Any, keys: npt.NDArray[Any]) -> Any:
    """Return the limit as it is found among the numbers of the keys; None if it is not of their type."""
    kind = keys.dtype.kind
    if kind == "M":
        return (limit - _epoch(limit.tzinfo is not None)) // _MICROSECOND if isinstance(limit, datetime) else None
    if kind == "f" and isinstance(limit, float):
        return limit
    return limit if kind == "i" and type(limit) is int else None


@cache
def _epoch(zoned: bool) -> datetime:
    """Return the first moment of 1970, in UTC as polars writes it, or without a zone."""
    from zoneinfo import ZoneInfo

    return datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC") if zoned else None)


def same_columns(columns: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """Tell whether two frames have the same columns, in the same order."""
    return columns is others or list(columns.items()) == list(others.items())


def _stacked(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Lay frames one under another. `concat` takes 20 us for two, `vstack` 4, but lets go of the lock for each."""
    import polars as pl

    few = len(frames) < _FEW_FRAMES
    return reduce(lambda above, below: above.vstack(below), frames) if few else pl.concat(frames)


def _in_order(keys: npt.NDArray[Any]) -> pl.Series:
    """Return the indices of the rows in order, stable. Numpy merges what lies there in runs, and is there at once:
    polars has it done by its threads, which wait behind the readers."""
    import numpy as np

    from ..formats.arrow_series import column_of

    numbers = keys.view(np.int64) if keys.dtype.kind == "M" else keys
    return column_of(numbers.argsort(kind="stable").astype(np.uint32))
