"""Columns as cells of the same width, from which lines are made: the quick way to print many rows.

    2026-01- 01T00:00 :00.962Z ,s013, 32.56, LF
    2026-01- 01T00:00 :01.039Z ,s11·, 23.2·, LF          · stands for NUL

The columns of a block are cut into words of eight bytes, filled up with NUL, and written side by side into a matrix of
bytes; what is not NUL is the text. Each step is one call of numpy for thousands of rows, and takes 0.3 to 1.5 ns a row;
to print and copy one field takes 25 to 40 ns. What has no cells (texts that are long, or have a NUL in them) is left to
polars.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from .arrow_series import column_of, series_of

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Piece", "constant", "lay_out", "texts_of", "words"]

_WORD = 8
_BYTES = 2**21
_LEAST_ROWS = 2_048


class Piece(NamedTuple):
    """Some bytes of each row: a word per row, or one for all, or a table of words and the place of each row in it.

    The first `width` bytes count, the others are NUL. Which of the three it is is said when it is made: how many items
    there are tells nothing of a column of one row.
    """

    items: npt.NDArray[np.uint64]
    width: int
    is_constant: bool = False
    places: npt.NDArray[Any] | None = None

    def at(self, indices: npt.NDArray[Any]) -> Piece:
        """Look up one word per index; of a table of one word, that is one for all.

        A small table stays one until the words are written: to write something beside them takes no time then.
        """
        if len(self.items) == 1:
            return self._replace(is_constant=True)
        looked_up = Piece(self.of_rows().items, self.width, places=indices)
        return looked_up if len(self.items) < len(indices) else looked_up.of_rows()

    def of_rows(self) -> Piece:
        """Look up the words of all rows, if there is a table."""
        return self if self.places is None else Piece(self.items.take(self.places), self.width)

    def part(self, start: int, stop: int) -> Piece:
        """Return what some of the rows have. Their words are there already."""
        return self if self.is_constant else Piece(self.items[start:stop], self.width)


def constant(text: bytes) -> list[Piece]:
    """Return the same text for every row."""
    parts = [text[start : start + _WORD] for start in range(0, len(text), _WORD)]
    return [Piece(np.array([part], "S8").view("<u8"), len(part), is_constant=True) for part in parts]


def words(texts: Iterable[str]) -> npt.NDArray[np.uint64]:
    """Return texts of at most eight bytes as numbers of eight bytes, the first byte the lowest."""
    return np.array([text.encode() for text in texts], dtype="S8").view("<u8")


def lay_out(pieces: Iterable[Piece], rows: int) -> Iterator[memoryview]:
    """Yield the text of all pieces, row by row: some thousand rows at a time."""
    line = _joined(pieces)
    most = max(_LEAST_ROWS, _BYTES // sum(piece.width for piece in line))
    for start in range(0, rows, most):
        stop = min(rows, start + most)
        yield _without_nul(_side_by_side([piece.part(start, stop) for piece in line], stop - start))


def texts_of(pieces: Iterable[Piece], rows: int) -> pl.Series:
    """Return the text of all pieces as a column."""
    matrix = _side_by_side(_joined(pieces), rows)
    used = matrix != 0
    is_full = bool(used.all())
    ends = np.arange(0, matrix.size + 1, matrix.shape[1]) if is_full else np.append(0, used.sum(axis=1).cumsum())
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(matrix if is_full else _without_nul(matrix))]
    return series_of(pa.Array.from_buffers(pa.large_string(), rows, buffers))


def _without_nul(matrix: npt.NDArray[np.uint8]) -> memoryview:
    """Return the bytes that are not NUL: polars picks them at 0.1 ns each, where the processor helps it.

    `bytearray.translate` takes 0.5 ns, and lets no other thread run; numpy with a mask 0.6.
    """
    laid = column_of(matrix.reshape(-1))
    return laid.filter(laid != 0).to_numpy().data


def _joined(pieces: Iterable[Piece]) -> list[Piece]:
    """Put pieces side by side into one word where they fit: that takes half the time of writing one more.

    What is the same for all rows fills up the word before it. So constants stand behind full words, and last. Last of
    all, the words of the rows are looked up.
    """
    line: list[Piece] = []
    for piece in pieces:
        spare = _WORD - line[-1].width if line else 0
        if spare and (piece.is_constant or piece.width <= spare):
            before = line.pop()
            if not (before.is_constant or piece.is_constant):
                before, piece = before.of_rows(), piece.of_rows()
            kind = before if piece.is_constant else piece
            items = before.items | (piece.items << np.uint64(8 * before.width))
            line.append(kind._replace(items=items, width=min(before.width + piece.width, _WORD)))
            if piece.width <= spare:
                continue
            piece = piece._replace(items=piece.items >> np.uint64(8 * spare), width=piece.width - spare)
        line.append(piece)
    return [piece.of_rows() for piece in line]


def _side_by_side(line: Sequence[Piece], rows: int) -> npt.NDArray[np.uint8]:
    """Return the bytes of the pieces, a row of the matrix for each row; all eight bytes of each are written.

    What a word has too much (NUL) is overwritten by the piece behind it; at the end of a row, that is the first piece
    of the next row. So the last to be written must be a full word, or be cut.
    """
    starts = list(accumulate((piece.width for piece in line), initial=0))
    width = starts[-1]
    laid = np.empty(rows * width + _WORD, np.uint8)
    first = next((number + 1 for number, piece in enumerate(line) if piece.width == _WORD), 0)
    for number in (*range(first, len(line)), *range(first)):
        piece = line[number]
        items, kind = piece.items, "<u8"
        if first == 0 and number == len(line) - 1:
            kind = f"V{piece.width}"
            items = np.ndarray(items.shape, kind, items, 0, items.strides)
        elif piece.is_constant:
            items = np.repeat(items, rows)  # numpy writes one word many times at a third of the speed of many words
        np.ndarray((rows,), kind, laid, starts[number], (width,))[:] = items
    return laid[: rows * width].reshape(rows, width)
