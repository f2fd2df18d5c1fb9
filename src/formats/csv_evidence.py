"""What a sample of CSV files tells of their columns: from the text of each value."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final, Protocol

import polars as pl

from .csv_fields import fields_of
from .csv_options import CsvOptions
from .csv_scan import Records
from .csv_texts import column_texts, with_nulls
from .csv_types import ColumnType, infer
from .text_types import almost_a_number

if TYPE_CHECKING:
    from .csv_sample import Drawn, Sampled

__all__ = ["DIGITS", "FRACTION", "Evidence", "TextEvidence"]

DIGITS: Final = 2048
"""So many times, spread over the sample, show how many digits times have."""
FRACTION: Final = r"\d[.,](\d+)(?:\D.*)?"
"""How a fraction of a second ends a text, or is followed by a zone."""


class Evidence(Protocol):
    """What a sample tells of columns, which are called by the names that files use."""

    def __len__(self) -> int:
        """Return how many records there are."""

    def type_of(self, name: str) -> ColumnType:
        """Return the type that all values of a column are of."""

    def looks_like_times(self, name: str) -> bool:
        """Tell whether most values of a column are times; False if there is none."""

    def digits(self, name: str) -> int:
        """Return how many digits stand behind the point of a time, at most."""

    def odd_text(self, name: str) -> tuple[str, str] | None:
        """Return a text that alone, or nearly, keeps a column from being numbers, and where it stands, if any does."""


class TextEvidence:
    """Evidence from the texts themselves, whatever they are."""

    def __init__(self, drawn: Sequence[Drawn], options: CsvOptions) -> None:
        self._found = [(sampled, part.names) for part in drawn for sampled in part.sampled]
        self._options = options
        self._texts = cache(self._read)

    def __len__(self) -> int:
        return sum(len(sampled.records.lines) for sampled, _ in self._found)

    def type_of(self, name: str) -> ColumnType:
        return infer(self._texts(name)) if len(self) else ColumnType("null", inferred=True)

    def looks_like_times(self, name: str) -> bool:
        return self._options.times.looks_like_times(self._texts(name))

    def digits(self, name: str) -> int:
        some = self._texts(name).gather_every(1 + len(self) // DIGITS)
        most: int | None = some.str.extract(f"{FRACTION}$").str.len_chars().max()  # type: ignore[assignment]
        return most or 0

    def odd_text(self, name: str) -> tuple[str, str] | None:
        texts = self._texts(name)
        odd = almost_a_number(texts)
        if odd is None:
            return None
        return odd, place_of([sampled for sampled, _ in self._found], int((texts == odd).arg_true()[0]))

    def _read(self, name: str) -> pl.Series:
        columns = [_texts(sampled.records, list(names).index(name), self._options) for sampled, names in self._found]
        return pl.concat(columns) if columns else pl.Series(dtype=pl.String)


def _texts(records: Records, place: int, options: CsvOptions) -> pl.Series:
    """Return one column of sampled records, with null where the options say so."""
    quote = options.dialect.quote
    return with_nulls(column_texts(fields_of(records, place, quote), quote).values, options.nulls)


def place_of(found: Sequence[Sampled], row: int) -> str:
    """Return where a row of all that was sampled stands."""
    for sampled in found:
        if row < len(sampled.records.lines):
            return sampled.place(row)
        row -= len(sampled.records.lines)
    raise AssertionError("the row is one of the sample")
