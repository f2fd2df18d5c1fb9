"""What type a column of CSV has, and columns of text -> typed columns. One rule, for every block and every path.

| type | texts that are of it |
|---|---|
| integer | `[+-]?[0-9]+` in 64 bits; nothing else: no blanks, no `_`, no `0x`, no `1e5`, no `1.0` |
| float | decimal digits, point and exponent as one likes; `nan`, `inf`, `infinity` in any case; nothing too large |
| boolean | `true True TRUE false False FALSE` |
| time | as `timestamps` has it |
| text | every text |

An empty field is null, in every type. In a text column `""` is the empty text; in others it is null too.

**Inferred types are stricter than declared ones.** What is inferred as a number must look like one that would be
printed so: no leading zero (`007`), no plus sign (`+49`), no `-0`, no more digits than 64 bits hold. Such columns are
ids, codes, telephone numbers, and stay text. The same holds later: a `007` in a column that was inferred as a number
is a dead letter that says so, and `schema=( )` decides. Times are never inferred, but for the event time.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from .csv_texts import with_nulls
from .schema import Schema

if TYPE_CHECKING:
    import numpy.typing as npt

    from .csv_texts import Texts
    from .timestamps import EventTimes

    Flags = npt.NDArray[np.bool_]

__all__ = ["ColumnType", "almost_a_number", "convert", "infer"]

_TRUE: Final = ("true", "True", "TRUE")
_FALSE: Final = ("false", "False", "FALSE")
_CODE: Final = r"^(\+|[+-]?0[0-9]|-0$)"
_ARTICLES: Final = {"integer": "an integer", "float": "a float", "boolean": "true or false", "time": "a time"}


@dataclass(frozen=True, slots=True)
class ColumnType:
    """The type of one column: its name in a schema, and whether it was inferred or is what a person said.

    It is "null" where there was no record to infer it from; should records come all the same, they are texts.
    """

    kind: str
    inferred: bool


def infer(texts: pl.Series) -> ColumnType:
    """Return the type that all texts of a sample are of: boolean, integer, float, else text."""
    present = texts.filter(texts.is_not_null() & (texts != ""))
    return ColumnType(_kind(present), inferred=True)


def almost_a_number(texts: pl.Series) -> str | None:
    """Return a text that alone, or nearly, keeps a column from being inferred as numbers; None if there is none."""
    present = texts.filter(texts.is_not_null() & (texts != ""))
    numbers = present.cast(pl.Float64, strict=False)
    if not 0 < numbers.null_count() <= len(present) // 10 or present.str.contains(_CODE).any():
        return None
    return str(present.filter(numbers.is_null())[0])


def _kind(present: pl.Series) -> str:
    if present.is_empty():
        return "text"
    if present.is_in([*_TRUE, *_FALSE]).all():
        return "boolean"
    if present.cast(pl.Float64, strict=False).has_nulls() or present.str.contains(_CODE).any():
        return "text"
    if not present.cast(pl.Int64, strict=False).has_nulls():
        return "integer"
    if present.str.contains("^-?[0-9]{19,}$").any() or not present.str.contains("[0-9]").any():
        return "text"
    return "text" if _overflows(present).any() else "float"


def _overflows(present: pl.Series) -> pl.Series:
    """Tell which texts are of numbers too large for a float."""
    numbers = present.cast(pl.Float64, strict=False)
    return numbers.is_infinite().fill_null(value=False) & present.str.contains("[0-9]").fill_null(value=False)


def convert(
    name: str, texts: Texts, column: ColumnType, nulls: Collection[str], times: EventTimes
) -> tuple[pl.Series, Mapping[int, str]]:
    """Return the column in its type, and the reason for each row whose text is not of that type."""
    values = with_nulls(texts.values, nulls)
    if column.kind in ("text", "null"):
        return values.alias(name), {}
    if column.kind == "time":
        return _times(name, values, times)
    typed = _BY_KIND[column.kind](values)
    rows: set[int] = set()
    if typed.null_count() > values.null_count():
        rows.update((typed.is_null() & values.is_not_null() & (values != "")).arg_true().to_list())
    if column.inferred and column.kind != "boolean":
        rows.update(row for row in np.flatnonzero(_codes(texts)).tolist() if values[row] is not None)
    return typed.alias(name), {row: _misfit(name, values[row], column) for row in sorted(rows)}


def _times(name: str, values: pl.Series, times: EventTimes) -> tuple[pl.Series, Mapping[int, str]]:
    read = times.read(values)
    reasons = {row: f"column {name!r}: {reason}" for row, reason in read.reasons.items() if values[row]}
    return read.values.alias(name), reasons


def _floats(values: pl.Series) -> pl.Series:
    numbers = values.cast(pl.Float64, strict=False)
    if numbers.max() == math.inf or numbers.min() == -math.inf:
        numbers = numbers.set(_overflows(values), None)
    return numbers


def _integers(values: pl.Series) -> pl.Series:
    return values.cast(pl.Int64, strict=False)


def _booleans(values: pl.Series) -> pl.Series:
    true, false = values.is_in(_TRUE), values.is_in(_FALSE)
    return true.set(~(true | false), None)


_BY_KIND: Final = {"integer": _integers, "float": _floats, "boolean": _booleans}


def _codes(texts: Texts) -> Flags:
    """Tell which numbers have a plus sign or a leading zero, by their first two bytes."""
    first, second = texts.heads & 0xFF, texts.heads >> 8
    codes: Flags = first == ord("+")
    zero = (first == ord("0")) & (second >= ord("0")) & (second <= ord("9"))
    codes |= zero
    rows = np.flatnonzero((first == ord("-")) & (second == ord("0")))
    if len(rows):
        codes[rows] = texts.values.gather(rows).str.contains(_CODE).fill_null(value=False).to_numpy()
    return codes


def _said(name: str, kind: str) -> str:
    return Schema().write([(name, kind)])


def _misfit(name: str, text: str, column: ColumnType) -> str:
    shown = repr(text if len(text) <= 80 else text[:77] + "...")
    what = _ARTICLES[column.kind]
    if not column.inferred:
        return f"column {name!r}: {shown} is not {what}, as schema=( ) says"
    if pl.Series([text]).str.contains(_CODE)[0]:
        return f"column {name!r}: as {what} {shown} would lose its first sign; schema={_said(name, 'text')} keeps it"
    fits = "float" if column.kind == "integer" and not _floats(pl.Series([text])).has_nulls() else "text"
    return (
        f"column {name!r}: {shown} is not {what}, as the values of the sample are; schema={_said(name, fits)} mends it"
    )
