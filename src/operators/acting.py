"""What is done about events: a line printed, a function called, for each of them in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import StateError, nearest
from ..event import name_of
from ..fields import YesNo, option
from ..formats.direct import without
from ..formats.rows import each_row, row_dicts
from ..formats.template import Template, TemplateText
from ..record import TEXT
from ..running import Context
from .base import Transform
from .functions import BackgroundCalls, FunctionName, Mishaps, RowFunction, direct, find_function
from .stateful import StateCall, check_state

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Acting", "Actions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting(Transform):
    """The base of what acts on events: the options that say how."""

    family: ClassVar[str] = "event"
    drops_rows: ClassVar[bool] = True

    print: str | None = option(
        "line for each event, with columns in braces and formats as Python has them", TemplateText(), default=None
    )
    call: Any = option(
        "function to call with each event, a dict; its module may stand beside the pipeline file",
        FunctionName(),
        default=None,
    )
    state: str | None = option(
        "file of the keyed state that the function gets as its second argument, as of map=python", default=None
    )
    background: bool = option("call it in a thread of its own", YesNo(), default=False)

    @property
    def acts(self) -> bool:
        """Is anything done about the events, besides passing them on? Then they come in the order of the stream."""
        return self.print is not None or self.call is not None

    def check(self) -> None:
        if self.background and self.call is None:
            raise self.wrong("background", "there is nothing to call; give call=")
        if self.state is not None and self.call is None:
            raise self.wrong("state", "there is nothing to call with it; give call=")

    def probe(self, context: Context) -> None:
        if self.call is not None and check_state(self, "call", context) and self.background:
            raise self.wrong("background", "a function with a state must be called in the order of the stream")

    def check_print(self, columns: Mapping[str, Any]) -> None:
        """Raise SpecError if the line has columns that are not there, or a format that does not fit one."""
        missing = Template(self.print).missing(columns) if self.print is not None else None
        if missing is not None:
            raise self.wrong("print", f"there is no column {missing!r}", suggestion=nearest(missing, columns))
        misfit = Template(self.print).misfit(columns) if self.print is not None else None
        if misfit is not None:
            raise self.wrong("print", misfit)


class Actions:
    """Prints and calls what a component says, for each row of a frame of events."""

    def __init__(self, chosen: Acting, context: Context) -> None:
        self.mishaps = Mishaps(context)
        self._say = context.say
        self._template = None if chosen.print is None else Template(chosen.print, context.digits)
        self._function: RowFunction | None = None
        self._state: StateCall | None = None
        self._background: BackgroundCalls | None = None
        if chosen.call is not None:
            function, self._state = StateCall.around(chosen, "call", context)
            self._name = name_of(find_function(chosen.call, context.imports, chosen.title()))
            if chosen.background:
                function = self._background = BackgroundCalls(function, self.mishaps)
            self._function = direct(function)

    def __call__(self, events: pl.DataFrame) -> None:
        """Act on each event, row by row, so that what is seen does not depend on how the stream is cut into frames."""
        shown = without(events, TEXT)
        if self._template is not None:
            self._act_and_say(self._lines(self._template, shown), shown)
        elif self._function is not None:
            each_row(shown, self._function, self._failed)

    def _act_and_say(self, lines: Sequence[str | None], events: pl.DataFrame) -> None:
        rows = repeat(None) if self._function is None else row_dicts(events)
        for line, row in zip(lines, rows):  # noqa: B905 (None is there without end)
            if line is not None:
                self._say(line)
            if row is not None:
                self._call(row)

    def _call(self, row: dict[str, Any]) -> None:
        try:
            self._function(row)  # type: ignore[misc]  # there are rows for a function only
        except (Exception, SystemExit) as error:
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        if isinstance(error, StateError):  # not this row is at fault
            raise error
        self.mishaps.count(self._name, error)

    def _lines(self, template: Template, events: pl.DataFrame) -> Sequence[str | None]:
        try:
            return template.render_frame(events).to_list()
        except (LookupError, ValueError):  # a column that is not there, or a value that its format does not fit
            return [self._line(template, row) for row in row_dicts(events)]

    def _line(self, template: Template, row: dict[str, Any]) -> str | None:
        try:
            return template.render(row)
        except ValueError as error:
            self.mishaps.count("print", error, "print errors")
            return None

    def saw(self, frame: pl.DataFrame) -> None:
        """Take note of the times of the rows that came, events or not, once the events among them are done with."""
        if self._state is not None:
            self._state.saw(frame)

    def close(self) -> None:
        """Let what runs in the background come to its end."""
        if self._background is not None:
            self._background.close()
            self._background = None
