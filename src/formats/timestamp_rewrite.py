"""Times in any fixed layout -> the same times in ISO 8601, for a whole column, by copying bytes in numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa

from .timestamp_patterns import Pattern

if TYPE_CHECKING:
    import re

    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]
    Flags = npt.NDArray[np.bool_]

__all__ = ["rewrite_to_iso"]

_ISO = np.frombuffer(b"0000-01-01T00:00:00.000000", dtype=np.uint8)
_PLACES = {"Y": (0, 4), "m": (5, 7), "d": (8, 10), "H": (11, 13), "I": (11, 13), "M": (14, 16), "S": (17, 19)}
_UNDERSTOOD = frozenset(_PLACES) | {"y", "b", "p", "f", "z", "Z"}
_MONTHS = [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"]
_LOWER = 0x20
_ZERO, _COLON = ord("0"), ord(":")


def rewrite_to_iso(texts: pl.Series, pattern: Pattern) -> tuple[pa.Array, bool]:
    """Rewrite all texts that are laid out as the first is.

    Args:
        texts: without nulls, not empty.
        pattern: the format that they are written in.

    Returns:
        The texts in ISO 8601, null where the layout is another one, and whether they name a zone. Digits and ranges
        are not checked: whoever reads the ISO 8601 does that.
    """
    first: str = texts[0]
    match = pattern.regex.fullmatch(first) if first.isascii() else None
    layout = None if match is None else _Layout.of(match)
    if layout is None:
        return pa.nulls(len(texts), pa.large_string()), False
    same = texts.str.len_bytes() == len(first)
    matrix = _matrix(texts.filter(same), len(first))
    rewritten, good = layout.rewrite(matrix)
    array = _strings(rewritten, good)
    if not same.all():
        array = _take(array, np.cumsum(same.to_numpy()) - 1, same)
    return array, layout.aware


def _matrix(texts: pl.Series, width: int) -> Bytes:
    """Return the bytes of texts of one width as rows of a matrix."""
    array = texts.to_arrow(compat_level=pl.CompatLevel.oldest())
    offsets = np.frombuffer(array.buffers()[1], dtype=np.int64)[array.offset :]
    data = np.frombuffer(array.buffers()[2], dtype=np.uint8)
    return data[offsets[0] : offsets[0] + len(texts) * width].reshape(len(texts), width)


def _strings(matrix: Bytes, good: Flags) -> pa.Array:
    rows, width = matrix.shape
    offsets = np.arange(rows + 1, dtype=np.int64) * width
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(matrix))]
    array = pa.Array.from_buffers(pa.large_string(), rows, buffers)
    if good.all():
        return array
    return _take(array, np.arange(rows), pl.Series(good))


def _take(array: pa.Array, rows: npt.NDArray[np.intp], good: pl.Series) -> pa.Array:
    """Take rows of the array, null where the row is not good. (`pa.array` would import pandas where there is one.)"""
    return array.take(pl.Series(rows).set(~good, None).to_arrow())


class _Layout:
    """At which byte each part of a time stands, as one specimen shows it."""

    def __init__(self, spans: dict[str, tuple[int, int]], specimen: Bytes) -> None:
        self._spans = spans
        self._specimen = specimen
        self.aware = "z" in spans or "Z" in spans

    @classmethod
    def of(cls, match: re.Match[str]) -> _Layout | None:
        """Return the layout that the match shows, or None if some part cannot be copied byte by byte."""
        spans = {name: match.span(name) for name, text in match.groupdict().items() if text is not None}
        if not spans.keys() <= _UNDERSTOOD or ("b" in spans and spans["b"][1] - spans["b"][0] != 3):
            return None
        return cls(spans, np.frombuffer(match[0].encode(), dtype=np.uint8))

    def rewrite(self, matrix: Bytes) -> tuple[Bytes, Flags]:
        """Return the rows in ISO 8601, and which of them have the specimen's literals in the same places."""
        out = np.empty((len(matrix), len(_ISO) + self._zone_width()), dtype=np.uint8)
        out[:, : len(_ISO)] = _ISO
        good = self._same_literals(matrix)
        for name, (start, end) in self._spans.items():
            part = matrix[:, start:end]
            if name in _PLACES:
                to = _PLACES[name][1]
                out[:, to - (end - start) : to] = part
            elif name == "f":
                out[:, 20 : 20 + min(6, end - start)] = part[:, :6]
                good &= _digits(part)
            elif name in "yb":
                good &= (_write_year if name == "y" else _write_month)(out, part)
        self._write_zone(out, matrix)
        if "p" in self._spans:
            good &= _to_24_hours(out, matrix[:, slice(*self._spans["p"])])
        return out, good

    def _same_literals(self, matrix: Bytes) -> Flags:
        free = np.zeros(matrix.shape[1], dtype=np.bool_)
        for name, (start, end) in self._spans.items():
            if name == "Z" or (name == "z" and end - start == 1):
                continue
            free[start:end] = True
            if name == "z" and end - start == 6:
                free[start + 3] = False
        good = np.ones(len(matrix), dtype=np.bool_)
        for place in np.flatnonzero(~free).tolist():
            good &= matrix[:, place] == self._specimen[place]
        return good

    def _zone_width(self) -> int:
        start, end = self._spans.get("z", (0, 1 if self.aware else 0))
        return 6 if end - start > 1 else end - start

    def _write_zone(self, out: Bytes, matrix: Bytes) -> None:
        if not self.aware:
            return
        start, end = self._spans.get("z", (0, 1))
        if end - start == 1:
            out[:, 26] = ord("Z")
            return
        out[:, 26:29] = matrix[:, start : start + 3]
        out[:, 29] = _COLON
        out[:, 30:32] = matrix[:, end - 2 : end] if end - start > 3 else _ZERO


def _digits(part: Bytes) -> Flags:
    """Tell which rows are all digits. Needed where not all bytes are copied into what is checked later."""
    good: Flags = np.all((part >= _ZERO) & (part <= ord("9")), axis=1)
    return good


def _number(two: Bytes) -> npt.NDArray[np.int64]:
    return (two[:, 0].astype(np.int64) - _ZERO) * 10 + two[:, 1] - _ZERO


def _write_year(out: Bytes, part: Bytes) -> Flags:
    """Complete years of two digits as POSIX does."""
    late = _number(part) >= 69
    out[:, 0] = np.where(late, ord("1"), ord("2"))
    out[:, 1] = np.where(late, ord("9"), ord("0"))
    out[:, 2:4] = part
    return _digits(part)


def _write_month(out: Bytes, part: Bytes) -> Flags:
    lower = part | _LOWER
    good = np.zeros(len(part), dtype=np.bool_)
    for number, name in enumerate(_MONTHS, 1):
        here = (lower == np.frombuffer(name, dtype=np.uint8)).all(axis=1)
        out[here, 5] = _ZERO + number // 10
        out[here, 6] = _ZERO + number % 10
        good |= here
    return good & (part >= ord("A")).all(axis=1)


def _to_24_hours(out: Bytes, part: Bytes) -> Flags:
    hours = _number(out[:, 11:13])
    lower = part | _LOWER
    afternoon = lower[:, 0] == ord("p")
    good = _digits(out[:, 11:13])
    good &= (hours >= 1) & (hours <= 12)
    good &= (afternoon | (lower[:, 0] == ord("a"))) & (lower[:, 1] == ord("m")) & (part >= ord("A")).all(axis=1)
    hours = np.where(good, hours % 12 + np.where(afternoon, 12, 0), 0)
    out[:, 11] = _ZERO + hours // 10
    out[:, 12] = _ZERO + hours % 10
    return good
