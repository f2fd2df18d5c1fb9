"""`reader=memory`: rows that Python code already has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import SourceError, nearest
from ..fields import Value, option
from ..record import TIMESTAMP, DeadLetter
from ..running import Batch, Context
from .base import Reader

if TYPE_CHECKING:
    import polars as pl

__all__ = ["MemoryReader"]

_ROWS = 50_000
"""Rows in one batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryReader(Reader):
    """Read rows that Python code already has: tests, notebooks, small tables.

    ```
    p.reader("memory", rows=[{"timestamp": "2010-01-01", "temp": 20.5}, {"timestamp": "2010-01-02"}])
    ```

    Output: one column per key, in the order in which the keys first appear; what a row lacks is null. Types are those
    of Python; integers among floats are floats, dicts are structs, other mixtures are an error. The event time may be a
    `datetime` (naive: in `zone`), a `date`, text in ISO 8601 or in `format`, or a number that counts `unit`.
    Order: that of the rows.
    Dead letters: rows without a readable event time.
    Python only: there are no rows in a script.

    See also: reader=csv, writer=memory.
    """

    variant: ClassVar[str] = "memory"
    in_scl: ClassVar[bool] = False

    rows: Sequence[Mapping[str, Any]] = option("the rows: dicts", Value(), default=(), kw_only=False, runtime=True)
    queue: Any = option("where `run` puts the records", Value(), default=None, kw_only=False, runtime=True)
    wrapper: Any = option(
        "called with each record; what it returns is put", Value(), default=None, kw_only=False, runtime=True
    )

    def check(self) -> None:
        if not isinstance(self.rows, Sequence) or isinstance(self.rows, str | bytes):
            raise self.wrong("rows", "is no list of dicts")
        for number, row in enumerate(self.rows, 1):
            if not isinstance(row, Mapping):
                raise self.wrong("rows", f"row {number} is no dict: {row!r:.60}")
        self.event_times()

    def columns(self, context: Context) -> dict[str, Any] | None:
        """Return the columns as the rows have them; none if there are no rows."""
        if not self.rows:
            return {}
        frame, _ = self._frame()
        return dict(frame.schema)

    def open(self, context: Context) -> Iterator[Batch]:
        """Yield the rows in batches. Raises SourceError if the values of a column do not go together."""
        import polars as pl

        if not self.rows:
            return
        frame, reasons = self._frame(context)
        for row, reason in sorted(reasons.items()):
            context.dead(self._dead_letter(row, reason, context))
        numbers = pl.Series(range(1, len(self.rows) + 1), dtype=pl.Int64)
        if reasons:
            keep = ~numbers.is_in([row + 1 for row in reasons])
            frame, numbers = frame.filter(keep), numbers.filter(keep)
        for start in range(0, len(frame), _ROWS):
            yield Batch(frame=frame.slice(start, _ROWS), origin="memory", lines=numbers.slice(start, _ROWS))

    def _frame(self, context: Context | None = None) -> tuple[pl.DataFrame, Mapping[int, str]]:
        """Return all rows as one frame, and the reason for each that has no event time."""
        import polars as pl

        names = list(dict.fromkeys(name for row in self.rows for name in row))
        time = self._time_column(names)
        columns: list[pl.Series] = []
        reasons: Mapping[int, str] = {}
        for name in names:
            values = [row.get(name) for row in self.rows]
            if name != time:
                columns.append(self._column(name, values))
                continue
            read = self.event_times().read(values)
            reasons = read.reasons
            columns.append(read.values.alias(TIMESTAMP))
            for sentence in read.notes(self.zone) if context else ():
                context.note(sentence)  # type: ignore[union-attr]
        return pl.DataFrame(columns), reasons

    def _time_column(self, names: Sequence[str]) -> str | None:
        named = self.timestamp
        if named is None:
            return TIMESTAMP if TIMESTAMP in names else None
        if named not in names:
            near = nearest(named, names)
            hint = f"; did you mean {near!r}?" if near else ""
            raise SourceError(f"timestamp={named}: no row has it; there are {', '.join(names)}{hint}")
        if named != TIMESTAMP and TIMESTAMP in names:
            raise SourceError(f"timestamp={named} would be called 'timestamp', but there is a key of that name already")
        return named

    @staticmethod
    def _column(name: str, values: list[Any]) -> pl.Series:
        import polars as pl

        kinds = {type(value) for value in values if value is not None}
        if kinds == {int, float}:
            values = [value if value is None else float(value) for value in values]
        if not isinstance(name, str):
            raise SourceError(f"{name!r} is no name of a column: give a text")
        try:
            if bool in kinds and len(kinds) > 1:
                raise TypeError("true and false are no numbers")  # polars would make 1 and 0 of them
            return pl.Series(name, values, strict=True)
        except UnicodeEncodeError as error:
            raise SourceError(f"a text of {name!r} has half a character (a surrogate without the other)") from error
        except (TypeError, OverflowError, pl.exceptions.PolarsError) as error:
            said = ", ".join(sorted(kind.__name__ for kind in kinds))
            reason = str(error).partition("\n")[0]
            raise SourceError(f"the values of {name!r} do not go together in one column ({said}): {reason}") from error

    def _dead_letter(self, row: int, reason: str, context: Context) -> DeadLetter:
        return DeadLetter(
            stage=context.stage, kind="dead", reason=reason, origin="memory", line=row + 1, record=self.rows[row]
        )
