"""Columns of times -> microseconds, without a Python call per row where the column is of few spellings.

Arrow casts ISO 8601 at about 20 ns a value and refuses whatever is not exactly that. So a column in another format is
rewritten to ISO 8601 in numpy: the first value shows at which byte each part stands, values of the same length with
the same literals are rewritten by copying those bytes, and Arrow checks digits and ranges. What is left over begins
the next round; after some rounds, and for what is no time at all, the careful parser of `timestamp_patterns` has
the last word. It also says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa

from .arrow_series import series_of
from .timestamp_few import FEW, NUMBERS, as_series, as_values, read_few
from .timestamp_patterns import FIRST, LAST, UNITS, Moment, in_range, parse_epoch, parse_iso
from .timestamp_rewrite import rewrite_to_iso
from .timestamps import FewTimes, ReadTimes

if TYPE_CHECKING:
    import numpy.typing as npt

    from .timestamps import EventTimes

    Ints = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]

__all__ = ["read_column", "read_values"]

_ROUNDS = 16
_MOSTLY = 0.95
_NO_TIME = np.iinfo(np.int64).min
_UTC = pl.Datetime("us", "UTC")
_RANGE = (FIRST, LAST)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLAUSIBLE = [
    r"^[0-9]{4}-[01][0-9]-[0-3][0-9](?:[T ][0-2][0-9](?::[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?)?" + zone + "$"
    for zone in (")?", r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?))")
]
"""What Arrow may read as a time without and with a zone: of what it refuses, only so much is searched by halves."""
_WHOLE = re.compile(r"-?[0-9]+\Z")
_TEXTS = frozenset({str, type(None)})


class _Column:
    """The times of a column while they are read: microseconds or `_NO_TIME`, zone named or not, and the reasons."""

    def __init__(self, size: int) -> None:
        self.moments: Ints = np.full(size, _NO_TIME, dtype=np.int64)
        self.aware: Flags = np.zeros(size, dtype=np.bool_)
        self.reasons: dict[int, str] = {}

    def put(self, rows: Ints, moments: Ints, *, aware: bool) -> Ints:
        """Take the times of these rows; return the rows that have none."""
        self.moments[rows] = moments
        self.aware[rows] = aware
        left: Ints = rows[moments == _NO_TIME]
        return left

    def put_each(self, rows: Ints, values: Sequence[Any], parse: Callable[[Any], Moment]) -> None:
        """Read value by value."""
        for row, value in zip(rows.tolist(), values, strict=True):
            if value == "":
                continue
            try:
                self.moments[row], self.aware[row] = parse(value)
            except ValueError as error:
                self.reasons[row] = str(error)


def read_column(values: pl.Series | Sequence[Any], times: EventTimes) -> ReadTimes:
    """Read a column as `EventTimes.read` says."""
    if not isinstance(values, pl.Series):
        return _read_objects(list(values), times)
    column = _Column(len(values))
    if values.dtype == pl.String:
        _read_texts(column, values, times)
    elif isinstance(values.dtype, pl.Datetime) or values.dtype == pl.Date:
        _read_datetimes(column, values)
    elif values.dtype.is_numeric() and times.unit is not None:
        _read_texts(column, values.cast(pl.String), times)
    else:
        return _read_objects(values.to_list(), times)
    return _finish(column, times)


def read_values(values: Sequence[Any], times: EventTimes) -> tuple[list[datetime | None], FewTimes] | None:
    """Read a few Python objects as `EventTimes.read_values` says."""
    few = read_few(values, times, lambda value: _parse_object(value, times))
    return None if few is None else (as_values(few.moments), few)


def _finish(column: _Column, times: EventTimes) -> ReadTimes:
    """Apply the zone to local times and hand over."""
    found = column.moments != _NO_TIME
    local = found & ~column.aware
    values = pl.Series(column.moments).cast(_UTC)
    if not found.all():
        values = values.set(pl.Series(~found), None)
    for row in np.flatnonzero(~found).tolist():
        column.reasons.setdefault(row, "the event time is empty")
    if times.zone is None or not local.any():
        return ReadTimes(values, column.reasons, unzoned=int(local.sum()))
    return _in_zone(values, local, times.zone, column.reasons)


def _in_zone(values: pl.Series, local: Flags, zone: str, reasons: dict[int, str]) -> ReadTimes:
    naive, mask = values.dt.replace_time_zone(None), pl.Series(local)
    first, last = (
        naive.dt.replace_time_zone(zone, ambiguous=choice, non_existent="null").dt.convert_time_zone("UTC")
        for choice in ("earliest", "latest")
    )
    moved = first.zip_with(mask, values)
    for row in (moved.is_null() & mask).arg_true().to_list():
        reasons[row] = f"{naive[row]} does not exist in the zone {zone}: its clocks skip that hour"
    outside = (~moved.to_physical().is_between(*_RANGE)).fill_null(value=False)
    for row in outside.arg_true().to_list():
        reasons[row] = f"{naive[row]} in the zone {zone} is not in the years 1 to 9999"
    return ReadTimes(moved.set(outside, None), reasons, ambiguous=int(((first != last) & mask).sum()))


def _read_texts(column: _Column, texts: pl.Series, times: EventTimes) -> None:
    """Read text in rounds: the first value that is left decides how the others of its spelling are read at once."""
    bulk, parse = _ways(times)
    rows: Ints = np.arange(len(texts))
    left = texts
    if texts.null_count() or not all(texts[:1]):
        rows = np.flatnonzero((texts.str.len_bytes() > 0).fill_null(value=False).to_numpy())
        left = texts.gather(rows)
    for _ in range(_ROUNDS if len(rows) else 0):
        moments, aware = bulk(left)
        missing = moments == _NO_TIME
        rows = column.put(rows, moments, aware=aware)
        if not len(rows):
            return
        left = left.filter(pl.Series(missing))
        if len(rows) > _MOSTLY * len(missing) or not left[0]:
            break
    column.put_each(rows, left.to_list(), parse)


def _ways(times: EventTimes) -> tuple[Callable[[pl.Series], tuple[Ints, bool]], Callable[[str], Moment]]:
    """Return how texts are read at once (as the first of them is), and how they are read one by one."""
    pattern, unit = times.pattern, times.unit
    if pattern is not None:
        return (lambda texts: _cast_rewritten(rewrite_to_iso(texts, pattern))), pattern.parse
    if unit is not None:
        return (lambda texts: (_epochs(texts, unit), True)), (lambda text: parse_epoch(text, unit))
    return _cast_iso, parse_iso


def _cast_rewritten(rewritten: tuple[pa.Array, bool]) -> tuple[Ints, bool]:
    array, aware = rewritten
    return _cast(array, aware=aware), aware


def _cast_iso(texts: pl.Series) -> tuple[Ints, bool]:
    first = texts[0]
    clock = first[11:]
    aware = clock.endswith("Z") or "+" in clock or "-" in clock
    fine = re.search(r"\.[0-9]{7,}", clock)
    if fine:  # Arrow refuses what is finer than the unit: cut it off first
        texts = texts.str.replace(r"(\.[0-9]{6})[0-9]+", "${1}")
    return _cast(texts.to_arrow(compat_level=pl.CompatLevel.oldest()), aware=aware), aware


def _cast(texts: pa.Array, *, aware: bool) -> Ints:
    """Cast text in ISO 8601 to microseconds; what is not so written, all with a zone or all without, is no time."""
    to = pa.timestamp("us", "UTC") if aware else pa.timestamp("us")
    try:
        cast = texts.cast(to)
    except pa.ArrowInvalid:
        series = series_of(texts)
        plausible = series.set(~series.str.contains(_PLAUSIBLE[aware]), None)
        cast = pa.chunked_array(_cast_parts(plausible.to_arrow(compat_level=pl.CompatLevel.oldest()), to), to)
    numbers = pl.Series(pl.from_arrow(cast.cast(pa.int64())))
    # Filled by polars: a Python value given to Arrow (as here, or to `pa.array`) imports pandas where there is one.
    moments: Ints = (numbers.fill_null(_NO_TIME) if numbers.null_count() else numbers).to_numpy()
    if len(moments) and (moments.min() < _RANGE[0] or moments.max() > _RANGE[1]):
        moments = np.where((moments < _RANGE[0]) | (moments > _RANGE[1]), _NO_TIME, moments)
    return moments


def _cast_parts(texts: pa.Array, to: pa.DataType) -> list[pa.Array]:
    """Cast, halving what Arrow refuses until the values that it refuses stand alone."""
    try:
        return [texts.cast(to)]
    except pa.ArrowInvalid:
        if len(texts) == 1:
            return [pa.nulls(1, to)]
        half = len(texts) // 2
        return _cast_parts(texts[:half], to) + _cast_parts(texts[half:], to)


def _epochs(texts: pl.Series, unit: str) -> Ints:
    """Read whole numbers, or fractional ones that are not negative, as the first one is; leave the others."""
    if _WHOLE.match(texts[0]):
        counts = texts.cast(pl.Int64, strict=False)
        micros = counts // 1000 if unit == "ns" else _multiplied(counts, int(UNITS[unit]))
    else:
        micros = _fractional(texts, unit)
    moments: Ints = micros.set(~micros.is_between(*_RANGE), None).fill_null(_NO_TIME).to_numpy()
    return moments


def _fractional(texts: pl.Series, unit: str) -> pl.Series:
    digits = {"s": 6, "ms": 3}.get(unit, 0)
    whole, fraction = texts.str.extract_groups(r"^([0-9]+)\.([0-9]+)$").struct.unnest().get_columns()
    counts = whole.cast(pl.Int64, strict=False)
    if not digits:
        return counts // 1000 if unit == "ns" else counts
    return _multiplied(counts, 10**digits) + (fraction + "0" * digits).str.slice(0, digits).cast(pl.Int64, strict=False)


def _multiplied(counts: pl.Series, factor: int) -> pl.Series:
    """Multiply; null where the product would not be a time anyway (and might not fit 64 bits)."""
    inside = counts.is_between(_RANGE[0] // factor, _RANGE[1] // factor)
    return counts.set(~inside, None) * factor


def _read_datetimes(column: _Column, values: pl.Series) -> None:
    aware = isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone is not None
    micros = values.cast(pl.Datetime("us")) if values.dtype == pl.Date else values.dt.cast_time_unit("us")
    rows: Ints = np.flatnonzero(micros.is_not_null().to_numpy())
    moments = micros.to_physical()
    inside = moments.set(~moments.is_between(*_RANGE), None).fill_null(_NO_TIME).to_numpy()
    for row in column.put(rows, inside[rows], aware=aware).tolist():
        column.reasons[row] = "the event time is not in the years 1 to 9999"


def _read_objects(values: list[Any], times: EventTimes) -> ReadTimes:
    """Read Python objects, which may be of several kinds."""
    kinds = set(map(type, values))
    if len(values) <= FEW or (times.unit is not None and kinds <= NUMBERS):
        few = read_few(values, times, lambda value: _parse_object(value, times))
        if few is not None:
            return ReadTimes(as_series(few.moments), few.reasons, unzoned=few.unzoned)
    column = _Column(len(values))
    if kinds <= _TEXTS:
        _read_texts(column, pl.Series(values, dtype=pl.String), times)
    else:
        rows: Ints = np.flatnonzero(np.array([value is not None and value != "" for value in values], dtype=np.bool_))
        column.put_each(rows, [values[row] for row in rows.tolist()], lambda value: _parse_object(value, times))
    return _finish(column, times)


def _parse_object(value: Any, times: EventTimes) -> Moment:
    if isinstance(value, datetime):
        return _from_datetime(value)
    if isinstance(value, date):
        return _from_datetime(datetime.combine(value, time()))
    if isinstance(value, str):
        return _ways(times)[1](value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        if times.unit is None:
            raise ValueError(f"the event time {value} is a number; say what it counts with unit=s, ms, us or ns")
        return parse_epoch(str(value), times.unit)
    raise ValueError(f"{value!r:.80} is not a time")


def _from_datetime(value: datetime) -> Moment:
    aware = value.utcoffset() is not None
    moment = (value if aware else value.replace(tzinfo=UTC)) - _EPOCH
    microseconds = moment // timedelta(microseconds=1)
    if not in_range(microseconds):
        raise ValueError(f"{value} is not in the years 1 to 9999")
    return microseconds, aware
