"""Numbers of any kind and their texts, looked up by their bits.

    bits --hash--> place --> 0 (nothing yet) or the number of an entry: its bits, its text in three words

The hash is Fibonacci's (Knuth, The Art of Computer Programming, vol. 3, 6.4): the highest bits of a product. Entries
that find their place taken are few; they are searched, as they stand in a list by their bits. Thousands of rows go
through each step at once, so that a row takes 10 ns; to print a long number takes 30, and to cut it into cells another
25.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .cells import Piece
from .direct import distinct

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["NumberMemo"]

_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # 2**64 divided by the golden ratio
_SHIFT = np.uint64(64 - 17)
_PLACES = 2**17
_ENTRIES = 2**14  # an eighth of the places: few bits find theirs taken
_AT_ONCE = 4_096  # entries that no row has to speak for
_WORDS = 3  # the longest number has 24 characters: -1.7976931348623157e+308
_NULL = 0  # entry
_TYPES: dict[Any, Any] = {pl.Float64(): np.float64, pl.Int64(): np.int64, pl.UInt64(): np.uint64}


class NumberMemo:
    """Texts of the numbers of one column, as they came: at most 16,384, in 1 MB.

    When the numbers turn out not to come again, it is given up and forgets what it knows.
    """

    def __init__(self, dtype: pl.DataType, printed: Callable[[Any], str], null: str) -> None:
        """Make an empty memo.

        Args:
            dtype: the type of the numbers.
            printed: returns the text of a number.
            null: the text of null.
        """
        self._dtype = dtype
        self._printed = printed
        self._null = null
        self._rows = 0
        self._size = 0
        self._width = 1
        self._is_useful = dtype in _TYPES

    def cells(self, numbers: pl.Series) -> list[Piece] | None:
        """Return the cells of the next numbers; None if they are better printed one by one."""
        if not self._is_useful or numbers.dtype != self._dtype:
            return None
        if not self._size:
            self._begin()
        self._rows += len(numbers)
        bits = _bits(numbers.fill_null(strategy="zero") if numbers.null_count() else numbers)
        entries = self._entries(bits)
        if entries is None:
            self._give_up()
            return None
        if numbers.null_count():
            entries[numbers.is_null().to_numpy()] = _NULL
        widths = [min(8, self._width - start) for start in range(0, self._width, 8)]
        tables = self._texts[:, : self._size]
        return [Piece(texts, width).at(entries) for texts, width in zip(tables, widths, strict=False)]

    def _begin(self) -> None:
        """Make the tables. Zero gets an entry first, as empty entries have its bits: so no others find it in there."""
        self._places = np.zeros(_PLACES, np.uint16)
        self._bits = np.zeros(_ENTRIES, np.uint64)
        self._texts = np.zeros((_WORDS, _ENTRIES), np.uint64)
        self._write(_NULL, [self._null])
        self._size = 1
        self._late, self._late_bits = np.zeros(1, np.intp), self._bits[:1]
        self._add(self._bits[:1].copy())

    def _give_up(self) -> None:
        self._is_useful = False
        del self._places, self._bits, self._texts, self._late, self._late_bits

    def _entries(self, bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.intp] | None:
        """Return the entries of these bits, which are made if need be; None if there would be too many."""
        entries = self._find(bits)
        if entries.all():
            return entries
        missing = np.flatnonzero(entries == _NULL)
        unknown = bits[missing]
        new = distinct(unknown[:_ENTRIES])
        if len(new) > _ENTRIES * 3 // 4:
            return None  # they hardly ever come again: to look at all of them would take longer than to print them
        new = new if len(unknown) <= _ENTRIES else distinct(unknown)
        if self._size + len(new) > min(_ENTRIES, _AT_ONCE + self._rows // 2):
            return None
        entries[missing] = self._size + np.searchsorted(new, unknown)
        self._add(new)
        return entries

    def _find(self, bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.intp]:
        """Return the entry of each, or 0."""
        entries = self._places.take(_hash(bits)).astype(np.intp)
        rows = np.flatnonzero(self._bits.take(entries) != bits)
        if len(rows):
            others = bits[rows]
            found = self._late.take(np.searchsorted(self._late_bits, others), mode="clip")
            entries[rows] = np.where(self._bits.take(found) == others, found, _NULL)
        return entries

    def _add(self, bits: npt.NDArray[np.uint64]) -> None:
        """Make entries, in this order, for bits that have none; they must differ."""
        first, self._size = self._size, self._size + len(bits)
        self._bits[first : self._size] = bits
        self._write(first, [self._printed(number) for number in bits.view(_TYPES[self._dtype]).tolist()])
        places, late = self._places.data, [*self._late.tolist()]
        for entry, place in enumerate(_hash(bits).tolist(), first):
            if places[place]:
                late.append(entry)
            else:
                places[place] = entry
        if len(late) > len(self._late):
            self._late = np.array(late)
            self._late = self._late[np.argsort(self._bits[self._late])]
            self._late_bits = self._bits[self._late]

    def _write(self, first: int, texts: list[str]) -> None:
        lines = np.array([text.encode() for text in texts], f"S{8 * _WORDS}").view("<u8")
        self._texts[:, first : first + len(texts)] = lines.reshape(-1, _WORDS).T
        self._width = max(self._width, *map(len, texts))


def _hash(bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    products = bits * _FACTOR
    products >>= _SHIFT
    return products.view(np.int64)


def _bits(numbers: pl.Series) -> npt.NDArray[np.uint64]:
    return np.ascontiguousarray(numbers.to_numpy()).view(np.uint64)
