"""New columns from expressions over the columns that there are."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import SpecError
from ..expression import Expression, ExpressionError, Type, parse, polars_type, to_polars, typecheck
from ..fields import Kind, as_key, each_part, option, quote
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
        return self._unique(each_part(lambda pair: (self._name(pair[0]), self._text(str(pair[0]), pair[1])), pairs))

    def from_nodes(self, nodes: Sequence[Any]) -> tuple[tuple[str, str], ...]:
        return self.parse(each_part(self._from_node, nodes))

    @staticmethod
    def _from_node(node: Any) -> tuple[str, Any]:
        if node.op != "=":
            raise ValueError(f'{node.key}: takes name="expression"; put the whole expression in quotes')
        if node.children is not None:
            raise ValueError(f"{node.key}: takes an expression, not parentheses; put it in quotes")
        return node.key, node.value.plain()

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
        mistakes: list[SpecError] = []
        for name, text in self.set:
            if name in (TIMESTAMP, TEXT):
                message = f"{TIMESTAMP} orders the stream and cannot be set; choose another name"
                mistakes.append(self.wrong("set", message, part=name))
            try:
                self._understood(name, parse, text)
            except SpecError as error:
                mistakes.append(error)
        if mistakes:
            raise SpecError.together(mistakes)

    def columns(self, inputs: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if inputs is None:
            return None
        known = dict(inputs)
        mistakes: list[SpecError] = []
        for name, text in self.set:
            try:
                known[name] = polars_type(self._understood(name, typecheck, parse(text), known))
            except SpecError as error:
                mistakes.append(error)
                known[name] = polars_type(Type.NULL)  # which goes with everything: what builds on it is not at fault
        if mistakes:
            raise SpecError.together(mistakes)
        return known

    def open(self, context: Context) -> Operator:
        return _Deriving(self)

    def stateless(self) -> bool:
        return True

    def steps(self, schema: Mapping[str, Any]) -> list[list[pl.Expr]]:
        """Return the polars expressions over a frame of this schema, in groups; each needs those before it."""
        self.columns(schema)  # tells all that is wrong
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
                "set", f"{name}: {error.explain()}", part=name, allowed=error.allowed, suggestion=error.suggestion
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
