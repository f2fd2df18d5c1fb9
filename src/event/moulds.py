"""Rules in SCL that are written alike, made in one mould: only their values are filled in.

    hot=(sensor=a temp>30)    k=(k=kkcn)    sensor = temp >    a text, a number    a, 30
    odd=(sensor=b temp>25)    the shape, the words and the types are the same      b, 25

A mould is made of one such rule, read with care, in which each value can be told from all else. What is right there is
right for all rules of the form: no value of an equality or a bound is wrong. Rules that hold other values (a regular
expression, `exists=yes`, `true`) have no mould. A rule is filled in in 5 us; to read it with care takes 40.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeAlias

from ..errors import ScriptError
from ..lexer import Group, cut, meaning, parse_nodes
from .condition import Condition
from .condition_kind import KEYWORDS, ConditionKind
from .rules import AllOf, AnyOf, Complement, Each, Equal, Exists, Fields, Negated, Ordered
from .values import plain_number

__all__ = ["rules_alike"]

_WORTH: Final = 8
"""So many rules, on the average, a form must have: to make its mould takes as long as to read some with care."""
_KINDS: Final = (AllOf, AnyOf, Complement, Each, Equal, Exists, Fields, Negated, Ordered)

_Words: TypeAlias = tuple[str, ...]
_Mould: TypeAlias = Callable[[Sequence[Any]], Condition]


class _NoMouldError(Exception):
    """The rule has to be read with care."""


class _Form(NamedTuple):
    """What rules have in common that differ in nothing but their names and values.

    Attributes:
        shape: of the statement.
        words: its keys and operators.
        types: those of the values.
    """

    shape: str
    words: _Words
    types: tuple[type, ...]


def rules_alike(text: str) -> tuple[tuple[str, Condition], ...] | None:
    """Read rules with names, many of which are written alike; None: something is odd, or wrong, and care is needed."""
    try:
        statements = list(_statements(text))
        forms = {form for _, form, _ in statements}
        names = {words[0] for words, _, _ in statements}
        if len(names) < len(statements) or len(statements) < _WORTH * len(forms) or not statements:
            return None
        moulds = {form: _mould(form) for form in forms}
        return tuple([(words[0], _filled(moulds[form], words, values)) for words, form, values in statements])
    except (InvalidOperation, ScriptError, _NoMouldError):
        return None


def _filled(mould: _Mould | None, words: Sequence[str], values: Sequence[Any]) -> Condition:
    return _with_care(words) if mould is None else mould(values)


def _statements(text: str) -> Iterator[tuple[Sequence[str], _Form, Sequence[Any]]]:
    """Yield the words of each statement, its form and its values."""
    constants, layouts = _Constants(), _Layouts()
    for shape, words in cut(text) or ():
        fixed, loose = layouts[shape]
        values = [constants[word] for word in loose(words)]
        yield words, _Form(shape, fixed(words), tuple(map(type, values))), values


class _Constants(dict[str, Any]):
    """The values that words stand for in a condition, worked out once for each."""

    def __missing__(self, word: str) -> Any:
        value = KEYWORDS[word] if word in KEYWORDS else meaning(word)
        self[word] = value = plain_number(value) if isinstance(value, Decimal) else value
        return value


_Taking: TypeAlias = Callable[[Sequence[str]], _Words]


class _Layouts(dict[str, tuple[_Taking, _Taking]]):
    """For each shape what takes keys and operators out of the words of a statement, and what takes the values."""

    def __missing__(self, shape: str) -> tuple[_Taking, _Taking]:
        if shape[1:3] != "=(":
            raise _NoMouldError
        values = _places_of_values(shape)
        fixed = [at for at, letter in enumerate(shape) if at > 1 and letter in "kd=c" and at not in values]
        self[shape] = layout = _taking(fixed), _taking([*values])
        return layout


def _places_of_values(shape: str) -> dict[int, None]:
    """Return the places in order, quick to look up."""
    found = (at for at, letter in enumerate(shape) if letter in "nse" or (letter == "k" and shape[at + 1] not in "=c"))
    return dict.fromkeys(found)


def _taking(places: Sequence[int]) -> _Taking:
    if len(places) > 1:
        return itemgetter(*places)
    return lambda words: tuple([words[place] for place in places])


def _with_care(words: Iterable[str]) -> Condition:
    (statement,) = parse_nodes(" ".join(words))
    assert isinstance(statement.value, Group), "that is in its shape"
    return ConditionKind().from_nodes(statement.value.statements)


def _mould(form: _Form) -> _Mould | None:
    """Return what makes conditions of a form out of their values; None if there is no such mould."""
    try:
        marks = [_mark(number, of) for number, of in enumerate(form.types)]
        condition = _with_care(_words(form, marks))
        writer = _Writer({mark: number for number, (mark, _) in enumerate(marks)})
        source = f"lambda values: made({writer.source(condition.written)}, {writer.source(condition.rule)})"
    except (ScriptError, _NoMouldError):
        return None
    names = {"made": Condition.made, **{kind.__name__: kind for kind in _KINDS}}
    mould: _Mould = eval(source, names)  # noqa: S307 (the source holds no text but quoted keys)
    return mould


def _mark(number: int, of: type) -> tuple[str | float, str]:
    """Return a value that nothing else in a rule is equal to, and how it is written."""
    if of is str:
        return f"value {number}", f'"value {number}"'
    if of in (int, float):
        return number + 0.5, f"{number}.5"
    raise _NoMouldError


def _words(form: _Form, marks: Sequence[tuple[Any, str]]) -> Iterator[str]:
    """Yield the words of a rule of a form, with marks for its values."""
    fixed, written, values = iter(form.words), iter(marks), _places_of_values(form.shape)
    for at, letter in enumerate(form.shape):
        if at in values:
            yield next(written)[1]
        else:
            yield letter if at == 1 or letter in "()[]" else next(fixed) if at else "rule"


class _Writer:
    """Writes a condition, or its rule, as Python that makes one like it, with values in the place of marks."""

    def __init__(self, marks: Mapping[Any, int]) -> None:
        self._marks = marks

    def source(self, piece: Any) -> str:
        if isinstance(piece, dict):
            return "{" + "".join(f"{key!r}: {self.source(value)}, " for key, value in piece.items()) + "}"
        if isinstance(piece, list):
            return "[" + "".join(f"{self.source(each)}, " for each in piece) + "]"
        if isinstance(piece, tuple):
            return "(" + "".join(f"{self.source(each)}, " for each in piece) + ")"
        if isinstance(piece, _KINDS):
            arguments = (self.source(getattr(piece, field.name)) for field in fields(piece))
            return f"{type(piece).__name__}({', '.join(arguments)})"
        if piece in self._marks:
            return f"values[{self._marks[piece]}]"
        if isinstance(piece, str):  # a path, or a symbol
            return repr(piece)
        raise _NoMouldError
