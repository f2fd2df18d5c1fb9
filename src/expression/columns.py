"""From the typed tree to one expression of polars that gives, row for row, what `rows` says.

Builders use some operands several times. A polars expression is a tree, so that would multiply the work at each level;
from a certain size on, the operands are therefore computed first, as columns, and used from there (`_bound`).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from ..frozen import frozen
from .builders import BUILDERS, BY_TYPE, CASTS, WITH_VALUES, Builder, divide_spans, in_list, to_text, unsigned_zeros
from .checking import resolve
from .rows import evaluate_typed
from .rules import Typed
from .stored import named, read
from .tree import Expression
from .types import Columns, Type, polars_type

__all__ = ["compile_columns"]

_LARGEST_REPEATED: Final = 25
_USES: Final = 4
_USING_SEVERAL_TIMES: Final = frozenset(
    {"/", "%", "DIV", "BETWEEN", "IN", "CASE x", "nullif", "least", "greatest", "round", "sign"}
    | {"power", "log", "ln", "sqrt", "substring", "replace"}
)
_LISTED: Final = frozenset({Type.INTEGER, Type.TEXT, Type.TIMESTAMP, Type.DURATION})


@frozen
class _Code:
    """A polars expression, how many operations it takes, and whether it is the same for all rows."""

    expr: pl.Expr
    weight: int = 1
    is_constant: bool = False


def compile_columns(expression: Expression, columns: Columns) -> pl.Expr:
    """See `plait.expression.to_polars`."""
    typed = resolve(expression, columns)
    made = _compile(typed)
    if made.is_constant or (typed.function == "column" and typed.type is not Type.FLOAT):
        return made.expr
    finish = functools.partial(_finish, is_float=typed.type is Type.FLOAT)
    return pl.map_batches([_any_column(typed), made.expr], finish, return_dtype=polars_type(typed.type))


def _finish(given: Sequence[pl.Series], *, is_float: bool) -> pl.Series:
    column = _stretched(given[1], len(given[0]))
    return unsigned_zeros(column) if is_float else column


def _compile(node: Typed) -> _Code:
    if node.function == "column":
        return _Code(read(node.value, node.type))
    if node.function == "literal":
        return _literal(node.value, node.type)
    if node.function in ("CASE", "if"):
        return _compile_case(node)
    args = [_compile(arg) for arg in node.args]
    if all(arg.is_constant for arg in args):
        return _literal(evaluate_typed(node, {}), node.type)
    if node.function in ("least", "greatest"):
        return _paired(node, args)
    if node.function == "CASE x" and args[0].is_constant:
        return _compile_case(_with_conditions(node))
    return _bound(node, args)


def _paired(node: Typed, args: Sequence[_Code]) -> _Code:
    """Build from two halves: one argument after the other, hundreds of them would nest until the stack is full."""
    if len(args) == 1:
        return args[0]
    half = len(args) // 2
    return _bound(node, [_paired(node, args[:half]), _paired(node, args[half:])])


def _compile_case(node: Typed) -> _Code:
    """Leave out the branches that are never reached: polars stumbles over conditions that are constant."""
    args: list[_Code] = []
    for condition, value in zip(node.args[:-1:2], node.args[1:-1:2], strict=True):
        made = _compile(condition)
        if not made.is_constant:
            args += [made, _compile(value)]
        elif evaluate_typed(condition, {}):
            last = _compile(value)
            break
    else:
        last = _compile(node.args[-1])
    return _bound(node, [*args, last]) if args else last


def _with_conditions(node: Typed) -> Typed:
    """Write `CASE x WHEN v` as `CASE WHEN x = v`."""
    subject, *rest = node.args
    args = list(rest)
    args[:-1:2] = [Typed("=", Type.BOOLEAN, (subject, case)) for case in rest[:-1:2]]
    return Typed("CASE", node.type, tuple(args))


def _literal(value: Any, kind: Type) -> _Code:
    value = value + 0.0 if isinstance(value, float) else value
    return _Code(pl.lit(value, dtype=polars_type(kind)), is_constant=True)


def _bound(node: Typed, args: Sequence[_Code]) -> _Code:
    """Build from the operands, or, if large ones are used again, from columns into which they are computed first."""
    build = _builder(node)
    weight = sum(arg.weight for arg in args)
    if node.function not in _USING_SEVERAL_TIMES:
        return _Code(build(*(arg.expr for arg in args)), 1 + weight)
    if weight <= _LARGEST_REPEATED:
        return _Code(build(*(arg.expr for arg in args)), 1 + _USES * weight)
    varying = [arg.expr for arg in args if not arg.is_constant]
    places = iter(range(len(varying)))
    inner = build(*(arg.expr if arg.is_constant else pl.col(str(next(places))) for arg in args))
    compute = functools.partial(_compute, inner)
    expr = pl.map_batches([_any_column(node), *varying], compute, return_dtype=polars_type(node.type))
    return _Code(expr, 1 + weight)


def _compute(inner: pl.Expr, given: Sequence[pl.Series]) -> pl.Series:
    """Compute `inner` over the columns 0, 1, ...; the first that is given only says how many rows there are.

    What does not depend on the rows after all (`x AND FALSE`) comes from polars as one row, whatever their number.
    """
    height = len(given[0])
    columns = [_stretched(column, height).alias(str(place)) for place, column in enumerate(given[1:])]
    return _stretched(pl.DataFrame(columns).select(inner.alias("")).to_series(), height)


def _stretched(column: pl.Series, height: int) -> pl.Series:
    return column if len(column) == height else column.new_from_index(0, height)


def _any_column(node: Typed) -> pl.Expr:
    while node.function != "column":
        node = next(arg for arg in node.args if _has_column(arg))
    return named(node.value.path[0])


def _has_column(node: Typed) -> bool:
    return node.function == "column" or any(map(_has_column, node.args))


def _builder(node: Typed) -> Builder:
    if node.function == "CAST":
        return _caster(node.args[0].type, node.type)
    if (node.function, node.type) in WITH_VALUES:
        values = [arg.value for arg in node.args]
        return functools.partial(WITH_VALUES[node.function, node.type], values)
    if node.function == "IN" and node.args[0].type in _LISTED and all(a.function == "literal" for a in node.args[1:]):
        return in_list([arg.value for arg in node.args[1:]], node.args[0].type)
    if node.function == "/" and node.args[0].type is Type.DURATION:
        return divide_spans
    return BY_TYPE.get((node.function, node.type)) or BUILDERS[node.function]


def _caster(source: Type, target: Type) -> Builder:
    if source is target:
        return lambda a, _: a
    cast = CASTS.get((source, target), to_text)
    return lambda a, _: cast(a)
