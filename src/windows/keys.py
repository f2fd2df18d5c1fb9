"""The keys of rows: which rows belong together, in a block and from block to block."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from ..formats.arrow_series import column_of
from ..formats.direct import taken
from .aggregates import AggregateError
from .text_numbers import TextNumbers

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[Any]

__all__ = ["KeyTable", "Keys", "dense", "keys_of"]


class Keys(NamedTuple):
    """The keys of a block.

    Attributes:
        codes: of each row, the place of its key in `values`.
        values: the different keys, a tuple of the values of the columns each; none comes twice.
    """

    codes: Ints
    values: list[tuple[Any, ...]]


def keys_of(frame: pl.DataFrame, by: Sequence[str]) -> Keys:
    """Return the keys of rows by some of their columns. Nulls are a key of their own, and so are NaN.

    >>> keys_of(pl.DataFrame({"city": ["b", "a", "b", None]}), ["city"])
    Keys(codes=array([0, 1, 0, 2]), values=[('b',), ('a',), (None,)])
    """
    if not by:
        return Keys(np.zeros(frame.height, np.int64), [()])
    columns = [_column_keys(frame.get_column(name)) for name in by]
    if len(columns) == 1:
        codes, values = columns[0]
        return Keys(codes, [(value,) for value in values])
    mixed = columns[0].codes
    for codes, values in columns[1:]:
        mixed = mixed * len(values) + codes
        # The numbers stay small: as many as there are rows, at most.
        mixed = dense(mixed).codes
    _, first = np.unique(mixed, return_index=True)
    rows = [[values[code] for code in codes[first].tolist()] for codes, values in columns]
    return Keys(mixed, list(zip(*rows, strict=True)))


class _ColumnKeys(NamedTuple):
    codes: Ints
    values: list[Any]


def _column_keys(column: pl.Series) -> _ColumnKeys:
    """Return the keys of one column, in the order in which they come."""
    if column.dtype == pl.String:
        packed = column.cast(pl.Categorical(pl.Categories.random()))  # a dictionary of its own, gone with the block
        known = packed.unique().drop_nulls()
        return _with_null(packed.to_physical(), known.gather(known.to_physical().arg_sort()).to_list())
    if column.dtype.is_float():
        column = column.zip_with(column.ne_missing(0), pl.Series([0.0], dtype=column.dtype))  # a zero has no sign
    if column.dtype.is_temporal():  # Python's times are not told apart within a microsecond, or a repeated hour
        column = column.to_physical()
    distinct = column.unique(maintain_order=True)
    if column.dtype in (pl.Categorical, pl.Enum, pl.Decimal):
        numbered = pl.DataFrame({"value": distinct, "code": np.arange(len(distinct))})
        joined = column.to_frame("value").join(
            numbered, on="value", how="left", nulls_equal=True, maintain_order="left"
        )
        return _ColumnKeys(joined["code"].to_numpy(), distinct.to_list())
    known = distinct.drop_nulls()
    order = known.arg_sort()
    numbers = known.gather(order).to_physical().to_numpy()
    filled = column.fill_null(strategy="forward").fill_null(strategy="backward").to_physical().to_numpy()
    found = order.to_numpy()[np.searchsorted(numbers, filled)] if len(known) else np.zeros(len(column), np.int64)
    codes = column_of(found.astype(np.int64))
    return _with_null(codes.set(column.is_null(), None) if column.null_count() else codes, _values(known))


def _with_null(codes: pl.Series, values: list[Any]) -> _ColumnKeys:
    if not codes.null_count():
        return _ColumnKeys(codes.to_numpy().astype(np.int64), values)
    return _ColumnKeys(codes.cast(pl.Int64).fill_null(len(values)).to_numpy(), [*values, None])


def _values(column: pl.Series) -> list[Any]:
    """Return the values, NaN always as one and the same object: a dict finds no other, as NaN is unequal to itself."""
    values: list[Any] = column.to_list()
    return [value if value == value else math.nan for value in values] if column.dtype.is_float() else values


def _as_keys(dtype: pl.DataType) -> Any:
    """Return in which type `keys_of` has the values of a column."""
    return pl.Int64() if dtype.is_temporal() else dtype


class Dense(NamedTuple):
    """Numbers put in order without gaps: the place of each among the different ones, and these."""

    codes: Ints
    numbers: Ints


def dense(numbers: Ints) -> Dense:
    """Number the different numbers from 0 on, in their order.

    >>> dense(np.array([70, 20, 70]))
    Dense(codes=array([1, 0, 1]), numbers=array([20, 70]))
    """
    if len(numbers) == 0:
        return Dense(numbers, numbers)
    least = int(numbers.min())
    span = int(numbers.max()) - least + 1
    if span > 4 * len(numbers) + 1024:
        different, codes = np.unique(numbers, return_inverse=True)
        return Dense(codes, different)
    shifted = numbers - least
    there = np.flatnonzero(np.bincount(shifted, minlength=span))
    places = np.empty(span, np.int64)
    places[there] = np.arange(len(there))
    return Dense(places[shifted], there + least)


def _inverse(order: Ints) -> Ints:
    """Return the place of each number in an order of 0, 1, ..."""
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    return places


class KeyTable:
    """Numbers for keys, the same from block to block: 0, 1, ... in the order in which keys come.

    One column of text, which most keys are, is numbered by `TextNumbers`, all others by a dict.

    Args:
        by: names of the key columns.
        columns: names and types of the rows' columns.
    """

    def __init__(self, by: Sequence[str], columns: Mapping[str, Any]) -> None:
        self._by = list(by)
        self._table = pl.DataFrame(schema={name: columns[name] for name in by})
        self._known: dict[tuple[Any, ...], int] = {}
        self._is_text = self._has_text_only()
        self._texts = TextNumbers()
        self._ranks = np.zeros(0, np.int64)  # of the keys that there were
        self._asked = 0  # for how many ranks since then
        self.count = 0

    def _has_text_only(self) -> bool:
        return len(self._by) == 1 and self._table.dtypes[0] == pl.String

    def codes(self, frame: pl.DataFrame) -> Ints:
        """Return the number of the key of each row."""
        frame = self._agreed(frame)
        if self._is_text:
            return self._codes_of_texts(frame.get_column(self._by[0]))
        keys = keys_of(frame, self._by)
        new = [key for key in keys.values if key not in self._known]
        if new:
            self._known |= {key: self.count + place for place, key in enumerate(new)}
            schema = {name: _as_keys(dtype) for name, dtype in self._table.schema.items()}
            rows = pl.DataFrame(new, schema=schema, orient="row", strict=False)
            self._add(rows.cast(self._table.schema), len(new))
        return np.array([self._known[key] for key in keys.values], dtype=np.int64)[keys.codes]

    def _agreed(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with keys of the types that are known; what was null in all rows so far takes its type."""
        for name, dtype in self._table.schema.items():
            found = frame.schema.get(name)
            if found != dtype and found == pl.Null:
                frame = frame.with_columns(pl.lit(None, dtype=dtype).alias(name))
            elif found != dtype:
                self.take_over({name: found})
        return frame

    def take_over(self, types: Mapping[str, Any]) -> None:
        """Give keys their types: those that were null so far have got one. Raises AggregateError if others change.

        The number of a null stays: it is the only one of a column of texts that was null, where it is 0 as well.
        """
        for name, now in types.items():
            was = self._table.schema[name]
            if was not in (now, pl.Null) or now is None or now.is_nested():
                said = "not there any more" if now is None else f"{now}, and was {was} before"
                raise AggregateError(f"the key {name!r} is {said}: it must not change in the midst of a stream")
        self._table = self._table.with_columns(pl.col(name).cast(now) for name, now in types.items())
        if self._has_text_only() and not self._is_text:
            self._is_text = True
            self._texts.of(self._table.to_series())

    def _codes_of_texts(self, texts: pl.Series) -> Ints:
        codes, new = self._texts.of(texts)
        if len(new):
            self._add(taken(texts.to_frame(), column_of(new.astype(np.uint32))), len(new))
        return codes

    def _add(self, keys: pl.DataFrame, count: int) -> None:
        self._table = self._table.vstack(keys)
        self.count += count
        self._asked = 0

    def rows(self, codes: Ints) -> pl.DataFrame:
        """Return the key columns of keys."""
        if not self._by:
            return pl.DataFrame()
        if self._table.n_chunks() > 1:
            self._table = self._table.rechunk()  # or each look into it would do that
        return taken(self._table, column_of(codes.astype(np.uint32)))

    def ranks(self, codes: Ints) -> Ints:
        """Return numbers by which keys are put in order: by their columns, null first.

        All keys are put in order when as many were asked for since the last one came: mostly no others come any more.
        """
        if not self._by:
            return codes
        self._asked += len(codes)
        if self._asked < self.count:
            places, different = dense(codes)
            return self._order(different)[places]
        if len(self._ranks) != self.count:
            order = self._texts.in_order() if self._is_text else None
            self._ranks = self._order(np.arange(self.count)) if order is None else _inverse(order)
        return self._ranks[codes]

    def _order(self, codes: Ints) -> Ints:
        """Return the place of each of some keys, none of them twice, when they are put in order."""
        rows = self.rows(codes)
        order = rows.to_series().arg_sort() if rows.width == 1 else rows.select(pl.arg_sort_by(self._by)).to_series()
        return _inverse(order.to_numpy())

    def words(self, code: int) -> str:
        """Return a key as people read it."""
        values = self._table.row(code) if self._by else ()
        return ", ".join(f"{name}={value!r}" for name, value in zip(self._by, values, strict=True))

    def forget(self, alive: Ints) -> Ints:
        """Forget all keys but these. Return the new number of each: its place."""
        self._ranks = np.zeros(0, np.int64)
        table = self._table[alive] if self._by else self._table
        if self._is_text:
            self._texts, self._table, self.count = TextNumbers(), table.clear(), 0
            return self._codes_of_texts(table.to_series())
        self._table, self.count = table, len(alive)
        keys = keys_of(table, self._by)
        self._known = {keys.values[code]: place for place, code in enumerate(keys.codes.tolist())}
        return np.arange(len(alive))
