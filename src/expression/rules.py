"""How calls are typed: a rule looks at the arguments and says what each must be converted to, and the result's type.

The only conversion that is ever made silently is integer -> float. NULL goes with everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from ..frozen import frozen
from .types import Type

__all__ = ["CASTS", "CAST_TYPES", "FIELDS", "TRUNCATIONS", "MismatchError", "Rule", "Typed"]

BOOLEAN, INTEGER, FLOAT = Type.BOOLEAN, Type.INTEGER, Type.FLOAT
TEXT, TIMESTAMP, DURATION, NULL = Type.TEXT, Type.TIMESTAMP, Type.DURATION, Type.NULL

FIELDS: Final = ("year", "month", "day", "hour", "minute", "second", "weekday", "epoch")
TRUNCATIONS: Final = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")

CASTS: Final = frozenset(
    {(kind, kind) for kind in Type}
    | {(kind, TEXT) for kind in Type}
    | {(TEXT, INTEGER), (TEXT, FLOAT), (TEXT, BOOLEAN), (TEXT, TIMESTAMP)}
    | {(INTEGER, FLOAT), (FLOAT, INTEGER), (INTEGER, BOOLEAN), (BOOLEAN, INTEGER)}
    | {(NULL, kind) for kind in Type}
)
"""From and to: what CAST can do."""

CAST_TYPES: Final = tuple(kind for kind in Type if kind is not NULL)

_ARITHMETIC: Final = {
    ("+", TIMESTAMP, DURATION): TIMESTAMP,
    ("+", DURATION, TIMESTAMP): TIMESTAMP,
    ("+", DURATION, DURATION): DURATION,
    ("-", TIMESTAMP, TIMESTAMP): DURATION,
    ("-", TIMESTAMP, DURATION): TIMESTAMP,
    ("-", DURATION, DURATION): DURATION,
    ("*", DURATION, INTEGER): DURATION,
    ("*", INTEGER, DURATION): DURATION,
    ("/", DURATION, DURATION): FLOAT,
}
_NUMBERS: Final = (INTEGER, FLOAT)


@frozen
class Typed:
    """A node whose type is known: a call, or "literal" (value: the value) or "column" (value: path and stored type)."""

    function: str
    type: Type
    args: tuple[Typed, ...] = ()
    value: Any = None


class MismatchError(ValueError):
    """The arguments of a call do not fit it; `index` is the one at fault."""

    def __init__(self, index: int, message: str, allowed: tuple[str, ...] = ()) -> None:
        self.index = index
        self.allowed = allowed
        super().__init__(message)


Rule: TypeAlias = Callable[[Sequence[Typed]], tuple[Sequence[Type], Type]]


def fixed(result: Type, *params: Type, rest: Type | None = None) -> Rule:
    """Every argument has one type; `rest` is the type of those beyond `params`."""

    def rule(args: Sequence[Typed]) -> tuple[Sequence[Type], Type]:
        wanted = [*params, *[rest or NULL] * (len(args) - len(params))][: len(args)]
        for index, (arg, want) in enumerate(zip(args, wanted, strict=True)):
            _demand(index, arg.type, (want,))
        return wanted, result

    return rule


def same(*kinds: Type) -> Rule:
    """One argument, whose type is the result's."""

    def rule(args: Sequence[Typed]) -> tuple[Sequence[Type], Type]:
        _demand(0, args[0].type, kinds)
        return [args[0].type], args[0].type

    return rule


def arithmetic(operator: str, whole: Type | None, broken: Type | None) -> Rule:
    """Two numbers; or times and spans of time, by the table. `whole`: of integers, `broken`: if one is a float."""

    def rule(args: Sequence[Typed]) -> tuple[Sequence[Type], Type]:
        left, right = (arg.type for arg in args)
        if NULL in (left, right):
            left = right = right if left is NULL else left
        result = whole if (left, right) == (INTEGER, INTEGER) else broken
        if left in _NUMBERS and right in _NUMBERS and result is not None:
            return [result] * 2, result
        if (operator, left, right) in _ARITHMETIC:
            kinds = [arg.type for arg in args]
            return kinds, NULL if NULL in kinds else _ARITHMETIC[operator, left, right]
        if NULL in (args[0].type, args[1].type) and left in (NULL, TIMESTAMP, DURATION):
            return [arg.type for arg in args], NULL
        raise MismatchError(1, f"{left} {operator} {right} does not exist{_hint(operator, left, right)}")

    return rule


