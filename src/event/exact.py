"""Comparing a column of one type with an operand of another without rounding either.

An operand is brought to the type of the column, and the comparison with it: a whole number column is compared with the
next whole number, a float column with the nearest float, a time with whole units of the column. So a whole number
beyond 2**53 is not rounded to compare it with a float, and NaN is equal to nothing and on no side of anything.
"""

from __future__ import annotations

import math
import sys
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, Final, TypeAlias

import polars as pl

from .operators import COMPARISONS

__all__ = ["Settled", "settled"]

Settled: TypeAlias = "bool | tuple[str, int | float | bool]"
"""False: true of no value; True: of all that are there; else the comparison and the operand in the column's type."""

_LIMITS: Final[dict[Any, tuple[int, int]]] = {
    **{getattr(pl, f"Int{bits}"): (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{getattr(pl, f"UInt{bits}"): (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
}
_FLOATS: Final = frozenset((pl.Float32, pl.Float64))
_FROM_ABOVE: Final = {">": ">=", ">=": ">=", "<": "<", "<=": "<"}
_FROM_BELOW: Final = {">": ">", ">=": ">", "<": "<=", "<=": "<="}
"""How to compare with the nearest float above, or below, an operand that is itself no float."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_UNITS: Final = {"us": 1, "ms": 1_000}
_MICROSECONDS_OF_A_DAY: Final = 86_400_000_000


def settled(symbol: str, operand: Any, dtype: pl.DataType) -> Settled | None:
    """Return how the values of a column are compared with an operand of their kind; None: only Python can tell.

    Times are compared as the numbers that they are stored as. Decimals, nanoseconds and numbers beyond 64 bits are left
    to Python.

    Args:
        symbol: `=`, `>`, `>=`, `<` or `<=`.
        operand: a number, a truth, or a time in UTC, as `values.classify` returns it.
        dtype: type of the column.
    """
    base = dtype.base_type()
    if base in _FLOATS:
        return _float(symbol, operand)
    if base in _LIMITS:
        return _whole(symbol, operand, *_LIMITS[base])
    if base is pl.Boolean:
        return symbol, operand
    if isinstance(dtype, pl.Datetime) and dtype.time_unit in _UNITS:
        return _whole(symbol, _units(operand, _UNITS[dtype.time_unit]), *_LIMITS[pl.Int64])
    if base is pl.Date:
        return _whole(symbol, _units(operand, _MICROSECONDS_OF_A_DAY), *_LIMITS[pl.Int32])
    return None


def _units(time: datetime, microseconds: int) -> int | Fraction:
    since = (time - _EPOCH) // _MICROSECOND
    return since if microseconds == 1 else Fraction(since, microseconds)


def _whole(symbol: str, operand: Any, least: int, most: int) -> Settled:
    if operand != operand:  # NaN (an int may be too large for math.isnan)
        return False
    if operand in (math.inf, -math.inf):
        return symbol != "=" and bool(COMPARISONS[symbol](0, operand))
    if symbol == "=":
        return (symbol, int(operand)) if operand == int(operand) and least <= operand <= most else False
    bound = math.ceil(operand) if symbol in (">=", "<") else math.floor(operand)
    if bound < least or bound > most:
        return bool(COMPARISONS[symbol](0, bound))
    return symbol, bound


def _float(symbol: str, operand: Any) -> Settled:
    if operand != operand:
        return False
    nearest = _nearest_float(operand)
    if nearest == operand:
        return symbol, nearest
    return False if symbol == "=" else ((_FROM_ABOVE if nearest > operand else _FROM_BELOW)[symbol], nearest)


def _nearest_float(operand: float) -> float:
    try:
        return float(operand)
    except OverflowError:
        return sys.float_info.max if operand > 0 else -sys.float_info.max
