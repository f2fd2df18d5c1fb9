"""Values as they are written: numbers, timestamps, spans of time."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Final

from ..formats.timestamp_patterns import parse_iso

__all__ = [
    "LEAST_INTEGER",
    "MOST_INTEGER",
    "UNITS",
    "read_interval",
    "read_number",
    "read_timestamp",
]

MOST_INTEGER: Final = 2**63 - 1
LEAST_INTEGER: Final = -(2**63)

UNITS: Final = {
    **dict.fromkeys(("us", "microsecond", "microseconds"), 1),
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 1_000),
    **dict.fromkeys(("s", "second", "seconds"), 1_000_000),
    **dict.fromkeys(("m", "minute", "minutes"), 60_000_000),
    **dict.fromkeys(("h", "hour", "hours"), 3_600_000_000),
    **dict.fromkeys(("d", "day", "days"), 86_400_000_000),
    **dict.fromkeys(("w", "week", "weeks"), 604_800_000_000),
}
"""Microseconds of each unit of an INTERVAL. Months and years have no fixed length and are not among them."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_INTERVAL_PART = re.compile(r"\s*([+-]?)\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)\s*,?")
_NUMBER = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")


def read_number(text: str, *, negative: bool = False) -> int | float:
    """Read an unsigned number: an integer if it is digits only, else a float.

    Raises:
        ValueError: it is no number, or too large for its type.
    """
    if not _NUMBER.match(text):
        raise ValueError(f"{text!r} is not a number")
    if text.isdigit():
        return _integer(text, negative)
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is too large for a float")
    return -number if negative else number


def _integer(text: str, negative: bool) -> int:
    # Python refuses to read integers of more than 4,300 digits; ours have 19.
    digits = text.lstrip("0") or "0"
    number = int(digits) * (-1 if negative else 1) if len(digits) < 25 else None
    if number is None or not LEAST_INTEGER <= number <= MOST_INTEGER:
        raise ValueError(f"{text} is too large for an integer (64 bits); with a decimal point it is a float")
    return number


def read_timestamp(text: str) -> datetime | None:
    """Read an ISO 8601 date or time (without a zone it is UTC; digits beyond microseconds are cut); None if it is none.

    What is such a text is the same here as in a source that is read and in a condition.

    >>> read_timestamp("2010-01-01T12:00:00.5+02:00")
    datetime.datetime(2010, 1, 1, 10, 0, 0, 500000, tzinfo=datetime.timezone.utc)
    """
    try:
        microseconds, _ = parse_iso(text)
    except ValueError:
        return None
    return _EPOCH + timedelta(microseconds=microseconds)


def read_interval(text: str) -> timedelta:
    """Read a span of time such as `5 minutes`, `1 hour 30 minutes` or `1h30m`.

    Raises:
        ValueError: it is none, or its unit has no fixed length.
    """
    total, at = Fraction(0), 0
    for part in _INTERVAL_PART.finditer(text):
        if part.start() != at:
            break
        sign, number, unit = part.groups()
        if unit.lower() not in UNITS:
            raise ValueError(f"{unit!r} is not a unit of INTERVAL: microsecond, millisecond, second ... day, week")
        total += Fraction(number) * UNITS[unit.lower()] * (-1 if sign == "-" else 1)
        at = part.end()
    if at == 0 or at != len(text):
        raise ValueError(f"{text!r} is not an INTERVAL such as '5 minutes'")
    return _span(round(total), text)


def _span(micros: int, text: str) -> timedelta:
    if not LEAST_INTEGER <= micros <= MOST_INTEGER:
        raise ValueError(f"INTERVAL {text!r} is too long: 292,000 years are the most")
    return timedelta(microseconds=micros)
