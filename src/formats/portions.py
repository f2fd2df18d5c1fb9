"""Blocks cut into portions that are printed one after the other.

What is made of a portion takes memory that malloc has at hand, not fresh pages: rows of large blocks took up to twice
as long. Each step has a fixed cost, and its call lets go of the interpreter's lock: so portions are not small, either.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import polars as pl

    Rows = TypeVar("Rows", pl.DataFrame, pl.Series)

__all__ = ["portions"]

_ROWS = 65_536


def portions(rows: Rows) -> Iterator[Rows]:
    """Yield the rows in order, some ten thousand at a time and about as many in each portion; nothing of no rows."""
    count = -(-len(rows) // _ROWS)
    size = -(-len(rows) // max(1, count))
    for number in range(count):
        yield rows[number * size : (number + 1) * size]
