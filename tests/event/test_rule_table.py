"""A table of rules finds what trying each rule on each row finds."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.errors import CallbackError
from plait.event import Condition, rule_table
from plait.event.dict_evaluator import compile_rule
from plait.event.rule_table import RuleTable

BIG = 2**53
START = datetime(2010, 1, 1, tzinfo=UTC)
SCHEMA: dict[str, Any] = {
    "s": pl.String,
    "cat": pl.Categorical,
    "i": pl.Int64,
    "u": pl.UInt64,
    "f": pl.Float64,
    "f32": pl.Float32,
    "t": pl.Datetime("us", "UTC"),
    "d": pl.Date,
    "b": pl.Boolean,
    "o": pl.Struct({"x": pl.Int64}),
}
texts = st.sampled_from(["a", "b", "c", "d", "", "\x1f", "2010-01-01"])
whole = st.sampled_from([0, 1, 2, 3, BIG, BIG + 1, 2**63 - 1])
floats = st.sampled_from([0.0, -0.0, 1.0, 1.5, 2.5, 0.1, float(BIG), math.inf, -math.inf, math.nan])
times = st.integers(0, 5).map(lambda hours: START + timedelta(hours=hours))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "s": texts,
    "cat": texts,
    "i": whole,
    "u": st.one_of(whole, st.just(2**64 - 1)),
    "f": floats,
    "f32": floats,
    "t": times,
    "d": times.map(datetime.date),
    "b": st.booleans(),
    "o": whole.map(lambda number: {"x": number}),
}
operands: dict[str, st.SearchStrategy[Any]] = {
    **VALUES,
    "i": st.one_of(whole, floats),
    "u": st.one_of(whole, floats, st.just(2**64 - 1), st.just(-1)),
    "f": st.one_of(whole, floats),
    "f32": st.one_of(whole, floats),
    "d": times,
}
rows = st.fixed_dictionaries({name: st.one_of(st.none(), values) for name, values in VALUES.items()})
frames = st.lists(rows, max_size=8).map(
    lambda made: pl.DataFrame(
        {name: pl.Series(name, [row[name] for row in made], dtype=SCHEMA[name]) for name in SCHEMA}
    )
)
anchors = st.sampled_from(["s", "cat", "i", "u", "f", "t", "b", None])
bounds = st.lists(
    st.tuples(st.sampled_from(["i", "u", "f", "f32", "t", "d"]), st.sampled_from([">", ">=", "<", "<="])), max_size=2
)
MORE = [
    {},
    {"b": True},
    {"s": {"!=": "a"}},
    {"$or": [{"i": 1}, {"f": {">": 1}}]},
    {"s": {"prefix": "a"}},
    {"gone": None},
]


@st.composite
def families(draw: Any) -> list[dict[str, Any]]:
    """Rules of one shape, enough of them to be asked as a family."""
    anchor, several, more = draw(anchors), draw(st.booleans()), draw(st.sampled_from(MORE))
    shape = draw(bounds)
    rules = []
    for _ in range(draw(st.integers(24, 40))):
        rule: dict[str, Any] = {}
        for name, symbol in shape:
            rule.setdefault(name, {})[symbol] = draw(operands[name])
        if anchor is not None:
            wanted = draw(operands[anchor])
            rule[anchor] = {**rule.get(anchor, {}), "=": [wanted, draw(operands[anchor])] if several else wanted}
        rules.append({"$and": [rule, more]} if more else rule)
    return rules


def found_by(table: RuleTable, frame: pl.DataFrame) -> list[tuple[int, int]]:
    parts = [zip(rows.tolist(), rules.tolist(), strict=True) for rows, rules in table.matches(frame)]
    return [pair for part in parts for pair in part]


def tried(rules: list[dict[str, Any]], frame: pl.DataFrame) -> list[tuple[int, int]]:
    judges = [compile_rule(Condition(rule).rule, null_is_missing=True) for rule in rules]
    return [
        (number, rule) for number, row in enumerate(frame.to_dicts()) for rule, judge in enumerate(judges) if judge(row)
    ]


@given(st.lists(families(), min_size=1, max_size=2), frames)
@settings(max_examples=150, deadline=None)
def test_rules_of_one_shape_are_found_as_if_each_were_tried(shapes: list[list[dict[str, Any]]], frame: Any) -> None:
    rules = [rule for shape in shapes for rule in shape]
    table = RuleTable([Condition(rule) for rule in rules])
    assert found_by(table, frame) == tried(rules, frame)
    assert found_by(table, frame[::2]) == tried(rules, frame[::2])


@given(families(), frames, st.integers(1, 20), st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_the_parts_of_a_frame_say_what_the_whole_says(rules: Any, frame: Any, pairs: int, height: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rule_table, "_PAIRS", pairs)
        patch.setattr(rule_table, "_ROWS", height)
        table = RuleTable([Condition(rule) for rule in rules])
        assert found_by(table, frame) == tried(rules, frame)


def test_a_frame_with_more_pairs_than_are_held_at_once_comes_in_parts(monkeypatch: Any) -> None:
    monkeypatch.setattr(rule_table, "_PAIRS", 100)
    table = RuleTable([Condition({"i": {">=": 0}}) for _ in range(40)])
    parts = [rows.tolist() for rows, _ in table.matches(pl.DataFrame({"i": range(9)}))]
    assert max(map(len, parts)) <= 100
    assert [row for part in parts for row in part] == [row for row in range(9) for _ in range(40)]


def test_a_function_is_asked_once_for_each_row_that_is_left_however_the_frame_is_cut(monkeypatch: Any) -> None:
    monkeypatch.setattr(rule_table, "_ROWS", 2)
    asked: list[int] = []

    def odd(value: int) -> bool:
        asked.append(value)
        return value % 2 == 1

    rules = [{"i": {">": 1}}, {"i": odd, "s": "a"}]
    frame = pl.DataFrame({"i": [1, 2, 3, 4, 5], "s": ["a", "b", "a", "a", "a"]})
    table = RuleTable([Condition(rule) for rule in rules])
    assert found_by(table, frame) == [(0, 1), (1, 0), (2, 0), (2, 1), (3, 0), (4, 0), (4, 1)]
    assert asked == [1, 3, 4, 5]


def test_a_function_that_raises_is_told_with_the_number_of_its_rule() -> None:
    def fail(value: Any) -> bool:
        raise ValueError("no")

    table = RuleTable([Condition({"i": 1}), Condition({"i": fail})])
    frame = pl.DataFrame({"i": [1, 2]})
    told: list[tuple[int, str]] = []
    (found,) = table.matches(frame, lambda rule, error: told.append((rule, str(error))))
    assert [each.tolist() for each in found] == [[0], [0]]
    assert [rule for rule, _ in told] == [1, 1]
    assert "ValueError: no" in told[0][1]
    with pytest.raises(CallbackError):
        list(table.matches(frame))


def test_the_columns_may_change_from_frame_to_frame() -> None:
    rules = [{"s": f"s{number % 5}", "f": {">": number}} for number in range(30)]
    table = RuleTable([Condition(rule) for rule in rules])
    whole_numbers = pl.DataFrame({"s": ["s1", "s2"], "f": [7, 30]})
    for frame in (whole_numbers, whole_numbers.cast({"f": pl.Float64}), whole_numbers.drop("s"), whole_numbers):
        assert found_by(table, frame) == tried(rules, frame)


def test_texts_that_no_rule_asks_for_may_come_and_go() -> None:
    rules = [{"s": f"s{number}"} for number in range(0, 60, 2)]
    table = RuleTable([Condition(rule) for rule in rules])
    frames = [
        ["s0", "x"],
        ["x", None, "s2"],
        [f"s{number}" for number in range(70)],
        [f"y{number}" for number in range(3000)],
    ]
    for texts in [*frames, *frames, ["new", "s4", "\x1f", "\x1f\x1f\x1f\x1f"]]:
        frame = pl.DataFrame({"s": texts}, schema={"s": pl.String})
        assert found_by(table, frame) == tried(rules, frame)


def test_no_rules_and_no_rows_find_nothing() -> None:
    assert found_by(RuleTable([]), pl.DataFrame({"a": [1]})) == []
    assert found_by(RuleTable([Condition()]), pl.DataFrame({"a": []})) == []
    assert found_by(RuleTable([Condition(), Condition()]), pl.DataFrame({"a": [5, 6]})) == [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
    ]


def test_many_sorts_of_rules_are_more_than_sixteen_bits_can_number() -> None:
    rules = [Condition({"s": f"s{number}"}) for number in range(70_000)]
    frame = pl.DataFrame({"s": ["s69999", "s0", None, "other"]})
    assert found_by(RuleTable(rules), frame) == [(0, 69_999), (1, 0)]
