"""What options take: each kind parses what a person wrote, says in words what it takes, and writes it as SCL again.

First how durations, texts and names are written; then the kinds.
All kinds that several rooms use stand here, however many: whoever declares an option looks in one place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from ..errors import nearest
from ..frozen import frozen

__all__ = [
    "ALL_TIME",
    "NUMBER",
    "Choice",
    "Duration",
    "Integer",
    "Kind",
    "Names",
    "Number",
    "PartsError",
    "SignedDuration",
    "Size",
    "Text",
    "Value",
    "YesNo",
    "ZoneName",
    "as_key",
    "each_part",
    "format_duration",
    "parse_duration",
    "quote",
]

ALL_TIME = datetime.max - datetime.min
"""Longer than this no span of time makes sense, and sums of times and spans stay numbers of 64 bits."""
_DURATION_UNITS = {
    "us": timedelta(microseconds=1),
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h|d|w)")
_SIZE_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
_KEY = re.compile(r"\w+(?:\.\w+)*\Z")
_BARE = re.compile(r"\w+\Z")
NUMBER = re.compile(r"[+-]?(\d*\.\d+|\d+)([eE][+-]?\d+)?\Z")


def parse_duration(text: str) -> timedelta:
    """Read a duration such as `2s`, `1.5h`, `250ms` or `1h30m` (units us ms s m h d w).

    Raises:
        ValueError: the text is not a duration.

    >>> parse_duration("1h30m")
    datetime.timedelta(seconds=5400)
    """
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is not a duration such as 250ms, 2s, 1h30m or 1d")
    total = Decimal(0)
    for number, unit in parts:
        total += Decimal(number) * (_DURATION_UNITS[unit] // timedelta(microseconds=1))
    if total > ALL_TIME // timedelta(microseconds=1):
        raise ValueError(f"{text!r} is longer than all time from year 1 to 9999")
    return timedelta(microseconds=int(total))


def format_duration(value: timedelta) -> str:
    """Write a duration so that `parse_duration` reads the same again.

    >>> format_duration(timedelta(seconds=5400))
    '1h30m'
    """
    left = value // timedelta(microseconds=1)
    parts = []
    for unit in ("w", "d", "h", "m", "s", "ms", "us"):
        count, left = divmod(left, _DURATION_UNITS[unit] // timedelta(microseconds=1))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def quote(text: str) -> str:
    """Write text as SCL: bare where it is a keyword, else in quotes with backslash escapes."""
    if _BARE.match(text) and not NUMBER.match(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def as_key(name: str) -> str:
    """Return a name as it stands before `=` in SCL.

    Raises:
        ValueError: it is no word, nor words with dots between.
    """
    if not _KEY.match(name) or NUMBER.match(name):
        raise ValueError(f"{name!r} cannot stand before = in SCL: it is no word, nor words with dots between")
    return name


class PartsError(ValueError):
    """Some parts of an option are wrong.

    Attributes:
        parts: the node of each, and what is wrong with it.
    """

    def __init__(self, parts: Sequence[tuple[Any, str]]) -> None:
        super().__init__("; ".join(message for _, message in parts))
        self.parts = tuple(parts)


def each_part(read: Callable[[Any], Any], parts: Iterable[Any]) -> list[Any]:
    """Read all parts of an option. Raises PartsError: all that `read` raises ValueError for."""
    found, wrong = [], []
    for part in parts:
        try:
            found.append(read(part))
        except ValueError as error:
            wrong.append((getattr(part, "value", part), str(error)))
    if wrong:
        raise PartsError(wrong)
    return found


class Kind:
    """What an option takes.

    `parse` gets what a person gave: from Python any object, from SCL a `str` (keyword or string), a `Decimal`, or a
    `list` of those. `from_nodes` gets the child nodes of `option=( ... )`. Both return the value that the component
    holds, or raise ValueError with one sentence that says what is wrong. A parsed value parses to itself.

    Kinds that have settings of their own are dataclasses; to make one of a kind without would only cost time at start.
    """

    says: ClassVar[str] = "a value"

    def parse(self, value: Any) -> Any:
        """Turn what was given into the value that the component holds."""
        return value

    def from_nodes(self, nodes: Sequence[Any]) -> Any:
        """Turn the statements in the option's parentheses into the value that the component holds."""
        raise ValueError(f"takes {self.says}, not parentheses")

    def write(self, value: Any) -> str:
        """Write the value as it stands in SCL behind `option=`."""
        return quote(str(value))

    def _wrong(self, value: Any) -> ValueError:
        shown = str(value) if isinstance(value, Decimal) else repr(value)
        return ValueError(f"{shown} is not {self.says}")


class Text(Kind):
    """Any text."""

    says: ClassVar[str] = "a text"

    def parse(self, value: Any) -> str:
        if isinstance(value, Decimal):
            return str(value)
        if hasattr(value, "__fspath__"):
            value = value.__fspath__()
        if not isinstance(value, str):
            raise self._wrong(value)
        if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            raise ValueError(f"{value!r} holds half a character (a surrogate without the other)")
        return value


class Value(Kind):
    """A text, a number, or any Python object: nothing is checked."""


