"""What a condition asks of one column, as small values that are equal if they ask the same; and the answers.

A column stands at a path: its name, and the names of fields below if it holds structs. An answer is an array of bools,
one per row. None of them is unknown: what is null is not there, and in no comparison.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from functools import reduce
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from ..frozen import frozen
from .texts import Texts

__all__ = ["Array", "Asked", "Bools", "Columns", "Compared", "Leaf", "OneOf", "Path", "There", "compare", "picked"]

Path: TypeAlias = tuple[str, ...]
Array: TypeAlias = npt.NDArray[Any]
Bools: TypeAlias = npt.NDArray[np.bool_]

_COMPARE: Final[Mapping[str, Callable[..., Any]]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_FEW: Final = 5
"""So many codes, or fewer, are compared with one by one: that is quicker than a table."""
_OFTEN: Final = 3
"""To look up one row in so many, each time that it is asked for, is as good as to look up all once."""


def compare(symbol: str, values: Array, operand: Any) -> Bools:
    """Return for each value whether it stands on that side of the operand: one, or one for each value."""
    return _COMPARE[symbol](values, operand)  # type: ignore[no-any-return]


def picked(array: Array, rows: Array | None) -> Array:
    """Return what an array holds for some rows; None: for all."""
    return array if rows is None else array.take(rows)


class Columns:
    """The columns of one frame as numpy sees them; what has been looked at is kept.

    Args:
        frame: the rows.
        texts: for each column, the texts that it is compared with.
        questions: all that Polars will be asked.
    """

    def __init__(self, frame: pl.DataFrame, texts: Mapping[Path, Texts], questions: Iterable[Asked]) -> None:
        self.height = frame.height
        self.texts = texts
        self._frame = frame
        self._numbers: dict[Path, Array] = {}
        self._there: dict[Path, Bools | None] = {}
        self._codes: dict[Path, Array] = {}
        self._questions = questions
        self._answers: dict[Asked, Bools] = {}

    def there(self, path: Path) -> Bools | None:
        """Return where there are values; None: everywhere."""
        if path not in self._there:
            series = self._series(path)
            self._there[path] = series.is_not_null().to_numpy() if series.null_count() else None
        return self._there[path]

    def numbers(self, path: Path) -> Array:
        """Return numbers, times as they are stored, or truths; what stands in the place of a null means nothing."""
        if path not in self._numbers:
            series = self._series(path)
            if series.dtype.is_temporal():
                series = series.to_physical()
            if series.dtype == pl.Float32:  # numpy would round the other side of a comparison to it
                series = series.cast(pl.Float64)
            if series.null_count():
                series = series.fill_null(False if series.dtype == pl.Boolean else 0)
            self._numbers[path] = series.to_numpy()
        return self._numbers[path]

    def codes(self, path: Path, rows: Array | None = None) -> Array:
        """Return the number of each text in `texts[path]`, of some rows or of all."""
        if path in self._codes:
            return picked(self._codes[path], rows)
        series = self._series(path)
        if rows is not None and len(rows) < self.height // _OFTEN:
            return self.texts[path].codes(series, rows)
        self._codes[path] = self.texts[path].codes(series)
        return picked(self._codes[path], rows)

    def asked(self, question: Asked) -> Bools:
        """Return the answer of Polars. All questions are asked in one go, which costs little more than one of them."""
        if not self._answers:
            asked = dict(enumerate(self._questions))
            answers = self._frame.select(each.expression.alias(str(number)) for number, each in asked.items())
            self._answers = {each: answers.get_column(str(number)).to_numpy() for number, each in asked.items()}
        return self._answers[question]

    def _series(self, path: Path) -> pl.Series:
        series = self._frame.get_column(path[0])
        for name in path[1:]:
            series = series.struct.field(name)
        return series


@frozen
class There:
    """There is a value."""

    path: Path

    def of(self, columns: Columns) -> Bools:
        there = columns.there(self.path)
        return np.ones(columns.height, np.bool_) if there is None else there


@frozen
class Compared:
    """The number, time or truth stands on that side of the operand, which is of the column's type (see `exact`)."""

    path: Path
    symbol: str
    operand: int | float | bool

    def of(self, columns: Columns) -> Bools:
        found = compare(self.symbol, columns.numbers(self.path), self.operand)
        there = columns.there(self.path)
        return found if there is None else found & there


@frozen
class OneOf:
    """The text is one of these."""

    path: Path
    texts: frozenset[str]

    def of(self, columns: Columns) -> Bools:
        code, codes = columns.texts[self.path].code, columns.codes(self.path)
        wanted = [code[text] for text in self.texts]
        if len(wanted) == len(code):
            return codes < len(code)
        if len(wanted) <= _FEW:
            return reduce(np.logical_or, [codes == each for each in wanted])
        table = np.zeros(len(code) + 1, np.bool_)
        table[wanted] = True
        return table.take(codes)


@frozen
class Asked:
    """What Polars is asked of a column of texts: the test that `name` and `operand` tell, as an expression."""

    path: Path
    name: str
    operand: str
    expression: pl.Expr = field(compare=False, repr=False)

    def of(self, columns: Columns) -> Bools:
        return columns.asked(self)


Leaf: TypeAlias = There | Compared | OneOf | Asked
