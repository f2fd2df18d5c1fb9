"""How a column of a frame comes in: in which type it is stored, and what of it fits into ours."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
import polars.selectors as cs

from .checking import Source
from .types import Type, polars_type

__all__ = ["named", "read"]

_FIRST_DAY, _END_DAY = -719_162, 2_932_897  # 0001-01-01 and 10000-01-01, as days since 1970
_PER_DAY: Final = {None: 1, "ms": 86_400_000, "us": 86_400_000_000}  # a date has no unit: it counts days
_MOST_MILLISECONDS: Final = (2**63 - 1) // 1000


def named(name: str) -> pl.Expr:
    """Return the column of that name."""
    is_pattern = name == "*" or (name.startswith("^") and name.endswith("$"))  # polars takes these for many columns
    return cs.by_name(name).as_expr() if is_pattern else pl.col(name)


def read(source: Source, kind: Type) -> pl.Expr:
    """Return a column, or a field of one, in the type in which values are computed; null for what does not fit."""
    name, *fields = source.path
    expr = named(name)
    for field in fields:
        expr = expr.struct.field(field)
    stored = polars_type(kind) if isinstance(source.stored, Type) else source.stored
    if kind is Type.TIMESTAMP:
        return _time(expr, stored)
    if kind is Type.DURATION:
        return _span(expr, stored.time_unit)
    return expr if stored == polars_type(kind) else expr.cast(polars_type(kind), strict=False)


def _time(expr: pl.Expr, stored: Any) -> pl.Expr:
    within = _within_years(expr, getattr(stored, "time_unit", None))
    if stored == pl.Date:
        return within.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    in_micros = within.dt.cast_time_unit("us")
    if stored.time_zone is None:
        return in_micros.dt.replace_time_zone("UTC")
    return in_micros if stored.time_zone == "UTC" else in_micros.dt.convert_time_zone("UTC")


def _within_years(expr: pl.Expr, unit: str | None) -> pl.Expr:
    """Return null outside the years 1 to 9999, where polars panics."""
    if unit == "ns":  # these end in 2262
        return expr
    ticks, per_day = expr.to_physical(), _PER_DAY[unit]
    return pl.when((ticks >= _FIRST_DAY * per_day) & (ticks < _END_DAY * per_day)).then(expr)


def _span(expr: pl.Expr, unit: str) -> pl.Expr:
    if unit == "ms":
        ticks = expr.to_physical()
        expr = pl.when((ticks >= -_MOST_MILLISECONDS) & (ticks <= _MOST_MILLISECONDS)).then(expr)
    return expr.dt.cast_time_unit("us")
