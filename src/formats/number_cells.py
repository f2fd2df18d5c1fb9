"""Numbers as cells: texts that are printed once and looked up by many rows.

What is measured has few digits and stays in its range: a temperature of 32.56 is one of some thousand numbers between
-20.00 and 45.00. So all numbers from the least to the greatest are printed, and row after row looks its text up, which
takes 5 ns instead of 50. What was computed of it has more digits (91.39999999999999), but comes again as often: such
numbers are looked up by their bits (`number_memo`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import polars as pl

from .arrow_series import column_of
from .cells import Piece
from .number_memo import NumberMemo
from .text_cells import text_cells

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["NumberTexts"]

_SCALES: Final = (1, 10, 100, 1_000, 10_000)
_SAMPLE = 100  # values by which the scale is chosen
_MOST = 65_536  # texts in a table
_AT_ONCE = 2_048  # texts that no row has to speak for
_FURTHER = 8  # a table that grows has an eighth more than it must

_TO_WHOLE: Final = 1.5 * 2**52
"""The doubles around this number are the whole ones: to add it rounds to a whole number, which the lowest bits hold."""

_ITS_BITS: Final = int(np.float64(_TO_WHOLE).view(np.int64))
_LARGEST = 2**51 - 1  # whole number that can be had so


class _Steps(NamedTuple):
    """Whole numbers and a scale, so that number / scale is bit for bit the value; no scale: they are the values.

    All `numbers` are greater by `zero` than they should be, which `least` and `most` are not.
    """

    numbers: npt.NDArray[np.int64]
    scale: int | None
    least: int
    most: int
    zero: int


class NumberTexts:
    """The texts of the numbers of one column, in tables that grow with what comes.

    No more texts are made for tables than rows have been printed, but for some thousand: so a column whose values are
    all different (a counter, a position) never pays for more than it gets, and is printed value by value.

    >>> from plait.formats.printing import print_numbers
    >>> texts = NumberTexts(print_numbers, repr, "")
    >>> (piece,) = texts.cells(pl.Series([9, 10, None, 9, 9, 9]))
    >>> [item.tobytes().strip(b"\\0") for item in piece.of_rows().items[:3]]
    [b'9', b'10', b'']
    """

    def __init__(self, printed: Callable[[pl.Series], pl.Series], printed_one: Callable[[Any], str], null: str) -> None:
        """Make empty tables.

        Args:
            printed: returns the text of each number.
            printed_one: returns the text of one number, the same.
            null: the text of null.
        """
        self._printed = printed
        self._printed_one = printed_one
        self._null = null
        self._memo: NumberMemo | None = None
        self._rows = self._spent = 0
        self._scale: int | None = None
        self._least, self._most = 0, -1
        self._table: Sequence[Piece] = ()

    def cells(self, numbers: pl.Series) -> list[Piece] | None:
        """Return the cells of the next values; None if they have none.

        Args:
            numbers: of any type; all of the same one.
        """
        self._rows += len(numbers)
        filled = numbers.fill_null(strategy="min") if numbers.null_count() else numbers
        steps = None if filled.null_count() or not len(filled) else _steps(filled, self._scale)
        if steps is None or not self._has(steps):
            return self._remembered(numbers) or text_cells(self._printed(numbers))
        places = steps.numbers - (steps.zero + self._least)
        if numbers.null_count():
            places[numbers.is_null().to_numpy()] = self._most - self._least + 1
        return [piece.at(places) for piece in self._table]

    def _remembered(self, numbers: pl.Series) -> list[Piece] | None:
        if self._memo is None:
            self._memo = NumberMemo(numbers.dtype, self._printed_one, self._null)
        return self._memo.cells(numbers)

    def _has(self, steps: _Steps) -> bool:
        """Make sure that the table has these numbers, if that is worth it."""
        least, most = steps.least, steps.most
        if steps.scale == self._scale and self._least <= least and most <= self._most:
            return True
        if steps.scale == self._scale and max(most, self._most) - min(least, self._least) < _MOST and self._table:
            more = (self._most - self._least) // _FURTHER  # or it would have to grow for each new extreme
            least = self._least if self._least <= least else least - more
            most = self._most if most <= self._most else most + more
        if most - least >= _MOST or self._spent + most - least > _AT_ONCE + self._rows * 3 // 4:
            return False
        self._spent += most - least
        table = text_cells(self._printed(_numbers(steps.scale, least, most)).extend_constant(self._null, 1))
        if table is not None:
            self._scale, self._least, self._most, self._table = steps.scale, least, most, table
        return table is not None


def _numbers(scale: int | None, least: int, most: int) -> pl.Series:
    span = np.arange(least, most + 1)
    return column_of(span if scale is None else span / scale)


def _steps(numbers: pl.Series, known: int | None) -> _Steps | None:
    """Return what takes the place of the numbers, with the known scale if that is fine enough; None if there is no
    such."""
    if numbers.dtype.is_integer() and numbers.dtype not in (pl.UInt64, pl.Int128, pl.UInt128):
        return _bounded(numbers.cast(pl.Int64).to_numpy(), None, 0)
    if numbers.dtype != pl.Float64:
        return None
    values = np.ascontiguousarray(numbers.to_numpy())
    scale = _scale(values[:: max(1, len(values) // _SAMPLE)][:_SAMPLE])
    return None if scale is None else _scaled(values, max(scale, known or scale))


def _scale(values: npt.NDArray[np.float64]) -> int | None:
    """Return the first scale that makes these values whole."""
    scales = np.array(_SCALES, np.float64)[:, None]
    with np.errstate(invalid="ignore", over="ignore"):
        exact = (np.rint(values * scales) / scales == values).all(axis=1)
    return next((scale for scale, is_exact in zip(_SCALES, exact.tolist(), strict=True) if is_exact), None)


def _scaled(values: npt.NDArray[np.float64], scale: int) -> _Steps | None:
    with np.errstate(invalid="ignore", over="ignore"):
        rounded = values * scale
        rounded += _TO_WHOLE
        back = rounded - _TO_WHOLE
        back /= scale
    if not (back.view(np.int64) == values.view(np.int64)).all():  # by their bits: -0.0 is not 0.0
        return None
    return _bounded(rounded.view(np.int64), scale, _ITS_BITS)


def _bounded(numbers: npt.NDArray[np.int64], scale: int | None, zero: int) -> _Steps | None:
    least, most = int(numbers.min()) - zero, int(numbers.max()) - zero
    return _Steps(numbers, scale, least, most, zero) if least >= -_LARGEST and most <= _LARGEST else None
