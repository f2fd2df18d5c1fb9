"""A window that runs: between the frames of an engine, the clock, and the store that gathers rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..formats.direct import instants, kept, without
from ..record import TEXT, TIMESTAMP, DeadLetter
from ..running import Context, Operator
from ..windows.aggregates import AggregateError
from .window import ResultWindow
from .window_options import EPOCH, MICROSECOND

if TYPE_CHECKING:
    import polars as pl

    from ..windows.deep_windows import DeepWindows
    from ..windows.sessions import Sessions
    from ..windows.time_windows import TimeWindows

__all__ = ["RunningWindow"]


class RunningWindow(Operator):
    """Pushes rows into windows, and tells the ledger what became of them.

    It begins when the columns are known: with the first rows.

    Args:
        window: the options.
        context: of the stage.
    """

    def __init__(self, window: ResultWindow, context: Context) -> None:
        self._window = window
        self._context = context
        self._store: TimeWindows | DeepWindows | Sessions | None = None
        self._frontier: int | None = None
        self._latest: int | None = None
        self._closed: int | None = None  # what the clock has closed although the stream has not come so far

    def on_frame(self, frame: pl.DataFrame) -> Iterable[pl.DataFrame]:
        if self._closed is not None:
            frame = self._without_late(frame, self._closed)
        if not frame.height:
            return ()
        store = self._started(frame)
        if self._fitting(store, frame) < frame.height:
            return self._pushed_in_pieces(store, frame)
        self._push(store, frame)
        return ()

    def _pushed_in_pieces(
        self, store: TimeWindows | DeepWindows | Sessions, frame: pl.DataFrame
    ) -> Iterator[pl.DataFrame]:
        """Take as many rows at a time as have room; yield what is complete by the next one before it is taken.

        What ends at or before the time of a row is complete, as rows come in the order of time.
        """
        ahead = frame.height
        while frame.height:
            some = frame.head(ahead)
            count = self._fitting(store, some)
            if count < some.height:
                if self._context.lacks_rows():
                    self._context.absorbed(frame.height)  # they would be in results that must not go out
                    return
                yield from self._advanced(instants(frame.get_column(TIMESTAMP).head(1)).item())
                count = max(1, self._fitting(store, some))  # if one has no room, the store complains of it
            self._push(store, frame.head(count))
            frame, ahead = frame.slice(count), 4 * count  # to look at all that is left each time takes too long

    def on_frontier(self, timestamp: Any) -> Iterable[pl.DataFrame]:
        self._frontier = (timestamp - EPOCH) // MICROSECOND
        return self._advanced(self._frontier)

    def on_idle(self, since: float, until: float | None = None) -> Iterable[pl.DataFrame]:
        """Let the clock move the frontier on: as long as the silence has lasted.

        A source that falls silent lets go of the rows that it held back for its lateness. They are not overtaken any
        more, or rows would not be in the order of time.
        """
        if self._frontier is None:
            return ()
        silence = round(((self._context.clock() if until is None else until) - since) * 1_000_000)
        known = [time for time in (self._closed, self._latest) if time is not None]
        self._closed = max([self._frontier + max(0, silence), *known])
        return self._advanced(self._closed)

    def gone_on_to(self) -> Any:
        return None if self._closed is None else EPOCH + timedelta(microseconds=self._closed)

    def on_end(self) -> Iterable[pl.DataFrame]:
        return () if self._store is None else self._counted(self._store.end())

    def _fitting(self, store: TimeWindows | DeepWindows | Sessions, frame: pl.DataFrame) -> int:
        count: int = self._asked(lambda: store.fitting(frame))
        return count

    def _push(self, store: TimeWindows | DeepWindows | Sessions, frame: pl.DataFrame) -> None:
        outside: int = self._asked(lambda: store.push(frame))
        self._context.absorbed(frame.height - outside)
        self._context.holds(store.groups, "groups")
        self._latest = instants(frame.get_column(TIMESTAMP).tail(1)).item()

    def _started(self, frame: pl.DataFrame) -> TimeWindows | DeepWindows | Sessions:
        if self._store is None:
            self._window.columns(frame.schema)
            self._store = self._window.start(frame.schema, self._context.zone)
        return self._store

    def _advanced(self, frontier: int) -> Iterable[pl.DataFrame]:
        return () if self._store is None else self._counted(self._store.advance(frontier))

    def _counted(self, results: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        while (frame := self._asked(lambda: next(results, None))) is not None:
            self._context.made(frame.height)
            yield frame

    def _asked(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except AggregateError as error:
            raise self._window.wrong(None, str(error)) from error

    def _without_late(self, frame: pl.DataFrame, closed: int) -> pl.DataFrame:
        """Divert the rows that are before what the clock has closed while the source was silent."""
        from ..formats.arrow_series import column_of

        late = column_of(instants(frame.get_column(TIMESTAMP)) < closed)
        if not late.any():
            return frame
        until = (EPOCH + timedelta(microseconds=closed)).isoformat()
        reason = f"the stream had been silent, and {self._context.stage} had gone on by the clock to {until}"
        for row in without(kept(frame, late), TEXT).iter_rows(named=True):
            self._context.dead(DeadLetter(stage=self._context.stage, kind="late", reason=reason, record=row))
        return kept(frame, ~late)
