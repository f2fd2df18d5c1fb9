"""What values of events are to conditions: numbers, texts, times, truths, null, and the rest, which never mix.

Two values are compared only if they are of one kind. `True` is no number, text is never read as a number, and a time is
a `datetime` (naive: UTC) or a `date` (its midnight, UTC). A `Decimal` is the number that it is nearest to: a whole one
is an `int`, any other a `float`, so that `0.1` out of an SCL file equals the float `0.1`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from numbers import Real
from typing import Any, Final

from ..formats.timestamp_patterns import parse_iso

__all__ = [
    "KINDS",
    "KIND_OF",
    "LISTS",
    "MISSING",
    "classify",
    "elements",
    "is_list",
    "iso_time",
    "plain_number",
    "time_of",
]


class _Missing:
    """The value of a field that an event does not have."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
LISTS: Final = (list, tuple, set, frozenset)
KINDS: Final = ("number", "text", "time", "truth", "null", "other")

_DATE = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT = 2**53
"""Up to here every whole number is a float."""


def plain_number(value: Decimal) -> int | float:
    """Turn a Decimal into an int if it is whole, else into the nearest float.

    A whole number beyond 2**53 is an int only if it was spelled out: `1e300` is the float.

    >>> plain_number(Decimal("3.0")), plain_number(Decimal("0.1")), plain_number(Decimal("1e300"))
    (3, 0.1, 1e+300)
    """
    if not value.is_finite():
        return float("nan") if value.is_nan() else float(value)
    if value != value.to_integral_value():
        return float(value)
    spelled_out = int(value.as_tuple().exponent) <= 0
    return int(value) if spelled_out or abs(value) <= _EXACT else float(value)


def time_of(value: date) -> datetime:
    """Return the time in UTC that a `datetime` (naive: UTC) or a `date` (its midnight) stands for."""
    if type(value) is datetime and value.tzinfo is UTC:
        return value
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError:  # the first and the last day of the calendar, in a zone that puts them beyond it
        return value


def iso_time(text: str) -> datetime | None:
    """Return the time that an ISO 8601 text names (UTC if it names no zone), or None if it is no such text.

    What is such a text is the same here as in a source that is read.

    >>> iso_time("2010-08-01T12:00+02:00")
    datetime.datetime(2010, 8, 1, 10, 0, tzinfo=datetime.timezone.utc)
    """
    if not _DATE.match(text):
        return None
    try:
        microseconds, _ = parse_iso(text)
    except ValueError:
        return None
    return _EPOCH + timedelta(microseconds=microseconds)


def _scalar_of_numpy(value: Any) -> tuple[str, Any]:
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        inner = value.item()
        if type(inner) is not type(value):
            return classify(inner)
    return "other", value


KIND_OF: Final[dict[type, str]] = {
    str: "text",
    int: "number",
    float: "number",
    bool: "truth",
    type(None): "null",
}
"""The kinds of values that are compared as they are, by their very types."""

_CLASSES: Final[tuple[tuple[type, str, Callable[[Any], Any] | None], ...]] = (
    (bool, "truth", None),
    (Decimal, "number", plain_number),
    (int, "number", None),
    (float, "number", None),
    (str, "text", None),
    (date, "time", time_of),
    (Real, "number", float),
)


def classify(value: Any) -> tuple[str, Any]:
    """Return the kind of a value (one of `KINDS`) and the value as it is compared within its kind."""
    quick = KIND_OF.get(type(value))
    if quick is not None:
        return quick, value
    if type(value) is datetime:
        return "time", time_of(value)
    for known, kind, convert in _CLASSES:
        if isinstance(value, known):
            return kind, convert(value) if convert else value
    return _scalar_of_numpy(value)


def is_list(value: Any) -> bool:
    """Tell a list of an event from a value; a named tuple is a value with fields."""
    return isinstance(value, LISTS) and not hasattr(value, "_fields")


def elements(values: Iterable[Any]) -> Iterator[Any]:
    """Yield the elements of a list of an event, those of lists within it included.

    >>> list(elements([1, [2, (3,)], []]))
    [1, 2, 3]
    """
    stack = [iter(values)]
    while stack:
        for value in stack[-1]:
            if is_list(value):
                stack.append(iter(value))
                break
            yield value
        else:
            stack.pop()
