"""From a rule to a gate over the columns of a frame, where columns as a whole can tell: else None, and Python is asked.

Gates and Python give the same answers: a row is judged as `compile_rule` judges it with `null_is_missing`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import singledispatch
from typing import Any, Final

import polars as pl

from ..frozen import frozen
from .circuit import FALSE, TRUE, Circuit
from .column_kinds import kind_of
from .dict_evaluator import compile_rule
from .exact import settled
from .leaves import Asked, Compared, OneOf, Path, There
from .operators import COMPARISONS, wildcard_parts
from .rules import AllOf, AnyOf, Complement, Each, Equal, Exists, Fields, Negated, Ordered, Rule, TextTest, below, calls

__all__ = ["FrameCompiler", "by_column"]

_HASHED: Final = frozenset((str, int, float, bool))
"""Types of values that are looked up among those that have been asked for."""


def by_column(rule: Fields, names: Mapping[str, Any]) -> list[tuple[str | None, Rule, Fields]]:
    """Split paths by the column that each leads to: (column or None, what must hold of it, the paths themselves).

    A name that is written with dots goes before a way down.
    """
    if all("." not in path and path in names for path, _ in rule.items) and len(dict(rule.items)) == len(rule.items):
        return [(path, each, Fields(((path, each),))) for path, each in rule.items]
    split: list[tuple[str | None, Rule, Fields]] = []
    for head, members in rule.by_head().items():
        exact = [(path, each) for path, each in members if "." in path and path in names]
        split += [(path, each, Fields(((path, each),))) for path, each in exact]
        rest = [member for member in members if member not in exact]
        if rest:
            split.append((head if head in names else None, below(rest), Fields(tuple(rest))))
    return split


@frozen
class _Column:
    """A column, or a field below one: where it stands, and its type."""

    path: Path
    dtype: Any
    kind: str

    @property
    def text(self) -> pl.Expr:
        expression = pl.col(self.path[0])
        for name in self.path[1:]:
            expression = expression.struct.field(name)
        return expression.cast(pl.String)


class FrameCompiler:
    """Makes gates of rules on frames of one schema, all in one circuit.

    Args:
        schema: names and types of the columns.
        circuit: where the gates are made.
    """

    def __init__(self, schema: Mapping[str, Any], circuit: Circuit) -> None:
        self.circuit = circuit
        self.columns = {name: _Column((name,), dtype, kind_of(dtype)) for name, dtype in schema.items()}
        self._alone = frozenset(name for name in self.columns if "." not in name)
        self._known: dict[tuple[Any, ...], int | None] = {}

    def compile(self, rule: Rule) -> int | None:
        """Return the gate that is true where the rule of a whole condition holds; None: Python must be asked."""
        return _row(rule, self)

    def parts(self, rule: Rule) -> tuple[int, ...] | None:
        """Return the gates that are all true where the rule of a whole condition holds; None: Python must be asked."""
        if isinstance(rule, Fields):
            names = [name for name, _ in rule.items]
            if self._alone.issuperset(names) and len(set(names)) == len(names):
                gates = [self._field(name, each) for name, each in rule.items]
                return self.circuit.parts([gate for gate in gates if gate is not None]) if None not in gates else None
        gate = self.compile(rule)
        return None if gate is None else self.circuit.parts((gate,))

    def _field(self, name: str, rule: Rule) -> int | None:
        """Return the gate that is true where the rule holds of a column; thousands of rules ask for the same few."""
        if isinstance(rule, Equal):
            key = (name, "=", type(rule.value), rule.value)
        elif isinstance(rule, Ordered):
            key = (name, rule.symbol, type(rule.value), rule.value)
        else:
            return self.value(rule, self.columns[name])
        if key[2] not in _HASHED:
            return self.value(rule, self.columns[name])
        if key not in self._known:
            self._known[key] = self.value(rule, self.columns[name])
        return self._known[key]

    def every(self, parts: Sequence[int | None]) -> int | None:
        """Return the gate of all parts, if all are known."""
        known = [part for part in parts if part is not None]
        return self.circuit.every(known) if len(known) == len(parts) else None

    def some(self, parts: Sequence[int | None]) -> int | None:
        """Return the gate of any of the parts, if all are known."""
        known = [part for part in parts if part is not None]
        return self.circuit.some(known) if len(known) == len(parts) else None

    def opposite(self, part: int | None) -> int | None:
        """Return the gate of what the part is not, if it is known."""
        return None if part is None else self.circuit.opposite(part)

    def value(self, rule: Rule, column: _Column | None) -> int | None:
        """Return the gate that is true where the rule holds of the value in a column; None stands for one of nulls."""
        if column is None or column.kind == "null":
            return None if calls(rule) else TRUE if compile_rule(rule, null_is_missing=True)(None) else FALSE
        return None if column.kind == "other" else _value(rule, column, self)


@singledispatch
def _row(rule: Rule, compiler: FrameCompiler) -> int | None:
    return None


@_row.register
def _row_fields(rule: Fields, compiler: FrameCompiler) -> int | None:
    columns = compiler.columns
    parts = by_column(rule, columns)
    return compiler.every(
        [compiler.value(each, columns[name] if name is not None else None) for name, each, _ in parts]
    )


@_row.register(AllOf)
@_row.register(Each)
def _row_all(rule: AllOf | Each, compiler: FrameCompiler) -> int | None:
    return compiler.every([_row(each, compiler) for each in rule.rules])


@_row.register
def _row_any(rule: AnyOf, compiler: FrameCompiler) -> int | None:
    return compiler.some([_row(each, compiler) for each in rule.rules])


@_row.register
def _row_complement(rule: Complement, compiler: FrameCompiler) -> int | None:
    return compiler.opposite(_row(rule.rule, compiler))


@singledispatch
def _value(rule: Rule, column: _Column, compiler: FrameCompiler) -> int | None:
    return None


@_value.register
def _equal(rule: Equal, column: _Column, compiler: FrameCompiler) -> int | None:
    if rule.value is None:
        return compiler.opposite(compiler.circuit.leaf(There(column.path)))
    operands = dict(rule.operands())
    if column.kind not in operands:
        return FALSE
    if column.kind == "text":
        return compiler.circuit.leaf(OneOf(column.path, frozenset((operands["text"],))))
    return _compared("=", operands[column.kind], column, compiler)


@_value.register
def _ordered(rule: Ordered, column: _Column, compiler: FrameCompiler) -> int | None:
    operands = dict(rule.operands())
    if column.kind not in operands:
        return FALSE
    if column.kind == "text":
        bound = pl.lit(operands["text"], dtype=pl.String)
        return _asked(rule.symbol, operands["text"], COMPARISONS[rule.symbol](column.text, bound), column, compiler)
    return _compared(rule.symbol, operands[column.kind], column, compiler)


def _compared(symbol: str, operand: Any, column: _Column, compiler: FrameCompiler) -> int | None:
    exact = settled(symbol, operand, column.dtype)
    if exact is None or exact is False:
        return None if exact is None else FALSE
    return compiler.circuit.leaf(There(column.path) if exact is True else Compared(column.path, *exact))


def _asked(name: str, operand: str, expression: pl.Expr, column: _Column, compiler: FrameCompiler) -> int:
    return compiler.circuit.leaf(Asked(column.path, name, operand, expression.fill_null(value=False)))


_TEXT_TESTS: Final[Mapping[str, Callable[[pl.Expr, str], pl.Expr]]] = {
    "prefix": lambda text, operand: text.str.starts_with(pl.lit(operand, dtype=pl.String)),
    "suffix": lambda text, operand: text.str.ends_with(pl.lit(operand, dtype=pl.String)),
    "contains": lambda text, operand: text.str.contains(pl.lit(operand, dtype=pl.String), literal=True),
    "wildcard": lambda text, operand: text.str.contains(_wildcard_pattern(operand)),
}
"""What Polars says exactly as Python does. The dialect of regular expressions is Python's, as is what case means."""


