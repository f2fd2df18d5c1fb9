"""Frames as CSV (RFC 4180, lines end in LF), with values printed in the one way of `printing`.

A field stands in quotes only where it must: if it holds the delimiter, a quote or a line end, and if it is the empty
text, which `""` tells from null: null is an empty field. Only in a file of a single column is null `""` too, because
most readers take an empty line for no row at all.

Many rows are laid out of `cells`, if all columns have some; few, and long texts, are written by polars. Both print the
same.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from .portions import portions
from .printing import print_columns
from .times import FEW_ROWS

if TYPE_CHECKING:
    import polars as pl

    from .cells import Piece
    from .csv_cells import CSVColumn

__all__ = ["CSVPrinter", "print_csv", "print_csv_header"]

_BATCH = 8192  # rows that polars formats in one go: 110 ns a row, with its default of 1,024 it takes 180


class CSVPrinter:
    """Print the rows of frames with the same columns as CSV in UTF-8, without a header.

    The blocks of a stream are printed faster by one printer than by one each: it keeps texts that may come again.
    What comes before does not change what is printed.
    """

    def __init__(self, delimiter: str = ",", digits: int = 0) -> None:
        """Make a printer.

        Args:
            delimiter: one character.
            digits: fractional digits that times have at least: 0, 3 or 6.
        """
        self._delimiter = delimiter
        self._digits = digits
        self._columns: dict[str, CSVColumn] = {}

    def parts(self, frame: pl.DataFrame) -> Iterator[bytes | memoryview]:
        """Yield the text of the rows, some thousand rows at a time.

        Raises:
            SinkError: a column holds Python objects, which have no text.
        """
        for portion in portions(frame):
            cells = None if portion.height < FEW_ROWS or portion.width < 2 else self._cells(portion)
            if cells is None:
                yield _by_polars(portion, self._delimiter, self._digits)
            else:
                from .cells import lay_out

                yield from lay_out(cells, portion.height)

    def _cells(self, frame: pl.DataFrame) -> list[Piece] | None:
        """Return the cells of whole lines, or None if some column has none."""
        from .cells import constant
        from .csv_cells import CSVColumn

        line: list[Piece] = []
        for column in frame:
            if column.name not in self._columns:
                self._columns[column.name] = CSVColumn(self._delimiter, self._digits)
            cells = self._columns[column.name].cells(column)
            if cells is None:
                return None
            line += [*cells, *constant(self._delimiter.encode())]
        return [*line[:-1], *constant(b"\n")]


def print_csv(frame: pl.DataFrame, delimiter: str = ",", digits: int = 0) -> bytes:
    """Return the rows of one frame as a `CSVPrinter` prints them."""
    return b"".join(CSVPrinter(delimiter, digits).parts(frame))


def _by_polars(frame: pl.DataFrame, delimiter: str, digits: int) -> bytes:
    import polars as pl

    printed = print_columns(frame, only_where_needed=True, digits=digits)
    if printed.width == 1:
        printed = printed.select(pl.all().cast(pl.String).fill_null(""))
    data = _write(printed, delimiter, "necessary")
    return data if b"\r" not in data else _write(_quoted(printed, delimiter), delimiter, "never")


def print_csv_header(names: Iterable[str], delimiter: str = ",") -> bytes:
    """Return the header line.

    >>> print_csv_header(["time", "a,b"])
    b'time,"a,b"\\n'
    """
    return (delimiter.join(_quote(name, delimiter) for name in names) + "\n").encode()


def _quote(text: str, delimiter: str) -> str:
    if text and not any(character in text for character in (delimiter, '"', "\r", "\n")):
        return text
    return '"' + text.replace('"', '""') + '"'


def _write(frame: pl.DataFrame, delimiter: str, quotes: Literal["necessary", "never"]) -> bytes:
    out = io.BytesIO()
    frame.write_csv(out, include_header=False, separator=delimiter, quote_style=quotes, batch_size=_BATCH)
    return out.getvalue()


def _quoted(frame: pl.DataFrame, delimiter: str) -> pl.DataFrame:
    """Quote all texts that need it: polars itself leaves a field with a lone CR without quotes."""
    import polars as pl

    from .csv_cells import quoted

    texts = [column for column in frame if isinstance(column.dtype, pl.String)]
    return frame.with_columns(quoted(column, delimiter) for column in texts)
