"""What people choose of windows: the rows of a stream, gathered by time and key, and what is computed of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import SpecError, nearest
from ..fields import Duration, Integer, Names, SignedDuration, YesNo, option
from ..formats.schema import shown_type
from ..record import TEXT, TIMESTAMP
from ..running import Context, Operator
from ..windows.aggregates import WINDOW_END, WINDOW_START, Aggregate, AggregateError, output_columns
from ..windows.spans import Span, make_spans
from .base import Transform
from .window_options import MICROSECOND, AggregateList, SpanOption

if TYPE_CHECKING:
    from ..windows.deep_windows import DeepWindows
    from ..windows.sessions import Sessions
    from ..windows.time_windows import TimeWindows

__all__ = ["ResultWindow", "SessionWindow", "SlidingWindow", "TumblingWindow", "Windowed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Windowed(Transform):
    """What all windows share: keys, aggregates, and a bound of what is held."""

    family: ClassVar[str] = "window"
    changes_values: ClassVar[bool] = True
    needs_order: ClassVar[bool] = True

    aggregate: tuple[tuple[str, Aggregate], ...] = option(
        "the new columns: each name with its aggregate", AggregateList()
    )
    by: tuple[str, ...] = option(
        "columns whose values part the rows: each key has its own windows", Names(), default=()
    )
    max_state: int = option(
        "how many groups (windows with their keys; of window=rolling: rows) may be held at a time, and how many values",
        Integer(least=1),
        default=10_000_000,
    )

    def check(self) -> None:
        for name in self.by:
            if name in (TIMESTAMP, WINDOW_START, WINDOW_END):
                raise self.wrong("by", f"{name!r} cannot be a key")
            if self.by.count(name) > 1:
                raise self.wrong("by", f"{name!r} is named twice")

    def reads(self, columns: Collection[str]) -> frozenset[str]:
        expressions = [aggregate.expression for _, aggregate in self.aggregate]
        named = frozenset(name for each in expressions if each is not None for name in each.reads)
        return (named | {*self.by, TIMESTAMP}).intersection(columns)

    def columns(self, inputs: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if inputs is None:
            return None
        self._check_time(inputs)
        mistakes = [*self._wrong_keys(inputs), *self._wrong_aggregates(inputs)]
        if mistakes:
            raise SpecError.together(mistakes)
        return self.results(inputs)

    def _wrong_keys(self, inputs: Mapping[str, Any]) -> Iterator[SpecError]:
        known = [column for column in inputs if column != TEXT]
        for name in self.by:
            if name not in inputs:
                message, near = f"there is no column {name!r}", nearest(name, known)
                yield self.wrong("by", message, allowed=known, suggestion=near)
            elif inputs[name].is_nested():
                yield self.wrong("by", f"{name!r} holds lists or structs, which cannot be keys")

    def _wrong_aggregates(self, inputs: Mapping[str, Any]) -> Iterator[SpecError]:
        for name, aggregate in self.aggregate:
            try:
                aggregate.type(inputs)
            except AggregateError as error:
                hints = {"allowed": error.allowed, "suggestion": error.suggestion}
                wrong = self.wrong("aggregate", f"{name}: {error}", part=f"{name}.of", **hints)
                wrong.__cause__ = error
                yield wrong

    def check_names(self, taken: Collection[str], where: str) -> None:
        """Raise SpecError for the aggregates whose names are those of other columns."""
        mistakes = [
            self.wrong("aggregate", f"there is a column {name!r} {where}; take another name", part=name)
            for name, _ in self.aggregate
            if name in taken
        ]
        if mistakes:
            raise SpecError.together(mistakes)

    def results(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the columns of the output, for an input that has what is asked of it."""
        raise NotImplementedError

    def _check_time(self, inputs: Mapping[str, Any]) -> None:
        import polars as pl

        dtype = inputs.get(TIMESTAMP)
        if dtype is None:
            raise self.wrong(None, "its rows have no event time; name its column with timestamp= in the reader")
        if not isinstance(dtype, pl.Datetime):
            raise self.wrong(None, f"the column `timestamp` is {shown_type(dtype)}, not a time; say format= or unit=")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultWindow(Windowed):
    """Windows that give a result each."""

    drops_rows: ClassVar[bool] = True
    absorbs: ClassVar[bool] = True

    def check(self) -> None:
        Windowed.check(self)
        self.check_names((TIMESTAMP, WINDOW_START, WINDOW_END, *self.by), "in the results already")

    def results(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        return output_columns(self.by, dict(self.aggregate), inputs)

    def open(self, context: Context) -> Operator:
        from .running_window import RunningWindow

        return RunningWindow(self, context)

    def start(self, columns: Mapping[str, Any], zone: str) -> TimeWindows | DeepWindows | Sessions:
        """Return what gathers rows with these columns."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class _TimeWindow(ResultWindow):
    offset: timedelta = option(
        "how much later they begin than the clock divides the time; may be negative",
        SignedDuration(),
        default=timedelta(0),
    )
    fill: bool = option(
        "give a result for each window without rows, too: of each key, from its first to the last of the stream",
        YesNo(),
        default=False,
    )

    def lengths(self) -> tuple[Span, Span]:
        """Return how long windows are, and from one to the next."""
        raise NotImplementedError

    def probe(self, context: Context) -> None:
        size, slide = self.lengths()
        try:
            make_spans(size, slide, self.offset, context.zone)
        except ValueError as error:
            raise self.wrong("slide" if size != slide else "size", str(error)) from error

    def start(self, columns: Mapping[str, Any], zone: str) -> TimeWindows | DeepWindows:
        from ..windows.deep_windows import DEEP, DeepWindows
        from ..windows.time_windows import TimeWindows

        spans = make_spans(*self.lengths(), self.offset, zone)
        if spans.deepest >= DEEP and not self.fill:
            return DeepWindows(spans, self.by, dict(self.aggregate), columns, most=self.max_state)
        return TimeWindows(spans, self.by, dict(self.aggregate), columns, fill=self.fill, most=self.max_state)


@dataclass(frozen=True, slots=True, kw_only=True)
class TumblingWindow(_TimeWindow):
    """Gather rows by windows of one size that follow each other without a gap, and compute aggregates of each.

    ```
    size=4   t   1   4  5      9
             [0      )                  count 1
                     [4        )        count 2
                               [8       is complete when nothing before 12 will follow
    ```

    Input: any stream with event times. Output: a row for each window and key that has rows: `timestamp` (the window's
    end), `window_start`, `window_end`, the columns of `by`, the aggregates; in the order of end, start, key. A window
    is `[start, end)`; it goes out when nothing before its end will follow, and never again.
    Spans such as 90s or 24h are multiples counted from 1970-01-01T00:00Z; 1d, 1w (from Monday), 1mo and 1y follow the
    calendar of the pipeline's zone. docs/semantics.md has the aggregates and all that is said of time.
    Holds: what the aggregates of open windows need: a few numbers for each key; of median, quantile, distinct, collect
    and count_by, all values.
    Waits: for the frontier of the stream to reach the end; of a live source that is silent, its `idle` moves it on.

    Example:
        window=tumbling(name=daily size=1d by=source aggregate=(readings=count mean=mean(of=celsius)))

    See also: window=sliding, window=session.
    """

    variant: ClassVar[str] = "tumbling"

    size: Span = option("how long each window is", SpanOption())

    def lengths(self) -> tuple[Span, Span]:
        return self.size, self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class SlidingWindow(_TimeWindow):
    """Gather rows by windows of one size, a new one of which begins every `slide`, and compute aggregates of each.

    ```
    size=4 slide=2   t   1   3    5
                 [-2      2)               count 1
                    [0        4)           count 2
                          [2        6)     count 2
    ```

    Input: any stream with event times. Output: as of window=tumbling; a row of the input is in each window that covers
    it. With a slide longer than the size, rows between windows count as filtered.
    Holds: as window=tumbling, for as many windows at a time as overlap.
    Costs: for each row, time for all windows that it is in, 10,000 at most: about 30 ns for each, or, where these are
    150 or more, some microseconds and a nanosecond for each (20 ns for first, last, variance and stddev; 50 to 100 ns
    where all values are kept, and with fill=yes).
    Waits: as window=tumbling.

    Example:
        window=sliding(name=weekly size=7d slide=1d by=source aggregate=(mean=mean(of=celsius)))

    See also: window=tumbling, window=session.
    """

    variant: ClassVar[str] = "sliding"

    size: Span = option("how long each window is", SpanOption())
    slide: Span = option("from the start of one window to the start of the next", SpanOption())

    def lengths(self) -> tuple[Span, Span]:
        return self.size, self.slide


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionWindow(ResultWindow):
    """Gather rows that are close to each other: those of one key at most `gap` apart belong together.

    ```
    gap=3   t  1  2    4        9  12
               [--------------7]             from the first row to the last plus the gap
                                [------15]
    ```

    Input: any stream with event times. Output: a row for each session: `timestamp` and `window_end` (the time of its
    last row plus the gap), `window_start` (that of its first), the columns of `by`, the aggregates; in the order of
    end, start, key. Rows exactly the gap apart belong together.
    Holds: what the aggregates of open sessions need, as window=tumbling.
    Waits: for the frontier to pass the end of the session.

    Example:
        window=session(name=visits gap=30m by=user aggregate=(pages=count first=first(of=page)))

    See also: window=tumbling, window=sliding.
    """

    variant: ClassVar[str] = "session"

    gap: timedelta = option("rows of a key that are further apart belong to different sessions", Duration())

    def start(self, columns: Mapping[str, Any], zone: str) -> Sessions:
        from ..windows.sessions import Sessions

        return Sessions(self.gap // MICROSECOND, self.by, dict(self.aggregate), columns, most=self.max_state)
