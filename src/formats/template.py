"""Lines for people from a template: `{timestamp} {place.city}: {temp:.1f} F`.

A field in braces names a column, or by a dotted path a member of a nested one. It is printed in the one way of
`printing`, or as the format behind a colon says, in Python's spelling: `{temp:.1f}`, `{city:>12}`, `{timestamp:%H:%M}`.
Null, and what is missing, prints `null`. `{{` and `}}` print braces.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import nearest
from ..fields import Kind
from ..frozen import frozen
from ..record import lookup
from .printing import print_columns, print_value
from .schema import shown_type

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Template", "TemplateText"]


@frozen
class _Part:
    """A literal text, and the field behind it, if there is one."""

    literal: str
    name: str | None
    spec: str


class Template:
    """A template that was read and found good.

    >>> Template("{city}: {temp:.1f}").render({"city": "sf", "temp": 47.84})
    'sf: 47.8'

    Attributes:
        text: the template as it was given.
        names: the fields, in order.
    """

    def __init__(self, text: str, digits: int = 0) -> None:
        """Read a template. Raises ValueError with one sentence if it is not well formed.

        Args:
            text: the template.
            digits: fractional digits that times without a format of their own have at least: 0, 3 or 6.
        """
        self.text = text
        self._digits = digits
        self._parts = [_part(*parsed) for parsed in string.Formatter().parse(text)]
        self.names = tuple(part.name for part in self._parts if part.name is not None)

    def missing(self, columns: Iterable[str]) -> str | None:
        """Return the first field that leads to none of these columns; None if all do."""
        known = set(columns)
        return next((name for name in self.names if name not in known and name.partition(".")[0] not in known), None)

    def misfit(self, columns: Mapping[str, Any]) -> str | None:
        """Return a sentence on the first field whose format no value of its column can take; None if all fit.

        Args:
            columns: names and polars types.
        """
        for part in self._parts:
            dtype = columns.get(part.name or "")
            if part.spec and dtype is not None and not _takes(dtype, part.spec):
                return f"{{{part.name}:{part.spec}}}: {part.name!r} is {shown_type(dtype)}, which has no such format"
        return None

    def render(self, record: Mapping[str, Any]) -> str:
        """Fill in one record. Raises ValueError if a value cannot be printed with its format."""
        return "".join(
            part.literal if part.name is None else part.literal + _print(_value(record, part.name), part, self._digits)
            for part in self._parts
        )

    def render_frame(self, frame: pl.DataFrame) -> pl.Series:
        """Fill in each row: one text per row, in order.

        Raises:
            LookupError: the frame has no such column.
            ValueError: a value cannot be printed with its format.
        """
        import polars as pl

        pieces: list[pl.Series] = []
        for number, part in enumerate(self._parts):
            pieces.append(pl.repeat(part.literal, frame.height, dtype=pl.String, eager=True).alias(f"literal {number}"))
            if part.name is not None:
                pieces.append(_print_column(_column(frame, part.name), part, self._digits).alias(f"field {number}"))
        return pl.select(pl.concat_str(pieces).alias("line")).to_series() if pieces else pl.Series([""] * frame.height)


class TemplateText(Kind):
    """The text of a template; held as a text."""

    says: ClassVar[str] = 'a template such as "{timestamp} {temp:.1f}"'

    def parse(self, value: Any) -> str:
        if not isinstance(value, str):
            raise self._wrong(value)
        return Template(value).text


def _part(literal: str, name: str | None, spec: str | None, conversion: str | None) -> _Part:
    if name is None:
        return _Part(literal, None, "")
    shown = "{" + name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "") + "}"
    if conversion or "[" in name or not all(name.split(".")) or name.isdigit():
        raise ValueError(f"{shown} does not name a column; write {{column}} or {{column:format}}")
    if spec and not _is_format(spec):
        raise ValueError(f"{shown}: {spec!r} is no format such as .1f, >12 or %H:%M")
    return _Part(literal, name, spec or "")


def _is_format(spec: str) -> bool:
    return "%" in spec or any(_fits(sample, spec) for sample in (0, 0.0, ""))


def _fits(sample: object, spec: str) -> bool:
    try:
        format(sample, spec)
    except ValueError:
        return False
    return True


def _takes(dtype: Any, spec: str) -> bool:
    """Tell whether values of a polars type can be printed with the format; what cannot be known may."""
    if dtype.is_temporal():
        return "%" in spec or _fits("", spec)
    if dtype.is_numeric():
        return _fits(0 if dtype.is_integer() else 0.0, spec)
    return _fits("", spec)


def _value(record: Mapping[str, Any], name: str) -> Any:
    return record[name] if name in record else lookup(record, name.split("."))


def _print(value: Any, part: _Part, digits: int) -> str:
    if value is None or not part.spec:
        return print_value(value, digits)
    try:
        return _format(value, part.spec)
    except ValueError as error:
        raise ValueError(f"{part.name}: {print_value(value)!r} cannot be printed as {part.spec!r}") from error


def _format(value: Any, spec: str) -> str:
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    if is_number or (isinstance(value, date | time) and "%" in spec):
        return format(value, spec)
    return format(print_value(value), spec)


def _print_column(column: pl.Series, part: _Part, digits: int) -> pl.Series:
    import polars as pl

    if not part.spec:
        return print_columns(column.alias("field").to_frame(), digits=digits).to_series().fill_null("null")
    values: Sequence[Any] = _in_utc(column).to_list()
    return pl.Series([_print(value, part, digits) for value in values], dtype=pl.String)


def _in_utc(column: pl.Series) -> pl.Series:
    import polars as pl

    zoned = isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None
    return column.dt.convert_time_zone("UTC") if zoned else column


def _column(frame: pl.DataFrame, name: str) -> pl.Series:
    """Return the column of that name, or the member of a nested one."""
    import polars as pl

    if name in frame.columns:
        return frame.get_column(name)
    head, *path = name.split(".")
    if head not in frame.columns:
        near = nearest(name, frame.columns)
        raise LookupError(f"there is no column {name!r}" + (f"; did you mean {near!r}?" if near else ""))
    column = frame.get_column(head)
    for member in path:
        if not isinstance(column.dtype, pl.Struct) or member not in {field.name for field in column.dtype.fields}:
            raise LookupError(f"the column {column.name!r} has no member {member!r}")
        column = column.struct.field(member)
    return column