def _hint(operator: str, left: Type, right: Type) -> str:
    if TEXT in (left, right):
        return ": text is joined with ||" if operator == "+" else ": CAST(... AS float) makes a number of a text"
    if DURATION in (left, right) and operator in "*/%":
        return ": epoch(...) makes a number of a span of time, its seconds"
    if TIMESTAMP in (left, right) or DURATION in (left, right):
        return ": a span of time is written INTERVAL '5 minutes'"
    if FLOAT in (left, right) and operator == "DIV":
        return ": DIV takes integers; floor(a / b) takes any number"
    return ""


def unify(kinds: Sequence[Type]) -> Type:
    """Return the one type that all arguments can have; raise MismatchError at the first that does not fit."""
    found = NULL
    for index, kind in enumerate(kinds):
        if kind in (NULL, found):
            continue
        if found is NULL:
            found = kind
        elif found in _NUMBERS and kind in _NUMBERS:
            found = FLOAT
        else:
            raise MismatchError(index, _never(found, kind))
    return found


def _never(left: Type, right: Type) -> str:
    pair = {left, right}
    message = f"{left} and {right} do not go together"
    if TEXT in pair and pair & set(_NUMBERS):
        return "text and numbers are never compared or mixed: CAST one of them"
    if pair == {TEXT, TIMESTAMP}:
        return message + ": a time is written TIMESTAMP '2010-01-01T00:00:00Z'"
    return message


def comparison(*, ordered: bool) -> Rule:
    """All arguments of one type; `ordered`: one that has an order (booleans have none)."""

    def rule(args: Sequence[Typed]) -> tuple[Sequence[Type], Type]:
        kind = unify([arg.type for arg in args])
        if ordered and kind is BOOLEAN:
            raise MismatchError(0, "booleans have no order: they are compared with = and <> only")
        return [kind if kind is not NULL else INTEGER] * len(args), BOOLEAN

    return rule


def united(*, ordered: bool = False) -> Rule:
    """All arguments and the result of one type; `ordered`: one that has an order (booleans have none)."""

    def rule(args: Sequence[Typed]) -> tuple[Sequence[Type], Type]:
        kind = unify([arg.type for arg in args])
        if ordered and kind is BOOLEAN:
            raise MismatchError(0, "booleans have no order")
        return [kind] * len(args), kind

    return rule


def anything(result: Type) -> Rule:
    """Arguments of any type, as they are."""
    return lambda args: ([arg.type for arg in args], result)


def branches(args: Sequence[Typed]) -> tuple[Sequence[Type], Type]:
    """CASE WHEN: condition, value, condition, value, ..., the value of ELSE."""
    values = [*range(1, len(args), 2), len(args) - 1]
    for index in range(0, len(args) - 1, 2):
        _demand(index, args[index].type, (BOOLEAN,))
    kind = _unify_some(args, values)
    return [BOOLEAN if index % 2 == 0 and index < len(args) - 1 else kind for index in range(len(args))], kind


def choices(args: Sequence[Typed]) -> tuple[Sequence[Type], Type]:
    """CASE x WHEN: x, case, value, case, value, ..., the value of ELSE."""
    values = [*range(2, len(args) - 1, 2), len(args) - 1]
    cases = [0, *range(1, len(args) - 1, 2)]
    compared, kind = _unify_some(args, cases), _unify_some(args, values)
    compared = compared if compared is not NULL else INTEGER
    return [compared if index in set(cases) else kind for index in range(len(args))], kind


def _unify_some(args: Sequence[Typed], places: Sequence[int]) -> Type:
    try:
        return unify([args[place].type for place in places])
    except MismatchError as error:
        raise MismatchError(places[error.index], str(error)) from None


