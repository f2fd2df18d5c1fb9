"""What of a condition can never be true of a frame with given columns: unknown columns, texts compared with numbers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import Any, Final

import polars as pl

from ..errors import nearest
from ..frozen import frozen
from .column_kinds import kind_of
from .rules import AllOf, AnyOf, Complement, Each, Equal, Exists, Fields, Negated, Ordered, Rule, TextTest

__all__ = ["ColumnCheck", "Problem"]

_SAYS: Final = {
    "number": "numbers",
    "text": "texts",
    "time": "times",
    "truth": "true or false",
    "fields": "fields below",
    "other": "values that no condition compares",
}


@frozen
class Problem:
    """One thing that can never be true: a sentence, and the nearest name that there is."""

    message: str
    suggestion: str | None = None


_FITTING: Final[Mapping[str, frozenset[type]]] = {
    "number": frozenset((int, float)),
    "text": frozenset((str,)),
    "truth": frozenset((bool,)),
}
"""Types of values that may be compared with a column of that kind, whatever they are."""
_COMPARING: Final = (Equal, Ordered)


class ColumnCheck:
    """Tells what of conditions can never be true.

    Args:
        columns: names with their polars types.
    """

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self._columns = dict(columns)
        self._fitting = {name: _FITTING.get(kind_of(_element(dtype)), frozenset()) for name, dtype in columns.items()}

    def problems(self, rule: Rule) -> list[Problem]:
        """Return what cannot be true of the rule of a whole condition, in its order."""
        if isinstance(rule, Fields) and all(self._fits(name, each) for name, each in rule.items):
            return []  # so are nearly all of thousands
        return _problems(rule, "", self._columns)

    def _fits(self, name: str, rule: Rule) -> bool:
        known = self._fitting.get(name)
        return known is not None and isinstance(rule, _COMPARING) and type(rule.value) in known


def _element(dtype: Any) -> Any:
    """Return the type of a column's values, or of the elements of its lists."""
    while isinstance(dtype, pl.List | pl.Array):
        dtype = dtype.inner
    return dtype


def _fields(dtype: Any) -> dict[str, Any]:
    """Return the fields below the values of a column, by name."""
    return {field.name: field.dtype for field in dtype.fields} if isinstance(dtype, pl.Struct) else {}


@singledispatch
def _problems(rule: Rule, path: str, dtype: Any) -> list[Problem]:
    return []


@_problems.register(Equal)
@_problems.register(Ordered)
def _problems_of_comparison(rule: Equal | Ordered, path: str, dtype: Any) -> list[Problem]:
    kinds = [kind for kind, _ in rule.operands()]
    if kind_of(dtype) in (*kinds, "null", "other") or kinds[0] in ("null", "other"):
        return []
    relation = "equal to" if isinstance(rule, Equal) else rule.symbol
    return [Problem(f"{path} holds {_SAYS[kind_of(dtype)]} and is never {relation} the {kinds[0]} {rule.value!r}")]


@_problems.register(TextTest)
def _problems_of_text_test(rule: TextTest, path: str, dtype: Any) -> list[Problem]:
    if kind_of(dtype) in ("text", "null"):
        return []
    return [Problem(f"{path} holds {_SAYS[kind_of(dtype)]}, and {rule.name} is for texts")]


@_problems.register(Exists)
def _problems_of_exists(rule: Exists, path: str, dtype: Any) -> list[Problem]:
    if rule.wanted and kind_of(dtype) == "fields":
        return [Problem(f"{path} has fields below; exists is for those: it looks at values")]
    return []


@_problems.register(Negated)
@_problems.register(Complement)
def _problems_of_negation(rule: Negated | Complement, path: str, dtype: Any) -> list[Problem]:
    return _problems(rule.rule, path, dtype)


@_problems.register(AnyOf)
@_problems.register(AllOf)
@_problems.register(Each)
def _problems_of_several(rule: AnyOf | AllOf | Each, path: str, dtype: Any) -> list[Problem]:
    return [problem for each in rule.rules for problem in _problems(each, path, dtype)]


@_problems.register(Fields)
def _problems_of_fields(rule: Fields, path: str, dtype: Any) -> list[Problem]:
    found: list[Problem] = []
    for name, each in rule.items:
        found += _problems_below(name, each, path, dtype)
    return found


def _problems_below(name: str, rule: Rule, path: str, dtype: Any) -> list[Problem]:
    known = dtype if isinstance(dtype, dict) else _fields(dtype)
    head, dot, tail = name.partition(".")
    if name in known:
        return _problems(rule, _at(path, name), _element(known[name]))
    if head in known and dot:
        return _problems_below(tail, rule, _at(path, head), _element(known[head]))
    if not isinstance(dtype, dict | pl.Struct):
        if kind_of(dtype) in ("null", "other"):
            return []
        return [Problem(f"{path} holds {_SAYS[kind_of(dtype)]} and has no field {name!r} below")]
    where = f"{path} has no field" if path else "there is no column"
    return [Problem(f"{where} {name!r}", nearest(name, known) or nearest(head, known))]


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
