"""The aggregates: what each takes, which type it gives, and what computes it. One table, in the words of SQL.

Nulls are left out, as SQL does; of no values `count` and `distinct` are 0, and all others null. A NaN is a value,
greater than all others; two of them are the same value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ..errors import nearest
from ..expression import Expression, ExpressionError, Type, parse, polars_type, typecheck
from ..frozen import frozen
from ..record import TIMESTAMP

if TYPE_CHECKING:
    from .accumulators import Accumulator

__all__ = [
    "AGGREGATES",
    "MOST",
    "WINDOW_END",
    "WINDOW_START",
    "Aggregate",
    "AggregateError",
    "Recipe",
    "output_columns",
]

WINDOW_START: Final = "window_start"
WINDOW_END: Final = "window_end"

_NUMBERS: Final = frozenset({Type.INTEGER, Type.FLOAT})
_SUMMABLE: Final = _NUMBERS | {Type.DURATION}
_ANY: Final = frozenset(Type)
MOST: Final = 1000
"""How many values collect and count_by keep, if nobody says."""


class AggregateError(ValueError):
    """There is no such aggregate, or it cannot be computed of these columns."""

    def __init__(self, message: str, *, allowed: tuple[str, ...] = (), suggestion: str | None = None) -> None:
        super().__init__(message)
        self.allowed, self.suggestion = allowed, suggestion


@frozen
class Recipe:
    """What an aggregate is like.

    Attributes:
        says: what it gives, in one sentence.
        takes: the types of values that it can be computed of.
        gives: its type as polars has it, by that of its values.
        make: what computes it, by the type of its values and the aggregate with its options.
        options: what it has besides `of`.
        of_rows: True if it can do without values: rows are counted then.
    """

    says: str
    takes: frozenset[Type]
    gives: Callable[[Type], Any]
    make: Callable[[Type, Aggregate], Accumulator]
    options: tuple[str, ...] = ()
    of_rows: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """One aggregate of the rows of a window, such as `quantile(of=celsius q=0.95)`.

    Attributes:
        function: its name in `AGGREGATES`.
        of: the expression whose values are aggregated; None: rows are counted.
        q: of quantile, from 0 to 1.
        most: of collect and count_by: how many values at most.
    """

    function: str
    of: str | None = None
    q: float | None = None
    most: int = MOST

    def __post_init__(self) -> None:
        if self.function not in AGGREGATES:
            near = nearest(self.function, AGGREGATES)
            raise AggregateError(f"there is no aggregate {self.function!r}", allowed=tuple(AGGREGATES), suggestion=near)
        if self.of is None and not self.recipe.of_rows:
            raise AggregateError(f"{self.function} needs of=, a column or an expression: {self.function}(of=...)")
        if "q" in self.recipe.options and not (self.q is not None and 0 <= self.q <= 1):
            raise AggregateError(f"{self.function} needs q=, a number from 0 to 1")
        if self.q is not None and "q" not in self.recipe.options:
            raise AggregateError(f"{self.function} has no option q")
        if self.most != MOST and "most" not in self.recipe.options:
            raise AggregateError(f"{self.function} has no option most")
        if self.most < 1:
            raise AggregateError(f"{self.function}: most= is a number of values, at least 1")
        if self.of is not None:
            _understood(parse, self.of)

    @property
    def recipe(self) -> Recipe:
        return AGGREGATES[self.function]

    @property
    def expression(self) -> Expression | None:
        return None if self.of is None else parse(self.of)

    def type(self, columns: Mapping[str, Any]) -> Any:
        """Return its type as polars has it, for rows with these columns.

        Raises:
            AggregateError: the columns do not have what it is computed of, or not of such a type.
        """
        return self.recipe.gives(self.kind(columns))

    def start(self, columns: Mapping[str, Any]) -> Accumulator:
        """Return what computes it for rows with these columns. Raises AggregateError as `type` does."""
        return self.recipe.make(self.kind(columns), self)

    def kind(self, columns: Mapping[str, Any]) -> Type:
        """Return the type of what it is computed of. Raises AggregateError as `type` does."""
        expression = self.expression
        if expression is None:
            return Type.INTEGER
        kind: Type = _understood(typecheck, expression, columns)
        if kind not in self.recipe.takes and kind is not Type.NULL:
            known = " or ".join(sorted(map(str, self.recipe.takes - {Type.NULL})))
            raise AggregateError(f"{self.function} takes {known}, and {self.of} is {kind}")
        return kind


def _understood(take: Callable[..., Any], *args: Any) -> Any:
    try:
        return take(*args)
    except ExpressionError as error:
        raise AggregateError(error.explain(), allowed=tuple(error.allowed), suggestion=error.suggestion) from error


def _same(kind: Type) -> Any:
    return polars_type(kind)


def _integer(kind: Type) -> Any:
    return polars_type(Type.INTEGER)


def _float(kind: Type) -> Any:
    return polars_type(Type.FLOAT)


def _list(kind: Type) -> Any:
    import polars as pl

    return pl.List(polars_type(kind))


def _counts(kind: Type) -> Any:
    import polars as pl

    return pl.List(pl.Struct({"value": polars_type(kind), "count": pl.Int64()}))


def _dtype(kind: Type) -> Any:
    return {Type.FLOAT: "f8", Type.TEXT: object}.get(kind, "i8")


def _count(kind: Type, chosen: Aggregate) -> Accumulator:
    from .accumulators import Count

    return Count()


def _sum(kind: Type, chosen: Aggregate) -> Any:
    from .accumulators import FloatSum, IntegerSum

    return FloatSum() if kind is Type.FLOAT else IntegerSum()


def _mean(kind: Type, chosen: Aggregate) -> Accumulator:
    from .accumulators import Mean

    return Mean(_sum(kind, chosen))


def _extreme(kind: Type, chosen: Aggregate, *, greatest: bool) -> Accumulator:
    from .accumulators import Extreme, TextExtreme

    return TextExtreme(greatest=greatest) if kind is Type.TEXT else Extreme(greatest=greatest, dtype=_dtype(kind))


def _end(kind: Type, chosen: Aggregate, *, last: bool) -> Accumulator:
    from .accumulators import End

    return End(last=last, dtype=_dtype(kind))


def _variance(kind: Type, chosen: Aggregate) -> Accumulator:
    from .accumulators import Spread

    return Spread(root=False)


def _stddev(kind: Type, chosen: Aggregate) -> Accumulator:
    from .accumulators import Spread

    return Spread(root=True)


def _kept(kind: Type, chosen: Aggregate) -> Accumulator:
    from .accumulators import Kept
    from .results import RESULTS

    empty = 0 if chosen.function == "distinct" else None
    most = chosen.most if chosen.function == "collect" else None
    return Kept(partial(RESULTS[chosen.function], chosen=chosen), empty, most=most)


AGGREGATES: Final[Mapping[str, Recipe]] = {
    "count": Recipe("how many rows; of values: how many", _ANY, _integer, _count, of_rows=True),
    "sum": Recipe("the sum in the order of the rows; of integers exact, null beyond 64 bits", _SUMMABLE, _same, _sum),
    "mean": Recipe("the sum by the number of values", _NUMBERS, _float, _mean),
    "min": Recipe("the least; texts by code point", _ANY, _same, partial(_extreme, greatest=False)),
    "max": Recipe("the greatest", _ANY, _same, partial(_extreme, greatest=True)),
    "first": Recipe("the first value that is not null", _ANY, _same, partial(_end, last=False)),
    "last": Recipe("the last value that is not null", _ANY, _same, partial(_end, last=True)),
    "variance": Recipe("of a sample: divided by n - 1; null of fewer than two", _NUMBERS, _float, _variance),
    "stddev": Recipe("the root of the variance", _NUMBERS, _float, _stddev),
    "median": Recipe("the quantile with q=0.5", _NUMBERS, _float, _kept),
    "quantile": Recipe("what lies at q of the way from the least to the greatest", _NUMBERS, _float, _kept, ("q",)),
    "distinct": Recipe("how many different values", _ANY, _integer, _kept),
    "collect": Recipe("the values in the order of the rows; the first `most` (1000)", _ANY, _list, _kept, ("most",)),
    "count_by": Recipe("each value with how often it came, the first `most` (1000)", _ANY, _counts, _kept, ("most",)),
}


def output_columns(
    by: Sequence[str], aggregates: Mapping[str, Aggregate], columns: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the columns of the results of windows, for rows with these columns. Raises AggregateError."""
    time = polars_type(Type.TIMESTAMP)
    return {
        TIMESTAMP: time,
        WINDOW_START: time,
        WINDOW_END: time,
        **{name: columns[name] for name in by},
        **{name: aggregate.type(columns) for name, aggregate in aggregates.items()},
    }
