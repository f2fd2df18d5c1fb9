"""A table of rules finds what trying each rule on each row finds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.errors import CallbackError
from plait.event import Condition, bit_table, classes, families, grid, rule_table, terms, texts
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
words = st.sampled_from(["a", "b", "c", "d", "", "\x1f", "2010-01-01"])
whole = st.sampled_from([0, 1, 2, 3, BIG, BIG + 1, 2**63 - 1])
floats = st.sampled_from([0.0, -0.0, 1.0, 1.5, 2.5, 0.1, float(BIG), math.inf, -math.inf, math.nan])
times = st.integers(0, 5).map(lambda hours: START + timedelta(hours=hours))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "s": words,
    "cat": words,
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


LIMITS = {
    "members of a family": st.sampled_from(
        [(families, "_LEAST", 1), (families, "_LEAST", 24), (families, "_LEAST", 256)]
    ),
    "octets of a table": st.sampled_from([(bit_table, "_OCTETS", 1), (bit_table, "_OCTETS", 64)]),
    "rows worth to be picked": st.sampled_from([(bit_table, "_WORTH", 0), (bit_table, "_WORTH", 2)]),
    "bounds without a grid": st.sampled_from([(classes, "_FEW", 0), (classes, "_FEW", 4)]),
    "cells of a grid": st.sampled_from([(grid, "_LEAST", 4), (grid, "_LEAST", 256)]),
    "cells for each bound": st.sampled_from([(grid, "_FOR_EACH_BOUND", 1), (grid, "_FOR_EACH_BOUND", 16)]),
    "terms of a rule": st.sampled_from([(terms, "_MOST", 1), (terms, "_MOST", 8)]),
    "texts compared one by one": st.sampled_from([(texts, "_FEW", 0), (texts, "_FEW", 5)]),
    "bytes of a short text": st.sampled_from([(texts, "_SHORT", 0), (texts, "_SHORT", 12)]),
}
ways = st.fixed_dictionaries(LIMITS).map(lambda chosen: list(chosen.values()))


@contextmanager
def taking(way: list[tuple[Any, str, int]]) -> Iterator[None]:
    """Set the limits that decide on which way rules are found."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, value in way:
            patch.setattr(module, name, value)
        yield


