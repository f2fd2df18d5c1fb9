"""The values of a column of JSON as cells."""

from __future__ import annotations

import numpy as np
import polars as pl

from .cells import Piece, constant
from .number_cells import NumberTexts
from .printing import print_column_as_json, print_numbers_as_json, print_value_as_json
from .text_cells import bytes_of, text_cells
from .time_cells import time_cells

__all__ = ["JSONColumn"]


class JSONColumn:
    """Print one column of JSON, block by block."""

    def __init__(self, digits: int) -> None:
        """Make the printer of a column.

        Args:
            digits: fractional digits that times have at least: 0, 3 or 6.
        """
        self._digits = digits
        self._numbers = NumberTexts(print_numbers_as_json, print_value_as_json, "null")

    def cells(self, column: pl.Series) -> list[Piece] | None:
        """Return the values of the next rows; None if they have no cells.

        Raises:
            SinkError: the column holds Python objects, which have no text.
        """
        dtype = column.dtype
        if isinstance(dtype, pl.Datetime):
            return self._times(column, dtype)
        if dtype.is_integer() or dtype.is_float():
            return self._numbers.cells(column)
        if isinstance(dtype, pl.String) and not column.null_count():
            cells = text_cells(column)
            if cells is None or not _some_escaped(cells):
                return _in_quotes(cells)
        return text_cells(print_column_as_json(column))

    def _times(self, column: pl.Series, dtype: pl.Datetime) -> list[Piece] | None:
        if column.null_count():
            return None  # null stands without quotes
        in_utc = column if dtype.time_zone in (None, "UTC") else column.dt.convert_time_zone("UTC")
        return _in_quotes(time_cells(in_utc, "Z" if dtype.time_zone else "", self._digits))


def _in_quotes(cells: list[Piece] | None) -> list[Piece] | None:
    return cells and [*constant(b'"'), *cells, *constant(b'"')]


def _some_escaped(cells: list[Piece]) -> bool:
    """Tell whether some text has a quote, a backslash or a control character (but NUL, which texts with cells lack)."""
    return any(
        bool((some - np.uint8(1) < 31).any() or (some == ord('"')).any() or (some == ord("\\")).any())
        for some in bytes_of(cells)
    )
