"""How results are made of the rows of both sides, and in which order they go out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from ..formats.arrow_series import column_of
from ..formats.direct import laid
from ..queue.columns import conform
from ..record import TIMESTAMP
from ..windows.held import Rows, gathered
from .layout import LEFT_TIME, RIGHT_TIME, JoinError, Layout, output_columns

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]

__all__ = ["Results"]

_LAST = np.iinfo(np.int64).max
"""The number of a row that is not there: it comes behind all that are."""


class _Batch(NamedTuple):
    """Some results, and what they are ordered by: time, number of the left row, of the right one, of the window."""

    frame: pl.DataFrame
    keys: tuple[Ints, ...]

    def part(self, start: int, stop: int) -> _Batch:
        return _Batch(self.frame.slice(start, stop - start), tuple(key[start:stop] for key in self.keys))


class Results:
    """Makes results of pairs of rows, and holds them until they may go out.

    Args:
        layout: keys and names.
        left, right: names and types of the columns of either side.
    """

    def __init__(self, layout: Layout, left: Mapping[str, Any], right: Mapping[str, Any]) -> None:
        self._layout = layout
        self._outputs = output_columns(layout, left, right)
        self._names = layout.names(left, right)
        self._new: list[_Batch] = []
        self._waiting: list[_Batch] = []  # each in order

    def __len__(self) -> int:
        return sum(batch.frame.height for batch in (*self._new, *self._waiting))

    def take_over(self, layout: Layout, left: Mapping[str, Any], right: Mapping[str, Any]) -> None:
        """Go on with other columns. Raises JoinError if one that is there already would be called otherwise."""
        outputs, names = output_columns(layout, left, right), layout.names(left, right)
        renamed = [
            old for before, now in zip(self._names, names, strict=True) for old in before if now[old] != before[old]
        ]
        if renamed:
            message = f"the left input has got a column {renamed[0]!r}, as results call that of the right already"
            raise JoinError(f"{message}; rename one of them before the join", option=None)
        self._layout, self._outputs, self._names = layout, outputs, names
        for batches in (self._new, self._waiting):
            batches[:] = [_Batch(conform(batch.frame, outputs), batch.keys) for batch in batches]

    def columns(self, side: int) -> list[str]:
        """Return which columns of a side are needed, besides its time."""
        return [*self._layout.by, *self._names[side]]

    def add(
        self,
        rows: tuple[Rows | None, Rows | None],
        places: tuple[Ints, Ints],
        windows: Ints | None = None,
        more: Mapping[str, pl.Series] | None = None,
    ) -> None:
        """Add results.

        Args:
            rows: of the left and of the right side; None: those of the other have no partner.
            places: where the rows of each result stand. Of a side that is missing, they are not looked at.
            windows: numbers by which results of the same two rows are ordered.
            more: the columns that the join adds.
        """
        here = [None if run is None else place for run, place in zip(rows, places, strict=True)]
        count = next(len(place) for place in here if place is not None)
        if not count:
            return
        times, numbers = [], []
        for run, place in zip(rows, here, strict=True):
            times.append(None if run is None else run.times[place])
            numbers.append(np.full(count, _LAST) if run is None else run.numbers[place])
        later = reduce(np.maximum, [time for time in times if time is not None])
        columns = {TIMESTAMP: column_of(later)} | self._side_columns(rows, here) | dict(more or {})
        columns |= {name: column_of(time) for name, time in zip(_TIMES, times, strict=True) if time is not None}
        ordered_by = (later, *numbers, np.zeros(count, np.int64) if windows is None else windows)
        self._new.append(_Batch(self._frame(columns, count), ordered_by))

    def _side_columns(
        self, rows: tuple[Rows | None, Rows | None], places: Sequence[Ints | None]
    ) -> dict[str, pl.Series]:
        columns: dict[str, pl.Series] = {}
        keys = {name: name for name in self._layout.by}
        keyed = rows[0] if rows[1] is None else rows[1]  # where both are there, their keys are equal
        for run, place, names in zip(rows, places, self._names, strict=True):
            if run is not None and place is not None:
                indices, wanted = column_of(place.astype(np.uint32)), names | keys if run is keyed else names
                columns |= {new: run.frame.get_column(old)[indices] for old, new in wanted.items()}
        return columns

    def _frame(self, columns: Mapping[str, pl.Series], count: int) -> pl.DataFrame:
        """Return the columns in their order, with null for those of a row that is not there."""
        return pl.DataFrame(
            [
                _of_type(columns[name], dtype).alias(name)
                if name in columns
                else pl.Series(name, [None], dtype=dtype).new_from_index(0, count)
                for name, dtype in self._outputs.items()
            ]
        )

    def take(self, before: int | None) -> pl.DataFrame | None:
        """Return the results whose time is less, in order; all of them, if None."""
        if self._new:
            self._waiting.append(_in_order(self._new))
            self._new = []
        ready, waiting = [], []
        for batch in self._waiting:
            count = len(batch.keys[0]) if before is None else int(np.searchsorted(batch.keys[0], before))
            if count:
                ready.append(batch.part(0, count))
            if count < len(batch.keys[0]):
                waiting.append(batch.part(count, len(batch.keys[0])))
        self._waiting = waiting
        while len(waiting) > 1 and waiting[-2].frame.height < 2 * waiting[-1].frame.height:  # as `Held` does
            waiting.append(_in_order([waiting.pop(), waiting.pop()]))
        return (ready[0] if len(ready) == 1 else _in_order(ready)).frame if ready else None


def _of_type(column: pl.Series, dtype: Any) -> pl.Series:
    return column if column.dtype == dtype else column.cast(dtype)


_TIMES = (LEFT_TIME, RIGHT_TIME)


def _in_order(batches: Sequence[_Batch]) -> _Batch:
    frame = laid([batch.frame for batch in batches])
    keys = tuple(np.concatenate(key) for key in zip(*(batch.keys for batch in batches), strict=True))
    order = np.lexsort(keys[::-1])
    return _Batch(gathered(frame, order), tuple(key[order] for key in keys))
