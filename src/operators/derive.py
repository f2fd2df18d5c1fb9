"""New columns from expressions over the columns that there are."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from ..expression import Expression, ExpressionError, parse, polars_type, to_polars, typecheck
from ..fields import Kind, as_key, option, quote
from ..record import TEXT, TIMESTAMP
from ..running import Context, Operator
from .base import Transform

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Assignments", "Derive"]


class Assignments(Kind):
    """Names with expressions, `set=(celsius="(temp - 32) * 5 / 9")`; held as a tuple of (name, text) pairs."""

    says: ClassVar[str] = 'names with expressions such as (celsius="(temp - 32) * 5 / 9")'

    def parse(self, value: Any) -> tuple[tuple[str, str], ...]:
        pairs = list(value.items()) if isinstance(value, Mapping) else value
        if isinstance(pairs, str) or not isinstance(pairs, Sequence) or not pairs:
            raise self._wrong(value)
        if not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs):
            raise self._wrong(value)
        return self._unique([(self._name(name), self._text(str(name), given)) for name, given in pairs])

    def from_nodes(self, nodes: Sequence[Any]) -> tuple[tuple[str, str], ...]:
        for node in nodes:
            if node.op != "=":
                raise ValueError(f'{node.key}: takes name="expression"; put the whole expression in quotes')
            if node.children is not None:
                raise ValueError(f"{node.key}: takes an expression, not parentheses; put it in quotes")
        return self.parse([(node.key, node.value.plain()) for node in nodes])

    def write(self, value: Sequence[tuple[str, str]]) -> str:
        return "(" + " ".join(f"{as_key(name)}={quote(text)}" for name, text in value) + ")"

    def _name(self, name: Any) -> str:
        if not isinstance(name, str) or not name:
            raise ValueError(f"{name!r} is not the name of a column")
        return name

    @staticmethod
    def _text(name: str, given: Any) -> str:
        if isinstance(given, Expression):
            return given.text
        if isinstance(given, bool):
            return str(given).upper()
        if isinstance(given, str | int | float | Decimal):
            return str(given)
        raise ValueError(f"{name}: {given!r} is not an expression; write it as text")

    @staticmethod
    def _unique(pairs: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        names = [name for name, _ in pairs]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{name} is set twice; give one of the two another name")
        return tuple(pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Derive(Transform):
    """Add columns, or replace them, by expressions in SQL spelling.

    Input: any stream. Output: its rows, all of them, in their order, with the new columns behind the old ones; a column
    that is replaced keeps its place. An expression may use the columns set before it. `timestamp` cannot be set.
    Names and types are checked before the run as far as the input's columns are known, else against the first frame.
    Expressions are total: a division by zero, a failed CAST, a sum beyond 64 bits give null. docs/expressions.md lists
    all operators and functions.
    Holds: nothing. Waits: for nothing.

    Example:
        derive=columns(name=metric set=(celsius="(temp - 32) * 5 / 9" hot="celsius > 30"))

    See also: filter=where, select=columns, rename=columns, drop=columns.
    """

    family: ClassVar[str] = "derive"
    variant: ClassVar[str] = "columns"
    changes_values: ClassVar[bool] = True

    set: tuple[tuple[str, str], ...] = option("the new columns: each name with its expression", Assignments())

    def check(self) -> None:
        for name, text in self.set:
            if name in (TIMESTAMP, TEXT):
                raise self.wrong("set", f"{TIMESTAMP} orders the stream and cannot be set; choose another name")
            self._understood(name, parse, text)

    def columns(self, inputs: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if inputs is None:
            return None
        known = dict(inputs)
        for name, text in self.set:
            kind = self._understood(name, typecheck, parse(text), known)
            known[name] = polars_type(kind)
        return known

    def open(self, context: Context) -> Operator:
        return _Deriving(self)

    def stateless(self) -> bool:
        return True

    def steps(self, schema: Mapping[str, Any]) -> list[list[pl.Expr]]:
        """Return the polars expressions over a frame of this schema, in groups; each needs those before it."""
        known = dict(schema)
        groups: list[list[pl.Expr]] = [[]]
        fresh: builtins.set[str] = builtins.set()
        for name, text in self.set:
            expression = parse(text)
            if fresh & (expression.reads | {name}):
                groups.append([])
                fresh.clear()
            compiled = self._understood(name, to_polars, expression, known)
            groups[-1].append(compiled.alias(name))
            known[name] = polars_type(typecheck(expression, known))
            fresh.add(name)
        return groups

    def _understood(self, name: str, take: Callable[..., Any], *args: Any) -> Any:
        try:
            return take(*args)
        except ExpressionError as error:
            raise self.wrong(
                "set", f"{name}: {error.explain()}", allowed=error.allowed, suggestion=error.suggestion
            ) from error


class _Deriving(Operator):
    """Compiles once for each schema that the stream has; nearly always that is one."""

    def __init__(self, derive: Derive) -> None:
        self._derive = derive
        self._schema: Any = None
        self._steps: list[list[pl.Expr]] = []

    def on_frame(self, frame: pl.DataFrame) -> tuple[pl.DataFrame]:
        if frame.schema != self._schema:
            self._steps = self._derive.steps(frame.schema)
            self._schema = frame.schema
        for group in self._steps:
            frame = frame.with_columns_seq(group)
        return (frame,)
