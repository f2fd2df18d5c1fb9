"""Blocks cut into portions that are printed one after the other.

What is computed of a portion fits into the cache of the core, and takes memory that malloc has at hand: rows of large
blocks took twice as long.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import polars as pl

    Rows = TypeVar("Rows", pl.DataFrame, pl.Series)

__all__ = ["portions"]

_ROWS = 16_384


def portions(rows: Rows) -> Iterator[Rows]:
    """Yield the rows in order, some thousand at a time and about as many in each portion; nothing of no rows."""
    count = -(-len(rows) // _ROWS)
    size = -(-len(rows) // max(1, count))
    for number in range(count):
        yield rows[number * size : (number + 1) * size]
