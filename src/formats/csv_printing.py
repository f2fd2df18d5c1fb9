"""Frames as CSV (RFC 4180, lines end in LF), with values printed in the one way of `printing`.

A field stands in quotes only where it must: if it holds the delimiter, a quote or a line end, and if it is the empty
text, which `""` tells from null: null is an empty field. Only in a file of a single column is null `""` too, because
most readers take an empty line for no row at all.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from .printing import print_columns

if TYPE_CHECKING:
    import polars as pl

__all__ = ["print_csv", "print_csv_header"]

_BATCH = 8192  # rows that polars formats in one go: 110 ns a row, with its default of 1,024 it takes 180


def print_csv(frame: pl.DataFrame, delimiter: str = ",", digits: int = 0) -> bytes:
    """Return the rows of the frame as CSV in UTF-8, without a header.

    Args:
        frame: any columns.
        delimiter: one character.
        digits: fractional digits that times have at least: 0, 3 or 6.

    Raises:
        SinkError: a column holds Python objects, which have no text.
    """
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

    texts = [column for column in frame if isinstance(column.dtype, pl.String)]
    return frame.with_columns(_quoted_text(column, delimiter) for column in texts)


def _quoted_text(column: pl.Series, delimiter: str) -> pl.Series:
    in_quotes = '"' + column.str.replace_all('"', '""', literal=True) + '"'
    must = (column == "") | column.str.contains_any([delimiter, '"', "\r", "\n"])
    return column.zip_with(~must.fill_null(value=False), in_quotes)
