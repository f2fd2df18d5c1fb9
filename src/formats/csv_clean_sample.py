"""What a sample of CSV files tells of their columns, if nothing in it is odd.

Types are guessed, and confirmed by Arrow: those of some rows of each file are tried on all that was drawn from it.
Where Arrow reads that so, and `csv_clean` sees nothing odd in it, all texts are of these types, and some are of no
narrower one. A column of text is settled by its first bytes if more than a tenth of its values begin as no number
does. Anything else, and the careful way (`csv_evidence`) looks at the texts; both tell the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from ..record import TIMESTAMP
from .arrow_series import series_of
from .csv_block import has_odd_bytes
from .csv_clean import CleanReader
from .csv_evidence import DIGITS, FRACTION
from .csv_options import CsvOptions
from .csv_sheet import Sheet
from .csv_times import arrow_type, numbers_of
from .csv_types import ColumnType, infer
from .text_types import BOOLEANS, almost_a_number
from .timestamp_patterns import FIRST, LAST

if TYPE_CHECKING:
    from .csv_sample import Drawn

__all__ = ["CleanSample"]

_SOME: Final = 64
_INTEGER: Final = re.compile(rb"-?(0|[1-9][0-9]{0,17})\Z")
_FLOAT: Final = re.compile(rb"-?(0|[1-9][0-9]*)?(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")
_FRACTION: Final = re.compile(FRACTION + r"\Z")
_LARGE: Final = 1e18
"""From here on integers may have more digits than a float holds."""
_NO_NUMBER: Final = np.isin(np.arange(256), [*b"ABCDEGHJKLMOPQRSUVWXYZabcdeghjklmopqrsuvwxyz"])
"""Bytes with which no number and no boolean begins: all letters but those of inf, nan, true and false."""


class _Look(NamedTuple):
    """What one file showed: its lines, where each column stands in them, the columns, and of which kind they are."""

    lines: Sequence[bytes]
    names: Sequence[str]
    arrays: Mapping[str, pa.Array]
    kinds: Mapping[str, str]


class CleanSample:
    """Evidence from files in which nothing is odd."""

    def __init__(self, options: CsvOptions) -> None:
        self._options = options
        self._looks: list[_Look] = []
        self._clean = True
        self._null = {b"", *(text.encode() for text in options.nulls)}

    def look(self, drawn: Drawn) -> bool:
        """Look at a file, unless an earlier one was odd; tell whether all are clean so far."""
        found = self._looked(drawn) if self._clean else None
        self._clean = found is not None
        if found is not None:
            self._looks.append(found)
        return self._clean

    def settle(self) -> bool:
        """Tell whether all files are clean and agree, so that this is evidence."""
        return self._clean and all(self._agree(name) for name in self._looks[0].names)

    def __len__(self) -> int:
        return sum(len(look.lines) for look in self._looks)

    def type_of(self, name: str) -> ColumnType:
        kinds = self._kinds(name)
        if not kinds or (kinds == {"text"} and self._is_surely_text(name)):
            return ColumnType("text", inferred=True)
        if kinds == {"text"}:
            return infer(self._texts(name))
        return ColumnType("float" if "float" in kinds else kinds.pop(), inferred=True)

    def looks_like_times(self, name: str) -> bool:
        kinds = self._kinds(name)
        return kinds == {"time"} or (kinds == {"text"} and self._options.times.looks_like_times(self._texts(name)))

    def digits(self, name: str) -> int:
        some = self._some(name)
        texts = b"\n".join(some if len(self._null) == 1 else [text for text in some if text not in self._null])
        found = [_FRACTION.search(text.decode()) for text in {*texts.translate(_NINES).split(b"\n")}]
        return max((len(match[1]) for match in found if match), default=0)

    def odd_text(self, name: str) -> tuple[str, str] | None:
        return None  # where there may be one, `settle` has said no

    def _some(self, name: str) -> list[bytes]:
        """Return as many texts as show how many digits times have, spread over the sample."""
        step, done, some = 1 + len(self) // DIGITS, 0, []
        delimiter = bytes([self._options.dialect.delimiter])
        for look in self._looks:
            place = look.names.index(name)
            some += [line.split(delimiter, place + 1)[place] for line in look.lines[-done % step :: step]]
            done += len(look.lines)
        return some

    def _kinds(self, name: str) -> set[str]:
        return {look.kinds[name] for look in self._looks} - {""}

    def _agree(self, name: str) -> bool:
        kinds = self._kinds(name)
        if kinds == {"integer", "float"}:
            return all(_is_small(look.arrays[name]) for look in self._looks if look.kinds[name])
        if kinds == {"text"} and not self._is_said(name) and not self._is_surely_text(name):
            return almost_a_number(self._texts(name)) is None
        return len(kinds) <= 1

    def _is_said(self, name: str) -> bool:
        """Tell whether nobody will ask for the type of a column."""
        options = self._options
        event_time = options.timestamp or (TIMESTAMP if options.times.format or options.times.unit else None)
        return name in options.schema or name == event_time

    def _is_surely_text(self, name: str) -> bool:
        """Tell whether so many values are no numbers and no booleans that a column is text for sure."""
        odd = present = 0
        for look in self._looks:
            values = look.arrays[name]
            if look.kinds[name]:
                present += len(values) - values.null_count
                odd += _count_no_numbers(values)
        return odd > present // 10

    def _texts(self, name: str) -> pl.Series:
        texts = [series_of(look.arrays[name]) for look in self._looks if look.kinds[name]]
        return pl.concat(texts) if texts else pl.Series(dtype=pl.String)

    def _looked(self, drawn: Drawn) -> _Look | None:
        parts = [drawn.head, *(part for _, part in drawn.slices)]
        if len(parts) > 2 or any(has_odd_bytes(part, self._options.dialect) for part in parts):
            return None
        whole = parts[0] if drawn.complete else parts[0][: parts[0].rfind(b"\n") + 1] + b"".join(parts[1:])
        lines = whole.split(b"\n")
        if not lines[-1]:
            lines.pop()
        for some in (lines[:: 1 + len(lines) // _SOME], lines):
            look = self._tried(drawn, whole, lines, self._guess(drawn.names, some))
            if look is not None or len(some) == len(lines):
                return look
        return None

    def _tried(self, drawn: Drawn, whole: bytes, lines: list[bytes], kinds: Mapping[str, str]) -> _Look | None:
        """Read what was drawn as columns of these kinds; None if that is not certain to be right."""
        types = {name: ColumnType(kind or "text", inferred=kind != "time") for name, kind in kinds.items()}
        sheet = Sheet(types, None, drawn.file)
        reader = CleanReader(sheet, range(len(types)), self._options, lambda _: None)
        split = reader.split(whole, final=drawn.complete) if lines else None
        if split is None or split.table.num_rows != len(lines):
            return None
        arrays = {name: split.table[name].chunk(0) for name in types}
        empty = {name for name, values in arrays.items() if values.null_count == len(values)}
        if not all(self._is_right(kinds[name], arrays[name]) for name in types.keys() - empty):
            return None
        found = {name: "" if name in empty else kind for name, kind in kinds.items()}
        return _Look(lines, drawn.names, arrays, found)

    def _is_right(self, kind: str, values: pa.Array) -> bool:
        """Tell whether a column that Arrow read is of the kind to the careful way, too."""
        if kind == "float":
            return _is_small(values)
        if kind == "time":
            if not pa.types.is_timestamp(values.type) or values.null_count:
                return False  # texts, where the first line has none
            moments = numbers_of(values, "i8")
            return bool(moments.min() >= FIRST and moments.max() <= LAST)
        return kind != ""

    def _guess(self, names: Sequence[str], lines: Sequence[bytes]) -> dict[str, str]:
        """Return the kinds of columns as these lines have them; "" where all values are null."""
        rows = [line.split(bytes([self._options.dialect.delimiter])) for line in lines]
        sound = [row for row in rows if len(row) == len(names)]
        columns = [set(column) - self._null for column in zip(*sound, strict=True)] or [set() for _ in names]
        return {
            name: "text" if self._is_said(name) else self._kind(name, column)
            for name, column in zip(names, columns, strict=True)
        }

    def _kind(self, name: str, texts: set[bytes]) -> str:
        if not texts:
            return ""
        if name == TIMESTAMP and self._options.times.zone is None:
            is_time = all(pa.types.is_timestamp(arrow_type(self._options.times, text)) for text in texts)
            return "time" if is_time else "text"
        if all(map(_INTEGER.match, texts)) and b"-0" not in texts:
            return "integer"
        if all(map(_FLOAT.match, texts)):
            return "float"
        return "boolean" if all(text in _BOOLEANS for text in texts) else "text"


_BOOLEANS: Final = {text.encode() for text in BOOLEANS}
_NINES: Final = bytes.maketrans(b"0123456789", b"9999999999")


def _is_small(values: pa.Array) -> bool:
    """Tell whether numbers are all finite, and none so large that a float has too few digits for it."""
    numbers = numbers_of(values, "f8" if pa.types.is_floating(values.type) else "i8")
    return bool(numbers.max() < _LARGE and numbers.min() > -_LARGE)


def _count_no_numbers(values: pa.Array) -> int:
    """Return how many texts begin as no number and no boolean does."""
    offsets, data = (np.frombuffer(buffer, dtype) for buffer, dtype in zip(values.buffers()[1:], "iB", strict=True))
    offsets = offsets[: len(values) + 1]
    starts = offsets[:-1][offsets[1:] > offsets[:-1]]
    return int(np.count_nonzero(_NO_NUMBER[data[starts]]))
