"""Times as cells: the parts of a time are looked up in tables of texts.

    2026-01-01 | T00:00 | :00.962Z              with microseconds:  2026-01-01 | T00:00 | :00.962 | 001Z

There are tables of the days that occur, of the minutes of a day, and of the milliseconds of a minute. The times of a
stream lie close together, so those of some thousand rows have few minutes, and mostly one date: then a table is made of
these minutes, and the date is the same for all.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .cells import Piece, words
from .text_cells import text_cells

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["time_cells"]

_MINUTE = 60_000  # in milliseconds
_MINUTES = 1_440  # of a day
_LONGEST = 2**62  # differences between times that have this are far from what 64 bits can hold
_DATE = "%Y-%m-%d"


def time_cells(times: pl.Series, suffix: str, least: int = 0) -> list[Piece] | None:
    """Return the cells of a column of times, as `print_times` prints them; null has none.

    Args:
        times: in UTC, or without a zone.
        suffix: `Z`, or nothing.
        least: fractional digits that each has at least: 0, 3 or 6. A value that needs more has more.

    Returns:
        None if there are no tables for such times: all are null, have nanoseconds, or lie 146,000 years apart.
    """
    if not isinstance(times.dtype, pl.Datetime) or times.dtype.time_unit == "ns" or times.null_count() == len(times):
        return None
    filled = times.fill_null(strategy="min") if times.null_count() else times
    scale = 1_000 if times.dtype.time_unit == "us" else 1
    since_1970 = filled.to_numpy().view(np.int64)
    first = int(since_1970.min()) // (_MINUTE * scale)
    span = int(since_1970.max()) - first * _MINUTE * scale
    if span > _LONGEST:
        return None
    since = since_1970 - first * _MINUTE * scale
    since = since.astype(np.uint32) if span < 2**32 else since  # short numbers are divided in a fifth of the time
    millis = since // scale
    minutes = millis // _MINUTE
    dates = _to_the_minute(first, minutes, span // (_MINUTE * scale), filled)
    if dates is None:
        return None
    micros = None if scale == 1 or _are_equal(millis * scale, since) else since - millis * scale
    cells = [*dates, *_seconds(millis - minutes * _MINUTE, micros, suffix, least)]
    return cells if filled is times else _without(cells, times.is_null().to_numpy())


def _to_the_minute(first: int, minutes: npt.NDArray[Any], last: int, times: pl.Series) -> list[Piece] | None:
    """Return the texts down to the minute.

    Args:
        first: the first minute, counted from 1970.
        minutes: of each time, counted from the first.
        last: the greatest of these.
        times: the times themselves, which are asked for their dates if they are too far apart for a table of days.
    """
    if last < len(times):
        dates = _minutes_from(np.arange(first, first + last + 1))
        return dates and [piece.at(minutes) for piece in dates]
    if last < len(times) * _MINUTES:
        return _minutes_from(minutes + np.int64(first))
    cells = text_cells(times.dt.to_string(_DATE))
    return cells and [*cells, _minutes().at((minutes + np.int64(first)) % _MINUTES)]


def _minutes_from(minutes: npt.NDArray[np.int64]) -> list[Piece] | None:
    """Return the texts of minutes, which are counted from 1970."""
    days = minutes // _MINUTES
    first, last = int(days.min()), int(days.max())
    dates = _dates(first, last)
    return dates and [*(date.at(days - first) for date in dates), _minutes().at(minutes - days * _MINUTES)]


def _without(cells: list[Piece], missing: npt.NDArray[np.bool_]) -> list[Piece]:
    """Return the cells of the others; those that are missing have no text."""
    keep = np.where(missing, np.uint64(0), ~np.uint64(0))
    return [Piece(piece.of_rows().items & keep, piece.width) for piece in cells]


def _are_equal(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    return bool((one == other).all())


@lru_cache(maxsize=8)
def _dates(first: int, last: int) -> list[Piece] | None:
    """Return the texts of all days from the first to the last, which are counted from 1970."""
    return text_cells(pl.int_range(first, last + 1, dtype=pl.Int32, eager=True).cast(pl.Date).dt.to_string(_DATE))


def _seconds(millis: npt.NDArray[Any], micros: npt.NDArray[Any] | None, suffix: str, least: int) -> list[Piece]:
    """Return the texts from the second on. What has microseconds has three digits before them, whatever they are."""
    if micros is None and least < 6:
        return [_milliseconds(suffix, least > 0).at(millis)]
    rest = np.zeros(1, np.int64) if micros is None else micros
    return [
        _milliseconds("", least > 0).at(np.where(rest == 0, millis, millis + np.uint32(60_000))),
        _microseconds(suffix, least).at(np.broadcast_to(rest, millis.shape)),
    ]


@cache
def _minutes() -> Piece:
    """Return the texts of the minutes of a day."""
    return Piece(words(f"T{hour:02}:{minute:02}" for hour in range(24) for minute in range(60)), 6)


@cache
def _milliseconds(suffix: str, has_digits: bool) -> Piece:
    """Return the texts of the milliseconds of a minute, then once more as they are if microseconds follow."""
    seconds = words(f":{second:02}" for second in range(60))
    with_digits = words(f".{milli:03}{suffix}" for milli in range(1_000))
    fewest = with_digits.copy()
    if not has_digits:
        fewest[:1] = words([suffix])
    tables = [(seconds[:, None] | fractions << 24).reshape(-1) for fractions in (fewest, with_digits)]
    return Piece(np.concatenate(tables), 7 + len(suffix))


@cache
def _microseconds(suffix: str, least: int) -> Piece:
    """Return the texts behind the milliseconds."""
    texts = (f"{micro:03}{suffix}" if micro or least == 6 else suffix for micro in range(1_000))
    return Piece(words(texts), 3 + len(suffix))
