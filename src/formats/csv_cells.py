"""The fields of a column of CSV as cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from .cells import Piece
from .number_cells import NumberTexts
from .printing import print_columns, print_numbers
from .text_cells import bytes_of, text_cells
from .time_cells import time_cells

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["CSVColumn", "quoted"]

_IN_TIMES: Final = ":"  # the one delimiter that occurs in a time; in numbers there is none


class CSVColumn:
    """Print one column of CSV, block by block; null has an empty field."""

    def __init__(self, delimiter: str, digits: int) -> None:
        """Make the printer of a column.

        Args:
            delimiter: one character.
            digits: fractional digits that times have at least: 0, 3 or 6.
        """
        self._digits = digits
        self._delimiter = delimiter
        self._numbers = NumberTexts(print_numbers, repr, "")

    def cells(self, column: pl.Series) -> list[Piece] | None:
        """Return the fields of the next rows; None if they have no cells.

        Raises:
            SinkError: the column holds Python objects, which have no text.
        """
        dtype = column.dtype
        if isinstance(dtype, pl.Datetime) and self._delimiter != _IN_TIMES:
            in_utc = column if dtype.time_zone in (None, "UTC") else column.dt.convert_time_zone("UTC")
            return time_cells(in_utc, "Z" if dtype.time_zone else "", self._digits)
        if dtype.is_integer() or dtype.is_float():
            return self._numbers.cells(column)
        printed = isinstance(dtype, pl.String)
        return self._fields(column if printed else print_columns(column.to_frame(), digits=self._digits).to_series())

    def _fields(self, texts: pl.Series) -> list[Piece] | None:
        cells = text_cells(texts)
        if cells is None or not _some_in_quotes(texts, cells, self._delimiter):
            return cells
        return text_cells(quoted(texts, self._delimiter))


def quoted(texts: pl.Series, delimiter: str) -> pl.Series:
    """Return the texts as fields: in quotes, if they must be. Null stays null."""
    in_quotes = '"' + texts.str.replace_all('"', '""', literal=True) + '"'
    must = (texts == "") | texts.str.contains_any([delimiter, '"', "\r", "\n"])
    return texts.zip_with(~must.fill_null(value=False), in_quotes)


def _some_in_quotes(texts: pl.Series, cells: list[Piece], delimiter: str) -> bool:
    special = sorted(ord(character) for character in (delimiter, '"', "\r", "\n"))
    if any(_may_have(some, special[-1]) and any((some == code).any() for code in special) for some in bytes_of(cells)):
        return True
    return not cells[0].items.all() and bool((texts == "").any())


def _may_have(some: npt.NDArray[np.uint8], code: int) -> bool:
    """Tell whether a byte is as small as this code: letters and digits are larger than what needs quotes."""
    return bool((some - np.uint8(1)).min(initial=255) < code)  # NUL, which fills up, is 255 then
