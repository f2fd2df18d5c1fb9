"""From rules to one bool per row of a frame: Polars expressions where they say the same, Python where they cannot.

The rows are narrowed step by step: what Polars can tell is asked first and in one go, then what needs Python (functions
of the user's, lists, regular expressions, whose dialect is Python's) is asked of the rows that are still undecided,
with the columns that it needs and no others. Both ways give the same answers: a row is judged as `compile_rule` judges
it with `null_is_missing`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import singledispatch
from typing import Any

import polars as pl

from ..errors import CallbackError
from .column_evaluator import column_expression, constant
from .dict_evaluator import compile_rule
from .rules import AllOf, AnyOf, Complement, Each, Fields, Rule, below, calls

__all__ = ["mask"]

_MASK = "\x1fmask"


def mask(rule: Rule, frame: pl.DataFrame, on_error: Callable[[CallbackError], None] | None = None) -> pl.Series:
    """Return one bool per row: whether the rule holds of it. See `Condition.mask`."""
    judging = _Judging(on_error)
    rows = pl.int_range(frame.height, dtype=pl.Int64, eager=True)
    holds = judging.rows_that_hold(rule, frame, rows)
    return _without(holds, judging.failed).alias("mask")


def _without(holds: pl.Series, failed: Sequence[int]) -> pl.Series:
    return holds.clone().scatter(list(failed), False) if failed else holds


class _Judging:
    """One run over one frame; remembers the rows on which a function of the user's raised."""

    def __init__(self, on_error: Callable[[CallbackError], None] | None) -> None:
        self.failed: list[int] = []
        self._on_error = on_error

    def rows_that_hold(self, rule: Rule, frame: pl.DataFrame, rows: pl.Series) -> pl.Series:
        """Return one bool per row of `frame`; `rows` are the numbers of those rows in the whole frame."""
        quick = row_expression(rule, frame.schema)
        if quick is not None:
            return frame.with_columns(quick.alias(_MASK)).get_column(_MASK)
        if isinstance(rule, Complement):
            return ~self.rows_that_hold(rule.rule, frame, rows)
        if isinstance(rule, AnyOf):
            return ~self._all_hold([Complement(each) for each in rule.rules], frame, rows)
        parts = _conjuncts(rule, frame.schema)
        if isinstance(rule, AllOf | Each) or len(parts) > 1:
            return self._all_hold(parts, frame, rows)
        return self._one_by_one(parts[0], frame, rows)

    def _all_hold(self, parts: Sequence[Rule], frame: pl.DataFrame, rows: pl.Series) -> pl.Series:
        """Ask for the quick parts at once, then for the others, each of the rows that are left."""
        known = [(part, row_expression(part, frame.schema)) for part in parts]
        quick = pl.all_horizontal(constant(True), *(expression for _, expression in known if expression is not None))
        holds = frame.with_columns(quick.alias(_MASK)).get_column(_MASK)
        for part in sorted((part for part, expression in known if expression is None), key=calls):
            left = holds.arg_true()
            verdict = self.rows_that_hold(part, frame[left], rows[left])
            holds = pl.repeat(False, frame.height, dtype=pl.Boolean, eager=True).scatter(left.filter(verdict), True)
        return holds

    def _one_by_one(self, rule: Rule, frame: pl.DataFrame, rows: pl.Series) -> pl.Series:
        test = compile_rule(rule, null_is_missing=True)
        needed = [frame.get_column(name) for name in _columns(rule, frame.schema)]
        if len(needed) == 1 and not calls(rule) and needed[0].dtype in (pl.String, pl.Categorical, pl.Enum):
            return _by_distinct_values(test, needed[0])
        names = [column.name for column in needed]
        values = zip(*(column.to_list() for column in needed), strict=True) if needed else [()] * frame.height
        events = (dict(zip(names, row, strict=True)) for row in values)
        verdicts = [self._verdict(test, event, rows, number) for number, event in enumerate(events)]
        return pl.Series(_MASK, verdicts, dtype=pl.Boolean)

    def _verdict(self, test: Callable[[Any], Any], event: dict[str, Any], rows: pl.Series, number: int) -> bool:
        try:
            return bool(test(event))
        except CallbackError as error:
            if self._on_error is None:
                raise
            self._on_error(error)
            self.failed.append(int(rows[number]))
            return False


def _by_distinct_values(test: Callable[[Any], Any], column: pl.Series) -> pl.Series:
    values = column.cast(pl.String)
    distinct = values.unique()
    verdicts = [bool(test({column.name: value})) for value in distinct]
    return values.is_in(distinct.filter(pl.Series(verdicts, dtype=pl.Boolean)).implode(), nulls_equal=True)


def _by_column(rule: Fields, names: Sequence[str] | pl.Schema) -> list[tuple[str | None, Rule, Fields]]:
    """Split paths by the column that each leads to: (column or None, what must hold of it, the paths themselves)."""
    split: list[tuple[str | None, Rule, Fields]] = []
    for head, members in rule.by_head().items():
        exact = [(path, each) for path, each in members if "." in path and path in names]
        split += [(path, each, Fields(((path, each),))) for path, each in exact]
        rest = [member for member in members if member not in exact]
        if rest:
            split.append((head if head in names else None, below(rest), Fields(tuple(rest))))
    return split


def _columns(rule: Rule, schema: pl.Schema) -> list[str]:
    assert isinstance(rule, Fields), "only paths are asked of rows one by one"
    return [column for column, _, _ in _by_column(rule, schema) if column is not None]


@singledispatch
def _conjuncts(rule: Rule, schema: pl.Schema) -> list[Rule]:
    return [rule]


@_conjuncts.register
def _conjuncts_of_fields(rule: Fields, schema: pl.Schema) -> list[Rule]:
    return [fields for _, _, fields in _by_column(rule, schema)]


@_conjuncts.register(AllOf)
@_conjuncts.register(Each)
def _conjuncts_of_all(rule: AllOf | Each, schema: pl.Schema) -> list[Rule]:
    return [part for each in rule.rules for part in _conjuncts(each, schema)]


@singledispatch
def row_expression(rule: Rule, schema: pl.Schema) -> pl.Expr | None:
    """Return an expression, true or false but never null, that says whether the rule holds of a row; None: Python."""
    return None


def _joined(join: Callable[..., pl.Expr], neutral: bool, rules: Sequence[Rule], schema: pl.Schema) -> pl.Expr | None:
    parts = [row_expression(rule, schema) for rule in rules]
    known = [part for part in parts if part is not None]
    return join(constant(neutral), *known) if len(known) == len(parts) else None


@row_expression.register(AllOf)
@row_expression.register(Each)
def _row_all(rule: AllOf | Each, schema: pl.Schema) -> pl.Expr | None:
    return _joined(pl.all_horizontal, True, rule.rules, schema)


@row_expression.register
def _row_any(rule: AnyOf, schema: pl.Schema) -> pl.Expr | None:
    return _joined(pl.any_horizontal, False, rule.rules, schema)


@row_expression.register
def _row_complement(rule: Complement, schema: pl.Schema) -> pl.Expr | None:
    inner = row_expression(rule.rule, schema)
    return None if inner is None else ~inner


@row_expression.register
def _row_fields(rule: Fields, schema: pl.Schema) -> pl.Expr | None:
    parts = []
    for column, below_it, _ in _by_column(rule, schema):
        expression = pl.col(column) if column is not None else pl.lit(None)
        parts.append(column_expression(below_it, expression, schema[column] if column is not None else pl.Null()))
    known = [part for part in parts if part is not None]
    return pl.all_horizontal(constant(True), *known) if len(known) == len(parts) else None
