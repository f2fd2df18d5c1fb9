"""Joins: rows of two streams that belong together by key and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import nearest
from ..fields import (
    Choice,
    Component,
    Duration,
    Integer,
    Names,
    SignedDuration,
    YesNo,
    option,
)
from ..formats.schema import shown_type
from ..joins import How, JoinError, Layout, output_columns
from ..record import TIMESTAMP
from ..running import Context
from ..windows.spans import Span, make_spans
from .window_options import MICROSECOND, SpanOption

if TYPE_CHECKING:
    from ..joins.core import JoinCore
    from ..queue.merge import Merge

__all__ = ["AsofJoin", "IntervalJoin", "Join", "WindowJoin"]

_HOWS = tuple(how.value for how in How)


@dataclass(frozen=True, slots=True, kw_only=True)
class Join(Component):
    """What all joins share: two inputs, keys, what becomes of rows without a partner."""

    family: ClassVar[str] = "join"

    by: tuple[str, ...] = option("columns that must be equal on both sides; null equals nothing", Names(), default=())
    how: str = option(
        "which rows come out besides pairs: those of the left, the right, or both without a partner",
        Choice(_HOWS),
        default="inner",
    )
    suffix: str = option("put behind the name of a right column whose name the left side has, too", default="_right")
    max_state: int = option("how many rows may be held at a time", Integer(least=1), default=10_000_000)

    def check(self) -> None:
        for name in self.by:
            if name == TIMESTAMP:
                raise self.wrong("by", "the time is no key: how near it must be is what the join itself says")
            if self.by.count(name) > 1:
                raise self.wrong("by", f"{name!r} is named twice")

    def columns(self, inputs: Sequence[tuple[str, Mapping[str, Any] | None]]) -> dict[str, Any] | None:
        """Return the columns of the results; None if those of an input are not known. Raises SpecError."""
        (left_name, left), (right_name, right) = inputs
        for name, columns in inputs:
            if columns:
                self._check_time(name, columns)
        if left is None or right is None:
            self._check_keys(*((right_name, right) if left is None else (left_name, left)))
            return None
        if not left or not right:
            return {}
        try:
            return output_columns(self.layout(), left, right)
        except JoinError as error:
            raise self.wrong(error.option, str(error), allowed=error.allowed, suggestion=error.suggestion) from error

    def _check_time(self, name: str, columns: Mapping[str, Any]) -> None:
        import polars as pl

        dtype = columns.get(TIMESTAMP)
        if dtype is None:
            raise self.wrong(None, f"{name!r} has no event time; name its column with timestamp= in the reader")
        if not isinstance(dtype, pl.Datetime):
            raise self.wrong(None, f"the column `timestamp` of {name!r} is {shown_type(dtype)}, not a time")

    def _check_keys(self, name: str, columns: Mapping[str, Any] | None) -> None:
        """Raise SpecError if an input lacks a key: of the other one, nothing is known."""
        for key in self.by:
            if columns and key not in columns:
                allowed = tuple(columns)
                raise self.wrong(
                    "by", f"{name!r} has no column {key!r}", allowed=allowed, suggestion=nearest(key, allowed)
                )

    def probe(self, context: Context) -> None:
        """Raise SpecError if the options do not go with the pipeline."""

    def layout(self) -> Layout:
        """Return keys and names."""
        return Layout(self.by, self.suffix)

    def merge(self, inputs: Sequence[str]) -> Merge:
        """Return what keeps the two inputs together in time."""
        from ..queue.merge import Merge

        return Merge(inputs)

    def start(self, left: Mapping[str, Any], right: Mapping[str, Any], zone: str) -> JoinCore:
        """Return what joins rows with these columns."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalJoin(Join):
    """Join each row of the left stream with all of the right that are near it in time.

    ```
    lower="-2s" upper=1s     left    5       8
                             right 4   6         10      pairs: (5, 4), (5, 6), (8, 6)
    ```

    Input: two streams with event times, `from=[left right]`. Output: a row for each pair with equal keys whose right
    time less the left time is from `lower` to `upper`, both included if nothing else is said: `timestamp` (the later of
    the two), the keys, the columns of the left, those of the right, `timestamp_left`, `timestamp_right`; in the order
    of time, then of the left rows, then of the right ones. A row without a partner comes out once, at its own time,
    when none can come any more.
    Holds: the rows that may still find a partner; with how= other than inner, also what is to come out behind them.
    Waits: for the slower of the two inputs; with how= other than inner, for as long as a partner may come.

    Example:
        join=interval(name=answered from=[commands responses] by=id lower=0s upper=2s how=left)

    See also: join=asof, join=window.
    """

    variant: ClassVar[str] = "interval"

    lower: timedelta = option(
        "the least that the right time may be after the left one; may be negative", SignedDuration()
    )
    upper: timedelta = option(
        "the most that the right time may be after the left one; may be negative", SignedDuration()
    )

    lower_exclusive: bool = option("a right row at `lower` itself is no partner", YesNo(), default=False)
    upper_exclusive: bool = option("a right row at `upper` itself is no partner", YesNo(), default=False)

    def check(self) -> None:
        Join.check(self)
        if self.lower > self.upper:
            raise self.wrong("lower", "it is more than upper: nothing lies between")
        least, most = self._ends()
        if least > most:
            raise self.wrong("upper", "nothing lies between lower and upper without these themselves")

    def _ends(self) -> tuple[int, int]:
        """Return the least and the most, in microseconds, that the right time may be after the left one."""
        least = self.lower // MICROSECOND + self.lower_exclusive
        return least, self.upper // MICROSECOND - self.upper_exclusive

    def start(self, left: Mapping[str, Any], right: Mapping[str, Any], zone: str) -> JoinCore:
        from ..joins.pairs import Band, PairJoin

        return PairJoin(Band(*self._ends()), How(self.how), self.layout(), left, right, most=self.max_state)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowJoin(Join):
    """Join all rows of two streams that are in the same window.

    Input: two streams with event times, `from=[left right]`. Output: a row for each pair with equal keys in a window:
    as of join=interval, and `window_start`, `window_end` behind the keys. Where windows overlap (a slide shorter than
    the size) a pair comes out for each window that both are in. A row without a partner in any window comes out once.
    Holds: the rows of open windows.
    Waits: for the slower of the two inputs; with how= other than inner, for the end of the window.

    Example:
        join=window(name=both from=[orders payments] by=user size=5m)

    See also: join=interval, window=tumbling for how windows lie.
    """

    variant: ClassVar[str] = "window"

    size: Span = option("how long each window is", SpanOption())
    slide: Span | None = option(
        "from the start of one to the start of the next; size if not given", SpanOption(), default=None
    )
    offset: timedelta = option(
        "how much later they begin than the clock divides the time; may be negative",
        SignedDuration(),
        default=timedelta(0),
    )

    def probe(self, context: Context) -> None:
        try:
            make_spans(self.size, self.slide, self.offset, context.zone)
        except ValueError as error:
            raise self.wrong("slide", str(error)) from error

    def layout(self) -> Layout:
        from ..expression import Type, polars_type
        from ..windows.aggregates import WINDOW_END, WINDOW_START

        time = polars_type(Type.TIMESTAMP)
        return Layout(self.by, self.suffix, ((WINDOW_START, time), (WINDOW_END, time)))

    def start(self, left: Mapping[str, Any], right: Mapping[str, Any], zone: str) -> JoinCore:
        from ..joins.pairs import PairJoin, SameWindow

        near = SameWindow(make_spans(self.size, self.slide, self.offset, zone))
        return PairJoin(near, How(self.how), self.layout(), left, right, most=self.max_state)