def comparisons(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Conditions on one column."""
    sides = st.dictionaries(st.sampled_from([">", ">=", "<", "<="]), operands[name], min_size=1, max_size=2)
    if name in ("s", "cat", "b", "o"):
        sides = st.just({"exists": True})
    tests = st.one_of(
        operands[name].map(lambda value: {"=": value}),
        st.lists(operands[name], max_size=3).map(lambda values: {"=": values}),
        operands[name].map(lambda value: {"!=": value}),
        st.sampled_from([{"exists": True}, {"exists": False}, {"=": None}, {"!=": None}]),
        sides,
    )
    return tests.map(lambda test: {name: test})


leaves = st.one_of(
    *(comparisons(name) for name in ["s", "s", "cat", "i", "u", "f", "f", "f32", "t", "d", "b"]),
    st.sampled_from([{}, {"gone": 1}, {"gone": None}, {"s": {"prefix": "a"}}, {"o": {"x": {">": 1}}}]),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"$and": parts}),
        st.lists(inner, max_size=3).map(lambda parts: {"$or": parts}),
        inner.map(lambda part: {"$not": part}),
    ),
    max_leaves=8,
)


@st.composite
def alike(draw: Any) -> list[dict[str, Any]]:
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


@given(st.lists(alike(), min_size=1, max_size=2), frames, ways)
@settings(max_examples=60, deadline=None)
def test_rules_of_one_shape_are_found_as_if_each_were_tried(shapes: Any, frame: Any, way: Any) -> None:
    rules = [rule for shape in shapes for rule in shape]
    with taking(way):
        table = RuleTable([Condition(rule) for rule in rules])
        assert found_by(table, frame) == tried(rules, frame)
        assert found_by(table, frame[::2]) == tried(rules, frame[::2])


@given(st.lists(conditions, min_size=1, max_size=30), frames, ways)
@settings(max_examples=150, deadline=None)
def test_rules_of_all_sorts_are_found_as_if_each_were_tried_on_whichever_way(rules: Any, frame: Any, way: Any) -> None:
    with taking(way):
        table = RuleTable([Condition(rule) for rule in rules])
        assert found_by(table, frame) == tried(rules, frame)
        assert found_by(table, frame[1::2]) == tried(rules, frame[1::2])


@given(alike(), frames, st.integers(1, 20), st.integers(1, 5))
@settings(max_examples=30, deadline=None)
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
    for column in [*frames, *frames, ["new", "s4", "\x1f", "\x1f\x1f\x1f\x1f"]]:
        frame = pl.DataFrame({"s": column}, schema={"s": pl.String})
        assert found_by(table, frame) == tried(rules, frame)


def readings(height: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "s": [f"s{number % 211}" if number % 17 else None for number in range(height)],
            "f": [number * 37 % 1009 / 10 if number % 13 else math.nan for number in range(height)],
            "i": [number * 7919 % 2003 if number % 19 else None for number in range(height)],
        },
        schema={"s": pl.String, "f": pl.Float64, "i": pl.Int64},
    )


MIXED = [
    rule
    for number in range(0, 90, 3)
    for rule in (
        {"s": f"s{number}", "f": {">": number}},
        {"f": {">=": number, "<": number + 0.5}, "i": {"<=": 20 * number}},
        {"s": [f"s{number}", "a text that is longer than others"], "$or": [{"f": {"<": 30}}, {"i": {">": 1900}}]},
        {"$not": {"f": {"<": number}, "i": {">": number}}, "s": {"prefix": "s1"}},
    )
]


@pytest.mark.parametrize("height", [0, 1, 31, 32, 33, 63, 64, 65, 10_000, 33_000])
def test_frames_of_any_height_are_judged_as_if_each_rule_were_tried(height: int) -> None:
    frame = readings(height)
    rules = MIXED if height < 10_000 else MIXED[::17]
    assert found_by(RuleTable([Condition(rule) for rule in rules]), frame) == tried(rules, frame)


def test_frames_in_chunks_are_judged_as_those_in_one() -> None:
    frame = readings(1_000)
    chunks = pl.concat([frame[:300], frame[300:301], frame[301:]], rechunk=False)
    table = RuleTable([Condition(rule) for rule in MIXED])
    assert found_by(table, chunks) == found_by(table, frame)


def test_threads_may_share_a_table() -> None:
    frame = readings(3_000)
    expected = found_by(RuleTable([Condition(rule) for rule in MIXED]), frame)
    shared = RuleTable([Condition(rule) for rule in MIXED])
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: found_by(shared, frame), range(8)))
    assert answers == [expected] * 8


def test_two_thousand_ranges_find_the_rows_within_them() -> None:
    rules = [{"f": {">=": number / 20, "<": number / 20 + 0.05}} for number in range(2_000)]
    frame = readings(60)
    assert found_by(RuleTable([Condition(rule) for rule in rules]), frame) == tried(rules, frame)


def test_a_rule_that_holds_for_several_reasons_is_found_once() -> None:
    table = RuleTable([Condition({"$or": [{"i": {">": 0}}, {"f": {">": 0}}, {"s": "a"}]})])
    assert found_by(table, pl.DataFrame({"i": [1], "f": [1.0], "s": ["a"]})) == [(0, 0)]


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
    rules = [Condition({"s": f"s{number}"}) for number in range(65_537)]
    frame = pl.DataFrame({"s": ["s65536", "s0", None, "other"]})
    assert found_by(RuleTable(rules), frame) == [(0, 65_536), (1, 0)]
