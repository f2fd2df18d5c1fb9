"""What aggregates keep of the rows of each group, and how a block of rows is added to it.

A group has a slot: a number by which everything that is kept of it is found in arrays. Rows are added in the order of
the stream, one after the other (`ufunc.at` does that, at 1 to 3 ns a row): so a sum of floats is the sum from the
first row to the last, however the stream was cut into blocks. Values that are null are left out before.

| kept | by |
|---|---|
| a number or two for each group | count, sum, mean, min, max, first, last, variance, stddev |
| all values, as they came | median, quantile, distinct, collect, count_by |

A NaN is a value: greater than all others, and what it is added to becomes NaN.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import polars as pl

from ..expression.builders import unsigned_zeros
from ..formats.arrow_series import column_of
from ..formats.direct import instants
from .held import ranges

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Numbers = npt.NDArray[Any]

__all__ = ["Accumulator", "Count", "End", "Extreme", "FloatSum", "IntegerSum", "Kept", "Mean", "Spread", "TextExtreme"]

_LOW = (1 << 32) - 1
_LEAST, _MOST = -(1 << 63), (1 << 63) - 1


class Stretches(NamedTuple):
    """For each row, slots next to each other: all that it goes into.

    Attributes:
        starts: the first of them.
        stops: the one behind the last.
    """

    starts: Ints
    stops: Ints

    def of(self, rows: Numbers) -> Stretches:
        """Return those of some rows."""
        return Stretches(self.starts[rows], self.stops[rows])


class Accumulator(Protocol):
    """What one aggregate keeps of all groups."""

    def grow(self, slots: int) -> None:
        """Make room for slots below this number; new ones are empty."""

    def add(self, slots: Ints | Stretches, values: pl.Series) -> None:
        """Add rows in their order: the slot, or slots, and the value of each, none of them null."""

    def take(self, slots: Ints) -> pl.Series:
        """Return the results of groups, and empty their slots."""

    def of_floats(self) -> Accumulator:
        """Return what goes on with floats, where the values were integers so far."""


def _grown(array: Numbers, size: int, empty: Any = 0) -> Numbers:
    more = np.empty(size, array.dtype)
    more[: len(array)], more[len(array) :] = array, empty
    return more


def _taken(array: Numbers, slots: Ints, empty: Any = 0) -> Numbers:
    found = array[slots]
    array[slots] = empty
    return found


def _at(choose: Any, kept: Numbers, slots: Ints | Stretches, values: Numbers | int) -> None:
    """Combine what is kept with values, one after the other, by a function of numpy with two arguments."""
    if not isinstance(slots, Stretches):
        choose.at(kept, slots, values)
        return
    each = itertools.repeat(values) if isinstance(values, int) else values.tolist()
    for start, stop, value in zip(slots.starts.tolist(), slots.stops.tolist(), each):  # noqa: B905 - repeat has no end
        part = kept[start:stop]
        choose(part, value, out=part)


def _one_by_one(slots: Ints | Stretches, values: pl.Series) -> tuple[Ints, pl.Series]:
    """Return a slot for each value: those of a stretch get it one after the other."""
    if not isinstance(slots, Stretches):
        return slots, values
    counts = slots.stops - slots.starts
    rows = np.repeat(np.arange(len(counts)), counts)
    return ranges(slots.starts, counts), values.gather(rows)


def _numbers(values: pl.Series) -> Numbers:
    """Return numbers, times and spans (in microseconds) and yes/no as numpy has them."""
    if isinstance(values.dtype, pl.Datetime | pl.Duration):
        return instants(values)
    array: Numbers = (values.to_physical() if values.dtype.is_temporal() else values).to_numpy()
    return array.astype(np.int64) if array.dtype == np.bool_ else array


class Count:
    """How many values."""

    def __init__(self) -> None:
        self._counts = np.zeros(0, np.int64)

    def grow(self, slots: int) -> None:
        self._counts = _grown(self._counts, slots)

    def add(self, slots: Ints | Stretches, values: pl.Series | None = None) -> None:
        _at(np.add, self._counts, slots, 1)

    def of(self, slots: Ints) -> Ints:
        """Return the counts so far."""
        found: Ints = self._counts[slots]
        return found

    def take(self, slots: Ints) -> pl.Series:
        return column_of(_taken(self._counts, slots))

    def of_floats(self) -> Count:
        return self


class IntegerSum:
    """The sum of integers, or of spans in microseconds: exact; null beyond 64 bits, and where there are no values."""

    def __init__(self) -> None:
        self._low, self._high = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._count = Count()

    def grow(self, slots: int) -> None:
        self._low, self._high = _grown(self._low, slots), _grown(self._high, slots)
        self._count.grow(slots)

    def add(self, slots: Ints | Stretches, values: pl.Series) -> None:
        numbers = _numbers(values)
        _at(np.add, self._low, slots, numbers & _LOW)  # there is room for 2 ** 31 of these
        _at(np.add, self._high, slots, numbers >> 32)
        self._count.add(slots)

    def totals(self, slots: Ints) -> tuple[list[int], Ints]:
        """Return exact sums and how many values they are of, and empty the slots."""
        high, low = _taken(self._high, slots).tolist(), _taken(self._low, slots).tolist()
        totals = [(above << 32) + below for above, below in zip(high, low, strict=True)]
        return totals, self._count.take(slots).to_numpy()

    def take(self, slots: Ints) -> pl.Series:
        totals, counts = self.totals(slots)
        fitting = zip(totals, counts.tolist(), strict=True)
        return pl.Series([t if n and _LEAST <= t <= _MOST else None for t, n in fitting], dtype=pl.Int64)

    def of_floats(self) -> FloatSum:
        exact = zip(self._high.tolist(), self._low.tolist(), strict=True)
        return FloatSum(np.array([(above << 32) + below for above, below in exact], np.float64), self._count)


class FloatSum:
    """The sum of floats from the first to the last; null where there are no values.

    Args:
        sums, count: where to go on from.
    """

    def __init__(self, sums: Numbers | None = None, count: Count | None = None) -> None:
        self._sums = np.zeros(0, np.float64) if sums is None else sums
        self._count = count or Count()

    def grow(self, slots: int) -> None:
        self._sums = _grown(self._sums, slots)
        self._count.grow(slots)

    def add(self, slots: Ints | Stretches, values: pl.Series) -> None:
        with np.errstate(invalid="ignore", over="ignore"):
            _at(np.add, self._sums, slots, _numbers(values))
        self._count.add(slots)

    def totals(self, slots: Ints) -> tuple[Numbers, Ints]:
        """Return the sums and how many values they are of, and empty the slots."""
        return _taken(self._sums, slots), self._count.take(slots).to_numpy()

    def take(self, slots: Ints) -> pl.Series:
        totals, counts = self.totals(slots)
        return _where(totals, counts > 0)

    def of_floats(self) -> FloatSum:
        return self


class Mean:
    """The sum by the number of values; null where there are none."""

    def __init__(self, total: IntegerSum | FloatSum) -> None:
        self._total = total

    def grow(self, slots: int) -> None:
        self._total.grow(slots)

    def add(self, slots: Ints | Stretches, values: pl.Series) -> None:
        self._total.add(slots, values)

    def take(self, slots: Ints) -> pl.Series:
        totals, counts = self._total.totals(slots)
        if isinstance(totals, list):  # of exact integers: so is the quotient, to the last bit
            means = [total / count if count else None for total, count in zip(totals, counts.tolist(), strict=True)]
            return pl.Series(means, dtype=pl.Float64)
        with np.errstate(invalid="ignore"):
            return _where(totals / np.maximum(counts, 1), counts > 0)

    def of_floats(self) -> Mean:
        return Mean(self._total.of_floats())


class Spread:
    """The variance of a sample (divided by n - 1), or its root; null where there are fewer than two values.

    Sums and squares are those of the distances to the first value of the group. As that is one of them, they cannot
    be much larger than what is asked for: little is lost by the difference (Chan, Golub, LeVeque, "Algorithms for
    computing the sample variance", 1983).
    """

    def __init__(self, *, root: bool) -> None:
        self._root = root
        self._first = End(last=False, dtype=np.float64)
        self._sums, self._squares = np.zeros(0), np.zeros(0)
        self._count = Count()

    def grow(self, slots: int) -> None:
        self._first.grow(slots)
        self._sums, self._squares = _grown(self._sums, slots), _grown(self._squares, slots)
        self._count.grow(slots)

    def add(self, slots: Ints | Stretches, values: pl.Series) -> None:
        slots, values = _one_by_one(slots, values.cast(pl.Float64))
        self._first.add(slots, values)
        with np.errstate(invalid="ignore", over="ignore"):
            distances = _numbers(values) - self._first.of(slots)
            np.add.at(self._sums, slots, distances)
            np.add.at(self._squares, slots, distances * distances)
        self._count.add(slots)

    def take(self, slots: Ints) -> pl.Series:
        counts = self._count.take(slots).to_numpy()
        sums, squares = _taken(self._sums, slots), _taken(self._squares, slots)
        self._first.take(slots)
        with np.errstate(invalid="ignore", over="ignore"):
            variances = (squares - sums * (sums / np.maximum(counts, 1))) / np.maximum(counts - 1, 1)
            variances = np.where(variances < 0, 0.0, variances)  # by rounding; a NaN stays
            variances = np.where(np.isinf(squares) & np.isfinite(sums), np.inf, variances)  # too large, not unknown
            return _where(np.sqrt(variances) if self._root else variances, counts > 1)

    def of_floats(self) -> Spread:
        return self


class Extreme:
    """The least or the greatest number, time, span or yes/no; null where there are no values."""

    def __init__(self, *, greatest: bool, dtype: Any) -> None:
        is_float = np.dtype(dtype).kind == "f"
        self._greatest = greatest
        self._choose = np.maximum if greatest else np.fmin if is_float else np.minimum
        self._empty = (-np.inf if greatest else np.nan) if is_float else (_LEAST if greatest else _MOST)
        self._found = np.zeros(0, dtype)
        self._count = Count()

    def grow(self, slots: int) -> None:
        self._found = _grown(self._found, slots, self._empty)
        self._count.grow(slots)

    def add(self, slots: Ints | Stretches, values: pl.Series) -> None:
        with np.errstate(invalid="ignore"):
            _at(self._choose, self._found, slots, _numbers(values))
        self._count.add(slots)

    def take(self, slots: Ints) -> pl.Series:
        counts = self._count.take(slots).to_numpy()
        return _where(_taken(self._found, slots, self._empty), counts > 0)

    def of_floats(self) -> Extreme:
        wide = Extreme(greatest=self._greatest, dtype=np.float64)
        there = self._count.of(np.arange(len(self._found))) > 0
        wide._found, wide._count = np.where(there, self._found, wide._empty), self._count
        return wide


class TextExtreme:
    """The least or the greatest text by code points; null where there are no values."""

    def __init__(self, *, greatest: bool) -> None:
        self._greatest = greatest
        self._found = np.zeros(0, object)

    def grow(self, slots: int) -> None:
        self._found = _grown(self._found, slots, None)

    def add(self, slots: Ints | Stretches, values: pl.Series) -> None:
        slots, values = _one_by_one(slots, values)
        value = pl.col("value")
        groups = pl.DataFrame({"slot": slots, "value": values}).group_by("slot")
        best = groups.agg(value.max() if self._greatest else value.min())
        choose = max if self._greatest else min
        for slot, text in best.iter_rows():
            known = self._found[slot]
            self._found[slot] = text if known is None else choose(known, text)

    def take(self, slots: Ints) -> pl.Series:
        return pl.Series(_taken(self._found, slots, None).tolist(), dtype=pl.String)

    def of_floats(self) -> TextExtreme:
        return self


class End:
    """The first or the last value; null where there are none."""

    def __init__(self, *, last: bool, dtype: Any) -> None:
        self._last = last
        self._found = np.zeros(0, dtype)
        self._has = np.zeros(0, np.bool_)

    def grow(self, slots: int) -> None:
        self._found = _grown(self._found, slots, None if self._found.dtype == object else 0)
        self._has = _grown(self._has, slots, False)

    def add(self, slots: Ints | Stretches, values: pl.Series) -> None:
        slots, values = _one_by_one(slots, values)
        if not self._last:
            fresh = ~self._has[slots]
            if not fresh.any():
                return
            slots, values = slots[fresh][::-1], values.filter(column_of(fresh)).reverse()
        # Of several that are assigned to one place, the last one stays.
        self._found[slots] = values.to_numpy() if self._found.dtype == object else _numbers(values)
        self._has[slots] = True

    def of(self, slots: Ints) -> Numbers:
        """Return what was found so far."""
        found: Numbers = self._found[slots]
        return found

    def take(self, slots: Ints) -> pl.Series:
        has = _taken(self._has, slots, False)
        if self._found.dtype == object:
            return pl.Series(_taken(self._found, slots, None).tolist(), dtype=pl.String)
        return _where(_taken(self._found, slots), has)

    def of_floats(self) -> End:
        self._found = self._found.astype(np.float64)
        return self


class Kept:
    """All values, as they came; `result` makes of them what is asked for, when the group is complete.

    Args:
        result: takes a frame with `slot` and `value`, ordered by slot and then as the values came, and returns a frame
            with `slot` and `value`, one row for each slot.
        empty: the result for groups without values.
        most: how many values of a group are kept, the first ones; None: all.

    Attributes:
        kept: how many values are kept, of all groups.
    """

    def __init__(
        self, result: Callable[[pl.DataFrame], pl.DataFrame], empty: Any = None, *, most: int | None = None
    ) -> None:
        self._result = result
        self._empty = empty
        self._most = most
        self._counts = Count()
        self._blocks: list[pl.DataFrame] = []
        self._slots = 0
        self.kept = 0

    def kept_of(self) -> Ints:
        """Return how many values are kept, by slot."""
        slots = np.concatenate([block["slot"].to_numpy() for block in self._blocks])
        return np.bincount(slots, minlength=self._slots)

    def grow(self, slots: int) -> None:
        self._slots = slots
        self._counts.grow(slots)

    def add(self, slots: Ints | Stretches, values: pl.Series) -> None:
        slots, values = _one_by_one(slots, values)
        if self._most is not None:
            kept = self._counts.of(slots) + _ranks(slots) < self._most
            slots, values = slots[kept], values.filter(column_of(kept))
            self._counts.add(slots)
        if len(slots):
            self._blocks.append(pl.DataFrame({"slot": slots, "value": values}))
            self.kept += len(slots)

    def take(self, slots: Ints) -> pl.Series:
        self._counts.take(slots)
        if not self._blocks:
            return pl.Series([self._empty] * len(slots))
        asked = pl.DataFrame({"slot": slots})
        whole = pl.concat(self._blocks)
        wanted = np.zeros(self._slots, np.bool_)
        wanted[slots] = True
        complete = column_of(wanted[whole["slot"].to_numpy()])
        rest = whole.filter(~complete)
        self._blocks, self.kept = ([rest] if rest.height else []), rest.height
        found = self._result(_without_signed_zeros(whole.filter(complete)).sort("slot", maintain_order=True))
        column = asked.join(found, on="slot", how="left", maintain_order="left")["value"]
        return column if self._empty is None else column.fill_null(self._empty)

    def of_floats(self) -> Kept:
        self._blocks = [block.cast({"value": pl.Float64}) for block in self._blocks]
        return self


def _without_signed_zeros(rows: pl.DataFrame) -> pl.DataFrame:
    values = rows["value"]
    return rows.with_columns(value=unsigned_zeros(values)) if values.dtype == pl.Float64 else rows


def _ranks(slots: Ints) -> Ints:
    """Return how many rows before it have the same slot."""
    order = np.argsort(slots, kind="stable")
    first = np.flatnonzero(np.diff(slots[order], prepend=-1))
    ranks = np.empty(len(slots), np.int64)
    ranks[order] = np.arange(len(slots)) - np.repeat(first, np.diff(first, append=len(slots)))
    return ranks


def _where(values: Numbers, is_there: npt.NDArray[np.bool_]) -> pl.Series:
    """Return the values as a column; null where there is none."""
    return column_of(values, is_there)
