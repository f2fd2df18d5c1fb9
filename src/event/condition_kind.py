"""Conditions in SCL: from statements to a condition, each mistake with its place, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from ..errors import Mistake, ScriptError, SpecError
from ..fields import Kind
from ..lexer import Group, ListValue, Scalar, Statement
from .condition import Condition
from .condition_writer import write_condition
from .operators import OPERATORS

__all__ = ["ConditionKind"]

KEYWORDS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None}
_YES_NO: Final = {"yes": True, "no": False, "true": True, "false": False}
_COMBINATORS: Final = {"any": "$or", "all": "$and", "none": "$nor", "not": "$not"}
_COMBINATORS_BELOW: Final = _COMBINATORS.keys() - {"not"}
"""Behind a field, `not` is an operator."""


class ConditionKind(Kind):
    """A condition in parentheses, `condition=(temp>20 name.type=[command response] not=(status=fail))`.

    All statements must hold, two on one key for the same value. `=` takes a value or a list (any of it), `!=` (none of
    it), `> >= < <=` a number, a text or a time in ISO 8601, `~` a regular expression. The other operators stand in
    parentheses: `status=(prefix="ab" exists=yes)`, as do fields below: `name=(type=command)`. `any=( )` holds if one of
    its statements does, `none=( )` if none does, `all=( )` and `not=( )` if all of them do, or do not.

    The keywords `true`, `false` and `null` are those values; in quotes they are texts, as `yes` and `no` are anywhere
    but behind `exists`.
    """

    says: ClassVar[str] = "a condition such as (temp>20 name=[a b])"

    def parse(self, value: Any) -> Condition:
        if isinstance(value, Condition):
            return value
        if not isinstance(value, Mapping):
            raise self._wrong(value)
        try:
            return Condition(value)
        except SpecError as error:
            raise ValueError(str(error).removeprefix("condition: ")) from error

    def from_nodes(self, nodes: Sequence[Statement]) -> Condition:
        """Turn statements into a condition. Raises ScriptError with all that is wrong with them."""
        try:
            return _read(nodes, judging=False)
        except (ScriptError, SpecError):
            return _read(nodes, judging=True)

    def write(self, value: Mapping[str, Any]) -> str:
        """Write the condition as SCL. Raises ValueError if it holds what only Python can say, such as a function."""
        return f"({write_condition(value)})"


class _Mistakes(list[Mistake]):
    """What is wrong with statements.

    Args:
        judging: each statement is judged by itself, which tells the place of a mistake. That takes longer than all
            else, and is needed only where there is one.
    """

    def __init__(self, *, judging: bool) -> None:
        super().__init__()
        self.judging = judging


def _read(nodes: Sequence[Statement], *, judging: bool) -> Condition:
    mistakes = _Mistakes(judging=judging)
    written = _condition(nodes, mistakes)
    if mistakes:
        raise ScriptError(mistakes)
    return Condition(written)


def _condition(nodes: Sequence[Statement], mistakes: _Mistakes, *, below: bool = False) -> dict[str, Any]:
    """Return the condition that all the statements make; what is wrong with one is noted, and the rest read on.

    Args:
        nodes: the statements.
        mistakes: where what is wrong is noted.
        below: they stand in the parentheses behind a field, and are operators or fields below it.
    """
    merged: dict[str, Any] = {}
    for node in nodes:
        for key, value in _noted(node, mistakes, below).items():
            _add(merged, key, value)
    return merged


def _noted(node: Statement, mistakes: _Mistakes, below: bool) -> dict[str, Any]:
    before = len(mistakes)
    try:
        part = _statement(node, mistakes, below)
        if mistakes.judging and len(mistakes) == before:
            Condition({"value": part} if below else part)
    except SpecError as error:
        mistakes.append(_mistake(node, error.message, error.allowed, error.suggestion))
    except ValueError as error:
        mistakes.append(_mistake(node, str(error)))
    return part if len(mistakes) == before else {}


def _mistake(node: Any, message: str, expected: Sequence[str] = (), suggestion: str | None = None) -> Mistake:
    return Mistake(node.line, node.column, message, node.length, tuple(expected), suggestion)


def _add(merged: dict[str, Any], key: str, value: Any) -> None:
    """Let `key` hold `value` too."""
    if key not in merged:
        merged[key] = value
    elif key in ("$and", "$nor"):
        merged[key] = [*merged[key], *value]
    elif key in ("$or", "$not"):
        _add(merged, "$and", [{key: value}])
    else:
        merged[key] = _both(merged[key], value)


def _both(one: Any, other: Any) -> dict[str, Any]:
    """Return what holds of a value if both hold."""
    left, right = (each if isinstance(each, dict) else {"=": each} for each in (one, other))
    same_sort = _has_operators(left) == _has_operators(right)
    if same_sort and not left.keys() & right.keys():
        return {**left, **right}
    return {**left, "$and": [*left.get("$and", ()), right]}


def _has_operators(rule: dict[str, Any]) -> bool:
    return any(key in OPERATORS for key in rule)


def _statement(node: Statement, mistakes: _Mistakes, below: bool) -> dict[str, Any]:
    _no_children(node)
    if isinstance(node.value, Group) and node.op == "=" and node.key in (_COMBINATORS_BELOW if below else _COMBINATORS):
        return _combined(_COMBINATORS[node.key], node.value, mistakes, below)
    if below and node.key == "exists" and isinstance(node.value, Scalar) and node.op == "=":
        return {"exists": _yes_no(node.value)}
    return {node.key: _field(node, mistakes)}


def _yes_no(node: Scalar) -> bool:
    if node.value not in _YES_NO:
        raise ValueError(f"exists is yes or no, not {node.value}")
    return _YES_NO[str(node.value)]


def _no_children(node: Statement) -> None:
    if node.children is not None:
        raise ValueError(f"nothing may stand in parentheses behind the value of {node.key}")


def _combined(name: str, group: Group, mistakes: _Mistakes, below: bool) -> dict[str, Any]:
    if name == "$not":
        return {name: _condition(group.statements, mistakes, below=below)}
    if name == "$and":
        return {name: [_condition(group.statements, mistakes, below=below)]}
    return {name: [_alternative(node, mistakes, below) for node in group.statements]}


def _alternative(node: Statement, mistakes: _Mistakes, below: bool) -> dict[str, Any]:
    """Return one of the conditions in `any=( )` or `none=( )`: a statement, or several in `all=( )`."""
    if node.key == "all" and node.op == "=" and isinstance(node.value, Group) and node.children is None:
        return _condition(node.value.statements, mistakes, below=below)
    return _noted(node, mistakes, below)


def _field(node: Statement, mistakes: _Mistakes) -> Any:
    """Return what must hold of the field that a statement names."""
    if isinstance(node.value, Group):
        if node.op != "=":
            raise ValueError(f"{node.key}{node.op} takes a value, not parentheses")
        return _condition(node.value.statements, mistakes, below=True)
    value = _value(node.value)
    return value if node.op == "=" else {"regex" if node.op == "~" else node.op: value}


def _value(node: Scalar | ListValue) -> Any:
    if isinstance(node, ListValue):
        return [_value(item) for item in node.items]
    is_keyword = node.kind == "keyword" and node.value in KEYWORDS
    return KEYWORDS[str(node.value)] if is_keyword else node.value
