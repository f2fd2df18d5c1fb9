"""What texts mean as values, and what type a column of texts has. One rule, wherever text comes from.

It holds for CSV files, for lines and messages of CSV, for the groups of patterns and for texts under a `schema`:

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
from collections.abc import Callable, Mapping
from typing import Final, cast

import polars as pl

__all__ = ["BOOLEANS", "CODE", "LONG", "almost_a_number", "are_codes", "infer_type", "read_texts"]

_TRUE: Final = ("true", "True", "TRUE")
_FALSE: Final = ("false", "False", "FALSE")
BOOLEANS: Final[Mapping[str, bool]] = dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False)
CODE: Final = r"^(\+|[+-]?0[0-9]|-0$)"
"""What begins with a plus sign or a leading zero, as an inferred number never does."""
_FIRST: Final = 64
"""So many texts of a sample are looked at before all are: most columns of text show in them."""
LONG: Final = "^-?[0-9]{19,}$"
"""Integers of so many digits that a float would lose some."""


def infer_type(texts: pl.Series) -> str:
    """Return the type that all texts of a sample are of: boolean, integer, float, else text."""
    present = _present(texts)
    if present.is_empty() or _is_text(present[:_FIRST]):
        return "text"
    if present[0] in BOOLEANS:
        return "boolean" if present.is_in([*BOOLEANS]).all() else "text"
    numbers = present.cast(pl.Float64, strict=False)
    if numbers.has_nulls() or are_codes(present).any():
        return "text"
    if not present.cast(pl.Int64, strict=False).has_nulls():
        return "integer"
    return "text" if _says_more(present, numbers) else "float"


def _is_text(texts: pl.Series) -> bool:
    """Tell whether some of these texts suffice to know that they are neither all booleans nor all numbers."""
    return texts.cast(pl.Float64, strict=False).has_nulls() and not texts.is_in([*BOOLEANS]).all()


def _says_more(texts: pl.Series, numbers: pl.Series) -> bool:
    """Tell whether floats, which these texts are, would say less: digits are lost, all are too large, or no number."""
    finite = numbers.is_finite()
    if not finite.all() and (not texts.str.contains("[0-9]").any() or _overflows(texts).any()):
        return True
    low, high = cast("float", numbers.min()), cast("float", numbers.max())
    return max(high, -low) >= 10.0**18 and texts.str.contains(LONG).any()


def almost_a_number(texts: pl.Series) -> str | None:
    """Return a text that alone, or nearly, keeps a column from being inferred as numbers; None if there is none."""
    present = _present(texts)
    numbers = present.cast(pl.Float64, strict=False)
    if not 0 < numbers.null_count() <= len(present) // 10 or are_codes(present).any():
        return None
    return str(present.filter(numbers.is_null())[0])


def read_texts(texts: pl.Series, kind: str) -> pl.Series:
    """Return the values of a declared type (integer, float or boolean); null where a text is not of it."""
    return _BY_KIND[kind](texts)


def are_codes(texts: pl.Series) -> pl.Series:
    """Tell which texts are such as `CODE` describes."""
    return texts.str.contains(CODE).fill_null(value=False)


def _present(texts: pl.Series) -> pl.Series:
    present = texts.drop_nulls()
    return present.filter(present != "") if present.min() == "" else present


def _overflows(texts: pl.Series) -> pl.Series:
    """Tell which texts are of numbers too large for a float."""
    numbers = texts.cast(pl.Float64, strict=False)
    return numbers.is_infinite().fill_null(value=False) & texts.str.contains("[0-9]").fill_null(value=False)


def _floats(texts: pl.Series) -> pl.Series:
    numbers = texts.cast(pl.Float64, strict=False)
    if numbers.max() == math.inf or numbers.min() == -math.inf:
        numbers = numbers.set(_overflows(texts), None)
    return numbers


def _integers(texts: pl.Series) -> pl.Series:
    return texts.cast(pl.Int64, strict=False)


def _booleans(texts: pl.Series) -> pl.Series:
    true, false = texts.is_in(_TRUE), texts.is_in(_FALSE)
    return true.set(~(true | false), None)


_BY_KIND: Final[Mapping[str, Callable[[pl.Series], pl.Series]]] = {
    "integer": _integers,
    "float": _floats,
    "boolean": _booleans,
}
