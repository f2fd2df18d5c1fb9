"""The run of a few rows of a frame, which are at hand as dicts."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from itertools import chain, islice
from operator import itemgetter, le
from typing import TYPE_CHECKING, Any, ClassVar

from .columns import conform
from .frame_run import FrameRun, keys_of, same_columns
from .run import ObjectRun

if TYPE_CHECKING:
    import numpy.typing as npt
    import polars as pl

__all__ = ["FewRun"]


class FewRun(FrameRun):
    """A run of a few rows that are at hand as dicts (`formats.few_rows`): nothing is asked of a frame.

    Args:
        records: the rows.
        column: the one that they are ordered by; its values are datetimes.
        columns: names and types of all columns.
        frame: the frame that has these rows, if there is one.
    """

    __slots__ = ("_moments", "_records")
    is_columnar: ClassVar[bool] = False

    def __init__(
        self,
        records: Sequence[dict[str, Any]],
        column: str,
        columns: Mapping[str, Any],
        frame: pl.DataFrame | None = None,
    ) -> None:
        from ..formats.few_rows import FewRows

        self._records = records
        self._moments = [record[column] for record in records]
        self._frame = FewRows(records, columns) if frame is None else frame
        self._column, self._columns = column, columns
        self._start, self._stop = 0, len(records)

    @property
    def first(self) -> Any:
        return self._moments[0] if self._moments else None

    @property
    def last(self) -> Any:
        return self._moments[-1] if self._moments else None

    @property
    def block(self) -> pl.DataFrame:
        return self._frame

    @property
    def times(self) -> Any:
        return self._moments

    @property
    def keys(self) -> npt.NDArray[Any] | None:
        return keys_of(self._frame.get_column(self._column))

    def time(self, index: int) -> Any:
        return self._moments[index]

    def record(self, index: int) -> dict[str, Any]:
        return dict(self._records[index])

    def part(self, start: int, stop: int) -> FewRun:
        return self._with(self._records[start:stop])

    def count(self, limit: Any, *, inclusive: bool) -> int:
        return (bisect.bisect_right if inclusive else bisect.bisect_left)(self._moments, limit)

    def is_sorted(self) -> bool:
        return all(map(le, self._moments, islice(self._moments, 1, None)))

    def without(self, indices: Sequence[int]) -> FewRun:
        gone = set(indices)
        return self._with([record for index, record in enumerate(self._records) if index not in gone])

    def sorted(self) -> FewRun:
        return self._with(sorted(self._records, key=itemgetter(self._column)))

    def as_objects(self) -> ObjectRun:
        return ObjectRun(list(map(dict, self._records)), self._moments)

    def conformed(self, columns: Mapping[str, Any]) -> FrameRun:
        if same_columns(self.columns, columns):
            return self._view(0, len(self), columns)
        if any(self.columns.get(name, kind) != kind for name, kind in columns.items()):
            return FrameRun(conform(self.block, columns), self._column, columns)
        return FewRun([{name: record.get(name) for name in columns} for record in self._records], self._column, columns)

    def tagged(self, name: str, value: str) -> FewRun:
        import polars as pl

        return FewRun(
            [{**record, name: value} for record in self._records], self._column, {**self.columns, name: pl.String}
        )

    def _with(self, records: Sequence[dict[str, Any]]) -> FewRun:
        return FewRun(records, self._column, self.columns)

    def _view(self, start: int, stop: int, columns: Mapping[str, Any] | None) -> FewRun:
        if stop - start < len(self):
            return FewRun(self._records[start:stop], self._column, columns or self.columns)
        view = FewRun.__new__(FewRun)
        view._records, view._moments, view._frame = self._records, self._moments, self._frame
        view._column, view._columns = self._column, columns
        view._start, view._stop = 0, stop - start
        return view

    @staticmethod
    def joined(runs: Sequence[FewRun]) -> FewRun:
        """Return the rows of runs with the same columns, one run after the other."""
        records = list(chain.from_iterable(run._records for run in runs))
        return FewRun(records, runs[0]._column, runs[0].columns)
