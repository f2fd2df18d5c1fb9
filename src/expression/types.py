"""The types of expressions: seven of our own, and how the types of polars and of Python map to them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias

__all__ = ["Columns", "Type", "normal", "polars_type", "type_of", "type_of_value"]


class Type(enum.Enum):
    """The type of an expression. NULL is the type of what is null in every row; it goes with all others.

    BOOLEAN: true, false. INTEGER: 64 bits, signed. FLOAT: IEEE 754 double. TEXT: Unicode, ordered by code point.
    TIMESTAMP: microseconds, UTC, years 1 to 9999. DURATION: microseconds, 64 bits, signed.
    """

    BOOLEAN = "boolean"
    INTEGER = "integer"
    FLOAT = "float"
    TEXT = "text"
    TIMESTAMP = "timestamp"
    DURATION = "duration"
    NULL = "null"

    def __str__(self) -> str:
        return self.value


Columns: TypeAlias = Mapping[str, Any]
"""Columns by name: a `Type`, a polars type, or a mapping of fields (a polars Struct is one)."""

_OF_VALUES: Final[Mapping[type, Type]] = {
    type(None): Type.NULL,
    bool: Type.BOOLEAN,
    int: Type.INTEGER,
    float: Type.FLOAT,
    Decimal: Type.FLOAT,
    str: Type.TEXT,
    datetime: Type.TIMESTAMP,
    date: Type.TIMESTAMP,
    timedelta: Type.DURATION,
}


def type_of(given: Any) -> Type | Mapping[str, Any] | None:
    """Return our type for a column's type, a mapping for a column with fields, None if there is no such type."""
    if isinstance(given, Type | Mapping):
        return given
    import polars as pl

    dtype = given() if isinstance(given, type) else given
    if isinstance(dtype, pl.Struct):
        return {field.name: field.dtype for field in dtype.fields}
    if isinstance(dtype, pl.DataType) and dtype.is_integer():
        return Type.INTEGER
    if isinstance(dtype, pl.DataType) and (dtype.is_float() or dtype.is_decimal()):
        return Type.FLOAT
    return _others().get(type(dtype))


def _others() -> dict[Any, Type]:
    import polars as pl

    return {
        pl.Boolean: Type.BOOLEAN,
        pl.String: Type.TEXT,
        pl.Categorical: Type.TEXT,
        pl.Enum: Type.TEXT,
        pl.Datetime: Type.TIMESTAMP,
        pl.Date: Type.TIMESTAMP,
        pl.Duration: Type.DURATION,
        pl.Null: Type.NULL,
    }


def polars_type(kind: Type) -> Any:
    """Return the polars type in which values of a type are computed and delivered."""
    import polars as pl

    return {
        Type.BOOLEAN: pl.Boolean(),
        Type.INTEGER: pl.Int64(),
        Type.FLOAT: pl.Float64(),
        Type.TEXT: pl.String(),
        Type.TIMESTAMP: pl.Datetime("us", "UTC"),
        Type.DURATION: pl.Duration("us"),
        Type.NULL: pl.Null(),
    }[kind]


def type_of_value(value: Any) -> Type | Mapping[str, Any] | None:
    """Return the type of a Python value; a mapping for a mapping, None if there is no such type."""
    if isinstance(value, Mapping):
        return {name: found for name, inner in value.items() if (found := type_of_value(inner)) is not None}
    return next((_OF_VALUES[base] for base in type(value).__mro__ if base in _OF_VALUES), None)


def normal(value: Any, kind: Type) -> Any:
    """Return a value of a row as its type has it: times in UTC (a time without a zone is UTC), decimals as floats."""
    if value is None:
        return None
    if kind is Type.FLOAT:
        return float(value)
    if kind is not Type.TIMESTAMP:
        return value
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
