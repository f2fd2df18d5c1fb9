"""Frames as JSON lines: one object per row, with values printed in the one way of `printing`.

Many rows are laid out of `cells`, if all columns have some; few, and long texts, are printed by polars. Both print the
same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .portions import portions
from .printing import json_key, print_json, print_lines
from .times import FEW_ROWS

if TYPE_CHECKING:
    import polars as pl

    from .cells import Piece
    from .json_cells import JSONColumn

__all__ = ["JSONPrinter"]


class JSONPrinter:
    """Print the rows of frames as JSON, each on a line of its own, in UTF-8.

    The blocks of a stream are printed faster by one printer than by one each: it keeps texts that may come again.
    What comes before does not change what is printed.
    """

    def __init__(self, digits: int = 0) -> None:
        """Make a printer.

        Args:
            digits: fractional digits that times have at least: 0, 3 or 6.
        """
        self._digits = digits
        self._columns: dict[str, JSONColumn] = {}

    def parts(self, frame: pl.DataFrame) -> Iterator[bytes | memoryview]:
        """Yield the text of the rows, some thousand rows at a time.

        Raises:
            SinkError: a column holds Python objects, which have no text.
        """
        for portion in portions(frame):
            cells = None if portion.height < FEW_ROWS or not portion.width else self._cells(portion)
            if cells is None:
                yield print_lines(print_json(portion, self._digits))
            else:
                from .cells import lay_out

                yield from lay_out(cells, portion.height)

    def _cells(self, frame: pl.DataFrame) -> list[Piece] | None:
        """Return the cells of whole lines, or None if some column has none."""
        from .cells import constant
        from .json_cells import JSONColumn

        line: list[Piece] = []
        for column in frame:
            if column.name not in self._columns:
                self._columns[column.name] = JSONColumn(self._digits)
            cells = self._columns[column.name].cells(column)
            if cells is None:
                return None
            line += [*constant((("," if line else "{") + json_key(column.name)).encode()), *cells]
        return [*line, *constant(b"}\n")]