@frozen
class Choice(Kind):
    """One of a few names."""

    names: tuple[str, ...]

    @property
    def says(self) -> str:  # type: ignore[override]
        return "one of " + ", ".join(self.names)

    def parse(self, value: Any) -> str:
        if value not in self.names:
            near = nearest(value, self.names) if isinstance(value, str) else None
            hint = f"; did you mean {near!r}?" if near else ""
            raise ValueError(f"{self._wrong(value)}{hint}")
        return str(value)


@frozen
class Integer(Kind):
    """A whole number within bounds."""

    least: int | None = None
    most: int | None = None

    @property
    def says(self) -> str:  # type: ignore[override]
        bounds = [f"at least {self.least}"] if self.least is not None else []
        bounds += [f"at most {self.most}"] if self.most is not None else []
        return " ".join(["a whole number", *bounds])

    def parse(self, value: Any) -> int:
        whole = isinstance(value, int | Decimal) and not isinstance(value, bool) and value == int(value)
        if not whole or not self._within(int(value)):
            raise self._wrong(value)
        return _counted(int(value))

    def write(self, value: int) -> str:
        return str(value)

    def _within(self, number: int) -> bool:
        return (self.least is None or number >= self.least) and (self.most is None or number <= self.most)


def _counted(number: int) -> int:
    """Refuse what no count of rows or bytes comes to, and what numpy and polars cannot take."""
    if abs(number) >= 1 << 63:
        raise ValueError(f"{number} is too large: at most {(1 << 63) - 1}")
    return number


class Number(Kind):
    """A number; held as a float."""

    says: ClassVar[str] = "a number"

    def parse(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise self._wrong(value)
        return float(value)

    def write(self, value: float) -> str:
        return repr(value)


class YesNo(Kind):
    """`yes` or `no` in SCL, a bool in Python."""

    says: ClassVar[str] = "yes or no"
    _words: ClassVar[dict[Any, bool]] = {"yes": True, "true": True, "no": False, "false": False}

    def parse(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if not isinstance(value, str) or value.lower() not in self._words:
            raise self._wrong(value)
        return self._words[value.lower()]

    def write(self, value: bool) -> str:
        return "yes" if value else "no"


class Duration(Kind):
    """A span of time; held as a `timedelta`."""

    says: ClassVar[str] = "a duration such as 250ms, 2s, 1h30m or 1d"

    def parse(self, value: Any) -> timedelta:
        if isinstance(value, timedelta) and timedelta(0) <= value <= ALL_TIME:
            return value
        if value == 0 and not isinstance(value, bool):
            return timedelta(0)
        if not isinstance(value, str):
            raise self._wrong(value)
        return parse_duration(value)

    def write(self, value: timedelta) -> str:
        return format_duration(value)


class SignedDuration(Kind):
    """A span of time that may be negative; held as a `timedelta`."""

    says: ClassVar[str] = "a duration such as 2s or 1h30m, or, backwards, -2s"

    def parse(self, value: Any) -> timedelta:
        if isinstance(value, timedelta) and abs(value) <= ALL_TIME:
            return value
        if value == 0 and not isinstance(value, bool):
            return timedelta(0)
        if not isinstance(value, str):
            raise self._wrong(value)
        return -parse_duration(value[1:]) if value.startswith("-") else parse_duration(value)

    def write(self, value: timedelta) -> str:
        return f'"-{format_duration(-value)}"' if value < timedelta(0) else format_duration(value)


class ZoneName(Kind):
    """The name of a time zone in the IANA database."""

    says: ClassVar[str] = 'the name of a time zone such as "Europe/Berlin", or UTC'

    def parse(self, value: Any) -> str:
        from zoneinfo import ZoneInfo, available_timezones

        if not isinstance(value, str):
            raise self._wrong(value)
        try:
            ZoneInfo(value)
        except (ValueError, OSError, LookupError) as error:  # LookupError: ZoneInfoNotFoundError
            near = nearest(value, available_timezones())
            hint = f"; did you mean {near!r}?" if near else ""
            raise ValueError(f"there is no time zone {value!r}{hint}") from error
        return value


class Size(Kind):
    """A number of bytes."""

    says: ClassVar[str] = "a size such as 4096, 64KiB or 16MB"

    def parse(self, value: Any) -> int:
        if isinstance(value, int | Decimal) and not isinstance(value, bool) and value == int(value) and value > 0:
            return _counted(int(value))
        match = re.fullmatch(r"(\d+)([KMG]?I?B)", value.upper()) if isinstance(value, str) else None
        if match is None:
            raise self._wrong(value)
        return _counted(int(match[1]) * _SIZE_UNITS[match[2]])

    def write(self, value: int) -> str:
        units = [unit for unit in ("GiB", "MiB", "KiB") if value % _SIZE_UNITS[unit.upper()] == 0]
        return f"{value // _SIZE_UNITS[units[0].upper()]}{units[0]}" if units else str(value)


class Names(Kind):
    """A list of names; a single name stands for a list of one. Held as a tuple."""

    says: ClassVar[str] = "a list of names such as [a b]"

    def parse(self, value: Any) -> tuple[str, ...]:
        given = [value] if isinstance(value, str | Decimal) else value
        if not isinstance(given, Sequence) or not all(isinstance(name, str | Decimal) for name in given):
            raise self._wrong(value)
        return tuple(str(name) for name in given)

    def write(self, value: Sequence[str]) -> str:
        return "[" + " ".join(quote(name) for name in value) + "]"
