"""Event times of CSV files in the spellings that Arrow reads by itself, without a text per value in between."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa

from .arrow_series import series_of
from .csv_fields import Fields
from .timestamp_patterns import FIRST, LAST
from .timestamps import EventTimes, ReadTimes

if TYPE_CHECKING:
    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]
    Ints = npt.NDArray[np.int64]

__all__ = ["arrow_type", "numbers_of", "read_alike", "read_arrow", "read_fields"]

_ISO = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(?P<zone>Z|[+-][0-9:]+)?\Z")


def arrow_type(times: EventTimes, first: bytes) -> pa.DataType:
    """Return what Arrow may read a column of times as that begins so: text, where it does not know how."""
    match = _ISO.match(first) if times.pattern is None and times.unit is None else None
    if match is None:
        return pa.string()
    return pa.timestamp("us", "UTC" if match["zone"] else None)


def read_arrow(times: EventTimes, values: pl.Series) -> ReadTimes:
    """Read what Arrow has made of a column: times with or without a zone, or texts.

    Times that are in order are marked as such in the series, for all who ask.
    """
    local = values.dtype == pl.Datetime("us")
    if values.dtype == pl.String or (local and times.zone) or values.has_nulls() or not len(values):
        return times.read(values)
    ordered = values.is_sorted()
    moments = values.to_numpy().view(np.int64)
    first, last = (moments[0], moments[-1]) if ordered else (moments.min(), moments.max())
    if first < FIRST or last > LAST:
        return times.read(values)
    read = values.cast(pl.Datetime("us", "UTC")) if local else values
    return ReadTimes(read.set_sorted() if ordered else read, unzoned=len(values) if local else 0)


def read_fields(times: EventTimes, fields: Fields) -> ReadTimes | None:
    """Read times that are all of one form, as most are; None where they are not, or one of them is no time."""
    width = int(fields.sizes[0]) if len(fields.sizes) else 0
    if fields.doubled is not None or (fields.sizes != width).any():
        return None
    read = read_alike(times, np.frombuffer(fields.data, dtype=np.uint8), fields.starts, width)
    return None if read is None or read.reasons else read


def read_alike(times: EventTimes, block: Bytes, starts: Ints, width: int) -> ReadTimes | None:
    """Read fields of a block that have the same width; None if they are not all times of one form (`moments`)."""
    if times.pattern is not None or times.unit is not None or not len(starts):
        return None
    from .time_fields import moments

    found = moments(block, starts, width)
    if found is None:
        return None
    kind = pa.timestamp("us", "UTC" if found.zoned else None)
    array = pa.Array.from_buffers(kind, len(starts), [None, pa.py_buffer(found.values)])
    return read_arrow(times, series_of(array))


def numbers_of(values: pa.Array, dtype: str) -> npt.NDArray[Any]:
    """Return the numbers of an array as numpy sees them; zeros where they are null."""
    numbers: npt.NDArray[Any] = np.frombuffer(values.buffers()[1], dtype=dtype)[: len(values)]
    return numbers
