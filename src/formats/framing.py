"""Records to frames, a block at a time, with column types that hold for the whole stream.

A column's type follows from its values in the order in which they come (see `value_types`). A value that does not go
with it makes its record a reject, never another type. A field that appears later is a new column from there on; what
lacks it is null. Where integer may still become float depends on whether there is an "up front":

* a file has one, its first block: integers among floats there are floats, and what comes later is held to that;
* a live source has none, and how many messages a block holds is chance. So an integer column becomes float at its
  first fraction, once, and the block is cut there: the rows before keep their integers, however they were grouped.

Textual records (CSV, patterns) are typed by what their texts look like, as `text_types` has it; with `schema` by what
it says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..record import TIMESTAMP
from .few_frames import FEW, FewFrames
from .record_types import convert, type_texts
from .timestamps import EventTimes
from .value_types import NULL, MisfitError, ValueType, absorb, fits_all, make_series

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Built", "FrameBuilder", "Layout"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a person said about the columns, and what kind of stream it is.

    Attributes:
        schema: column -> type (one of `schema.TYPES`).
        textual: all values are texts (see `Payload.textual`).
        live: there is no first block to learn from (see above).
        timestamp: field that holds the event time; None: `timestamp`, if there is one.
        times: how times are written.
    """

    schema: Mapping[str, str] = field(default_factory=dict)
    textual: bool = False
    live: bool = False
    timestamp: str | None = None
    times: EventTimes = field(default_factory=EventTimes)

    @property
    def event_time(self) -> str:
        return self.timestamp or TIMESTAMP

    @property
    def columns_of_times(self) -> frozenset[str]:
        return frozenset({self.event_time, *(name for name, kind in self.schema.items() if kind == "time")})


@dataclass(slots=True)
class Built:
    """What a block of records, or a part of it, became.

    Attributes:
        frame: the rows, in order.
        rows: for each row the index of its record in the block.
        rejects: reason, by index in the block, of each record that does not go with the columns.
    """

    frame: pl.DataFrame
    rows: Sequence[int]
    rejects: Mapping[int, str]


