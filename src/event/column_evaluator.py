"""From a rule to a Polars expression over one column, where Polars can say exactly the same: else None.

Exactly: a whole number beyond 2**53 is not rounded to compare it with a float, NaN is equal to nothing and greater than
nothing, null equals null and is not like any text. Every expression is true or false, never null.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from datetime import datetime
from functools import singledispatch
from typing import Any, Final

import polars as pl

from .column_kinds import kind_of
from .dict_evaluator import compile_rule
from .operators import COMPARISONS, wildcard_parts
from .rules import AllOf, AnyOf, Complement, Each, Equal, Exists, Fields, Negated, Ordered, Rule, TextTest, below, calls

__all__ = ["column_expression", "constant"]

_WHOLE: Final = frozenset((pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64))
_FLOATS: Final = frozenset((pl.Float32, pl.Float64))
_TEXTS: Final = frozenset((pl.String, pl.Categorical, pl.Enum))
_FROM_ABOVE: Final = {">": ">=", ">=": ">=", "<": "<", "<=": "<"}
_FROM_BELOW: Final = {">": ">", ">=": ">", "<": "<=", "<=": "<="}
"""How to compare with the nearest float above, or below, an operand that is itself no float."""


def constant(value: bool) -> pl.Expr:
    """Return the expression that says the same of every row."""
    return pl.lit(value, dtype=pl.Boolean)


def _polars_compares(dtype: pl.DataType) -> bool:
    """Tell whether polars compares the values of a column as exactly as Python does: no decimals, no nanoseconds."""
    if dtype.is_numeric():
        return dtype.base_type() in _WHOLE | _FLOATS
    return not (isinstance(dtype, pl.Datetime) and dtype.time_unit == "ns")


def column_expression(rule: Rule, column: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    """Return an expression that says of each value in the column whether the rule holds of it; None: ask Python."""
    kind = kind_of(dtype)
    if kind == "other" or calls(rule) or not _polars_compares(dtype):
        return None
    if kind == "null":
        return constant(bool(compile_rule(rule, null_is_missing=True)(None)))
    return _expression(rule, column, dtype)


@singledispatch
def _expression(rule: Rule, column: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    return None


@_expression.register
def _equal(rule: Equal, column: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    if rule.value is None:
        return column.is_null()
    operands = dict(rule.operands())
    kind = kind_of(dtype)
    return _compared("=", column, dtype, operands[kind]) if kind in operands else constant(False)


@_expression.register
def _ordered(rule: Ordered, column: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    operands = dict(rule.operands())
    kind = kind_of(dtype)
    return _compared(rule.symbol, column, dtype, operands[kind]) if kind in operands else constant(False)


def _compared(symbol: str, column: pl.Expr, dtype: pl.DataType, operand: Any) -> pl.Expr:
    base = dtype.base_type()
    if base in _WHOLE:
        return _whole_compared(symbol, column, dtype, operand)
    if base in _FLOATS:
        return _float_compared(symbol, column.cast(pl.Float64), operand)
    if base in _TEXTS:
        return _plainly(symbol, column.cast(pl.String), pl.lit(operand, dtype=pl.String))
    if isinstance(operand, datetime):
        return _plainly(symbol, _as_time(column, dtype), pl.lit(operand).cast(pl.Datetime("us", "UTC")))
    return _plainly(symbol, column, pl.lit(operand, dtype=pl.Boolean))


def _plainly(symbol: str, column: pl.Expr, operand: pl.Expr) -> pl.Expr:
    holds: pl.Expr = column == operand if symbol == "=" else COMPARISONS[symbol](column, operand)
    return holds.fill_null(value=False)


def _as_time(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return column.cast(pl.Datetime("us", dtype.time_zone)).dt.convert_time_zone("UTC")
    return column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _whole_compared(symbol: str, column: pl.Expr, dtype: pl.DataType, operand: float) -> pl.Expr:
    """Compare whole numbers with a bound moved to the next whole number, so that nothing is rounded."""
    if operand != operand:  # NaN (an int may be too large for math.isnan)
        return constant(False)
    if operand in (math.inf, -math.inf):
        return column.is_not_null() if symbol != "=" and COMPARISONS[symbol](0, operand) else constant(False)
    if symbol == "=":
        return _plainly("=", column, pl.lit(int(operand), dtype)) if _fits(operand, dtype) else constant(False)
    bound = math.ceil(operand) if symbol in (">=", "<") else math.floor(operand)
    least, most = _limits(dtype)
    if bound < least or bound > most:
        return column.is_not_null() if COMPARISONS[symbol](0, bound) else constant(False)
    return _plainly(symbol, column, pl.lit(bound, dtype))


def _limits(dtype: pl.DataType) -> tuple[int, int]:
    bits = int(re.sub(r"\D", "", str(dtype)))
    return (0, 2**bits - 1) if str(dtype).startswith("UInt") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _fits(operand: float, dtype: pl.DataType) -> bool:
    least, most = _limits(dtype)
    return operand == int(operand) and least <= operand <= most


def _float_compared(symbol: str, column: pl.Expr, operand: float) -> pl.Expr:
    """Compare floats with a number that may lie between two floats, or beyond them all."""
    if operand != operand:  # NaN (an int may be too large for math.isnan)
        return constant(False)
    nearest = _nearest_float(operand)
    if nearest != operand and symbol == "=":
        return constant(False)
    if nearest != operand:
        symbol = (_FROM_ABOVE if nearest > operand else _FROM_BELOW)[symbol]
    return _plainly(symbol, column, pl.lit(nearest, dtype=pl.Float64)) & column.is_not_nan().fill_null(value=False)


def _nearest_float(operand: float) -> float:
    try:
        return float(operand)
    except OverflowError:
        return sys.float_info.max if operand > 0 else -sys.float_info.max


@_expression.register
def _text_test(rule: TextTest, column: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    if kind_of(dtype) != "text":
        return constant(False)
    text, operand = column.cast(pl.String), pl.lit(rule.operand, dtype=pl.String)
    if rule.name == "prefix":
        return text.str.starts_with(operand).fill_null(value=False)
    if rule.name == "suffix":
        return text.str.ends_with(operand).fill_null(value=False)
    if rule.name == "contains":
        return text.str.contains(operand, literal=True).fill_null(value=False)
    if rule.name == "wildcard":
        pattern = ".*".join(map(_rust_escaped, wildcard_parts(rule.operand)))
        return text.str.contains(rf"(?s)\A{pattern}\z").fill_null(value=False)
    return None


def _rust_escaped(text: str) -> str:
    """Escape what has a meaning in a Rust regular expression, and nothing else (it refuses needless escapes)."""
    return re.sub(r"[\\.+*?()|\[\]{}^$#&\-~]", lambda match: "\\" + match[0], text)


@_expression.register
def _exists(rule: Exists, column: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    if kind_of(dtype) == "fields":
        return constant(not rule.wanted)
    return column.is_not_null() if rule.wanted else column.is_null()


@_expression.register(Negated)
@_expression.register(Complement)
def _negated(rule: Negated | Complement, column: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    inner = _expression(rule.rule, column, dtype)
    return None if inner is None else ~inner


def _all_known(parts: Sequence[pl.Expr | None]) -> list[pl.Expr] | None:
    known = [part for part in parts if part is not None]
    return known if len(known) == len(parts) else None


@_expression.register
def _any_of(rule: AnyOf, column: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    texts = [each.value for each in rule.rules if isinstance(each, Equal) and type(each.value) is str]
    if len(texts) == len(rule.rules) > 1 and kind_of(dtype) == "text":
        return column.cast(pl.String).is_in(texts).fill_null(value=False)
    known = _all_known([_expression(each, column, dtype) for each in rule.rules])
    return None if known is None else pl.any_horizontal(constant(False), *known)


@_expression.register(AllOf)
@_expression.register(Each)
def _all_of(rule: AllOf | Each, column: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    known = _all_known([_expression(each, column, dtype) for each in rule.rules])
    return None if known is None else pl.all_horizontal(constant(True), *known)


@_expression.register
def _fields(rule: Fields, column: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    inner = {field.name: field.dtype for field in dtype.fields} if isinstance(dtype, pl.Struct) else {}
    parts: list[pl.Expr | None] = []
    for head, members in rule.by_head().items():
        exact = [(path, each) for path, each in members if "." in path and path in inner]
        rest = [member for member in members if member not in exact]
        wanted = [*exact, *([(head, below(rest))] if rest else [])]
        parts += [_field(each, column, name, inner) for name, each in wanted]
    known = _all_known(parts)
    return None if known is None else pl.all_horizontal(constant(True), *known)


def _field(rule: Rule, column: pl.Expr, name: str, inner: dict[str, Any]) -> pl.Expr | None:
    if name not in inner:
        return column_expression(rule, pl.lit(None), pl.Null())
    return column_expression(rule, column.struct.field(name), inner[name])
