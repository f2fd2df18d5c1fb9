"""Fields of CSV -> columns of text, without copying byte by byte: numpy lays out Arrow's string views.

A string view is sixteen bytes: the length, then the text itself if it has twelve bytes or fewer, else its first four
bytes and where the rest stands. So a column of short texts is three unaligned reads per field.
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

__all__ = ["Texts", "column_texts", "row_texts", "with_nulls"]

_INLINE = 12
_FIRST_BYTES = np.array([(1 << (8 * min(n, 4))) - 1 for n in range(_INLINE + 1)], dtype=np.uint32)
_LAST_BYTES = np.array([0] * 5 + [(1 << (8 * n)) - 1 for n in range(1, 9)], dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class Texts:
    """One column as text.

    Attributes:
        values: the texts; null where the field is empty and has no quotes.
        heads: the first two bytes of each field, as a little-endian number.
        sizes: bytes of each field.
    """

    values: pl.Series
    heads: npt.NDArray[np.uint16]
    sizes: Ints


def column_texts(records: Records, column: int, quote: int | None) -> Texts:
    """Return one column of the good records, without quotes."""
    starts, ends = records.starts[column], records.ends[column]
    data = np.frombuffer(records.data, dtype=np.uint8)
    empty = starts == ends
    if not records.quotes:
        return _texts(records.data, starts, ends - starts, ~empty)
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
    """Return the very text of each good record, without its line end."""
    rows = np.ones(len(records.row_starts), dtype=np.bool_)
    return _texts(records.data, records.row_starts, records.row_ends - records.row_starts, rows).values


def _texts(data: bytes, starts: Ints, sizes: Ints, present: Flags) -> Texts:
    views = np.empty((len(starts), 4), dtype=np.uint32)
    views[:, 0] = sizes
    short = np.minimum(sizes, _INLINE)
    views[:, 1] = _unaligned(data, "<u4", 0)[starts] & _FIRST_BYTES[short]
    views[:, 2:].view(np.uint64)[:, 0] = _unaligned(data, "<u8", 4)[starts] & _LAST_BYTES[short]
    long = sizes > _INLINE
    any_long = bool(long.any())
    if any_long:
        views[long, 2] = 0
        views[long, 3] = starts[long]
    heads = views[:, 1].astype(np.uint16)
    validity = None if present.all() else pa.py_buffer(np.packbits(present, bitorder="little"))
    buffers = [validity, pa.py_buffer(views)] + ([pa.py_buffer(data)] if any_long else [])
    array = pa.Array.from_buffers(pa.string_view(), len(starts), buffers)
    return Texts(_compact(array) if any_long else cast("pl.Series", pl.from_arrow(array)), heads, sizes)


def _unaligned(data: bytes, dtype: str, shift: int) -> npt.NDArray[np.unsignedinteger]:
    """Return the numbers that begin at each byte of the block, `shift` bytes further on."""
    places = len(data) - len(PADDING) + 1
    return np.ndarray((places,), dtype=dtype, buffer=data, offset=shift, strides=(1,))


def _compact(array: pa.Array) -> pl.Series:
    """Copy long texts together, so that a frame that is sent on does not carry the whole block along."""
    borrowed = cast("pl.Series", pl.from_arrow(array))
    return cast("pl.Series", pl.from_arrow(borrowed.to_arrow(compat_level=pl.CompatLevel.oldest())))
