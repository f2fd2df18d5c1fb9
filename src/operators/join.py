"""Joins: rows of two streams that belong together by key and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from ..errors import nearest
from ..fields import (
    ALL_TIME,
    Choice,
    Component,
    Duration,
    Integer,
    Kind,
    Names,
    format_duration,
    option,
    parse_duration,
)
from ..formats.direct import with_only, without
from ..formats.schema import shown_type
from ..joins import How, JoinError, Shape, output_columns
from ..record import TEXT, TIMESTAMP
from ..running import Context
from ..windows.spans import Span, make_spans
from .window_options import EPOCH, MICROSECOND, SpanOption

if TYPE_CHECKING:
    import polars as pl

    from ..queue.merge import Merge

__all__ = ["AsofJoin", "IntervalJoin", "Join", "Joining", "SignedDuration", "WindowJoin"]

_SIDES = ("left", "right")
_HOWS = tuple(how.value for how in How)


class SignedDuration(Kind):
    """A span of time that may be negative; held as a `timedelta`."""

    says: ClassVar[str] = "a duration such as 2s or 1h30m, or, backwards, -2s"

    def parse(self, value: Any) -> timedelta:
        if isinstance(value, timedelta) and abs(value) <= ALL_TIME:
            return value
        if value == 0 and not isinstance(value, bool):
            return timedelta(0)
        if not isinstance(value, str):
            raise self._wrong(value)
        return -parse_duration(value[1:]) if value.startswith("-") else parse_duration(value)

    def write(self, value: timedelta) -> str:
        return f'"-{format_duration(-value)}"' if value < timedelta(0) else format_duration(value)


class Core(Protocol):
    """What a join is behind its options: `plait.joins` has them."""

    @property
    def held(self) -> int:
        """How many rows are held."""

    def push(self, side: int, frame: pl.DataFrame) -> None:
        """Take rows: 0 left, 1 right."""

    def advance(self, frontier: int | None) -> tuple[pl.DataFrame | None, int | None]:
        """Return what may go out when nothing before the frontier will follow, and the frontier of that."""


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
            return output_columns(self.shape(), left, right)
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

    def shape(self) -> Shape:
        """Return keys and names."""
        return Shape(self.by, self.suffix)

    def merge(self, inputs: Sequence[str]) -> Merge:
        """Return what keeps the two inputs together in time."""
        from ..queue.merge import Merge

        return Merge(inputs)

    def start(self, left: Mapping[str, Any], right: Mapping[str, Any], zone: str) -> Core:
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
    time less the left time is from `lower` to `upper`, both included: `timestamp` (the later of the two), the keys, the
    columns of the left, those of the right, `timestamp_left`, `timestamp_right`; in the order of time, then of the left
    rows, then of the right ones. A row without a partner comes out once, at its own time, when none can come any more.
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

    def check(self) -> None:
        Join.check(self)
        if self.lower > self.upper:
            raise self.wrong("lower", "it is more than upper: nothing lies between")

    def start(self, left: Mapping[str, Any], right: Mapping[str, Any], zone: str) -> Core:
        from ..joins.pairs import Band, PairJoin

        band = Band(self.lower // MICROSECOND, self.upper // MICROSECOND)
        return PairJoin(band, How(self.how), self.shape(), left, right, most=self.max_state)


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
        "how much later they begin than the clock divides the time", Duration(), default=timedelta(0)
    )

    def probe(self, context: Context) -> None:
        try:
            make_spans(self.size, self.slide, self.offset, context.zone)
        except ValueError as error:
            raise self.wrong("slide", str(error)) from error

    def shape(self) -> Shape:
        from ..expression import Type, polars_type
        from ..windows.aggregates import WINDOW_END, WINDOW_START

        time = polars_type(Type.TIMESTAMP)
        return Shape(self.by, self.suffix, ((WINDOW_START, time), (WINDOW_END, time)))

    def start(self, left: Mapping[str, Any], right: Mapping[str, Any], zone: str) -> Core:
        from ..joins.pairs import PairJoin, SameWindow

        near = SameWindow(make_spans(self.size, self.slide, self.offset, zone))
        return PairJoin(near, How(self.how), self.shape(), left, right, most=self.max_state)


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

    def start(self, left: Mapping[str, Any], right: Mapping[str, Any], zone: str) -> Core:
        from ..joins.asof import AsofJoin as Asof

        tolerance = None if self.tolerance is None else self.tolerance // MICROSECOND
        return Asof(tolerance, How(self.how), self.shape(), left, right, most=self.max_state)


class Joining:
    """A running join, between frames with times as the engine has them and its core.

    It begins when the columns of both sides are known, or all has come.

    Args:
        join: the options.
        context: of the stage.
        columns: those of either side, as far as they are known before the run.
    """

    def __init__(self, join: Join, context: Context, columns: Sequence[Mapping[str, Any] | None]) -> None:
        self._join = join
        self._context = context
        self._columns = [dict(known) if known else None for known in columns]
        self._waiting: list[tuple[int, pl.DataFrame]] = []
        self._core: Core | None = None

    def push(self, side: int, frame: pl.DataFrame) -> None:
        """Take rows that `fitted` has seen: 0 left, 1 right."""
        self._context.absorbed(frame.height)
        self._waiting.append((side, frame))

    def fitted(self, side: int, frame: pl.DataFrame) -> pl.DataFrame:
        """Return rows with the columns of their side, in the order of its first rows. Raises SpecError: others came."""
        frame = without(frame, TEXT)
        known = self._columns[side] = self._columns[side] or dict(frame.schema)
        found = dict(frame.schema)
        for name in known | found:
            if known.get(name) != found.get(name):
                was, now = (shown_type(own[name]) if name in own else "not there" for own in (known, found))
                message = f"column {name!r} of the {_SIDES[side]} input was {was}, and is {now} in rows that came later"
                raise self._join.wrong(None, message)
        return with_only(frame, known)

    def advance(self, timestamp: datetime | None) -> tuple[pl.DataFrame | None, datetime | None]:
        """Return what may go out when nothing before this will follow (None: nothing at all), and its own frontier."""
        core = self._started(at_the_end=timestamp is None)
        if core is None:
            self._check_room()
            return None, self._first_alone(timestamp)
        waiting, self._waiting = self._waiting, []
        try:
            for side, frame in waiting:
                core.push(side, frame)
            self._context.holds(core.held, "rows")
            results, bound = core.advance(None if timestamp is None else (timestamp - EPOCH) // MICROSECOND)
        except JoinError as error:
            raise self._join.wrong(None, str(error)) from error
        if results is not None:
            self._context.made(results.height)
        return results, None if bound is None else EPOCH + bound * MICROSECOND

    def _check_room(self) -> None:
        """Raise SpecError if too many rows of one side wait until the columns of the other are known."""
        waiting = sum(frame.height for _, frame in self._waiting)
        if waiting > self._join.max_state:
            side = self._waiting[0][0]
            message = (
                f"it holds {waiting:,} rows of the {_SIDES[side]} input, and none has come of the {_SIDES[1 - side]}"
            )
            raise self._join.wrong(None, f"{message}; max_state allows {self._join.max_state:,}")

    def _first_alone(self, timestamp: datetime | None) -> datetime | None:
        """Return the frontier while the columns of a side, and so its rows, are awaited.

        A pair has the later of two times, so none is before that; a row without a partner has its own.
        """
        alone = How(self._join.how).sides
        times = [frame.get_column(TIMESTAMP)[0] for side, frame in self._waiting if alone[side]]
        return timestamp if timestamp is None else min([timestamp, *times])

    def _started(self, *, at_the_end: bool) -> Core | None:
        if self._core is None:
            left, right = self._columns
            if at_the_end and (left or right):
                left, right = left or self._least(right or {}), right or self._least(left or {})
            if left and right:
                self._join.columns([("left", left), ("right", right)])
                self._core = self._join.start(left, right, self._context.zone)
        return self._core

    def _least(self, other: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns of a side of which no row has come: what the other must find there."""
        return {name: other[name] for name in (TIMESTAMP, *self._join.by) if name in other}
