"""Print a column of times quickly.

Formatting each time by a pattern costs 140 ns, looking its parts up in tables 20 ns (`time_cells`). For short columns
the pattern is quicker: every step of the other way has a fixed cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


__all__ = ["FEW_ROWS", "PATTERN", "print_times"]

PATTERN = "%Y-%m-%dT%H:%M:%S%.f"
"""ISO 8601 with 0, 3, 6 or 9 fractional digits: the fewest that are exact."""

FEW_ROWS = 2_000
"""Columns that are shorter than this are quicker printed by the pattern."""


def print_times(times: pl.Series, suffix: str, least: int = 0) -> pl.Series:
    """Return each time as ISO 8601 text with `suffix` behind it; null stays null.

    Args:
        times: of any unit and in UTC, or without a zone.
        suffix: `Z`, or nothing.
        least: fractional digits that each has at least: 0, 3 or 6. A value that needs more has more.
    """
    if len(times) < FEW_ROWS:
        return _print_few(times, suffix, least)
    from .cells import texts_of
    from .time_cells import time_cells

    cells = time_cells(times, suffix, least)
    if cells is None:
        return _print_few(times, suffix, least)
    texts = texts_of(cells, len(times)).alias(times.name)
    return texts.set(times.is_null(), None) if times.null_count() else texts


def _print_few(times: pl.Series, suffix: str, least: int) -> pl.Series:
    exact = times.dt.to_string(PATTERN + suffix)
    if least == 0:
        return exact
    padded = times.dt.to_string(PATTERN.replace("%.f", f"%.{least}f") + suffix)
    return exact.zip_with(exact.str.len_bytes() > padded.str.len_bytes(), padded)
