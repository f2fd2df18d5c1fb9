"""Rolling aggregates: new columns over the last rows of each key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from ..fields import Duration, Integer, option
from ..running import Context, Operator
from ..windows.aggregates import AggregateError
from .window import Windowed
from .window_options import MICROSECOND

if TYPE_CHECKING:
    import polars as pl

    from ..windows.rolling import Rolling

__all__ = ["RollingWindow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingWindow(Windowed):
    """Add to each row what the last rows of its key, or those of the last stretch of time, come to.

    ```
    rows=3        temp   1  2  4  8  16
                  sum    1  3  7 14  28          itself and the two rows before it
    ```

    Input: any stream with event times. Output: its rows, each with the aggregates as new columns behind its own. With
    `rows` they are of that many rows of its key, itself the last of them (fewer at the beginning); with `duration`, of
    the rows of its key up to itself whose time is later than its own minus the duration.
    Holds: of each key, the rows that may be in a window to come.
    Waits: for nothing.

    Example:
        window=rolling(name=smooth duration=7d by=city aggregate=(average=mean(of=celsius)))

    See also: window=sliding, which gives a row for each window.
    """

    variant: ClassVar[str] = "rolling"

    rows: int | None = option("how many rows, the row itself among them", Integer(least=1), default=None)
    duration: timedelta | None = option("how far back in time, instead", Duration(), default=None)

    def check(self) -> None:
        Windowed.check(self)
        if (self.rows is None) == (self.duration is None):
            raise self.wrong("rows", "give rows= or duration=, and not both")
        if self.duration == timedelta(0):
            raise self.wrong("duration", "it is no time at all")

    def results(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        self.check_names(inputs.keys(), "already")
        return {**inputs, **{name: aggregate.type(inputs) for name, aggregate in self.aggregate}}

    def open(self, context: Context) -> Operator:
        return _Rolling(self, context)

    def start(self, columns: Mapping[str, Any]) -> Rolling:
        """Return what computes the new columns for rows with these columns."""
        from ..windows.rolling import Rolling

        duration = None if self.duration is None else self.duration // MICROSECOND
        return Rolling(self.rows, duration, self.by, dict(self.aggregate), columns, most=self.max_state)


class _Rolling(Operator):
    def __init__(self, window: RollingWindow, context: Context) -> None:
        self._window, self._context = window, context
        self._rolling: Rolling | None = None

    def on_frame(self, frame: pl.DataFrame) -> tuple[pl.DataFrame]:
        try:
            if self._rolling is None:
                self._window.columns(frame.schema)
                self._rolling = self._window.start(frame.schema)
            result = self._rolling.push(frame)
        except AggregateError as error:
            raise self._window.wrong(None, str(error)) from error
        self._context.holds(self._rolling.held, "rows")
        return (result,)
