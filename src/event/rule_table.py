"""Which of many conditions hold of which rows of a frame.

What the conditions come to is worked out once for each schema. Rules of a shape that many share are asked as one
(`families`), the others are bits in tables (`bit_table`), and those with functions and the like are judged one by one
(`frame_evaluator`). The answer is that of judging each condition on its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import polars as pl

from ..errors import CallbackError
from ..frozen import frozen
from .bit_table import bit_tables
from .circuit import FALSE, Circuit
from .condition import Condition
from .families import families_in
from .frame_compiler import FrameCompiler
from .leaves import Array

__all__ = ["RuleTable"]

_PAIRS: Final = 1 << 18
"""Pairs of a row and a rule to have in memory at once: a frame with more is gone through in parts."""
_ROWS: Final = 1 << 15
"""Rows to go through at once: what is computed stays in the cache of a core, and their numbers have 16 bits."""


class RuleTable:
    """Finds the conditions that hold of the rows of frames. May be shared by threads.

    >>> import polars as pl
    >>> table = RuleTable([Condition({"sensor": "a", "temp": {">": 20}}), Condition({"sensor": ["a", "b"]})])
    >>> frame = pl.DataFrame({"sensor": ["b", "a", "c"], "temp": [25, 25, 25]})
    >>> [(rows.tolist(), rules.tolist()) for rows, rules in table.matches(frame)]
    [([0, 1, 1], [1, 0, 1])]

    Args:
        conditions: the rules; their numbers are their places.
    """

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self._conditions = list(conditions)
        self._plan: tuple[Any, _Plan] | None = None
        self._lock = threading.Lock()

    def matches(
        self, frame: pl.DataFrame, on_error: Callable[[int, CallbackError], None] | None = None
    ) -> Iterator[tuple[Array, Array]]:
        """Yield the rows that conditions hold of and the numbers of those, by row and then by number, part by part.

        Args:
            frame: the rows, which are counted from 0; a column that it does not have is null.
            on_error: called with the number of a rule in which a function raises, and the error; the rule does not hold
                of that row. Without it the error is raised.
        """
        plan = self._plan_for(frame.schema)
        asked = _asked_one_by_one(plan.slow, frame, on_error)
        waiting = [(begin, min(begin + _ROWS, frame.height)) for begin in range(0, frame.height, _ROWS)][::-1]
        while waiting:
            begin, end = waiting.pop()
            found = plan.found(frame[begin:end], _PAIRS if end - begin > 1 else None)
            if found is None:
                middle = (begin + end) // 2
                waiting += [(middle, end), (begin, middle)]
                continue
            rows, rules = _in_order([*found, asked.between(begin, end)], len(self._conditions))
            if len(rows):
                yield rows.astype(np.int64) + begin, rules

    def _plan_for(self, schema: Mapping[str, Any]) -> _Plan:
        known = self._plan
        if known is None or known[0] != schema:
            with self._lock:  # one thread makes it, 6 us a rule, and the others wait for it
                known = self._plan
                if known is None or known[0] != schema:
                    known = self._plan = (schema, _Plan(self._conditions, schema))
        return known[1]


@frozen
class _Found:
    """Rows of which rules hold, and the numbers of those, one beside the other."""

    rows: Array
    rules: Array

    def between(self, begin: int, end: int) -> _Found:
        """Return what was found of the rows from `begin` to before `end`, which are counted from `begin` then."""
        wanted = (self.rows >= begin) & (self.rows < end)
        return _Found(self.rows[wanted] - begin, self.rules[wanted])


def _joined(found: Sequence[_Found]) -> _Found:
    none = np.empty(0, np.int64)
    return _Found(
        np.concatenate([none, *(each.rows for each in found)]), np.concatenate([none, *(each.rules for each in found)])
    )


def _each_with(rows_of: Sequence[tuple[Array, int]]) -> _Found:
    """Return what was found of each rule: all its rows, in order."""
    lengths = [len(rows) for rows, _ in rows_of]
    rows = np.concatenate([np.empty(0, np.int64), *(rows for rows, _ in rows_of)])
    return _Found(rows, np.repeat(np.array([rule for _, rule in rows_of], np.int64), lengths))


def _in_order(found: Sequence[_Found], rules: int) -> tuple[Array, Array]:
    """Sort by row, and then by rule; what was found twice counts once.

    numpy sorts 16 bits in linear time, ten times as fast as 64: so first by the rules, if need be, then by the rows.
    """
    joined = _joined([each for each in found if len(each.rows)])
    by_rule, rows = joined.rules.astype(np.min_scalar_type(rules)), joined.rows.astype(np.min_scalar_type(_ROWS - 1))
    if (by_rule[1:] < by_rule[:-1]).any():
        order = np.argsort(by_rule, kind="stable")
        by_rule, rows = by_rule[order], rows[order]
    order = np.argsort(rows, kind="stable")
    by_rule, rows = by_rule[order], rows[order]
    new = np.append(True, (rows[1:] != rows[:-1]) | (by_rule[1:] != by_rule[:-1]))[: len(rows)]
    return rows[new], by_rule[new]


def _asked_one_by_one(
    slow: Mapping[int, Condition], frame: pl.DataFrame, on_error: Callable[[int, CallbackError], None] | None
) -> _Found:
    """Return what was found of the conditions that Python is asked for."""
    found = []
    for rule, condition in slow.items():
        tell = None if on_error is None else partial(on_error, rule)
        found.append((np.flatnonzero(condition.frame_test.mask(frame, tell)), rule))
    return _each_with(found)


class _Plan:
    """What the conditions come to on frames of one schema."""

    def __init__(self, conditions: Sequence[Condition], schema: Mapping[str, Any]) -> None:
        self._circuit = Circuit()
        compiler = FrameCompiler(schema, self._circuit)
        parts = {rule: compiler.parts(condition.rule) for rule, condition in enumerate(conditions)}
        self.slow = {rule: conditions[rule] for rule, each in parts.items() if each is None}
        known = {rule: each for rule, each in parts.items() if each is not None and FALSE not in each}
        empty = self._circuit.signals(pl.DataFrame(schema=schema))
        self._families, others = families_in(self._circuit, known, empty)
        gates = {rule: self._circuit.every(each) for rule, each in others.items()}
        self._tables = bit_tables(self._circuit, gates, empty)

    def found(self, frame: pl.DataFrame, most: int | None) -> list[_Found] | None:
        """Return what was found of the rules that columns as a whole can tell; None if it is more than `most` pairs."""
        signals = self._circuit.signals(frame)
        runs = [(family, family.runs(signals)) for family in self._families]
        left = [(table, table.left(signals)) for table in self._tables]
        total = sum(each.total for _, each in runs) + sum(each.total for _, each in left)
        if most is not None and total > most:
            return None
        of_families = [_Found(*family.matches(signals, each)) for family, each in runs]
        return [*of_families, *(_Found(*table.found(each)) for table, each in left)]
