"""Records to frames, for a few records that bring nothing new: value by value, without asking polars for anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..record import TIMESTAMP
from .value_types import ValueType, polars_types

if TYPE_CHECKING:
    import polars as pl

    from .few_rows import FewRows
    from .timestamps import EventTimes

__all__ = ["FEW", "FewFrames", "records_of"]

FEW = 32
"""Blocks of so many rows, or fewer, stay rows: up to here what is done row by row is the quicker way."""


def records_of(frame: pl.DataFrame) -> Sequence[dict[str, Any]] | None:
    """Return the rows of a frame as dicts, which must not be changed, if they are at hand (`FewRows`); else None."""
    return getattr(frame, "records", None)  # as most frames are others: without importing polars


class FewFrames:
    """Makes frames of columns that are known, of values that are of their types.

    Args:
        event_time: the column that holds the event time.
        times_of: the columns that hold times, that one among them.
        times: how times are written.
        note: called with what the run's report should say of the times.
    """

    def __init__(
        self, event_time: str, times_of: frozenset[str], times: EventTimes, note: Callable[[str], None]
    ) -> None:
        self._event_time = event_time
        self._times_of = times_of
        self._times = times
        self._note = note
        self._known: Mapping[str, ValueType] = {}
        self._times_known = 0
        self._polars: Mapping[str, Any] | None = None

    def build(self, values: Mapping[str, list[Any]], types: Mapping[str, ValueType]) -> FewRows | None:
        """Return the frame; None if it takes a closer look: a value is no time, or a column is of lists or objects."""
        from .few_rows import FewRows

        if self._known != types or self._times_known != len(self._times_of):  # which columns are times may grow
            self._known, self._polars = dict(types), self._polars_types(types)
            self._times_known = len(self._times_of)
        if self._polars is None:
            return None
        columns = [self._column(name, column, types[name]) for name, column in values.items()]
        if any(column is None for column in columns):
            return None
        names = list(self._polars)
        return FewRows([dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)], self._polars)

    def _polars_types(self, types: Mapping[str, ValueType]) -> Mapping[str, Any] | None:
        """Return the columns as the frames have them; None if such frames are made elsewhere."""
        import polars as pl

        moved = self._event_time != TIMESTAMP and TIMESTAMP in types
        if moved or not all(isinstance(known, str) for known in types.values()):
            return None
        plain = {name: polars_types()[str(known)] for name, known in types.items()}
        plain |= dict.fromkeys(self._times_of & types.keys(), pl.Datetime("us", "UTC"))
        return {TIMESTAMP if name == self._event_time else name: kind for name, kind in plain.items()}

    def _column(self, name: str, values: list[Any], known: ValueType) -> Sequence[Any] | None:
        """Return the values as polars would give them; None if one is no time."""
        if name in self._times_of:
            return self._read(values)
        return [value if value is None else float(value) for value in values] if known == "float" else values

    def _read(self, values: list[Any]) -> Sequence[Any] | None:
        read = self._times.read_values(values)
        if read is None or read[1].reasons:
            return None
        for sentence in read[1].notes():
            self._note(sentence)
        return read[0]
