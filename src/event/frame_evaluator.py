"""From a rule to one bool per row of a frame: whole columns where they can tell, Python where they cannot.

The rows are narrowed step by step: what columns can tell is asked first, then what needs Python (functions of the
user's, lists, regular expressions, whose dialect is Python's) is asked of the rows that are still undecided, with the
columns that it needs and no others. Both ways give the same answers: a row is judged as `compile_rule` judges it with
`null_is_missing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import singledispatch
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from ..errors import CallbackError
from ..formats.rows import row_dicts
from ..frozen import frozen
from .circuit import TRUE, Circuit
from .dict_evaluator import Test, compile_rule
from .frame_compiler import FrameCompiler, by_column
from .leaves import Bools
from .rules import AllOf, AnyOf, Complement, Each, Fields, Rule, calls

__all__ = ["FrameTest"]

_Rows = npt.NDArray[np.intp]


@dataclass(slots=True)
class _Failures:
    """The rows on which a function of the user's raised."""

    on_error: Callable[[CallbackError], None] | None
    rows: list[int] = field(default_factory=list)

    def note(self, error: CallbackError, row: int) -> None:
        if self.on_error is None:
            raise error
        self.on_error(error)
        self.rows.append(row)


class FrameTest:
    """Judges the rows of frames; what a rule comes to is worked out once for each schema, and most streams have one.

    Args:
        rule: the rule of a whole condition.
    """

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._steps: tuple[Any, _Step] | None = None

    def mask(self, frame: pl.DataFrame, on_error: Callable[[CallbackError], None] | None = None) -> Bools:
        """Return one bool per row: whether the rule holds of it. See `Condition.mask`."""
        failures = _Failures(on_error)
        holds = self._step(frame.schema).holds(frame, None, failures)
        if failures.rows:
            holds = holds.copy()
            holds[failures.rows] = False
        return holds

    def _step(self, schema: Mapping[str, Any]) -> _Step:
        known = self._steps
        if known is None or known[0] != schema:
            known = self._steps = (schema, _step(self._rule, schema))
        return known[1]


class _Step(Protocol):
    """Part of the way to the answer."""

    def holds(self, frame: pl.DataFrame, rows: _Rows | None, failures: _Failures) -> Bools:
        """Return one bool per row of `frame`; `rows` are the numbers of those in the whole frame, unless it is that."""


def _step(rule: Rule, schema: Mapping[str, Any]) -> _Step:
    circuit = Circuit()
    gate = FrameCompiler(schema, circuit).compile(rule)
    return _slow_step(rule, schema) if gate is None else _Whole(circuit, gate)


@singledispatch
def _slow_step(rule: Rule, schema: Mapping[str, Any]) -> _Step:
    raise TypeError(f"{rule!r} is no rule of a whole condition")


@_slow_step.register
def _complement_step(rule: Complement, schema: Mapping[str, Any]) -> _Step:
    return _Opposite(_step(rule.rule, schema))


@_slow_step.register
def _any_step(rule: AnyOf, schema: Mapping[str, Any]) -> _Step:
    return _Opposite(_narrowing([Complement(each) for each in rule.rules], schema))


@_slow_step.register(AllOf)
@_slow_step.register(Each)
def _all_step(rule: AllOf | Each, schema: Mapping[str, Any]) -> _Step:
    return _narrowing(_conjuncts(rule, schema), schema)


@_slow_step.register
def _fields_step(rule: Fields, schema: Mapping[str, Any]) -> _Step:
    parts = _conjuncts(rule, schema)
    return _narrowing(parts, schema) if len(parts) > 1 else _row_step(rule, schema)


def _conjuncts(rule: Rule, schema: Mapping[str, Any]) -> list[Rule]:
    if isinstance(rule, Fields):
        return [fields for _, _, fields in by_column(rule, schema)]
    if isinstance(rule, AllOf | Each):
        return [part for each in rule.rules for part in _conjuncts(each, schema)]
    return [rule]


def _narrowing(parts: Sequence[Rule], schema: Mapping[str, Any]) -> _Step:
    circuit = Circuit()
    compiler = FrameCompiler(schema, circuit)
    gates = {part: compiler.compile(part) for part in parts}
    quick = circuit.every([gate for gate in gates.values() if gate is not None])
    slow = sorted((part for part, gate in gates.items() if gate is None), key=calls)
    return _Narrowing(_Whole(circuit, quick), [_slow_step(part, schema) for part in slow])


def _row_step(rule: Fields, schema: Mapping[str, Any]) -> _Step:
    names = [column for column, _, _ in by_column(rule, schema) if column is not None]
    test = compile_rule(rule, null_is_missing=True)
    if len(names) == 1 and not calls(rule) and isinstance(schema[names[0]], pl.String | pl.Categorical | pl.Enum):
        return _ByDistinctTexts(test, names[0])
    return _RowByRow(test, names)


@frozen
class _Whole:
    """Whole columns tell."""

    circuit: Circuit
    gate: int

    def holds(self, frame: pl.DataFrame, rows: _Rows | None, failures: _Failures) -> Bools:
        return self.circuit.signals(frame).of(self.gate)


@frozen
class _Opposite:
    step: _Step

    def holds(self, frame: pl.DataFrame, rows: _Rows | None, failures: _Failures) -> Bools:
        return ~self.step.holds(frame, rows, failures)


@frozen
class _Narrowing:
    """All must hold: the quick parts are asked at once, then the others, each of the rows that are left."""

    quick: _Whole
    slow: Sequence[_Step]

    def holds(self, frame: pl.DataFrame, rows: _Rows | None, failures: _Failures) -> Bools:
        left = np.flatnonzero(self.quick.holds(frame, rows, failures)) if self.quick.gate != TRUE else None
        for step in self.slow:
            if left is None:
                left = np.flatnonzero(step.holds(frame, rows, failures))
            elif len(left):
                left = left[step.holds(frame[left], left if rows is None else rows[left], failures)]
        holds = np.full(frame.height, left is None)
        holds[[] if left is None else left] = True
        return holds


@frozen
class _ByDistinctTexts:
    """Each text that there is in a column is judged once."""

    test: Test
    name: str

    def holds(self, frame: pl.DataFrame, rows: _Rows | None, failures: _Failures) -> Bools:
        values = frame.get_column(self.name).cast(pl.String)
        distinct = values.unique()
        verdicts = pl.Series([bool(self.test({self.name: value})) for value in distinct], dtype=pl.Boolean)
        return values.is_in(distinct.filter(verdicts).implode(), nulls_equal=True).to_numpy()


@frozen
class _RowByRow:
    """Each row is judged as a dict of the columns that are needed."""

    test: Test
    names: Sequence[str]

    def holds(self, frame: pl.DataFrame, rows: _Rows | None, failures: _Failures) -> Bools:
        looked_at = pl.DataFrame([frame.get_column(name) for name in self.names])
        numbers = range(frame.height) if rows is None else rows
        events = row_dicts(looked_at) if self.names else ({} for _ in numbers)
        verdicts = (self._verdict(event, row, failures) for event, row in zip(events, numbers, strict=True))
        return np.fromiter(verdicts, np.bool_, frame.height)

    def _verdict(self, event: dict[str, Any], row: Any, failures: _Failures) -> bool:
        try:
            return bool(self.test(event))
        except CallbackError as error:
            failures.note(error, int(row))
            return False
