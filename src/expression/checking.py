"""From the tree as it was written to the tree whose types are known, against the columns that there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import nearest
from ..frozen import frozen
from ..record import TEXT
from .functions import FUNCTIONS
from .rules import MismatchError, Typed
from .tree import Call, Column, Expression, ExpressionError, Literal, Node, place
from .types import Columns, Type, type_of

__all__ = ["Source", "resolve", "typecheck"]

_NULL = Typed("literal", Type.NULL)


@frozen
class Source:
    """Where a column's values are: its name and the fields to descend, and the type in which they are stored."""

    path: tuple[str, ...]
    stored: Any


def typecheck(expression: Expression, columns: Columns) -> Type:
    """Return the type of the expression over these columns.

    Args:
        columns: names with their types: our own `Type`, or those of polars.

    Raises:
        ExpressionError: a column does not exist, or the types do not go together.
    """
    return resolve(expression, columns).type


def resolve(expression: Expression, columns: Columns) -> Typed:
    """Return the typed tree: all conversions are calls of CAST in it, and what is always null is a literal."""
    return _Checker(expression.text, columns).check(expression.root)


class _Checker:
    def __init__(self, text: str, columns: Columns) -> None:
        self._text = text
        self._columns = columns

    def check(self, node: Node) -> Typed:
        if isinstance(node, Literal):
            return Typed("literal", node.type, value=node.value)
        return self._column(node) if isinstance(node, Column) else self._call(node)

    def _call(self, call: Call) -> Typed:
        args = [self.check(arg) for arg in call.args]
        try:
            wanted, result = FUNCTIONS[call.function].rule(args)
        except MismatchError as error:
            raise self._mismatch(call, error) from None
        if result is Type.NULL:
            return _NULL
        return Typed(call.function, result, tuple(map(_converted, args, wanted)))

    def _mismatch(self, call: Call, error: MismatchError) -> ExpressionError:
        at = place(call.args[error.index])
        written = FUNCTIONS[call.function].signature
        return ExpressionError(
            f"{written}: {error}", self._text, place(call) if at is None else at, allowed=error.allowed
        )

    def _column(self, column: Column) -> Typed:
        path, found = self._find(column)
        kind = type_of(found)
        if isinstance(kind, Mapping):
            known = tuple(f"{column.name}.{name}" for name in kind)
            raise self._wrong(column, f"column {column.name!r} has fields; name one of them", known)
        if kind is None:
            raise self._wrong(column, f"column {column.name!r} has type {found}, which expressions cannot use")
        return _NULL if kind is Type.NULL else Typed("column", kind, value=Source(path, found))

    def _find(self, column: Column) -> tuple[tuple[str, ...], Any]:
        """Return the path and the stored type: `a.b` is the column of that name, or else the field b of a."""
        if column.name in self._columns:
            return (column.name,), self._columns[column.name]
        known, found = self._columns, None
        for depth, name in enumerate(column.path):
            if name not in known:
                raise self._unknown(column, depth, known)
            found = type_of(known[name]) if depth < len(column.path) - 1 else known[name]
            if depth < len(column.path) - 1:
                if not isinstance(found, Mapping):
                    raise self._wrong(column, f"column {'.'.join(column.path[: depth + 1])!r} has no fields")
                known = found
        return column.path, found

    def _unknown(self, column: Column, depth: int, known: Columns) -> ExpressionError:
        names = tuple(name for name in known if name != TEXT)
        what = f"column {'.'.join(column.path[:depth])!r} has no field" if depth else "there is no column"
        near = nearest(column.path[depth], names)
        return self._wrong(column, f"{what} {column.path[depth]!r}", () if near else names, near)

    def _wrong(
        self, column: Column, message: str, allowed: tuple[str, ...] = (), suggestion: str | None = None
    ) -> ExpressionError:
        return ExpressionError(message, self._text, column.at, allowed=allowed, suggestion=suggestion)


def _converted(arg: Typed, wanted: Type) -> Typed:
    if arg.type is wanted:
        return arg
    if arg.type is Type.NULL:
        return Typed("literal", wanted)
    return Typed("CAST", wanted, (arg, Typed("literal", Type.TEXT, value=str(wanted))))
