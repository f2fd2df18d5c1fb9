"""Act on the rows that a condition matches: they are the event stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import nearest
from ..event import Condition, ConditionKind, name_of
from ..fields import YesNo, option
from ..formats.template import Template, TemplateText
from ..record import TEXT
from ..running import Context, Operator
from .base import Transform
from .functions import BackgroundCalls, FunctionName, Mishaps, RowFunction, find_function
from .where import check_condition

if TYPE_CHECKING:
    import polars as pl

__all__ = ["When"]


@dataclass(frozen=True, slots=True, kw_only=True)
class When(Transform):
    """Pass on the rows that a condition matches, as events: print a line, call a function for each.

    Keeps the order; the rows that do not match count as filtered. A function that raises is counted under "callback
    errors" and told in the run's report with its name and place, and stops nothing else. It holds the stream back while
    it runs, unless `background=yes`: then it runs in a thread of its own, and one that hangs loses its rows (counted)
    but stops nothing.

    Example:
        event=when(condition=(celsius>30) print="{timestamp} {source}: {celsius:.1f} C" call="alerts:notify")
    """

    family: ClassVar[str] = "event"
    variant: ClassVar[str] = "when"
    drops_rows: ClassVar[bool] = True

    condition: Condition = option("what a row must be like to be an event", ConditionKind())
    print: str | None = option(
        "line for each event, with columns in braces and formats as Python has them", TemplateText(), default=None
    )
    call: Any = option(
        "function to call with each event, a dict; its module may stand beside the pipeline file",
        FunctionName(),
        default=None,
    )
    background: bool = option("call it in a thread of its own", YesNo(), default=False)

    def check(self) -> None:
        if self.background and self.call is None:
            raise self.wrong("background", "there is nothing to call; give call=")

    def open(self, context: Context) -> Operator:
        return _Events(self, context)

    def columns(self, inputs: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if inputs is not None:
            check_condition(self, self.condition, inputs)
            missing = Template(self.print).missing(inputs) if self.print is not None else None
            if missing is not None:
                raise self.wrong("print", f"there is no column {missing!r}", suggestion=nearest(missing, inputs))
            misfit = Template(self.print).misfit(inputs) if self.print is not None else None
            if misfit is not None:
                raise self.wrong("print", misfit)
        return inputs

    def probe(self, context: Context) -> None:
        if self.call is not None:
            find_function(self.call, context.imports, self.title())


class _Events(Operator):
    def __init__(self, chosen: When, context: Context) -> None:
        self._condition = chosen.condition
        self._say = context.say
        self._mishaps = Mishaps(context)
        self._template = None if chosen.print is None else Template(chosen.print, context.digits)
        self._function: RowFunction | None = None
        self._background: BackgroundCalls | None = None
        if chosen.call is not None:
            self._function = find_function(chosen.call, context.imports, chosen.title())
            self._background = BackgroundCalls(self._function, self._mishaps) if chosen.background else None

    def on_frame(self, frame: pl.DataFrame) -> Iterable[pl.DataFrame]:
        mask = self._condition.mask(frame, lambda error: self._mishaps.count("the condition", error))
        if not mask.any():
            return ()
        events = frame.filter(mask)
        self._act(events.drop(TEXT, strict=False))
        return (events,)

    def _act(self, events: pl.DataFrame) -> None:
        """Print and call, row by row, so that what is seen does not depend on how the stream is cut into frames."""
        lines = self._lines(events) if self._template is not None else None
        rows = _rows(events) if self._function is not None else None
        for number in range(events.height):
            if lines is not None and lines[number] is not None:
                self._say(str(lines[number]))
            if rows is not None:
                self._call(next(rows))

    def _call(self, row: dict[str, Any]) -> None:
        assert self._function is not None, "rows are made for a function"
        if self._background is not None:
            self._background(row)
            return
        try:
            self._function(row)
        except (Exception, SystemExit) as error:
            self._mishaps.count(name_of(self._function), error)

    def _lines(self, events: pl.DataFrame) -> Sequence[str | None]:
        assert self._template is not None, "lines are made from a template"
        try:
            return self._template.render_frame(events).to_list()
        except (LookupError, ValueError):  # a column that is not there, or a value that its format does not fit
            return [self._line(self._template, row) for row in _rows(events)]

    def _line(self, template: Template, row: dict[str, Any]) -> str | None:
        try:
            return template.render(row)
        except ValueError as error:
            self._mishaps.count("print", error, "print errors")
            return None

    def on_end(self) -> Iterable[pl.DataFrame]:
        self.close()
        return ()

    def close(self) -> None:
        if self._background is not None:
            self._background.close()
            self._background = None


def _rows(frame: pl.DataFrame) -> Iterator[dict[str, Any]]:
    names = frame.columns
    return (dict(zip(names, row, strict=True)) for row in zip(*(column.to_list() for column in frame), strict=True))
