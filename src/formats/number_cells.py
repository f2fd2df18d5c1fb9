"""Numbers as cells: texts that are printed once and looked up by many rows.

What is measured has few digits and stays in its range: a temperature of 32.56 is one of some thousand numbers between
-20.00 and 45.00. So all numbers from the least to the greatest are printed, and row after row looks its text up, which
takes 10 ns instead of 40.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from .cells import Piece, text_cells
from .printing import print_numbers

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["NumberTexts"]

_SCALES = (1, 10, 100, 1_000, 10_000)
_SAMPLE = 100  # values by which the scale is chosen
_MOST = 65_536  # texts in a table


class NumberTexts:
    """The texts of the numbers of one column, in a table that grows with what comes.

    The table holds at most half as many texts as rows have been printed: so a column whose values are all different
    (a counter, a position) never pays for more than it gets, and is printed value by value.

    >>> texts = NumberTexts()
    >>> (piece,) = texts.cells(pl.Series([9, 10, None, 9, 9, 9])) or []
    >>> [item.tobytes().strip(b"\\0") for item in piece.items[:3]]
    [b'9', b'10', b'']
    """

    def __init__(self, null: str = "") -> None:
        """Make an empty table.

        Args:
            null: the text of null.
        """
        self._null = null
        self._rows = 0
        self._kind: tuple[pl.DataType, int | None] | None = None
        self._least = self._most = 0
        self._tables: Sequence[Piece] = ()

    def cells(self, numbers: pl.Series) -> list[Piece] | None:
        """Return the cells of the next values; None if they have to be printed one by one.

        Args:
            numbers: of any type; only integers and Float64 are looked up.
        """
        self._rows += len(numbers)
        filled = numbers.fill_null(strategy="min") if numbers.null_count() else numbers
        found = None if filled.null_count() or not len(filled) else _steps(filled)
        if found is None:
            return None
        steps, scale = found
        if not self._has((numbers.dtype, scale), int(steps.min()), int(steps.max())):
            return None
        places = steps - self._least
        if numbers.null_count():
            places[numbers.is_null().to_numpy()] = self._most - self._least + 1
        return [table.at(places) for table in self._tables]

    def _has(self, kind: tuple[pl.DataType, int | None], least: int, most: int) -> bool:
        """Make sure that the table has these numbers, if that is worth it."""
        if kind == self._kind and self._least <= least and most <= self._most:
            return True
        if kind == self._kind and max(most, self._most) - min(least, self._least) < _MOST:
            least, most = min(least, self._least), max(most, self._most)
        if most - least >= min(self._rows // 2, _MOST):
            return False
        tables = text_cells(_printed(kind, least, most).extend_constant(self._null, 1))
        if tables is not None:
            self._kind, self._least, self._most, self._tables = kind, least, most, tables
        return tables is not None


def _printed(kind: tuple[pl.DataType, int | None], least: int, most: int) -> pl.Series:
    dtype, scale = kind
    span = np.arange(least, most + 1)
    return print_numbers(pl.Series(span if scale is None else span / scale).cast(dtype))


def _steps(numbers: pl.Series) -> tuple[npt.NDArray[np.int64], int | None] | None:
    """Return whole numbers and a scale, so that number / scale is bit for bit the value; None if there is no such."""
    if numbers.dtype.is_integer() and numbers.dtype not in (pl.UInt64, pl.Int128, pl.UInt128):
        return numbers.cast(pl.Int64).to_numpy(), None
    if numbers.dtype != pl.Float64:
        return None
    values = np.ascontiguousarray(numbers.to_numpy())
    scale = next((scale for scale in _SCALES if _scaled(values[:_SAMPLE], scale) is not None), 1)
    steps = _scaled(values, scale)
    return None if steps is None else (steps, scale)


def _scaled(values: npt.NDArray[np.float64], scale: int) -> npt.NDArray[np.int64] | None:
    with np.errstate(invalid="ignore", over="ignore"):
        steps = np.rint(values * scale).astype(np.int64)
    same = (steps / scale).view(np.int64) == values.view(np.int64)  # by their bits: -0.0 is not 0.0
    return steps if same.all() else None
