"""From the typed tree to one expression of polars that gives, row for row, what `rows` says.

Builders use some operands several times. A polars expression is a tree, so that would multiply the work at each level;
from a certain size on, the operands are therefore computed first, as columns, and used from there (`_bound`).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
import polars.selectors as cs

from .builders import BUILDERS, BY_TYPE, CASTS, WITH_VALUES, Builder, divide_spans, in_list, to_text
from .checking import Source, resolve
from .rows import evaluate_typed
from .rules import Typed
from .tree import Expression
from .types import Columns, Type, polars_type

__all__ = ["compile_columns"]

_LARGEST_INLINE: Final = 100
_USES: Final = 4
_USING_SEVERAL_TIMES: Final = frozenset(
    {"/", "%", "DIV", "BETWEEN", "IN", "CASE x", "nullif", "least", "greatest", "round", "sign"}
    | {"power", "log", "ln", "sqrt", "substring", "replace"}
)
_LISTED: Final = frozenset({Type.INTEGER, Type.TEXT, Type.TIMESTAMP, Type.DURATION})


@dataclass(frozen=True, slots=True)
class _Code:
    """A polars expression, how many operations it takes, and whether it is the same for all rows."""

    expr: pl.Expr
    weight: int = 1
    is_constant: bool = False


def compile_columns(expression: Expression, columns: Columns) -> pl.Expr:
    """See `plait.expression.to_polars`."""
    return _compile(resolve(expression, columns)).expr


def _compile(node: Typed) -> _Code:
    if node.function == "column":
        return _Code(_read(node.value, node.type))
    if node.function == "literal":
        return _literal(node.value, node.type)
    args = [_compile(arg) for arg in node.args]
    if all(arg.is_constant for arg in args):
        return _literal(evaluate_typed(node, {}), node.type)
    if node.function in ("least", "greatest"):
        return functools.reduce(lambda left, right: _bound(node, [left, right]), args)
    return _bound(node, args)


def _literal(value: Any, kind: Type) -> _Code:
    return _Code(pl.lit(value, dtype=polars_type(kind)), is_constant=True)


def _bound(node: Typed, args: Sequence[_Code]) -> _Code:
    """Build from the operands, or, if they are large, from columns into which they are computed first."""
    build = _builder(node)
    uses = _USES if node.function in _USING_SEVERAL_TIMES else 1
    weight = 1 + uses * sum(arg.weight for arg in args)
    if weight <= _LARGEST_INLINE:
        return _Code(build(*(arg.expr for arg in args)), weight)
    varying = [arg.expr for arg in args if not arg.is_constant]
    places = iter(range(len(varying)))
    inner = build(*(arg.expr if arg.is_constant else pl.col(str(next(places))) for arg in args))

    def compute(columns: Sequence[pl.Series]) -> pl.Series:
        frame = pl.DataFrame([column.alias(str(place)) for place, column in enumerate(columns)])
        return frame.select(inner.alias("")).to_series()

    return _Code(pl.map_batches(varying, compute, return_dtype=polars_type(node.type)))


def _builder(node: Typed) -> Builder:
    if node.function == "CAST":
        return _caster(node.args[0].type, node.type)
    if (node.function, node.type) in WITH_VALUES:
        values = [arg.value for arg in node.args]
        return functools.partial(WITH_VALUES[node.function, node.type], values)
    if node.function == "IN" and node.args[0].type in _LISTED and all(a.function == "literal" for a in node.args[1:]):
        return in_list([arg.value for arg in node.args[1:]], node.args[0].type)
    if node.function == "/":
        return _divider(node)
    return BY_TYPE.get((node.function, node.type)) or BUILDERS[node.function]


def _caster(source: Type, target: Type) -> Builder:
    if source is target:
        return lambda a, _: a
    cast = CASTS.get((source, target), to_text)
    return lambda a, _: cast(a)


def _divider(node: Typed) -> Builder:
    divisor = node.args[1]
    if divisor.type is Type.DURATION:
        return divide_spans
    if divisor.function == "literal" and divisor.value:
        return lambda a, b: a / b
    return BUILDERS["/"]


def _read(source: Source, kind: Type) -> pl.Expr:
    name, *fields = source.path
    is_pattern = name == "*" or (name.startswith("^") and name.endswith("$"))  # polars takes these for many columns
    expr = cs.by_name(name).as_expr() if is_pattern else pl.col(name)
    for field in fields:
        expr = expr.struct.field(field)
    if isinstance(source.stored, Type) or source.stored == polars_type(kind):
        return expr
    return _read_as(expr, source.stored, kind)


def _read_as(expr: pl.Expr, stored: Any, kind: Type) -> pl.Expr:
    if kind is Type.DURATION:
        return expr.dt.cast_time_unit("us")
    if kind is not Type.TIMESTAMP:
        return expr.cast(polars_type(kind), strict=False)
    if stored == pl.Date:
        return expr.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    in_micros = expr.dt.cast_time_unit("us")
    zone = getattr(stored, "time_zone", None)
    return in_micros.dt.replace_time_zone("UTC") if zone is None else in_micros.dt.convert_time_zone("UTC")
