"""Texts as numbers, so that a row is looked up once, whatever many rules compare its text with.

Short texts are found by numpy: Arrow (and so polars) keeps a text of up to twelve bytes in two words of 64 bits, its
length first, so that two such texts are equal if their words are. A few are compared with one by one, many are hashed:

    words of a text --hash--> slot: the text that may be there --compare its words--> its number, or that of others

Others are compared, or hashed, by polars.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

__all__ = ["Texts"]

_Array: TypeAlias = npt.NDArray[Any]

_FEW: Final = 5
"""So many texts, or fewer, are compared with one by one: that is quicker than to look them up."""
_SHORT: Final = 12
"""So many bytes, or fewer, are kept in the words of a text."""
_IN_FIRST: Final = 4
"""So many of them stand in the first word, beside the length."""
_SLOTS_PER_TEXT: Final = 64
_MOST_SLOTS: Final = 1 << 16
_TRIES: Final = 16
_MOST_OTHERS: Final = 1_000


class Texts:
    """The texts that a column is compared with, numbered.

    Args:
        texts: the texts; others, and null, share the number `len(texts)`.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        known = sorted(set(texts))
        self.code = {text: code for code, text in enumerate(known)}
        self.are_many = len(known) > _FEW
        """Whether each row is looked up: that takes 10-20 ns, where to compare with a text takes 2."""
        self._short: _ShortTexts | _FewShortTexts | None = None
        self._long: _LongTexts | None = None
        if all(len(text.encode()) <= _SHORT for text in known):
            self._short = _ShortTexts(known) if self.are_many else _FewShortTexts(known)
        elif self.are_many:
            self._long = _LongTexts(known)

    def codes(self, series: pl.Series, rows: _Array | None = None) -> _Array:
        """Return the number of each text of a column, of some rows or of all."""
        if series.dtype != pl.String:
            series = series.cast(pl.String)
        if self._short is not None:
            return self._short.codes(series, rows)
        if rows is not None:
            series = series.gather(rows)
        return self._compared(series) if self._long is None else self._long.codes(series)

    def _compared(self, series: pl.Series) -> _Array:
        codes = np.full(len(series), len(self.code), np.uint8)
        for text, code in self.code.items():
            same = series == text
            found = same.fill_null(False) if same.null_count() else same
            codes -= found.to_numpy().view(np.uint8) * np.uint8(len(self.code) - code)
        return codes


def _words(series: pl.Series) -> _Array:
    """Return two words for each text; those of a null mean nothing."""
    if not len(series):
        return np.empty((0, 2), np.uint64)
    array = pa.chunked_array(series if series.n_chunks() == 1 else series.rechunk()).chunk(0)
    words = np.frombuffer(array.buffers()[1], np.uint64).reshape(-1, 2)
    return words[array.offset : array.offset + len(array)]


