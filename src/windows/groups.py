"""Groups of rows with what their aggregates keep: the store under windows and sessions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..expression import Expression, Type, polars_type, to_polars, typecheck
from ..expression.builders import unsigned_zeros
from ..expression.tree import Column
from ..formats.arrow_series import column_of
from ..record import TIMESTAMP
from .accumulators import Kept, Stretches
from .aggregates import WINDOW_END, WINDOW_START, Aggregate, AggregateError
from .keys import KeyTable

if TYPE_CHECKING:
    import numpy.typing as npt

    from .accumulators import Accumulator

    Ints = npt.NDArray[Any]

__all__ = ["Computing", "Groups", "Values"]

Values = Sequence[pl.Series | None]

_LEAST = 1024
_AT_ONCE = 1 << 16
"""So many results go out at a time, as a window may have a million keys."""


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
        self._kinds = {name: aggregate.kind(columns) for name, aggregate in aggregates.items()}
        self._expressions: dict[str, pl.Expr] = {}
        self._size = 0
        self._compile(columns)

    def _compile(self, columns: Mapping[str, Any]) -> None:
        self._columns = dict(columns)
        self._plain = {
            name: plain
            for name, aggregate in self._aggregates.items()
            if (plain := _plain(aggregate.expression, columns)) is not None
        }
        self._expressions = {
            name: to_polars(aggregate.expression, columns).alias(name)
            for name, aggregate in self._aggregates.items()
            if aggregate.expression is not None and name not in self._plain
        }

    def _take_over(self, columns: Mapping[str, Any]) -> None:
        """Go on with other columns: what was null in every row so far may get any type, integers may become floats."""
        for name, aggregate in self._aggregates.items():
            was, now = self._kinds[name], aggregate.kind(columns)
            if was is Type.NULL:
                self._kinds[name], self._types[name] = now, aggregate.type(columns)
                self._accumulators[name] = aggregate.start(columns)
                self._accumulators[name].grow(self._size)
            elif (was, now) == (Type.INTEGER, Type.FLOAT):
                self._kinds[name], self._types[name] = now, aggregate.type(columns)
                self._accumulators[name] = self._accumulators[name].of_floats()
            elif now not in (was, Type.NULL) and not aggregate.recipe.of_rows:
                raise AggregateError("the columns have changed their types in the midst of the stream")
        self._compile(columns)

    def values(self, frame: pl.DataFrame) -> Values:
        """Compute what is aggregated, for each row of a frame; None where rows are counted.

        Raises:
            AggregateError: the frame has other columns than the frames before, and does not go together with them.
        """
        if dict(frame.schema) != self._columns:
            self._take_over(frame.schema)
        # `select` would make one row of what is constant
        computed = frame.with_columns_seq(self._expressions.values()) if self._expressions else frame
        columns = {name: computed.get_column(name) for name in self._expressions}
        columns |= {name: frame.get_column(plain) for name, plain in self._plain.items()}
        columns |= {name: _there(column) for name, column in columns.items() if self._aggregates[name].recipe.of_rows}
        return [columns.get(name) for name in self._aggregates]

    def grow(self, slots: int) -> None:
        """Make room for slots below this number, if there is less."""
        if slots > self._size:
            self._size = slots
            for accumulator in self._accumulators.values():
                accumulator.grow(slots)

    def add(self, slots: Ints | Stretches, values: Values) -> None:
        """Add rows, in their order: the slot, or slots, of each, and what `values` has computed of them."""
        for accumulator, column in zip(self._accumulators.values(), values, strict=True):
            if column is None:
                accumulator.add(slots, _NOTHING)
            elif column.dtype == pl.Null:
                continue
            elif column.null_count():
                there = column.is_not_null()
                rows = there.to_numpy()
                some = slots.of(rows) if isinstance(slots, Stretches) else slots[rows]
                accumulator.add(some, column.filter(there))
            else:
                accumulator.add(slots, column)

    def results(self, slots: Ints) -> dict[str, pl.Series]:
        """Return the results of slots, and empty them."""
        found = {name: accumulator.take(slots) for name, accumulator in self._accumulators.items()}
        return {name: _of_type(column, self._types[name]) for name, column in found.items()}


class Groups(Computing):
    """Groups by key, and by a number that is the caller's: that of a window, or of a session.

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
        self.keys = KeyTable(by, columns)
        self._most = most
        self._free = np.zeros(0, np.int64)
        self.count = 0

    @property
    def room(self) -> int:
        """How many groups more there may be."""
        return self._most - self.count

    @property
    def room_for_values(self) -> int:
        """How many values more each aggregate may keep; without end where none keeps any."""
        kept = [each.kept for each in self._accumulators.values() if isinstance(each, Kept)]
        return (self._most - sum(kept)) // len(kept) if kept else sys.maxsize

    def open(self, codes: Ints) -> None:
        """Count groups of these keys as open. Raises AggregateError if there are too many."""
        if self.count + len(codes) > self._most:
            named = self.keys.words(int(codes[self._most - self.count]))
            raise AggregateError(
                f"it holds {self._most:,} groups, and max_state allows no more"
                f"{f'; the next would be that of {named}' if named else ''}"
            )
        self.count += len(codes)

    def allocate(self, codes: Ints) -> Ints:
        """Open groups of these keys and return empty slots for them; `free` takes them back."""
        self.open(codes)
        if len(codes) > len(self._free):
            size = self._size
            self.grow(size + max(_LEAST, size, len(codes)))
            self._free = np.concatenate([np.arange(self._size - 1, size - 1, -1), self._free])
        kept = len(self._free) - len(codes)
        slots, self._free = self._free[kept:][::-1], self._free[:kept]
        return slots

    def free(self, slots: Ints) -> None:
        """Take back slots whose groups have been let go."""
        self._free = np.concatenate([self._free, slots])

    def check_room(self, code_of: Callable[[int], int]) -> None:
        """Raise AggregateError if more values are kept than there may be groups: with the key that has the most.

        Args:
            code_of: returns the key of a slot.
        """
        keepers = [each for each in self._accumulators.values() if isinstance(each, Kept) and each.kept]
        kept = sum(each.kept for each in keepers)
        if kept > self._most:
            counts = np.sum([each.kept_of() for each in keepers], axis=0)
            named = self.keys.words(code_of(int(counts.argmax())))
            of = f"; {counts.max():,} of them are of {named}" if named else ""
            raise AggregateError(f"it holds {kept:,} values of open windows, and max_state allows {self._most:,}{of}")

    def take(self, slots: Ints, codes: Ints, starts: Ints, ends: Ints) -> Iterator[pl.DataFrame]:
        """Yield the results of groups, in order of end, start and key, and let them go."""
        order = np.lexsort((self.keys.ranks(codes), starts, ends))
        results = self.results(slots)  # not put in order before: what lies side by side is quicker to get
        self.count -= len(slots)
        for first in range(0, len(order), _AT_ONCE):
            some = order[first : first + _AT_ONCE]
            end, start = (column_of(edge[some]).cast(_TIME) for edge in (ends, starts))
            columns = {TIMESTAMP: end, WINDOW_START: start, WINDOW_END: end}
            columns |= {column.name: column for column in self.keys.rows(codes[some])}
            places = column_of(some.astype(np.uint32))
            columns |= {name: column[places] for name, column in results.items()}
            yield pl.DataFrame([column.alias(name) for name, column in columns.items()])

    def too_many_keys(self) -> bool:
        """Tell whether most keys are known for nothing: no group has them."""
        return self.keys.count > _LEAST + 4 * self.count


def _plain(expression: Expression | None, columns: Mapping[str, Any]) -> str | None:
    """Return the name of the column that the expression is, as it is; None if something is to be computed."""
    root = None if expression is None else expression.root
    if expression is None or not isinstance(root, Column) or columns.get(root.path[0]) is None or len(root.path) > 1:
        return None
    kind = typecheck(expression, columns)
    return root.name if columns[root.name] == polars_type(kind) and kind is not Type.TIMESTAMP else None


def _there(column: pl.Series) -> pl.Series:
    """Return true where there is a value, null where there is none: all that counts, whatever the type."""
    ones = np.ones(len(column), np.bool_)
    return column_of(ones, column.is_not_null().to_numpy() if column.null_count() else None)


_NOTHING = pl.Series(dtype=pl.Int64)
_TIME = pl.Datetime("us", "UTC")


def _of_type(column: pl.Series, dtype: Any) -> pl.Series:
    column = column if column.dtype == dtype else column.cast(dtype)
    return unsigned_zeros(column) if dtype == pl.Float64 else column
