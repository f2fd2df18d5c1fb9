"""One time written as text -> microseconds: ISO 8601, formats in the style of strptime, epochs.

This is the careful, value by value side. It says what a text means and why it means nothing; whole columns are read
by `timestamp_columns`, which must never read a text that is refused here, nor read it otherwise.

A time is a pair: microseconds since 1970, and whether it named its zone (then it is UTC, else local time).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time
from decimal import ROUND_FLOOR, Context, Decimal

__all__ = ["FIRST", "LAST", "UNITS", "Moment", "Pattern", "in_range", "parse_epoch", "parse_iso"]

Moment = tuple[int, bool]

UNITS: Mapping[str, Decimal] = {"s": Decimal(10**6), "ms": Decimal(10**3), "us": Decimal(1), "ns": Decimal("0.001")}
"""Microseconds in a unit of an epoch."""

_DAY = 86_400_000_000
FIRST = (date.min.toordinal() - date(1970, 1, 1).toordinal()) * _DAY
LAST = (date.max.toordinal() + 1 - date(1970, 1, 1).toordinal()) * _DAY - 1
_EPOCH_DAY = date(1970, 1, 1).toordinal()

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")
_LONGEST = 24
"""More digits before the point than any time has, in any unit."""

_ZONE = r"(?P<z>[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)"
_ISO = re.compile(
    r"(?P<Y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})"
    r"(?:[Tt ](?P<H>[0-9]{2})(?::(?P<M>[0-9]{2})(?::(?P<S>[0-9]{2})(?:[.,](?P<f>[0-9]+))?)?)?"
    rf"(?: ?(?:{_ZONE}|UTC))?)?"
)
_ISO_BASIC = re.compile(
    r"(?P<Y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})"
    rf"[Tt](?P<H>[0-9]{{2}})(?P<M>[0-9]{{2}})(?:(?P<S>[0-9]{{2}})(?:[.,](?P<f>[0-9]+))?)?{_ZONE}?"
)

_MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august"]
_MONTHS += ["september", "october", "november", "december"]
_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def _words(names: list[str]) -> str:
    return "|".join([*names, *(name[:3] for name in names)])


_DIRECTIVES: Mapping[str, str] = {
    "Y": "(?P<Y>[0-9]{4})",
    "y": "(?P<y>[0-9]{2})",
    "m": "(?P<m>[0-9]{1,2})",
    "d": "(?P<d>[0-9]{1,2})",
    "e": " ?(?P<d>[0-9]{1,2})",
    "j": "(?P<j>[0-9]{1,3})",
    "H": "(?P<H>[0-9]{1,2})",
    "k": " ?(?P<H>[0-9]{1,2})",
    "I": "(?P<I>[0-9]{1,2})",
    "M": "(?P<M>[0-9]{1,2})",
    "S": "(?P<S>[0-9]{1,2})",
    "f": "(?P<f>[0-9]{1,9})",
    "3f": "(?P<f>[0-9]{3})",
    "6f": "(?P<f>[0-9]{6})",
    "9f": "(?P<f>[0-9]{9})",
    ".f": r"(?:\.(?P<f>[0-9]{1,9}))?",
    ".3f": r"\.(?P<f>[0-9]{3})",
    ".6f": r"\.(?P<f>[0-9]{6})",
    ".9f": r"\.(?P<f>[0-9]{9})",
    "b": f"(?P<b>{_words(_MONTHS)})",
    "a": f"(?P<a>{_words(_WEEKDAYS)})",
    "p": "(?P<p>[AaPp][Mm])",
    "z": _ZONE,
    "Z": "(?P<Z>UTC|GMT|Z)",
    "s": "(?P<s>-?[0-9]+)",
    "%": "%",
}
_SAME = {"B": "b", "h": "b", "A": "a", ":z": "z", "-d": "d", "-m": "m", "-H": "H", "-I": "I", "-M": "M", "-S": "S"}
_SHORT = {"%T": "%H:%M:%S", "%R": "%H:%M", "%F": "%Y-%m-%d", "%D": "%m/%d/%y"}
_TOKEN = re.compile(r"%(\.?[0-9]?f|[-:]?[A-Za-z]|%)|(%)|([^%]+)")


def in_range(microseconds: int) -> bool:
    """Tell whether a time lies in the years 1 to 9999, which all parts of plait can hold."""
    return FIRST <= microseconds <= LAST


def parse_iso(text: str) -> Moment:
    """Read a time in one of the usual spellings of ISO 8601.

    Raises:
        ValueError: one sentence that says what is wrong.

    >>> parse_iso("1970-01-01 01:00:00.0000019+01:00")
    (1, True)
    """
    match = _ISO.fullmatch(text) or _ISO_BASIC.fullmatch(text)
    if match is None:
        how = "what it counts since 1970 with unit=, or " if _NUMBER.fullmatch(text) else ""
        raise ValueError(f"{_shown(text)} is not a time as ISO 8601 writes it; say {how}how it is written with format=")
    local, aware = _moment(text, match.groupdict())
    return local, aware or text.endswith("UTC")


def parse_epoch(text: str, unit: str) -> Moment:
    """Read a number of `unit`s since 1970; what is finer than a microsecond is cut off, towards the past.

    >>> parse_epoch("1.5", "ms")
    (1500, True)
    """
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{_shown(text)} is not a number of {unit} since 1970")
    count = Decimal(text)
    outside = count.adjusted() > _LONGEST
    exact = Context(prec=len(text) + _LONGEST)
    number = 0 if outside else int(exact.multiply(count, UNITS[unit]).to_integral_value(rounding=ROUND_FLOOR))
    if outside or not in_range(number):
        raise ValueError(f"{_shown(text)} {unit} since 1970 is not in the years 1 to 9999; is the unit another one?")
    return number, True


class Pattern:
    """A format in the style of strptime, understood once.

    `%Y %y %m %d %e %j %H %k %I %p %M %S %b %B %a %A %z %Z %s %f %T %R %F %D %%`; `%f` takes 1 to 9 digits, `%3f`,
    `%6f`, `%9f` exactly so many, and `%.f`, `%.3f`, ... bring their point along. Months and weekdays are English, in
    any case. Numbers may come without their leading zero. Nothing depends on the locale.

    Attributes:
        text: the format.
        regex: matches what is written so; its groups bear the names of the directives.
    """

    __slots__ = ("regex", "text")

    def __init__(self, text: str) -> None:
        """Understand the format, or raise ValueError with one sentence that says what is wrong with it."""
        self.text = text
        expanded = re.sub("%[TRFD]", lambda short: _SHORT[short[0]], text)
        try:
            self.regex = re.compile("".join(map(self._piece, _TOKEN.finditer(expanded))), re.IGNORECASE | re.ASCII)
        except re.error as error:
            raise ValueError(f"the format {text!r} says the same thing twice") from error
        self._check(set(self.regex.groupindex))

    def _piece(self, token: re.Match[str]) -> str:
        directive, _, literal = token.groups()
        if literal is not None:
            return re.escape(literal)
        if directive is None:
            raise ValueError(
                f"the format {self.text!r} ends in the middle of a directive, or has one that is not known"
            )
        known = _DIRECTIVES.get(_SAME.get(directive, directive))
        if known is None:
            raise ValueError(f"the format {self.text!r} has %{directive}, which is not known")
        return known

    def _check(self, has: set[str]) -> None:
        if not has & {"Y", "y", "s"}:
            raise ValueError(f"the format {self.text!r} names no year (%Y)")
        if "s" in has and has - {"s", "f"}:
            raise ValueError(f"the format {self.text!r} has %s beside other parts of a time")
        if ("I" in has) != ("p" in has):
            raise ValueError(f"the format {self.text!r} must have %I and %p together")

    def parse(self, text: str) -> Moment:
        """Read one time, or raise ValueError with one sentence that says what is wrong."""
        match = self.regex.fullmatch(text)
        if match is None:
            raise ValueError(f"{_shown(text)} is not written as the format {self.text!r} says")
        return _moment(text, match.groupdict())


def _moment(text: str, parts: dict[str, str | None]) -> Moment:
    """Make a time of the parts that were matched."""
    try:
        local = _seconds(parts) * 1_000_000 + _fraction(parts.get("f"))
        offset = _offset(parts.get("z"))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{_shown(text)} is not a time: {error}") from None
    moment = local - (offset or 0) * 60_000_000
    if not in_range(moment):
        raise ValueError(f"{_shown(text)} is not in the years 1 to 9999")
    return moment, offset is not None or bool(parts.get("Z")) or bool(parts.get("s"))


def _seconds(parts: dict[str, str | None]) -> int:
    if parts.get("s"):
        return int(parts["s"] or 0)
    of_day = time(_hour(parts), int(parts.get("M") or 0), int(parts.get("S") or 0))
    return (_day(parts) - _EPOCH_DAY) * 86_400 + of_day.hour * 3600 + of_day.minute * 60 + of_day.second


def _day(parts: dict[str, str | None]) -> int:
    year = int(parts.get("Y") or _century(int(parts.get("y") or 0)))
    if parts.get("j"):
        return _day_of_year(year, int(parts["j"] or 0))
    month = _MONTHS_BY_NAME[(parts["b"] or "")[:3].lower()] if parts.get("b") else int(parts.get("m") or 1)
    return date(year, month, int(parts.get("d") or 1)).toordinal()


_MONTHS_BY_NAME = {name[:3]: number for number, name in enumerate(_MONTHS, 1)}


def _century(year: int) -> int:
    """Complete a year of two digits as POSIX does: 69 to 99 are 19.., 00 to 68 are 20.. ."""
    return year + (1900 if year >= 69 else 2000)


def _day_of_year(year: int, number: int) -> int:
    first = date(year, 1, 1).toordinal()
    if not 1 <= number <= date(year, 12, 31).toordinal() - first + 1:
        raise ValueError(f"the year {year} has no day {number}")
    return first + number - 1


def _hour(parts: dict[str, str | None]) -> int:
    if not parts.get("p"):
        return int(parts.get("H") or 0)
    hour = int(parts.get("I") or 0)
    if not 1 <= hour <= 12:
        raise ValueError("hour must be in 1..12 with AM or PM")
    return hour % 12 + (12 if (parts["p"] or "").lower() == "pm" else 0)


def _fraction(digits: str | None) -> int:
    """Return microseconds; finer digits are cut off, never rounded up into the next second."""
    return int((digits or "0")[:6].ljust(6, "0"))


def _offset(zone: str | None) -> int | None:
    """Return the minutes that a zone such as +01:30 is ahead of UTC, or None if none was named."""
    if zone is None:
        return None
    if zone in "Zz":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    if hours > 23 or minutes > 59:
        raise ValueError(f"there is no zone {zone}")
    return (hours * 60 + minutes) * (-1 if zone[0] == "-" else 1)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")
