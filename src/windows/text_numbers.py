"""Numbers for texts, the same from block to block: 0, 1, ... in the order in which texts come.

polars holds a text of up to 12 bytes in two words of 64 bits, its length and its bytes, padded with zeros (Arrow's
"variable-size binary view"): equal texts have equal words. So texts are numbers to numpy, and are found in a table:

    words --hash--> place --> 0 (nothing yet), or the entry of a text: its two words

The hash is Fibonacci's (Knuth, The Art of Computer Programming, vol. 3, 6.4): the highest bits of a product. Where a
place is taken by another text, the next one is tried. Thousands of rows go through each step at once, so that a row
takes 5 to 10 ns. Longer texts are numbered by polars, as categories, at 20 to 30; these numbers are their words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa

from ..formats.arrow_series import column_of

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[Any]
    Words = npt.NDArray[np.uint64]

__all__ = ["TextNumbers"]

_SHORT = np.uint64(12)  # bytes
_LENGTH = np.uint64((1 << 32) - 1)
_LONG, _NULL, _NO_TEXT = (np.uint64((1 << 64) - 1 - each) for each in range(3))  # no text is as long as these say
_FACTORS = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03)
_LEAST = 1 << 10
_AT_ONCE = 1 << 14  # so many entries and their places stay in a cache


class TextNumbers:
    """Numbers the texts of columns.

    Attributes:
        count: how many different texts there were; null counts as one.
    """

    def __init__(self) -> None:
        self.count = 0
        self._first, self._second = np.full(_LEAST, _NO_TEXT), np.zeros(_LEAST, np.uint64)  # by entry
        self._entries = np.zeros(2 * _LEAST, np.int32)  # by place: the number of a text, plus 1
        # It keeps the numbers of long texts alive: polars forgets them with the last column that has them.
        self._long = pl.Series([], dtype=pl.Categorical(pl.Categories.random()))

    def of(self, texts: pl.Series) -> tuple[Ints, Ints]:
        """Return the number of each text, and where those that are new first stand, in the order of their numbers."""
        if not len(texts):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        first, second = self._words(texts)
        entries = self._found(first, second)
        missing = np.flatnonzero(entries == 0)
        if len(missing):
            self._make_room(len(missing))
            entries[missing], fresh = self._added(first[missing], second[missing])
            missing = missing[fresh]
        return entries.astype(np.int64) - 1, missing

    def in_order(self) -> Ints | None:
        """Return the numbers of all texts by code points, null first; None if some are long: they are not held here."""
        made = slice(1, self.count + 1)
        first, second = self._first[made], self._second[made]
        if (first == _LONG).any():
            return None
        above = first >> np.uint64(32) | second << np.uint64(32)  # the first eight bytes; they say most
        below = (second >> np.uint64(32)).astype(np.uint32).byteswap().astype(np.uint64) << np.uint64(32)
        below |= (first & _LENGTH) + np.uint64(1)  # "a" is less than "a" with a NUL behind it
        is_null = first == _NULL
        above[is_null], below[is_null] = 0, 0
        order: Ints = np.lexsort((below, above.byteswap()))
        return order

    def _words(self, texts: pl.Series) -> tuple[Words, Words]:
        """Return two words for each text, equal for equal texts."""
        array = pa.chunked_array(texts.rechunk()).chunk(0)
        views = np.frombuffer(array.buffers()[1], np.uint64).reshape(-1, 2)[array.offset : array.offset + len(texts)]
        first, second = views[:, 0], views[:, 1]
        is_long = (first & _LENGTH) > _SHORT
        if texts.null_count():
            absent = texts.is_null().to_numpy()  # what their views hold says nothing
            first, second = np.where(absent, _NULL, first), np.where(absent, 0, second)
            is_long &= ~absent
        if is_long.any():
            some = texts if is_long.all() else texts.filter(column_of(is_long))
            first, second = np.where(is_long, _LONG, first), second.copy()
            second[is_long] = some.cast(self._long.dtype).to_physical().to_numpy()
        return first, second

    def _hash(self, first: Words, second: Words) -> Ints:
        products = first * _FACTORS[0]
        products += second
        products *= _FACTORS[1]
        products >>= np.uint64(65 - len(self._entries).bit_length())
        return products.view(np.int64)

    def _found(self, first: Words, second: Words) -> npt.NDArray[np.int32]:
        """Return the entry of each, or 0."""
        places = self._hash(first, second)
        entries = self._entries.take(places)
        other = self._first.take(entries) != first
        other |= self._second.take(entries) != second
        rows = np.flatnonzero(other)
        while len(rows := rows[entries[rows] != 0]):
            places[rows] = (places[rows] + 1) % len(self._entries)
            entries[rows] = self._entries[places[rows]]
            of = entries[rows]
            rows = rows[(self._first[of] != first[rows]) | (self._second[of] != second[rows])]
        return entries

    def _make_room(self, count: int) -> None:
        """Make room for so many more entries; at least half of the places stay free."""
        size = 1 << (2 * (self.count + count + 1)).bit_length()
        if size > len(self._entries):
            self._entries = np.zeros(size, np.int32)
            more = np.zeros(size // 2 - len(self._first), np.uint64)
            self._first, self._second = (np.concatenate([words, more]) for words in (self._first, self._second))
            for start in range(1, self.count + 1, _AT_ONCE):
                some = slice(start, min(start + _AT_ONCE, self.count + 1))
                owners, places = self._settled(self._first[some], self._second[some])
                self._entries[places] = owners + start

    def _added(self, first: Words, second: Words) -> tuple[Ints, Ints]:
        """Make entries for words that have none. Return the entry of each, and where the new ones first stand."""
        owners, places = self._settled(first, second)
        fresh = np.flatnonzero(owners == np.arange(len(owners)))
        entries = np.empty(len(owners), np.int32)
        entries[fresh] = np.arange(self.count + 1, self.count + 1 + len(fresh))
        made = slice(self.count + 1, self.count + 1 + len(fresh))
        self._first[made], self._second[made] = first[fresh], second[fresh]
        self._entries[places[fresh]] = entries[fresh]
        self.count += len(fresh)
        return entries[owners], fresh

    def _settled(self, first: Words, second: Words) -> tuple[Ints, Ints]:
        """Find a place for words that have none. Return which of them, the first of its kind, each is; and its place.

        Those of one kind try the same places at the same time, and the first of all that come to a free one gets it.
        """
        owners, places = np.empty(len(first), np.int64), self._hash(first, second)
        rows = np.arange(len(first))
        while len(rows):
            free = rows[self._entries[places[rows]] == 0][::-1]
            self._entries[places[free]] = -1 - free  # of several that are assigned to one place, the last stays
            there = -1 - self._entries[places[rows]].astype(np.int64)  # less than 0: an older entry, of another kind
            same = (first.take(there, mode="clip") == first[rows]) & (second.take(there, mode="clip") == second[rows])
            same &= there >= 0
            owners[rows[same]] = there[same]
            rows = rows[~same]
            places[rows] = (places[rows] + 1) % len(self._entries)
        return owners, places
