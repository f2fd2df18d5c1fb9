"""The keys of rows: which rows of a block belong together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[Any]

__all__ = ["Keys", "dense", "keys_of"]


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
        column = column + 0.0  # a zero has no sign
    distinct = column.unique(maintain_order=True)
    if column.dtype.is_nested() or column.dtype in (pl.Categorical, pl.Enum, pl.Decimal):
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
    codes = pl.Series(found.astype(np.int64))
    return _with_null(codes.set(column.is_null(), None) if column.null_count() else codes, known.to_list())


def _with_null(codes: pl.Series, values: list[Any]) -> _ColumnKeys:
    if not codes.null_count():
        return _ColumnKeys(codes.to_numpy().astype(np.int64), values)
    return _ColumnKeys(codes.cast(pl.Int64).fill_null(len(values)).to_numpy(), [*values, None])


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
