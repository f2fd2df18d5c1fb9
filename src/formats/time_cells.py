"""Times as cells: the parts of a time are looked up in tables of texts.

    2026-01-01 | T00:00 | :00.962Z              with microseconds:  2026-01-01 | T00:00 | :00.962 | 001Z

There are tables of the days that occur, of the minutes of a day, and of the milliseconds of a minute.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .cells import Piece, text_cells, words

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["time_cells"]

_DAY = 86_400_000  # in milliseconds
_DATE = "%Y-%m-%d"


def time_cells(times: pl.Series, suffix: str, least: int = 0) -> list[Piece] | None:
    """Return the cells of a column of times, as `print_times` prints them; null has none.

    Args:
        times: in UTC, or without a zone.
        suffix: `Z`, or nothing.
        least: fractional digits that each has at least: 0, 3 or 6. A value that needs more has more.

    Returns:
        None if there are no tables for such times: all are null, or they have nanoseconds.
    """
    if not isinstance(times.dtype, pl.Datetime) or times.dtype.time_unit == "ns" or times.null_count() == len(times):
        return None
    filled = times.fill_null(strategy="min") if times.null_count() else times
    since_1970 = filled.to_numpy().view(np.int64)
    millis = since_1970 // (1_000 if times.dtype.time_unit == "us" else 1)
    micros = since_1970 - millis * 1_000 if times.dtype.time_unit == "us" else np.zeros_like(millis)
    first = int(millis.min()) // _DAY
    millis -= first * _DAY
    last = int(millis.max()) // _DAY
    millis = millis.astype(np.min_scalar_type((last + 1) * _DAY))  # to divide short numbers takes a tenth of the time
    minutes = millis // 60_000
    days = minutes // 1_440
    if last > len(times):
        dates = text_cells(filled.dt.to_string(_DATE))
    else:
        tables = _dates(first, first + last)
        dates = tables and [table.at(days) for table in tables]
    if dates is None:
        return None
    cells = [*dates, _minutes().at(minutes - days * 1_440)]
    cells += _seconds(millis - minutes * 60_000, micros, suffix, least)
    if times.null_count():
        missing = times.is_null().to_numpy()
        for piece in cells:
            piece.items[missing] = 0
    return cells


@lru_cache(maxsize=8)
def _dates(first: int, last: int) -> list[Piece] | None:
    """Return the texts of all days from the first to the last, which are counted from 1970."""
    return text_cells(pl.int_range(first, last + 1, dtype=pl.Int32, eager=True).cast(pl.Date).dt.to_string(_DATE))


def _seconds(millis: npt.NDArray[Any], micros: npt.NDArray[Any], suffix: str, least: int) -> list[Piece]:
    """Return the texts from the second on. What has microseconds has three digits before them, whatever they are."""
    exact = micros == 0
    if least < 6 and exact.all():
        return [_milliseconds(suffix, least > 0).at(millis)]
    return [
        _milliseconds("", least > 0).at(np.where(exact, millis, millis + 60_000)),
        _microseconds(suffix, least).at(micros),
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
