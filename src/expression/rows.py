"""What an expression means, row by row in plain Python: the reference that every engine's answer is held to.

It shares nothing with the columnar way but the typed tree. Slow, and meant to be read: each operator is one line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from .checking import Source, resolve
from .literals import LEAST_INTEGER, MOST_INTEGER, read_timestamp
from .rules import Typed
from .tree import Expression
from .types import Columns, Type, normal, type_of_value

__all__ = ["evaluate", "evaluate_typed"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_BLANKS: Final = " \t\n\r\f\v"
_NUMBER: Final = re.compile(
    r"[+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?|nan|inf(?:inity)?)", re.I | re.A
)


def evaluate(expression: Expression, row: Mapping[str, Any], columns: Columns | None = None) -> Any:
    """Return the value of the expression for one row.

    Args:
        expression: as `parse` returns it.
        row: values by column; null is None, fields of structs are mappings.
        columns: the types of the columns. Without them they are those of the values in this very row, which says
            less: a None has no type then.

    Raises:
        ExpressionError: as `typecheck` does.
    """
    if columns is None:
        columns = {name: kind for name, value in row.items() if (kind := type_of_value(value)) is not None}
    return _unsigned(evaluate_typed(resolve(expression, columns), row))


def evaluate_typed(node: Typed, row: Mapping[str, Any]) -> Any:
    """Return the value of a typed tree for one row."""
    if node.function == "literal":
        return node.value
    if node.function == "column":
        return _look_up(node.value, row, node.type)
    if node.function in _LAZY:
        return _LAZY[node.function](node.args, row)
    args = [evaluate_typed(arg, row) for arg in node.args]
    if node.function == "CAST":
        return _cast(args[0], node.args[0].type, node.type)
    if node.function in _WITH_NULLS:
        return _WITH_NULLS[node.function](*args)
    if any(arg is None for arg in args):
        return None
    return _bounded(_STRICT[node.function](*args), node.type)


def _unsigned(value: Any) -> Any:
    """Make 0.0 of -0.0: a zero has no sign."""
    return value + 0.0 if isinstance(value, float) else value


def _look_up(source: Source, row: Mapping[str, Any], kind: Type) -> Any:
    value: Any = row
    for name in source.path:
        value = None if value is None else value.get(name)
    return _bounded(_total(normal)(value, kind), kind)


def _bounded(value: Any, kind: Type) -> Any:
    """Return null for what does not fit in 64 bits (timestamps beyond year 9999 never come this far)."""
    number = value // _MICROSECOND if isinstance(value, timedelta) else value
    if kind in (Type.INTEGER, Type.DURATION) and number is not None and not LEAST_INTEGER <= number <= MOST_INTEGER:
        return None
    return value


def _order(value: Any) -> Any:
    """Return a key by which values are compared: NaN equals itself and is above all numbers."""
    if isinstance(value, float):
        return (1, 0.0) if math.isnan(value) else (0, value)
    return value


def _total(make: Callable[..., Any]) -> Callable[..., Any]:
    """Return null where Python raises OverflowError: beyond what times and spans of time can hold."""

    def made(*args: Any) -> Any:
        try:
            return make(*args)
        except OverflowError:
            return None

    return made


def _divide(a: Any, b: Any) -> float | None:
    if isinstance(a, timedelta):
        a, b = float(a // _MICROSECOND), float(b // _MICROSECOND)
    if b == 0:
        return None
    return math.nan if math.isinf(a) and math.isinf(b) else float(a / b)


def _whole_quotient(a: int, b: int) -> int | None:
    if b == 0:
        return None
    size = abs(a) // abs(b)
    return size if (a < 0) == (b < 0) else -size


def _modulo(a: Any, b: Any) -> Any:
    if b == 0:
        return None
    if isinstance(a, int):
        size = abs(a) % abs(b)
        return -size if a < 0 else size
    if math.isnan(a) or math.isnan(b) or math.isinf(a):
        return math.nan
    if math.isinf(b):
        return a
    quotient = a / b
    return a - b * math.copysign(math.trunc(quotient), quotient) if abs(quotient) < 2.0**53 else None


def _and(*args: Any) -> Any:
    return False if False in args else None if None in args else True


def _or(*args: Any) -> Any:
    return True if True in args else None if None in args else False


def _equal(a: Any, b: Any) -> Any:
    return None if a is None or b is None else _order(a) == _order(b)


def _at_most(a: Any, b: Any) -> Any:
    return None if a is None or b is None else _order(a) <= _order(b)


def _case(args: Sequence[Typed], row: Mapping[str, Any]) -> Any:
    for condition, value in zip(args[:-1:2], args[1:-1:2], strict=True):
        if evaluate_typed(condition, row):
            return evaluate_typed(value, row)
    return evaluate_typed(args[-1], row)


def _case_of(args: Sequence[Typed], row: Mapping[str, Any]) -> Any:
    subject = evaluate_typed(args[0], row)
    for case, value in zip(args[1:-1:2], args[2:-1:2], strict=True):
        if _equal(subject, evaluate_typed(case, row)):
            return evaluate_typed(value, row)
    return evaluate_typed(args[-1], row)


def _extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
    def chosen(*args: Any) -> Any:
        return choose((arg for arg in args if arg is not None), key=_order, default=None)

    return chosen


def _sign(a: Any) -> Any:
    if a != a:
        return a
    return type(a)((a > 0) - (a < 0))


def _half_away(a: float) -> float:
    if not math.isfinite(a):
        return a
    whole = float(math.trunc(a))
    return math.copysign(abs(whole) + (abs(a - whole) >= 0.5), a)


def _round(a: Any, digits: int = 0) -> Any:
    if isinstance(a, int):
        step = 10 ** max(0, -digits)
        size = (abs(a) + step // 2) // step * step
        return -size if a < 0 else size
    step = 10.0 ** abs(digits)
    scaled = a * step if digits >= 0 else a / step
    if not abs(scaled) < 2.0**52:
        return a
    return _half_away(scaled) / step if digits >= 0 else _half_away(scaled) * step


def _whole(make: Callable[[float], int]) -> Callable[[Any], Any]:
    def made(a: Any) -> Any:
        if isinstance(a, int) or not math.isfinite(a):
            return a
        return math.copysign(float(make(a)), a)

    return made


def _exp(a: float) -> float:
    try:
        return math.exp(a)
    except OverflowError:
        return math.inf


def _ln(a: float) -> float | None:
    return None if a <= 0 else math.log(a)


def _log(*args: float) -> float | None:
    if len(args) == 1:
        return None if args[0] <= 0 else math.log10(args[0])
    base, a = args
    if base <= 0 or base == 1 or a <= 0:
        return None
    top, bottom = math.log10(a), math.log10(base)
    return math.nan if math.isinf(top) and math.isinf(bottom) else top / bottom


def _power(a: float, b: float) -> float | None:
    if (a == 0 and b < 0) or (a < 0 and math.isfinite(b) and b != math.floor(b)):
        return None
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf


def _substring(text: str, start: int, count: int | None = None) -> str:
    end = len(text) if count is None else max(0, start - 1 + count)
    return text[max(0, start - 1) : end]


def _like(text: str, pattern: str, escape: str | None = None) -> bool:
    """Follow all places in the pattern that the text may have reached so far."""
    parts = _like_parts(pattern, escape)
    places = {0}
    for letter in [*text, None]:
        for place in sorted(places):
            while place < len(parts) and parts[place] == (True, "%"):
                place += 1
                places.add(place)
        if letter is None:
            break
        places = {
            place if part == (True, "%") else place + 1
            for place in places
            if place < len(parts) and ((part := parts[place])[0] or part[1] == letter)
        }
    return len(parts) in places


def _like_parts(pattern: str, escape: str | None) -> list[tuple[bool, str]]:
    letters = iter(pattern)
    parts = [(False, next(letters)) if letter == escape else (letter in "%_", letter) for letter in letters]
    return [part for place, part in enumerate(parts) if part != (True, "%") or parts[place - 1 : place] != [part]]


def _truncate(unit: str, time: datetime) -> datetime:
    unit = unit.lower()
    if unit in ("second", "minute", "hour"):
        return time - timedelta(
            microseconds=time.microsecond,
            seconds=time.second if unit != "second" else 0,
            minutes=time.minute if unit == "hour" else 0,
        )
    day = time.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "week":
        return day - timedelta(days=day.weekday())
    month = {"quarter": (day.month - 1) // 3 * 3 + 1, "year": 1}.get(unit, day.month)
    return day if unit == "day" else day.replace(month=month, day=1)


def _epoch(time: Any) -> float:
    micros = (time - _EPOCH if isinstance(time, datetime) else time) // _MICROSECOND
    return float(micros) / 1e6


def _extract(part: str, time: Any) -> Any:
    return _STRICT[part.lower()](time)


def _cast(value: Any, source: Type, target: Type) -> Any:
    if value is None or source is target:
        return value
    if target is Type.TEXT:
        from ..formats.printing import print_value  # here: plait.formats takes longer to import than all of this room

        return print_value(_unsigned(value))
    return _CASTS[source, target](value)


def _text_to_integer(text: str) -> int | None:
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        return None
    sign, digits = text[0], text.lstrip("+-").lstrip("0") or "0"
    number = int(digits) if len(digits) < 25 else MOST_INTEGER + 2
    return _bounded(-number if sign == "-" else number, Type.INTEGER)  # type: ignore[no-any-return]


def _float_to_integer(number: float) -> int | None:
    return math.trunc(number) if -(2.0**63) <= number < 2.0**63 else None


_CASTS: Final[Mapping[tuple[Type, Type], Callable[[Any], Any]]] = {
    (Type.TEXT, Type.INTEGER): _text_to_integer,
    (Type.TEXT, Type.FLOAT): lambda text: float(text) if _NUMBER.fullmatch(text) else None,
    (Type.TEXT, Type.BOOLEAN): lambda text: {"true": True, "false": False}.get(text.lower()),
    (Type.TEXT, Type.TIMESTAMP): read_timestamp,
    (Type.INTEGER, Type.FLOAT): float,
    (Type.FLOAT, Type.INTEGER): _float_to_integer,
    (Type.INTEGER, Type.BOOLEAN): bool,
    (Type.BOOLEAN, Type.INTEGER): int,
}

_LAZY: Final[Mapping[str, Callable[[Sequence[Typed], Mapping[str, Any]], Any]]] = {
    "CASE": _case,
    "CASE x": _case_of,
    "if": _case,
}

_WITH_NULLS: Final[Mapping[str, Callable[..., Any]]] = {
    "AND": _and,
    "OR": _or,
    "IS NULL": lambda a: a is None,
    "IN": lambda a, *items: _or(*(_equal(a, item) for item in items)),
    "BETWEEN": lambda a, low, high: _and(_at_most(low, a), _at_most(a, high)),
    "coalesce": lambda *args: next((arg for arg in args if arg is not None), None),
    "nullif": lambda a, b: None if _equal(a, b) else a,
    "least": _extreme(min),
    "greatest": _extreme(max),
    "concat": lambda *args: "".join(arg for arg in args if arg is not None),
}

_STRICT: Final[Mapping[str, Callable[..., Any]]] = {
    "+": _total(lambda a, b: a + b),
    "-": _total(lambda a, b: a - b),
    "*": _total(lambda a, b: a * b),
    "/": _divide,
    "DIV": _whole_quotient,
    "%": _modulo,
    "neg": _total(lambda a: -a),
    "||": lambda *args: "".join(args),
    "=": lambda a, b: _order(a) == _order(b),
    "<>": lambda a, b: _order(a) != _order(b),
    "<": lambda a, b: _order(a) < _order(b),
    "<=": lambda a, b: _order(a) <= _order(b),
    ">": lambda a, b: _order(a) > _order(b),
    ">=": lambda a, b: _order(a) >= _order(b),
    "NOT": lambda a: not a,
    "LIKE": _like,
    "abs": _total(abs),
    "sign": _sign,
    "round": _round,
    "floor": _whole(math.floor),
    "ceil": _whole(math.ceil),
    "sqrt": lambda a: None if a < 0 else math.sqrt(a),
    "exp": _exp,
    "ln": _ln,
    "log": _log,
    "power": _power,
    "lower": str.lower,
    "upper": str.upper,
    "trim": lambda text: text.strip(_BLANKS),
    "length": len,
    "substring": _substring,
    "replace": lambda text, old, new: text.replace(old, new) if old else text,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
    "contains": lambda text, part: part in text,
    "year": lambda time: time.year,
    "month": lambda time: time.month,
    "day": lambda time: time.day,
    "hour": lambda time: time.hour,
    "minute": lambda time: time.minute,
    "second": lambda time: time.second,
    "weekday": datetime.isoweekday,
    "epoch": _epoch,
    "extract": _extract,
    "date_trunc": _truncate,
}
