"""Event times of CSV files in the spellings that Arrow reads by itself, without a text per value in between."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from .arrow_series import series_of
from .csv_fields import Fields
from .timestamp_patterns import FIRST, LAST
from .timestamps import EventTimes, ReadTimes

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["arrow_type", "numbers_of", "read_arrow", "read_fields"]

_ISO = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(?P<zone>Z|[+-][0-9:]+)?\Z")


def arrow_type(times: EventTimes, first: bytes) -> pa.DataType:
    """Return what Arrow may read a column of times as that begins so: text, where it does not know how."""
    match = _ISO.match(first) if times.pattern is None and times.unit is None else None
    if match is None:
        return pa.string()
    return pa.timestamp("us", "UTC" if match["zone"] else None)


def read_arrow(times: EventTimes, values: pa.Array) -> ReadTimes:
    """Read what Arrow has made of a column: times with or without a zone, or texts."""
    local = values.type == pa.timestamp("us")
    if pa.types.is_timestamp(values.type) and not (local and times.zone) and not values.null_count and len(values):
        moments = numbers_of(values, "i8")
        if moments.min() >= FIRST and moments.max() <= LAST:
            series = series_of(values.view(pa.timestamp("us", "UTC")))
            return ReadTimes(series, unzoned=len(values) if local else 0)
    return times.read(series_of(values))


def read_fields(times: EventTimes, fields: Fields) -> ReadTimes | None:
    """Read times that are all of one width, as most are; None where they are not, or one of them is no time."""
    count, width = len(fields.sizes), int(fields.sizes[0]) if len(fields.sizes) else 0
    if not 0 < width * count < 1 << 31 or fields.doubled is not None or (fields.sizes != width).any():
        return None
    texts = fields.words(f"V{width}")
    kind = arrow_type(times, texts[0].tobytes())
    if not pa.types.is_timestamp(kind):
        return None
    offsets = np.arange(0, width * (count + 1), width, dtype=np.int32)
    array = pa.Array.from_buffers(pa.string(), count, [None, pa.py_buffer(offsets), pa.py_buffer(texts)])
    try:
        read = read_arrow(times, array.cast(kind))
    except pa.ArrowInvalid:
        return None
    return None if read.reasons else read


def numbers_of(values: pa.Array, dtype: str) -> npt.NDArray[Any]:
    """Return the numbers of an array as numpy sees them; zeros where they are null."""
    numbers: npt.NDArray[Any] = np.frombuffer(values.buffers()[1], dtype=dtype)[: len(values)]
    return numbers
