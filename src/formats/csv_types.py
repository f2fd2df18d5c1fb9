"""Columns of CSV files -> typed columns, and why a row does not fit. What texts mean is said in `text_types`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from ..frozen import frozen
from .csv_texts import column_texts, with_nulls
from .schema import Schema
from .text_types import are_codes, infer_type, read_texts

if TYPE_CHECKING:
    import numpy.typing as npt

    from .csv_fields import Fields
    from .csv_options import CsvOptions
    from .csv_texts import Texts
    from .timestamps import ReadTimes

    Flags = npt.NDArray[np.bool_]

__all__ = ["ColumnType", "convert", "infer"]

_ARTICLES: Final = {"integer": "an integer", "float": "a float", "boolean": "true or false", "time": "a time"}


@frozen
class ColumnType:
    """The type of one column: its name in a schema, and whether it was inferred or is what a person said.

    It is "null" where there was no record to infer it from; should records come all the same, they are texts.
    """

    kind: str
    inferred: bool

    @property
    def is_checked(self) -> bool:
        """Whether a person has said of which type the texts are, so that those of another type are to be found."""
        return not self.inferred and self.kind != "text"


def infer(texts: pl.Series) -> ColumnType:
    """Return the type that all texts of a sample are of: boolean, integer, float, else text."""
    return ColumnType(infer_type(texts), inferred=True)


def convert(
    name: str, fields: Fields, column: ColumnType, options: CsvOptions, seen: Callable[[ReadTimes], None]
) -> tuple[pl.Series, Mapping[int, str]]:
    """Return the column in its type, and the reason for each row whose text is not of that type.

    `seen` is called with a column of times, for what is to be said of them.
    """
    texts = column_texts(fields, options.dialect.quote)
    values = with_nulls(texts.values, options.nulls)
    if column.kind in ("text", "null"):
        return texts.owned(values).alias(name), {}
    if column.kind == "time":
        read = options.times.read(values)
        seen(read)
        return _times(name, values, read)
    typed = read_texts(values, column.kind)
    misfits = _misfits(texts, values, typed, column)
    return typed.alias(name), {row: _misfit(name, values[row], column) for row in misfits}


def _misfits(texts: Texts, values: pl.Series, typed: pl.Series, column: ColumnType) -> list[int]:
    """Return the rows whose texts are not of the type that was read, or would not be printed so again."""
    rows: set[int] = set()
    if typed.null_count() > values.null_count():
        rows.update((typed.is_null() & values.is_not_null() & (values != "")).arg_true().to_list())
    if column.inferred and column.kind != "boolean":
        codes = _codes(texts)
        if codes.any():
            rows.update(row for row in np.flatnonzero(codes).tolist() if values[row] is not None)
    return sorted(rows)


def _times(name: str, values: pl.Series, read: ReadTimes) -> tuple[pl.Series, Mapping[int, str]]:
    reasons = {row: f"column {name!r}: {reason}" for row, reason in read.reasons.items() if values[row]}
    return read.values.alias(name), reasons


def _codes(texts: Texts) -> Flags:
    """Tell which texts are such as `text_types.CODE` describes, by their first bytes."""
    first, second, third = (texts.heads >> np.uint64(8 * place) & np.uint64(0xFF) for place in range(3))
    codes: Flags = (first == ord("+")) | ((first == ord("0")) & _digit(second))
    codes |= (first == ord("-")) & (second == ord("0")) & (_digit(third) | (texts.sizes == 2))
    return codes


def _digit(codes: npt.NDArray[np.uint64]) -> Flags:
    found: Flags = codes - np.uint64(ord("0")) < 10  # what is less than "0" wraps around to very much
    return found


def _said(name: str, kind: str) -> str:
    return Schema().write([(name, kind)])


def _misfit(name: str, text: str, column: ColumnType) -> str:
    shown = repr(text if len(text) <= 80 else text[:77] + "...")
    what = _ARTICLES[column.kind]
    if not column.inferred:
        return f"column {name!r}: {shown} is not {what}, as schema=( ) says"
    if are_codes(pl.Series([text]))[0]:
        return f"column {name!r}: as {what} {shown} would lose its first sign; schema={_said(name, 'text')} keeps it"
    fits = "float" if column.kind == "integer" and not read_texts(pl.Series([text]), "float").has_nulls() else "text"
    return (
        f"column {name!r}: {shown} is not {what}, as the values of the sample are; schema={_said(name, fits)} mends it"
    )
