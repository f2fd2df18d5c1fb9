"""Expressions: SQL spelling, our own small typed tree, columns.

* `parse(text) -> Expression` reads one expression; `typecheck(expression, columns) -> Type` holds it against columns.
* `to_polars(expression, columns)` computes it on frames; `evaluate(expression, row)` on one row: the definition.
* `Expression`, `Type`, `ExpressionError` are what they give and raise. `FUNCTIONS`, `describe()`: all there is.

Importing this room imports neither sqlglot nor polars: that happens when the first expression is parsed or compiled.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from .checking import typecheck
from .functions import FUNCTIONS, Function, describe
from .rows import evaluate
from .tree import Expression, ExpressionError
from .types import Columns, Type, polars_type

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "FUNCTIONS",
    "Columns",
    "Expression",
    "ExpressionError",
    "Function",
    "Type",
    "describe",
    "evaluate",
    "parse",
    "polars_type",
    "to_polars",
    "typecheck",
]


@lru_cache(maxsize=512)
def parse(text: str) -> Expression:
    """Parse one expression.

    Raises:
        ExpressionError: it is none, or has what expressions do not have (subqueries, window functions, ...).

    >>> typecheck(parse("(temp - 32) * 5 / 9"), {"temp": Type.INTEGER})
    <Type.FLOAT: 'float'>
    >>> evaluate(parse("upper(name) || '!'"), {"name": "ada"})
    'ADA!'
    """
    from .parsing import parse_text

    return parse_text(text)


def to_polars(expression: Expression, columns: Columns) -> pl.Expr:
    """Return the polars expression that computes it on a frame with these columns.

    It is vectorised, elementwise, and has the type `polars_type(typecheck(expression, columns))`. An expression
    without columns is a literal: one value for all rows.

    Args:
        columns: names with their types: our own `Type`, or those of polars, as `frame.schema` has them.

    Raises:
        ExpressionError: a column does not exist, or the types do not go together.
    """
    from .columns import compile_columns

    return compile_columns(expression, columns)