@dataclass(frozen=True, slots=True, kw_only=True)
class AsofJoin(Join):
    """Join each row of the left stream with the latest of the right at or before it.

    ```
    left       2       5     6            (2, 1), (5, 3), (6, 3)
    right   1    3            7
    ```

    Input: two streams with event times, `from=[left right]`. Output: a row for each left row that has such a row with
    equal keys (with how=left, for each left row), as of join=interval. Of several right rows at one time the last
    counts. With how=right or outer, right rows that were never found come out, too, at their own time.
    Holds: left rows until the right stream has passed them; of the right, the latest row of each key, and with a
    tolerance no longer than it counts.
    Waits: for the right stream to pass the time of the left row.

    Example:
        join=asof(name=priced from=[trades quotes] by=symbol tolerance=1m how=left)

    See also: join=interval, join=window.
    """

    variant: ClassVar[str] = "asof"

    tolerance: timedelta | None = option(
        "how long before the left row the right one may be; any time if not given", Duration(), default=None
    )

    def check(self) -> None:
        Join.check(self)
        if How(self.how).sides[1] and self.tolerance is None:
            raise self.wrong(
                "how", "needs tolerance=, or it would not be known before the end which rows are never found"
            )

    def start(self, left: Mapping[str, Any], right: Mapping[str, Any], zone: str) -> JoinCore:
        from ..joins.latest import LatestJoin

        tolerance = None if self.tolerance is None else self.tolerance // MICROSECOND
        return LatestJoin(tolerance, How(self.how), self.layout(), left, right, most=self.max_state)