def _wildcard_pattern(operand: str) -> str:
    return rf"(?s)\A{'.*'.join(map(_rust_escaped, wildcard_parts(operand)))}\z"


def _rust_escaped(text: str) -> str:
    """Escape what has a meaning in a Rust regular expression, and nothing else (it refuses needless escapes)."""
    return re.sub(r"[\\.+*?()|\[\]{}^$#&\-~]", lambda match: "\\" + match[0], text)


@_value.register
def _text_test(rule: TextTest, column: _Column, compiler: FrameCompiler) -> int | None:
    if column.kind != "text":
        return FALSE
    test = _TEXT_TESTS.get(rule.name)
    return None if test is None else _asked(rule.name, rule.operand, test(column.text, rule.operand), column, compiler)


@_value.register
def _exists(rule: Exists, column: _Column, compiler: FrameCompiler) -> int | None:
    if column.kind == "fields":
        return FALSE if rule.wanted else TRUE
    there = compiler.circuit.leaf(There(column.path))
    return there if rule.wanted else compiler.opposite(there)


@_value.register(Negated)
@_value.register(Complement)
def _negated(rule: Negated | Complement, column: _Column, compiler: FrameCompiler) -> int | None:
    return compiler.opposite(_value(rule.rule, column, compiler))


@_value.register
def _any_of(rule: AnyOf, column: _Column, compiler: FrameCompiler) -> int | None:
    texts = [each.value for each in rule.rules if isinstance(each, Equal) and type(each.value) is str]
    if len(texts) == len(rule.rules) > 1 and column.kind == "text":
        return compiler.circuit.leaf(OneOf(column.path, frozenset(texts)))
    return compiler.some([_value(each, column, compiler) for each in rule.rules])


@_value.register(AllOf)
@_value.register(Each)
def _all_of(rule: AllOf | Each, column: _Column, compiler: FrameCompiler) -> int | None:
    return compiler.every([_value(each, column, compiler) for each in rule.rules])


@_value.register
def _fields(rule: Fields, column: _Column, compiler: FrameCompiler) -> int | None:
    fields = column.dtype.fields if isinstance(column.dtype, pl.Struct) else ()
    inner = {each.name: _Column((*column.path, each.name), each.dtype, kind_of(each.dtype)) for each in fields}
    parts = by_column(rule, inner)
    return compiler.every([compiler.value(each, inner[name] if name is not None else None) for name, each, _ in parts])
