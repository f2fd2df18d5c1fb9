"""A few event times, value by value: for a live stream's block of some rows, calling numpy and Arrow costs more.

Numbers are read here however many there are: 0.2 us an integer, 0.8 us a float, which no column of texts gains much on.
What is plainly one of the usual spellings is read here; all else goes to the careful parser, value by value, which
also says why something is no time. So a value means the same however many come with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from .timestamp_patterns import Moment, in_range
from .timestamps import FewTimes

if TYPE_CHECKING:
    from .timestamps import EventTimes

__all__ = ["FEW", "NUMBERS", "as_series", "as_values", "read_few"]

FEW: Final = 64
"""So many values, or fewer, are read one by one: 1 takes 11 us (as a column 140 to 640), 64 take about as long."""

NUMBERS: Final = frozenset({int, float, type(None)})
"""The types of values that are read here however many there are, if their unit is said."""

_UTC: Final = pl.Datetime("us", "UTC")
_POLARS_EPOCH: Final = pl.Series([0]).cast(_UTC).item()
"""The epoch as polars gives it: with a zone of `zoneinfo`, not with `datetime.UTC`."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOCAL_EPOCH: Final = datetime(1970, 1, 1)
_MICROSECOND: Final = timedelta(microseconds=1)
_ISO: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_PER_UNIT: Final[Mapping[str, int]] = {"s": 10**6, "ms": 10**3, "us": 1}
_LONGEST: Final = 15
_DIGITS: Final[Mapping[str, int]] = {"s": 6, "ms": 3, "us": 0}


def read_few(values: Sequence[Any], times: EventTimes, careful: Callable[[Any], Moment]) -> FewTimes | None:
    """Read values of any kind as `EventTimes.read` says; None if some are in a zone that is yet to be applied.

    Args:
        values: what a record has as its time, null included.
        times: how they are written.
        careful: reads one value that is not empty, or raises ValueError with one sentence that says why.
    """
    moments: list[int | None] = []
    reasons: dict[int, str] = {}
    unzoned = 0
    for row, value in enumerate(values):
        try:
            moment, aware = _read(value, times) or careful(value)
        except ValueError as error:
            moments.append(None)
            reasons[row] = str(error)
        else:
            moments.append(moment)
            unzoned += not aware
    if unzoned and times.zone is not None:
        return None
    return FewTimes(moments, reasons, unzoned)


def as_series(moments: Sequence[int | None]) -> pl.Series:
    """Return microseconds since 1970 as a column of times."""
    return pl.Series("", moments, dtype=pl.Int64).cast(_UTC)


def as_values(moments: Sequence[int | None]) -> list[datetime | None]:
    """Return microseconds since 1970 as the datetimes that polars makes of a column of times."""
    return [None if each is None else _POLARS_EPOCH + timedelta(microseconds=each) for each in moments]


def _read(value: Any, times: EventTimes) -> Moment | None:
    """Return the time that a value plainly is, else None."""
    if value is None or value == "":
        raise ValueError("the event time is empty")
    kind = type(value)
    if kind is str:
        return _read_iso(value) if times.unit is None and times.pattern is None else None
    if kind is int and times.unit is not None:
        number = value // 1000 if times.unit == "ns" else value * _PER_UNIT[times.unit]
        return (number, True) if in_range(number) else None
    if kind is float and times.unit is not None and times.unit in _DIGITS:
        return _read_fraction(repr(value), times.unit)
    return None


def _read_iso(text: str) -> Moment | None:
    plain = _ISO.fullmatch(text)
    if plain is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = plain[1] is not None
    moment = (time - (_EPOCH if aware else _LOCAL_EPOCH)) // _MICROSECOND
    return (moment, aware) if in_range(moment) else None


def _read_fraction(number: str, unit: str) -> Moment | None:
    """Read what `repr` writes of a float; finer digits are cut off, as everywhere."""
    whole, _, fraction = number.partition(".")
    if not (whole.isdigit() and fraction.isdigit()) or len(whole) > _LONGEST:
        return None
    digits = _DIGITS[unit]
    moment = int(whole) * _PER_UNIT[unit] + int((fraction + "000000")[:digits] or 0)
    return (moment, True) if in_range(moment) else None
