"""Act on the rows that a condition matches: they are the event stream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..event import Condition, ConditionKind
from ..event.rules import calls
from ..fields import option
from ..running import Context, Operator
from .acting import Acting, Actions
from .pace import Pace
from .where import check_condition

if TYPE_CHECKING:
    import polars as pl

__all__ = ["When"]


@dataclass(frozen=True, slots=True, kw_only=True)
class When(Acting):
    """Pass on the rows that a condition matches, as events: print a line, call a function for each.

    Keeps the order; the rows that do not match count as filtered. A function that raises is counted under "callback
    errors" and told in the run's report with its name and place, and stops nothing else: the event goes on, so the exit
    status of the run does not change. It holds the stream back while it runs, unless `background=yes`: then it runs in
    a thread of its own, and one that hangs loses its rows (counted) but stops nothing. A function with two parameters
    gets a keyed state as the second, which `state=` keeps in a file: see map=python.

    Example:
        event=when(condition=(celsius>30) print="{timestamp} {source}: {celsius:.1f} C" call="alerts:notify")

    See also: event=rules, for many conditions at once.
    """

    variant: ClassVar[str] = "when"

    condition: Condition = option("what a row must be like to be an event", ConditionKind())

    def open(self, context: Context) -> Operator:
        return _Events(self, context)

    def stateless(self) -> bool:
        return not self.acts and not calls(self.condition.rule)

    def sieve(self) -> Condition | None:
        """Return the condition, unless a function is called: a state of its own would note the times of all rows."""
        return self.condition if self.call is None and not calls(self.condition.rule) else None

    def columns(self, inputs: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if inputs is not None:
            check_condition(self, self.condition, inputs)
            self.check_print(inputs)
        return inputs


class _Events(Operator):
    def __init__(self, chosen: When, context: Context) -> None:
        self._condition = chosen.condition
        self._act = Actions(chosen, context)
        self._pace = Pace(context)

    def on_frame(self, frame: pl.DataFrame) -> Iterable[pl.DataFrame]:
        mishaps = self._act.mishaps
        events = self._condition.select(frame, lambda error: mishaps.count("the condition", error))
        done = sum(map(self._acted, self._pace.pieces(events)))
        if done < events.height:  # the run is to stop
            frame = events = events.head(done)
        self._act.saw(frame)
        return (events,) if done else ()

    def _acted(self, events: pl.DataFrame) -> int:
        self._act(events)
        return events.height

    def on_end(self) -> Iterable[pl.DataFrame]:
        self.close()
        return ()

    def close(self) -> None:
        self._act.close()
