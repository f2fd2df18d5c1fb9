"""Texts as cells.

A short text stands whole in the view that polars keeps of it, and is taken from there. Of longer ones, word after word
is taken from the bytes; what lies behind the end of a text is masked out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .cells import Piece

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["bytes_of", "text_cells"]

_INLINE = 12
_VIEW = np.dtype([("length", "<u4"), ("head", "<u8"), ("tail", "<u4")])
"""Arrow's string view: a text that is not longer than 12 bytes stands in the view itself, filled up with NUL."""

_WORD = 8
_WIDEST = 40  # bytes; longer texts are quicker copied one by one
_MASKS = np.array([2 ** (8 * length) - 1 for length in range(_WORD + 1)], np.uint64)


def text_cells(texts: pl.Series) -> list[Piece] | None:
    """Return the cells of a column of texts; null has none. None if one is too long, or has a NUL in it."""
    array = texts.to_arrow(compat_level=pl.CompatLevel.newest())
    views = np.frombuffer(array.buffers()[1], _VIEW, len(array), array.offset * _VIEW.itemsize)
    missing = texts.is_null().to_numpy() if texts.null_count() else None
    lengths = views["length"].copy()
    if missing is not None:
        lengths[missing] = 0
    longest = int(lengths.max(initial=1))
    if longest > _WIDEST:
        return None
    cells = _from_bytes(texts, longest) if longest > _INLINE else _from_views(views, longest)
    if missing is not None:
        for piece in cells:
            piece.items[missing] = 0
    used = sum(int(np.count_nonzero(some)) for some in bytes_of(cells))
    return cells if used == int(lengths.sum(dtype=np.int64)) else None


def bytes_of(cells: Iterable[Piece]) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield all bytes of the pieces, with the NUL between them, in no order."""
    return (piece.items.view(np.uint8) for piece in cells)


def _from_views(views: npt.NDArray[Any], longest: int) -> list[Piece]:
    cells = [Piece(views["head"].copy(), min(longest, _WORD))]
    if longest > _WORD:
        cells.append(Piece(views["tail"].astype(np.uint64), longest - _WORD))
    return cells


def _from_bytes(texts: pl.Series, longest: int) -> list[Piece]:
    filled = texts.fill_null("") if texts.null_count() else texts
    array = filled.to_arrow(compat_level=pl.CompatLevel.oldest())
    ends = np.frombuffer(array.buffers()[1], np.int64, len(array) + 1, array.offset * 8)
    size = -(-longest // _WORD) * _WORD
    data = np.zeros(ends[-1] - ends[0] + size, np.uint8)  # so much more that all that is taken is there
    data[:-size] = np.frombuffer(array.buffers()[2], np.uint8)[ends[0] : ends[-1]]
    from_each_byte = np.ndarray((len(data) - size + 1,), f"V{size}", data, 0, (1,))
    taken = from_each_byte[ends[:-1] - ends[0]].view("<u8").reshape(len(array), -1)
    lengths = np.diff(ends)
    return [_cut(taken[:, number], lengths, number * _WORD, longest) for number in range(size // _WORD)]


def _cut(items: npt.NDArray[np.uint64], lengths: npt.NDArray[np.int64], start: int, longest: int) -> Piece:
    """Return the bytes of the texts from `start` on, without those behind their ends."""
    masks = _MASKS[np.clip(np.arange(longest + 1) - start, 0, _WORD)]
    return Piece(items & masks.take(lengths), min(longest - start, _WORD))
