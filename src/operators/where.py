"""Let the rows pass that a condition matches."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..event import Condition, ConditionKind
from ..event.rules import calls, paths
from ..fields import option
from ..running import Context, Operator
from .base import Transform
from .functions import Mishaps

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Where", "check_condition"]


def check_condition(component: Transform, condition: Condition, columns: Mapping[str, Any]) -> None:
    """Raise SpecError if the condition names columns that are not there, or can never be true of their values."""
    from ..event.column_check import ColumnCheck

    found = ColumnCheck(columns).problems(condition.rule)
    if found:
        message = "; ".join(problem.message for problem in found)
        suggestion = next((problem.suggestion for problem in found if problem.suggestion), None)
        raise component.wrong("condition", message, suggestion=suggestion)


@dataclass(frozen=True, slots=True, kw_only=True)
class Where(Transform):
    """Let the rows pass that a condition matches; the others count as filtered.

    Keeps the order. A null is a field that is not there: `x=null` matches it, `exists=yes` does not. A function in the
    condition (from Python) that raises does not match: its row counts as filtered, and the error is counted under
    "callback errors" and told at the end of the run.

    Example:
        filter=where(condition=(temp>-50 not=(status=fail)))
    """

    family: ClassVar[str] = "filter"
    variant: ClassVar[str] = "where"
    drops_rows: ClassVar[bool] = True

    condition: Condition = option("what a row must be like to pass", ConditionKind())

    def open(self, context: Context) -> Operator:
        return _Filter(self.condition, context)

    def stateless(self) -> bool:
        """Return True, unless the condition calls functions: those are the user's, and are called in order."""
        return not calls(self.condition.rule)

    def sieve(self) -> Condition | None:
        return self.condition if self.stateless() else None

    def reads(self, columns: Collection[str]) -> frozenset[str]:
        looked_at = paths(self.condition.rule)
        return frozenset(
            name for name in columns if any(path == name or path.startswith(f"{name}.") for path in looked_at)
        )

    def columns(self, inputs: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if inputs is not None:
            check_condition(self, self.condition, inputs)
        return inputs


class _Filter(Operator):
    def __init__(self, condition: Condition, context: Context) -> None:
        self._condition = condition
        self._wanted = context.wanted
        self._mishaps = Mishaps(context)

    def on_frame(self, frame: pl.DataFrame) -> Iterable[pl.DataFrame]:
        kept = self._condition.select(frame, lambda error: self._mishaps.count("the condition", error), self._wanted)
        return (kept,) if kept.height else ()