class _FewShortTexts:
    """Texts of which each is all in its words, to compare with one by one.

    Args:
        texts: the texts, by number.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        words = _words(pl.Series(texts, dtype=pl.String))
        self._texts = [(first, second, len(text.encode())) for text, (first, second) in zip(texts, words, strict=True)]

    def codes(self, series: pl.Series, rows: _Array | None) -> _Array:
        words = _words(series)
        if rows is not None:
            words = words.take(rows, axis=0)
        others = len(self._texts)
        if not others:
            return np.zeros(len(words), np.uint8)
        codes = self._differ(words, 0).view(np.uint8)  # which is all there is to tell of one text
        if others > 1:
            codes *= np.uint8(others)
        for code in range(1, others):
            codes -= (~self._differ(words, code)).view(np.uint8) * np.uint8(others - code)
        return _without_nulls(codes, series, rows, others)

    def _differ(self, words: _Array, code: int) -> _Array:
        first, second, size = self._texts[code]
        differ: _Array = words[:, 0] != first
        if size > _IN_FIRST:
            differ |= words[:, 1] != second
        return differ


def _without_nulls(codes: _Array, series: pl.Series, rows: _Array | None, others: int) -> _Array:
    """Give nulls, whose words mean nothing, the number of others."""
    if series.null_count():
        there = series.is_not_null().to_numpy()
        codes[~(there if rows is None else there[rows])] = others
    return codes


class _ShortTexts:
    """A hash table of texts of which each is all in its words.

    Args:
        texts: the texts, by number.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._others = len(texts)
        words = _words(pl.Series(texts, dtype=pl.String))
        self._bits = min(len(texts) * _SLOTS_PER_TEXT, _MOST_SLOTS).bit_length()
        self._factor = min(_factors(), key=lambda factor: self._depth(words, factor))
        self._first, self._second = (np.append(words[:, side], np.uint64(0)) for side in (0, 1))
        self._layers = _layers(self._hashed(words, self._factor), 1 << self._bits)

    def _hashed(self, words: _Array, factor: np.uint64) -> _Array:
        mixed = words[:, 1] * factor
        mixed ^= words[:, 0]
        mixed *= factor
        mixed >>= np.uint64(64 - self._bits)
        return mixed.view(np.int64)

    def _depth(self, words: _Array, factor: np.uint64) -> int:
        """Return how many texts share a slot."""
        return int(np.bincount(self._hashed(words, factor)).max())

    def codes(self, series: pl.Series, rows: _Array | None) -> _Array:
        words = _words(series)
        if rows is not None:
            words = words.take(rows, axis=0)
        slots = self._hashed(words, self._factor)
        codes = self._found(self._layers[0], slots, words)
        for layer in self._layers[1:]:
            codes = np.minimum(codes, self._found(layer, slots, words))
        return _without_nulls(codes, series, rows, self._others)

    def _found(self, layer: _Array, slots: _Array, words: _Array) -> _Array:
        candidates = layer.take(slots)
        same = self._first.take(candidates) == words[:, 0]
        same &= self._second.take(candidates) == words[:, 1]
        return np.where(same, candidates, self._others)


def _factors() -> list[np.uint64]:
    """Return odd numbers to hash with (Knuth's multiplicative hashing), always the same."""
    chance = random.Random(1)  # noqa: S311 (nothing is secret; numpy's takes 20 ms to import)
    return [np.uint64(chance.getrandbits(64) | 1) for _ in range(_TRIES)]


def _layers(slots: _Array, size: int) -> list[_Array]:
    """Return tables of what is in each slot: the first of all, the second, ...; `len(slots)` where there is none."""
    layers: list[_Array] = []
    left = np.arange(len(slots))
    while len(left) or not layers:
        layer = np.full(size, len(slots))
        taken, first = np.unique(slots[left], return_index=True)
        layer[taken] = left[first]
        layers.append(layer)
        left = np.delete(left, first)
    return layers


class _LongTexts:
    """Texts that polars looks up.

    Args:
        texts: the texts, by number.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._known = dict.fromkeys(texts)
        self._others = ["\x1f" * (1 + max(map(len, texts)))]  # as long as no text that is compared with
        self._enum = pl.Enum([*texts, *self._others])
        self._learns = True

    def codes(self, series: pl.Series) -> _Array:
        found = series.cast(self._enum, strict=False).to_physical()
        if found.null_count():
            found = found.zip_with(found.is_not_null(), pl.Series([len(self._known)], dtype=found.dtype))
            if self._learns:
                self._learn(series)
        codes: _Array = np.minimum(found.to_numpy(), len(self._known))
        return codes

    def _learn(self, series: pl.Series) -> None:
        """Give the other texts of a column numbers, too, if they are few: to fill nulls takes as long as to look up."""
        others = series.drop_nulls().unique().to_list()
        found = {text: None for text in (*self._others, *others) if text not in self._known}
        self._learns = len(self._others) < len(found) <= _MOST_OTHERS
        if self._learns:
            self._others = list(found)
            self._enum = pl.Enum([*self._known, *self._others])