def cast(args: Sequence[Typed]) -> tuple[Sequence[Type], Type]:
    """CAST: the value and the name of the type."""
    source, target = args[0].type, Type(args[1].value)
    if (source, target) not in CASTS:
        more = ""
        if target is TIMESTAMP:
            more = ": TIMESTAMP '1970-01-01' + INTERVAL '1 second' * n counts from 1970"
        elif source is TIMESTAMP:
            more = ": epoch(t) counts seconds since 1970"
        raise MismatchError(0, f"CAST cannot make {target} of {source}{more}")
    return [source, TEXT], target


def rounding(args: Sequence[Typed]) -> tuple[Sequence[Type], Type]:
    """ROUND: a number, and how many digits, written as a whole number from -15 to 15."""
    _demand(0, args[0].type, _NUMBERS)
    if len(args) > 1:
        digits = _constant(args, 1, INTEGER, "the digits of round are written as a whole number from -15 to 15")
        if not -15 <= digits <= 15:
            raise MismatchError(1, "the digits of round are written as a whole number from -15 to 15")
    return [args[0].type, INTEGER][: len(args)], args[0].type


def like(args: Sequence[Typed]) -> tuple[Sequence[Type], Type]:
    """LIKE: a text, the pattern and the character of ESCAPE, these two written as 'text'."""
    _demand(0, args[0].type, (TEXT,))
    pattern = _constant(args, 1, TEXT, "the pattern of LIKE is written as 'text'; contains(a, b) compares columns")
    escape = _constant(args, 2, TEXT, "ESCAPE takes one character") if len(args) > 2 else None
    if len(pattern) > 1000:
        raise MismatchError(1, "the pattern of LIKE has more than 1,000 characters")
    if escape is not None:
        _check_escapes(pattern, escape)
    return [TEXT] * len(args), BOOLEAN


def _check_escapes(pattern: str, escape: str) -> None:
    if len(escape) != 1:
        raise MismatchError(2, "ESCAPE takes one character")
    letters = iter(pattern)
    for letter in letters:
        if letter == escape and next(letters, "") not in ("%", "_", escape):
            raise MismatchError(1, f"in LIKE, {escape!r} stands before %, _ or itself only")


def field_of(*, names: tuple[str, ...], result: Type | None) -> Rule:
    """A field or unit, written as a name in argument 0, and what it is taken of. `result` None: as EXTRACT has it."""

    def rule(args: Sequence[Typed]) -> tuple[Sequence[Type], Type]:
        name = _constant(args, 0, TEXT, f"the first argument is one of {', '.join(names)}, written as 'text'")
        if name.lower() not in names:
            raise MismatchError(0, f"{name!r} is not a part of a time", names)
        of = (TIMESTAMP, DURATION) if name.lower() == "epoch" else (TIMESTAMP,)
        _demand(1, args[1].type, of)
        return [TEXT, _or(args[1].type, TIMESTAMP)], result or (FLOAT if name.lower() == "epoch" else INTEGER)

    return rule


def either(result: Type, *kinds: Type) -> Rule:
    """One argument of one of a few types."""

    def rule(args: Sequence[Typed]) -> tuple[Sequence[Type], Type]:
        _demand(0, args[0].type, kinds)
        return [_or(args[0].type, kinds[0])], result

    return rule


def _or(kind: Type, default: Type) -> Type:
    return default if kind is NULL else kind


def _constant(args: Sequence[Typed], index: int, kind: Type, message: str) -> Any:
    if args[index].function != "literal" or args[index].type is not kind:
        raise MismatchError(index, message)
    return args[index].value


def _demand(index: int, kind: Type, wanted: tuple[Type, ...]) -> None:
    fits = kind is NULL or kind in wanted or (kind is INTEGER and FLOAT in wanted)
    if not fits:
        names = " or ".join(str(want) for want in wanted)
        more = "; CAST(... AS text) makes one" if wanted == (TEXT,) else ""
        raise MismatchError(index, f"takes {names}, and this is {kind}{more}")
