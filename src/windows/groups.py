"""Groups of rows with what their aggregates keep: the store under windows and sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..expression import to_polars
from ..record import TIMESTAMP
from .aggregates import WINDOW_END, WINDOW_START, Aggregate, AggregateError, output_columns

if TYPE_CHECKING:
    import numpy.typing as npt

    from .accumulators import Accumulator

    Ints = npt.NDArray[Any]

__all__ = ["Computing", "Groups", "Key", "Values"]

Key = tuple[Any, ...]
Values = Sequence[pl.Series | None]

_LEAST = 1024


class Computing:
    """Computes aggregates: values of rows go in under slots, results of slots come out.

    Args:
        aggregates: what is computed, by the name of its column.
        columns: names and types of the rows' columns.
    """

    def __init__(self, aggregates: Mapping[str, Aggregate], columns: Mapping[str, Any]) -> None:
        self._aggregates = aggregates
        self._accumulators: dict[str, Accumulator] = {name: a.start(columns) for name, a in aggregates.items()}
        self._types = {name: aggregate.type(columns) for name, aggregate in aggregates.items()}
        self._expressions: dict[str, pl.Expr] = {}
        self._size = 0
        self._compile(columns)

    def _compile(self, columns: Mapping[str, Any]) -> None:
        self._columns = dict(columns)
        self._expressions = {
            name: to_polars(aggregate.expression, columns).alias(name)
            for name, aggregate in self._aggregates.items()
            if aggregate.expression is not None
        }

    def values(self, frame: pl.DataFrame) -> Values:
        """Compute what is aggregated, for each row of a frame; None where rows are counted.

        Raises:
            AggregateError: the frame has other columns than the frames before, and does not go together with them.
        """
        if dict(frame.schema) != self._columns:
            if any(a.type(frame.schema) != self._types[name] for name, a in self._aggregates.items()):
                raise AggregateError("the columns have changed their types in the midst of the stream")
            self._compile(frame.schema)
        computed = frame.select(self._expressions.values())
        return [computed[name] if name in self._expressions else None for name in self._aggregates]

    def grow(self, slots: int) -> None:
        """Make room for slots below this number, if there is less."""
        if slots > self._size:
            self._size = slots
            for accumulator in self._accumulators.values():
                accumulator.grow(slots)

    def add(self, slots: Ints, values: Values) -> None:
        """Add rows, in their order: the slot of each, and what `values` has computed of them."""
        for accumulator, column in zip(self._accumulators.values(), values, strict=True):
            if column is None:
                accumulator.add(slots, _NOTHING)
            elif column.null_count():
                there = column.is_not_null()
                accumulator.add(slots[there.to_numpy()], column.filter(there))
            else:
                accumulator.add(slots, column)

    def results(self, slots: Ints) -> dict[str, pl.Series]:
        """Return the results of slots, and empty them."""
        found = {name: accumulator.take(slots) for name, accumulator in self._accumulators.items()}
        return {name: column.cast(self._types[name]) for name, column in found.items()}


class Groups(Computing):
    """Slots that are given to groups; one that was emptied is used again.

    Args:
        by: names of the key columns.
        aggregates: what is computed, by the name of its column.
        columns: names and types of the rows' columns.
        most: how many groups there may be at a time.
    """

    def __init__(
        self, by: Sequence[str], aggregates: Mapping[str, Aggregate], columns: Mapping[str, Any], most: int
    ) -> None:
        super().__init__(aggregates, columns)
        self._by = list(by)
        self._most = most
        self._outputs = output_columns(by, aggregates, columns)
        self._free: list[int] = []
        self.count = 0

    def allocate(self, key: Key) -> int:
        """Return an empty slot. Raises AggregateError if there are too many groups; `key` is that of the new one."""
        if self.count >= self._most:
            named = ", ".join(f"{name}={value!r}" for name, value in zip(self._by, key, strict=True))
            raise AggregateError(
                f"it holds {self.count:,} groups, and max_state allows no more"
                f"{f'; the next would be that of {named}' if named else ''}"
            )
        if not self._free:
            size = self._size
            self.grow(size + max(_LEAST, size))
            self._free = list(range(self._size - 1, size - 1, -1))
        self.count += 1
        return self._free.pop()

    def take(self, slots: Sequence[int], keys: Sequence[Key], starts: Ints, ends: Ints) -> pl.DataFrame:
        """Return the results of groups, in order of end, start and key, and let them go."""
        key_columns = zip(*keys, strict=True) if keys and self._by else [()] * len(self._by)
        columns: dict[str, Any] = {TIMESTAMP: ends, WINDOW_START: starts, WINDOW_END: ends}
        for name, found in zip(self._by, key_columns, strict=True):
            columns[name] = pl.Series(name, found, dtype=self._outputs[name], strict=False)
        columns |= self.results(np.array(slots, dtype=np.int64))
        self._free += slots
        self.count -= len(slots)
        frame = pl.DataFrame(columns).cast(pl.Schema(self._outputs))
        return frame.sort(WINDOW_END, WINDOW_START, *self._by, maintain_order=True)


_NOTHING = pl.Series(dtype=pl.Int64)
