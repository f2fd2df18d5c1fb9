"""Fields of CSV -> columns of text, without copying byte by byte: numpy lays out Arrow's string views.

A string view is sixteen bytes, here two numbers of 64 bits in little-endian order:

    size | first four bytes << 32,  the next eight bytes                  a text of up to twelve bytes
    size | first four bytes << 32,  number of the buffer | place << 32    a longer one: it stands in the block

So a column of short texts is one unaligned read of sixteen bytes per field, a few shifts, and a mask by its size.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa

from ..frozen import frozen
from .arrow_series import series_of
from .csv_fields import Fields, bitmap, rows_of
from .csv_scan import PADDING, Records

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Words = npt.NDArray[np.uint64]

__all__ = ["Texts", "column_texts", "line_starts", "line_texts", "row_texts", "with_nulls"]

_INLINE = 12
_HALF = np.uint64(32)
_FIRST = np.array([((1 << (8 * min(n, 4))) - 1) << 32 for n in range(_INLINE + 1)], dtype=np.uint64)
_NEXT = np.array([(1 << (8 * max(n - 4, 0))) - 1 for n in range(_INLINE + 1)], dtype=np.uint64)


@frozen
class Texts:
    """One column as text.

    Attributes:
        values: the texts; null where the field is empty and has no quotes. Longer ones stand in the block.
        heads: of each field, its first four bytes (the first is the lowest), zeros behind its end.
        sizes: bytes of each field.
    """

    values: pl.Series
    heads: Words
    sizes: Words

    def owned(self, values: pl.Series) -> pl.Series:
        """Copy long texts together, so that a frame that is sent on does not carry the whole block along."""
        if len(self.sizes) == 0 or self.sizes.max() <= _INLINE:
            return values
        return series_of(values.to_arrow(compat_level=pl.CompatLevel.oldest()))


def column_texts(fields: Fields, quote: int | None) -> Texts:
    """Return the texts of a column, quotes that are written twice as one."""
    texts = _texts(fields)
    if fields.doubled is None or quote is None:
        return texts
    mark = chr(quote)
    single = texts.values.str.replace_all(mark * 2, mark, literal=True)
    return Texts(single.zip_with(pl.Series(fields.doubled), texts.values), texts.heads, texts.sizes)


def with_nulls(values: pl.Series, nulls: Collection[str]) -> pl.Series:
    """Return the texts with null in the place of those that mean it."""
    return values.set(values.is_in(nulls).fill_null(value=False), None) if nulls else values


def row_texts(records: Records) -> pl.Series:
    """Return the very text of each good record, without its line end.

    They stand in the block, which a frame then carries along; only where most of it is something else, they are copied.
    """
    rows = rows_of(records)
    texts = _texts(rows)
    return texts.values if 2 * int(rows.sizes.sum()) > len(records.data) else texts.owned(texts.values)


def line_starts(ends: Ints) -> Ints:
    """Return where the lines begin that end there, the first of them at 0."""
    starts = np.empty_like(ends)
    starts[:1] = 0
    np.add(ends[:-1], 1, out=starts[1:])
    return starts


def line_texts(data: bytes, ends: Ints) -> pl.Series:
    """Return the lines of a block as they stand there, without their line ends.

    Args:
        data: the block, and what may follow it.
        ends: the places of all its line ends (LF).
    """
    starts = line_starts(ends)
    sizes = ends - starts
    present = np.ones(len(sizes), dtype=np.bool_)
    if len(sizes) == 0 or sizes.min() <= _INLINE:
        return _texts(Fields(data + PADDING, starts, sizes, present)).values
    views = np.empty((len(sizes), 2), dtype=np.uint64)
    views[:, 0] = Fields(data, starts, sizes, present).words("<u4").astype(np.uint64) << _HALF | sizes.view(np.uint64)
    views[:, 1] = starts.view(np.uint64) << _HALF
    array = pa.Array.from_buffers(pa.string_view(), len(sizes), [None, pa.py_buffer(views), pa.py_buffer(data)])
    return series_of(array)


def _texts(fields: Fields) -> Texts:
    views: Words = fields.words("V16").view(np.uint64).reshape(-1, 2)
    sizes = fields.sizes.view(np.uint64)
    short = np.minimum(fields.sizes, _INLINE)
    heads = views[:, 0] << _HALF & _FIRST[short]
    later = (views[:, 0] >> _HALF | views[:, 1] << _HALF) & _NEXT[short]
    long = fields.sizes > _INLINE
    any_long = bool(long.any())
    if any_long:
        later = np.where(long, fields.starts.view(np.uint64) << _HALF, later)
    views[:, 0] = heads | sizes
    views[:, 1] = later
    buffers = [bitmap(fields.present), pa.py_buffer(views)] + ([pa.py_buffer(fields.data)] if any_long else [])
    array = pa.Array.from_buffers(pa.string_view(), len(sizes), buffers)
    return Texts(series_of(array), heads >> _HALF, sizes)
