"""Fields of CSV -> columns of text, without copying byte by byte: numpy lays out Arrow's string views.

A string view is sixteen bytes, here two numbers of 64 bits in little-endian order:

    size | first four bytes << 32,  the next eight bytes                  a text of up to twelve bytes
    size | first four bytes << 32,  number of the buffer | place << 32    a longer one: it stands in the block

So a column of short texts is one unaligned read of sixteen bytes per field, a few shifts, and a mask by its size.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import polars as pl
import pyarrow as pa

from .csv_scan import PADDING, Records

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]
    Words = npt.NDArray[np.uint64]

__all__ = ["Texts", "column_texts", "row_texts", "with_nulls"]

_INLINE = 12
_HALF = np.uint64(32)
_FIRST = np.array([((1 << (8 * min(n, 4))) - 1) << 32 for n in range(_INLINE + 1)], dtype=np.uint64)
_NEXT = np.array([(1 << (8 * max(n - 4, 0))) - 1 for n in range(_INLINE + 1)], dtype=np.uint64)


@dataclass(frozen=True, slots=True)
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
        return cast("pl.Series", pl.from_arrow(values.to_arrow(compat_level=pl.CompatLevel.oldest())))


def column_texts(records: Records, column: int, quote: int | None) -> Texts:
    """Return one column of the good records, without quotes."""
    starts, ends = records.fields(column)
    empty = starts == ends
    if not records.quotes:
        return _texts(records.data, starts, ends - starts, ~empty)
    data = np.frombuffer(records.data, dtype=np.uint8)
    quoted = (data[starts] == quote) & ~empty
    texts = _texts(records.data, starts + quoted, ends - starts - 2 * quoted, ~empty)
    if not records.doubled or quote is None or not quoted.any():
        return texts
    mark = chr(quote)
    single = texts.values.str.replace_all(mark * 2, mark, literal=True)
    return Texts(single.zip_with(pl.Series(quoted), texts.values), texts.heads, texts.sizes)


def with_nulls(values: pl.Series, nulls: Collection[str]) -> pl.Series:
    """Return the texts with null in the place of those that mean it."""
    return values.set(values.is_in(nulls).fill_null(value=False), None) if nulls else values


def row_texts(records: Records) -> pl.Series:
    """Return the very text of each good record, without its line end.

    They stand in the block, which a frame then carries along; only where most of it is something else, they are copied.
    """
    sizes = records.row_ends - records.row_starts
    rows = np.ones(len(sizes), dtype=np.bool_)
    texts = _texts(records.data, records.row_starts, sizes, rows)
    return texts.values if 2 * int(sizes.sum()) > len(records.data) else texts.owned(texts.values)


def _texts(data: bytes, starts: Ints, sizes: Ints, present: Flags) -> Texts:
    places = np.ndarray((len(data) - len(PADDING) + 1,), dtype="V16", buffer=data, strides=(1,))
    views = places[starts].view(np.uint64).reshape(-1, 2)
    lengths = sizes.view(np.uint64)
    short = np.minimum(sizes, _INLINE)
    heads = views[:, 0] << _HALF & _FIRST[short]
    later = (views[:, 0] >> _HALF | views[:, 1] << _HALF) & _NEXT[short]
    views[:, 0] = heads | lengths
    views[:, 1] = later
    long = sizes > _INLINE
    any_long = bool(long.any())
    if any_long:
        np.copyto(views[:, 1], starts.view(np.uint64) << _HALF, where=long)
    validity = None if present.all() else pa.py_buffer(np.packbits(present, bitorder="little"))
    buffers = [validity, pa.py_buffer(views)] + ([pa.py_buffer(data)] if any_long else [])
    array = pa.Array.from_buffers(pa.string_view(), len(starts), buffers)
    return Texts(cast("pl.Series", pl.from_arrow(array)), heads >> _HALF, lengths)
