"""Lay many rules over one stream: each row comes out once for each rule that holds of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import CallbackError
from ..event.named_conditions import NamedConditions, read_rules
from ..event.named_conditions import Rules as NamedRules
from ..event.rules import calls
from ..fields import option
from ..formats.direct import taken, without
from ..record import TEXT
from ..running import Context, Operator
from .acting import Acting, Actions

if TYPE_CHECKING:
    import polars as pl

    from ..event.rule_table import RuleTable

__all__ = ["Rules"]


class _Shared:
    """The table of rules that all who run in one process share: to work it out takes 6 us a rule.

    A copy in another process begins without one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: tuple[NamedRules, RuleTable] | None = None

    def __reduce__(self) -> tuple[type[_Shared], tuple[()]]:
        return _Shared, ()

    def table(self, rules: NamedRules) -> RuleTable:
        from ..event.rule_table import RuleTable

        with self._lock:
            if self._made is None or self._made[0] is not rules:
                self._made = rules, RuleTable([condition for _, condition in rules])
            return self._made[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules(Acting):
    """Pass on each row once for each of many rules that holds of it, with the name of the rule, as events.

    A rule is a condition with a name. Input: any stream. Output: its columns and, last, the name of the rule as a text,
    in the order of the stream and then of the rules; a row that no rule matches counts as filtered. The rules stand in
    the pipeline, `rules=( )`, or in a file: one JSON object per line, `{"rule": "hot", "condition": {"temp": {">":
    30}}}`, or, if its name ends in .scl, statements such as `hot=(temp>30)`. Rules are asked together, so thousands
    that look alike (an equality and a bound, with other values in each) take little longer than ten.
    Print, call, state and background are those of event=when; `{rule}` is a column, too. A function in a condition that
    raises is counted under "callback errors" and told with the name of the rule.
    Holds: nothing. Waits: for functions that are called, unless `background=yes`.

    Example:
        event=rules(name=alerts rules=(hot=(temp>30) odd=(status!=ok not=(source=lab))) print="{timestamp} {rule}")

    See also: event=when.
    """

    variant: ClassVar[str] = "rules"
    changes_values: ClassVar[bool] = True

    rules: NamedRules | None = option("the rules: each name with its condition", NamedConditions(), default=None)
    path: str | None = option("file with the rules, instead", default=None)
    column: str = option("name of the column that says which rule it was", default="rule")
    from_file: NamedRules | None = field(default=None, init=False, repr=False, compare=False)
    """The rules of the file, when `probe` has read it."""
    shared: _Shared = field(default_factory=lambda: _Shared(), init=False, repr=False, compare=False)

    def check(self) -> None:
        """Raise SpecError if the options do not fit together."""
        Acting.check(self)
        if (self.rules is None) == (self.path is None):
            raise self.wrong("rules", "give the rules, or the path of a file with them, and not both")

    def probe(self, context: Context) -> None:
        """Raise SpecError if there is no such file or function, or something is wrong with the rules in the file."""
        Acting.probe(self, context)
        object.__setattr__(self, "from_file", self._read(context))

    def columns(self, inputs: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if inputs is None:
            return None
        import polars as pl

        if self.column in inputs:
            raise self.wrong("column", f"there is a column {self.column!r} already; give the rule's another name")
        for name, found in self._problems(inputs):
            option_name = "path" if self.rules is None else "rules"
            raise self.wrong(option_name, f"{name}: {found.message}", suggestion=found.suggestion)
        outputs = {**inputs, self.column: pl.String()}
        self.check_print(outputs)
        return outputs

    def open(self, context: Context) -> Operator:
        return _Matching(self, self.from_file or self._read(context), context)

    def stateless(self) -> bool:
        known = self.rules or self.from_file
        return known is not None and not self.acts and not any(calls(condition.rule) for _, condition in known)

    def _read(self, context: Context) -> NamedRules:
        if self.path is None:
            return self.rules or ()
        try:
            return read_rules(context.base / self.path)
        except ValueError as error:
            raise self.wrong("path", str(error)) from error

    def _problems(self, inputs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield what can never be true, with the name of the rule."""
        from ..event.column_check import ColumnCheck

        check = ColumnCheck(inputs)
        for name, condition in self.rules or self.from_file or ():
            for problem in check.problems(condition.rule):
                yield name, problem


class _Matching(Operator):
    def __init__(self, chosen: Rules, rules: NamedRules, context: Context) -> None:
        self._chosen = chosen
        self._rules = rules
        self._context = context
        self._act = Actions(chosen, context)

    def on_frame(self, frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
        from ..formats.arrow_series import column_of

        shown = without(frame, TEXT)
        for rows, rules in self._table.matches(frame, self._tell):
            events = taken(shown, column_of(rows.astype("u4"))).hstack([self._names[column_of(rules.astype("u4"))]])
            self._context.repeated(int((rows[1:] == rows[:-1]).sum()))
            self._act(events)
            yield events
        self._act.saw(frame)

    @cached_property
    def _table(self) -> RuleTable:
        return self._chosen.shared.table(self._rules)

    @cached_property
    def _names(self) -> pl.Series:
        import polars as pl

        return pl.Series(self._chosen.column, [name for name, _ in self._rules], dtype=pl.String)

    def _tell(self, rule: int, error: CallbackError) -> None:
        self._act.mishaps.count(f"the condition of {self._rules[rule][0]}", error)

    def on_end(self) -> tuple[()]:
        self.close()
        return ()

    def close(self) -> None:
        self._act.close()
