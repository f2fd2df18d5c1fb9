"""Columns as cells of the same width, from which lines are made: the quick way to print many rows.

    2026-01-01 T00:00 :00.962Z , s013 , 32.56 LF
    2026-01-01 T00:00 :01.039Z , s11· , 23.2· LF          · stands for NUL

The columns of a block are written side by side into a matrix of bytes, filled up with NUL, and what is not NUL is the
text. Each step is one call of numpy for thousands of rows, and takes 1 to 3 ns a row; to print and copy one field
takes 25 to 40 ns. What has no cells (texts that are long, or have a NUL in them) is left to polars.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Piece", "bytes_of", "constant", "lay_out", "text_cells", "texts_of", "words"]

_INLINE = 12
_VIEW = np.dtype([("length", "<u4"), ("head", "<u8"), ("tail", "<u4")])
"""Arrow's string view: a text that is not longer than 12 bytes stands in the view itself, filled up with NUL."""

_WIDEST = 40  # bytes; longer texts are quicker copied one by one
_ROWS = (
    2_048  # laid out in one go: what is laid out stays in the cache of the core, and malloc has memory for it at hand
)
_NUMBERS = {1: "u1", 2: "<u2", 4: "<u4", 8: "<u8"}  # types of items that numpy copies three times as fast as others


class Piece(NamedTuple):
    """Some bytes of each row: one item per row (or one for all), of which the first `width` bytes count."""

    items: npt.NDArray[Any]
    width: int

    def at(self, indices: npt.NDArray[Any]) -> Piece:
        """Look up one item per index."""
        return Piece(self.items.take(indices), self.width)


def constant(text: bytes) -> Piece:
    """Return the same text for every row."""
    kind = _NUMBERS.get(len(text), f"V{len(text)}")
    return Piece(np.frombuffer(text, kind), len(text))


def words(texts: Iterable[str]) -> npt.NDArray[np.uint64]:
    """Return texts of at most eight bytes as numbers of eight bytes, the first byte the lowest."""
    return np.array([text.encode() for text in texts], dtype="S8").view("<u8")


def lay_out(pieces: Sequence[Piece], rows: int) -> Iterator[bytes | bytearray]:
    """Yield the text of all pieces, row by row: some thousand rows at a time."""
    width = sum(piece.width for piece in pieces)
    buffer = bytearray(min(rows, _ROWS) * width)
    matrix = np.frombuffer(buffer, np.uint8).reshape(-1, width)
    for start in range(0, rows, _ROWS):
        some = matrix[: rows - start]
        _fill(some, pieces, start)
        whole = buffer if len(some) == len(matrix) else some.tobytes()
        yield whole.translate(None, b"\0")  # half the time that numpy takes to pick by a mask


def _fill(matrix: npt.NDArray[np.uint8], pieces: Sequence[Piece], start: int) -> None:
    """Write the pieces side by side. What an item has too much (NUL) is overwritten by the piece behind it."""
    rows, width = matrix.shape
    at = 0
    for piece in pieces:
        items = piece.items if len(piece.items) == 1 else piece.items[start : start + rows]
        if at + items.itemsize > width:  # it may not reach into the next row
            items = np.ndarray(items.shape, f"V{piece.width}", items, 0, items.strides)
        np.ndarray((rows,), items.dtype, matrix, at, (width,))[:] = items
        at += piece.width


def texts_of(pieces: Sequence[Piece], rows: int) -> pl.Series:
    """Return the text of all pieces as a column."""
    matrix = np.empty((rows, sum(piece.width for piece in pieces)), np.uint8)
    _fill(matrix, pieces, 0)
    used = matrix != 0
    if used.all():
        ends, data = np.arange(0, matrix.size + 1, matrix.shape[1]), matrix
    else:
        ends, data = np.append(0, used.sum(axis=1).cumsum()), matrix[used]
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(data)]
    return pl.Series(pa.Array.from_buffers(pa.large_string(), rows, buffers))


def bytes_of(pieces: Sequence[Piece]) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield all bytes of the pieces, with the NUL between them, in no order."""
    return (piece.items.view(np.uint8) for piece in pieces)


def text_cells(texts: pl.Series) -> list[Piece] | None:
    """Return the cells of a column of texts; null has none. None if one is too long, or has a NUL in it."""
    filled = texts.fill_null("") if texts.null_count() else texts
    array = filled.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
    views = np.frombuffer(array.buffers()[1], _VIEW, len(array), array.offset * _VIEW.itemsize)
    longest = int(views["length"].max(initial=1))
    if longest > _INLINE:
        return _wide_cells(filled, longest) if longest <= _WIDEST else None
    cells = [Piece(views["head"].copy(), min(longest, 8))]
    if longest > 8:
        cells.append(Piece(views["tail"].copy(), longest - 8))
    used = sum(int(np.count_nonzero(some)) for some in bytes_of(cells))
    return cells if used == int(views["length"].sum(dtype=np.int64)) else None


def _wide_cells(texts: pl.Series, longest: int) -> list[Piece] | None:
    array = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    ends = np.frombuffer(array.buffers()[1], np.int64, len(array) + 1, array.offset * 8)
    data = np.frombuffer(array.buffers()[2], np.uint8)[ends[0] : ends[-1]]
    if not data.all():
        return None
    cells = np.zeros((len(array), longest), np.uint8)
    cells[np.arange(longest) < np.diff(ends)[:, None]] = data
    return [Piece(cells.view(f"V{longest}").reshape(-1), longest)]
