"""From text to the tree: what sqlglot read is taken over node by node.

sqlglot knows far more than expressions are to have. So only the kinds of nodes in the tables below are taken, and of
those only the parts that are named; everything else is an error that names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlglot import exp

from ..errors import nearest
from .functions import FUNCTIONS, NAMES
from .literals import read_interval, read_number, read_timestamp
from .rules import CAST_TYPES, FIELDS
from .sql import MOST_DEPTH, TIMESTAMP_LITERAL, sql_tree, start, too_deep
from .tree import Call, Column, Expression, ExpressionError, Literal, Node
from .types import Type

__all__ = ["parse_text"]

_LONGEST = 20_000

_BINARY: Final[Mapping[type, str]] = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.IntDiv: "DIV", exp.Mod: "%", exp.DPipe: "||",
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=", exp.And: "AND", exp.Or: "OR",
}  # fmt: skip
_FLAT: Final = frozenset({"AND", "OR", "||"})
_IGNORED_PARTS: Final = frozenset({"typed", "safe", "fraction_in_string"})  # notes of sqlglot about dialects

_CAST_TYPES: Final[Mapping[str, Type]] = {
    **{str(kind): kind for kind in CAST_TYPES},
    **dict.fromkeys(("int", "bigint", "int64", "long"), Type.INTEGER),
    **dict.fromkeys(("double", "double precision", "real", "float64"), Type.FLOAT),
    **dict.fromkeys(("varchar", "string", "str"), Type.TEXT),
    **dict.fromkeys(("datetime", "timestamptz"), Type.TIMESTAMP),
    **dict.fromkeys(("bool",), Type.BOOLEAN),
}

_SAID: Final[Mapping[type, str]] = {
    exp.Alias: "AS (a name is given on the left of the =)",
    exp.AtTimeZone: "AT TIME ZONE (all times are UTC)",
    exp.Between: "SYMMETRIC",
    exp.BitwiseXor: "^ (power(a, b) is there)",
    exp.Bracket: "[ ]",
    exp.Concat: "one text behind another (|| joins them)",
    exp.Dot: "a call behind a dot",
    exp.Exists: "EXISTS and other subqueries",
    exp.ILike: "ILIKE (LIKE on lower(...) does it)",
    exp.In: "IN over anything but a list of expressions in parentheses",
    exp.Is: "IS with anything but [NOT] NULL",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
    exp.Parameter: "a parameter",
    exp.Placeholder: "a placeholder",
    exp.Select: "SELECT and other subqueries",
    exp.Star: "*, all columns,",
    exp.Subquery: "SELECT and other subqueries",
    exp.Tuple: "a list in parentheses",
    exp.Window: "OVER and other window functions",
}
_NOT_THE_SAME_EACH_TIME: Final = frozenset({"now", "current_timestamp", "current_date", "rand", "random", "uuid"})


def parse_text(text: str) -> Expression:
    """Parse one expression; see `plait.expression.parse`."""
    if len(text) > _LONGEST:
        raise ExpressionError(f"an expression has at most {_LONGEST:,} characters", text)
    try:
        text.encode()
    except UnicodeEncodeError:
        shown = text.encode("utf-8", "backslashreplace").decode()
        raise ExpressionError("half a character (a surrogate without the other) is in no text", shown) from None
    try:
        return Expression(text, _Reader(text).read(sql_tree(text), 0))
    except RecursionError:
        raise ExpressionError(too_deep(), text) from None


class _Reader:
    """Takes sqlglot's nodes over into ours."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read(self, node: Any, depth: int) -> Node:
        while type(node) is exp.Paren:
            node = self._parts(node, "this")[0]
        if depth > MOST_DEPTH:
            raise ExpressionError(too_deep(), self._text, start(node))
        if type(node) in _BINARY:
            return self._binary(node, depth)
        take = _TAKEN.get(type(node))
        if take is None:
            raise self._unsupported(node)
        return take(self, node, depth + 1)

    def _binary(self, node: Any, depth: int) -> Node:
        """Take a chain such as `a + b + c` over without recursion to its left."""
        chain = []
        while type(node) in _BINARY:
            left, right = self._parts(node, "this", "expression")
            chain.append((_BINARY[type(node)], right))
            node = left
        height = sum(operator not in _FLAT for operator, _ in chain)
        if depth + height > MOST_DEPTH:
            raise ExpressionError(too_deep(), self._text, start(node))
        result = self.read(node, depth + 1)
        for operator, right in reversed(chain):
            flat = operator in _FLAT and isinstance(result, Call) and result.function == operator
            before = result.args if flat and isinstance(result, Call) else (result,)
            result = Call(operator, (*before, self.read(right, depth + 1)))
        return result

    def _parts(self, node: Any, *names: str) -> list[Any]:
        """Return the parts of a node by name; an error if it has any other, which would be lost silently."""
        others = {name for name, part in node.args.items() if part} - {*names, *_IGNORED_PARTS}
        if others:
            raise self._unsupported(node)
        return [node.args.get(name) for name in names]

    def _unsupported(self, node: Any) -> ExpressionError:
        said = _SAID.get(type(node)) or f"{_words(type(node).__name__)} (SQL)"
        return ExpressionError(f"{said} cannot be used in an expression", self._text, start(node))

    def _wrong(self, message: str, node: Any, **more: Any) -> ExpressionError:
        return ExpressionError(message, self._text, start(node), **more)

    def literal(self, node: Any, depth: int) -> Literal:
        text, is_text = self._parts(node, "this", "is_string")
        return Literal(text, Type.TEXT, start(node)) if is_text else self._number(node, negative=False)

    def _number(self, node: Any, *, negative: bool) -> Literal:
        try:
            value = read_number(node.name, negative=negative)
        except ValueError as error:
            raise self._wrong(str(error), node) from None
        return Literal(value, Type.INTEGER if isinstance(value, int) else Type.FLOAT, start(node))

    def negative(self, node: Any, depth: int) -> Node:
        (inner,) = self._parts(node, "this")
        if type(inner) is exp.Literal and not inner.is_string:
            return self._number(inner, negative=True)
        return Call("neg", (self.read(inner, depth),))

    def boolean(self, node: Any, depth: int) -> Literal:
        return Literal(bool(node.this), Type.BOOLEAN)

    def null(self, node: Any, depth: int) -> Literal:
        return Literal(None, Type.NULL)

    def column(self, node: Any, depth: int) -> Column:
        parts = self._parts(node, "catalog", "db", "table", "this")
        return self._path([part for part in parts if part is not None], node)

    def dotted(self, node: Any, depth: int) -> Column:
        """Take over a path of more than four names, which sqlglot keeps as a chain of dots."""
        names: list[Any] = []
        while type(node) is exp.Dot:
            node, last = self._parts(node, "this", "expression")
            names.insert(0, last)
        if type(node) is not exp.Column:
            raise self._unsupported(names[0])
        head = self.column(node, depth)
        return Column(head.path + self._path(names, node).path, head.at)

    def _path(self, parts: list[Any], node: Any) -> Column:
        for part in parts:
            if type(part) is not exp.Identifier:
                raise self._unsupported(part if isinstance(part, exp.Star) else node)
        return Column(tuple(str(part.this) for part in parts), start(parts[0]))

    def call(self, node: Any, depth: int) -> Node:
        written, args = self._parts(node, "this", "expressions")
        name = written.lower() if isinstance(written, str) else None
        if name == TIMESTAMP_LITERAL:
            return self._timestamp(args[0])
        if name not in NAMES:
            raise self._unknown_function(str(written), node)
        function = FUNCTIONS[name]
        count = len(args or ())
        if count < function.least or (function.most is not None and count > function.most):
            given = f"{count} argument{'s' * (count != 1)}"
            raise self._wrong(f"{name} is written {function.signature}, and here it has {given}", node)
        return Call(name, tuple(self.read(arg, depth) for arg in args), start(node))

    def _unknown_function(self, name: str, node: Any) -> ExpressionError:
        message = f"there is no function {name!r}"
        if name.lower() in _NOT_THE_SAME_EACH_TIME:
            message += ": the same rows give the same result in every run; the time of a row is its timestamp"
        return self._wrong(message, node, allowed=NAMES, suggestion=nearest(name, NAMES))

    def _timestamp(self, node: Any) -> Literal:
        value = read_timestamp(node.name) if type(node) is exp.Literal else None
        if value is None:
            message = f"{node.name!r} is not a time in ISO 8601 such as 2010-01-01T00:00:00Z"
            raise self._wrong(message, node)
        return Literal(value, Type.TIMESTAMP, start(node))

    def interval(self, node: Any, depth: int) -> Literal:
        number, unit = self._parts(node, "this", "unit")
        if type(number) is not exp.Literal or type(unit) not in (exp.Var, type(None)):
            raise self._wrong("an interval is written INTERVAL '5 minutes'; INTERVAL '1 second' * n multiplies", node)
        try:
            value = read_interval(f"{number.name} {unit.name}" if unit else number.name)
        except ValueError as error:
            raise self._wrong(str(error), node) from None
        return Literal(value, Type.DURATION, start(node))

    def negation(self, node: Any, depth: int) -> Call:
        (inner,) = self._parts(node, "this")
        return Call("NOT", (self.read(inner, depth),))

    def is_null(self, node: Any, depth: int) -> Call:
        inner, what = self._parts(node, "this", "expression")
        if type(what) is not exp.Null:
            raise self._unsupported(node)
        return Call("IS NULL", (self.read(inner, depth),))

    def is_in(self, node: Any, depth: int) -> Call:
        inner, items = self._parts(node, "this", "expressions")
        if not items:
            raise self._unsupported(node)
        return Call("IN", tuple(self.read(item, depth) for item in (inner, *items)))

    def between(self, node: Any, depth: int) -> Call:
        return Call("BETWEEN", tuple(self.read(part, depth) for part in self._parts(node, "this", "low", "high")))

    def like(self, node: Any, depth: int, escape: Any = None) -> Call:
        inner, pattern, negate = self._parts(node, "this", "expression", "negate")
        parts = (inner, pattern) if escape is None else (inner, pattern, escape)
        call = Call("LIKE", tuple(self.read(part, depth) for part in parts))
        return Call("NOT", (call,)) if negate else call

    def escape(self, node: Any, depth: int) -> Call:
        inner, escape = self._parts(node, "this", "expression")
        if type(inner) is exp.Not and type(inner.this) is exp.Like:
            return Call("NOT", (self.like(inner.this, depth, escape),))
        if type(inner) is not exp.Like:
            raise self._unsupported(node)
        return self.like(inner, depth, escape)

    def case(self, node: Any, depth: int) -> Call:
        subject, whens, default = self._parts(node, "this", "ifs", "default")
        args = [] if subject is None else [subject]
        for when in whens or ():
            args += self._parts(when, "this", "true")
        if not whens or any(arg is None for arg in args):
            raise self._wrong("CASE needs WHEN ... THEN ...", node)
        taken = [self.read(arg, depth) for arg in args]
        taken.append(Literal(None, Type.NULL) if default is None else self.read(default, depth))
        return Call("CASE" if subject is None else "CASE x", tuple(taken))

    def cast(self, node: Any, depth: int) -> Call:
        inner, to = self._parts(node, "this", "to")
        names = (str(to.args.get("kind") or "").lower(), str(getattr(to.this, "value", to.this)).lower())
        kind = next((_CAST_TYPES[name] for name in names if name in _CAST_TYPES), None)
        if kind is None or to.args.get("expressions") or to.args.get("nested"):
            known = tuple(str(each) for each in CAST_TYPES)
            raise self._wrong(f"CAST to {to.sql()}: there is no such type", inner, allowed=known)
        return Call("CAST", (self.read(inner, depth), Literal(str(kind), Type.TEXT)))

    def extract(self, node: Any, depth: int) -> Call:
        part, inner = self._parts(node, "this", "expression")
        name = part.name.lower() if isinstance(part, exp.Expr) else str(part).lower()
        if name not in FIELDS:
            raise self._wrong(f"EXTRACT has no part {name!r}", inner, allowed=FIELDS, suggestion=nearest(name, FIELDS))
        return Call("extract", (Literal(name, Type.TEXT), self.read(inner, depth)))


_TAKEN: Final[Mapping[type, Callable[[_Reader, Any, int], Node]]] = {
    exp.Anonymous: _Reader.call,
    exp.Between: _Reader.between,
    exp.Boolean: _Reader.boolean,
    exp.Case: _Reader.case,
    exp.Cast: _Reader.cast,
    exp.Column: _Reader.column,
    exp.Dot: _Reader.dotted,
    exp.Escape: _Reader.escape,
    exp.Extract: _Reader.extract,
    exp.In: _Reader.is_in,
    exp.Interval: _Reader.interval,
    exp.Is: _Reader.is_null,
    exp.Like: _Reader.like,
    exp.Literal: _Reader.literal,
    exp.Neg: _Reader.negative,
    exp.Not: _Reader.negation,
    exp.Null: _Reader.null,
}


def _words(name: str) -> str:
    """Say the name of a class as words: `RegexpLike` -> `regexp like`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