class FrameBuilder:
    """Build the frames of one stream; holds the types of its columns.

    Args:
        layout: what is known about the columns.
        note: called with what the run's report should say of the times.
    """

    def __init__(self, layout: Layout, note: Callable[[str], None]) -> None:
        self._layout = layout
        self._note = note
        self._is_time = layout.columns_of_times.__contains__
        self._types: dict[str, ValueType] = {}
        self._few = FewFrames(layout.event_time, layout.columns_of_times, layout.times, note)

    def build(self, records: Sequence[Mapping[str, Any]]) -> Iterator[Built]:
        """Yield the frames that the records make: one, or more where a live stream's types change in the middle."""
        values = {name: [record.get(name) for record in records] for name in self._names(records)}
        values = {name: self._typed(name, column) for name, column in values.items()}
        if self._bring_nothing_new(values):
            yield self._build_quickly(values, range(len(records)))
            return
        start, stop = 0, 0
        while stop < len(records):
            stop = self._next_change(values, records, start) if self._layout.live else len(records)
            names = values if stop == len(records) else self._names(records[start:stop])
            yield self._build({name: values[name][start:stop] for name in names}, range(start, stop), new=True)
            start = stop

    def _bring_nothing_new(self, values: Mapping[str, list[Any]]) -> bool:
        """Tell quickly that all columns are known, and that all values are of their types: as nearly always."""
        types, is_time = self._types, self._is_time
        return all(name in types and (is_time(name) or fits_all(types[name], values[name])) for name in values)

    def _build_quickly(self, values: Mapping[str, list[Any]], span: range) -> Built:
        few = self._few.build(values, self._types) if len(span) <= FEW else None
        return self._build(values, span, new=False) if few is None else Built(few, span, {})

    def _names(self, records: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """Return the columns: the known ones first, then the new ones in the order in which they appear."""
        if self._types and set().union(*records) <= self._types.keys():
            return list(self._types)
        names = dict.fromkeys(self._types)
        for record in records:
            names.update(dict.fromkeys(record))
        named = {self._layout.timestamp: None} if self._layout.timestamp else {}
        return list(names | named | dict.fromkeys(self._layout.schema))

    def _typed(self, name: str, values: list[Any]) -> list[Any]:
        declared = self._layout.schema.get(name)
        if self._is_time(name):
            return values
        if declared:
            return convert(values, declared)
        if self._layout.textual:
            return type_texts(values, self._known(name), only_first=self._layout.live)
        return values

    def _build(self, values: Mapping[str, list[Any]], span: range, *, new: bool) -> Built:
        """Return the frame of a part of the records; `new`: they may bring something that is yet to be learned."""
        import polars as pl

        rejects: dict[int, str] = {}
        columns: dict[str, Any] = {}
        for name, column in values.items():
            columns[name] = column
            if self._is_time(name):
                columns[name], reasons = self._read_times(name, column)
                rejects.update(reasons)
            elif new:
                rejects.update(self._learn(name, column))
        if self._layout.event_time != TIMESTAMP and columns.pop(TIMESTAMP, None) is not None:
            rejects.update(self._with_two_times(values[TIMESTAMP]))
        if not rejects:
            return Built(pl.DataFrame([self._series(name, column, None) for name, column in columns.items()]), span, {})
        rows = [row for row in range(len(span)) if row not in rejects]
        series = [self._series(name, column, rows) for name, column in columns.items()]
        shifted = {span[row]: rejects[row] for row in sorted(rejects)}
        return Built(pl.DataFrame(series), [span[row] for row in rows], shifted)

    def _read_times(self, name: str, values: list[Any]) -> tuple[pl.Series, Mapping[int, str]]:
        """Return a column of times, and index and reason of each value that is none."""
        self._types.setdefault(name, NULL)
        read = self._layout.times.read(values)
        for sentence in read.notes(self._layout.times.zone):
            self._note(sentence)
        if name == self._layout.event_time:
            return read.values, {row: f"{name!r}: {reason}" for row, reason in read.reasons.items()}
        return read.values, {row: f"{name!r}: {why}" for row, why in read.reasons.items() if values[row]}

    def _with_two_times(self, timestamps: Sequence[Any]) -> dict[int, str]:
        reason = f"has a field {TIMESTAMP!r} besides its event time {self._layout.event_time!r}"
        return {row: reason for row, value in enumerate(timestamps) if value is not None}

    def _series(self, name: str, column: Any, rows: Sequence[int] | None) -> pl.Series:
        if self._is_time(name):
            series: pl.Series = column if rows is None else column.gather(rows)
            return series.alias(TIMESTAMP if name == self._layout.event_time else name)
        kept = column if rows is None else [column[row] for row in rows]
        return make_series(name, kept, self._types[name])

    def _known(self, name: str) -> ValueType:
        return self._types.get(name) or self._layout.schema.get(name, NULL)

    def _learn(self, name: str, values: Sequence[Any]) -> Mapping[int, str]:
        """Take the values into the column's type; return index and reason of those that do not go with it."""
        known, declared = self._known(name), name in self._layout.schema
        widen = not declared and (self._layout.live or name not in self._types)
        rejects = {}
        if not fits_all(known, values):
            for row, value in enumerate(values):
                try:
                    known = absorb(known, value, widen=widen)
                except MisfitError as error:
                    rejects[row] = f"{name!r}: {error}, {_mend(name, known, value, declared)}"
        self._types[name] = known
        return rejects

    def _next_change(self, values: Mapping[str, list[Any]], records: Sequence[Mapping[str, Any]], start: int) -> int:
        """Return the index after `start` at which a column appears or changes its type, else the end."""
        stop = len(records)
        for name, column in values.items():
            if name not in self._types:
                first = next((row for row, record in enumerate(records) if name in record), 0)
                stop = min(stop, first) if first > start else stop
            if not self._is_time(name):
                stop = self._change_in(name, column, start, stop)
        return stop

    def _change_in(self, name: str, column: Sequence[Any], start: int, stop: int) -> int:
        known = self._known(name)
        if name in self._layout.schema or fits_all(known, column[start:stop]):
            return stop
        for row in range(start, stop):
            try:
                after = absorb(known, column[row], widen=True)
            except MisfitError:
                continue
            if after != known and known != NULL and row > start:
                return row
            known = after
        return stop


def _mend(name: str, known: ValueType, value: Any, declared: bool) -> str:
    if declared:
        return "as schema=( ) says"
    better = "float" if known == "integer" and isinstance(value, float) else "text"
    return f"as the values before are; say schema=({name}={better}) if it may be both"
