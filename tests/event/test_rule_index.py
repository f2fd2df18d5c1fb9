"""Trying every rule is the oracle of the index."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.errors import CallbackError
from plait.event import Condition, RuleIndex, scans
from plait.util import AttrDict

scalars = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        1,
        2,
        1.0,
        2.5,
        math.nan,
        math.inf,
        10**400,
        -2,
        10**17 + 1,
        float(10**17),
        "",
        "a",
        "b",
        "ab",
        "A\nb",
        "stra\u00dfe",
        "\ud800",
        "2010-01-01",
        "2010-01-01T00:00:00.5",
        datetime(2010, 1, 1),
        datetime(2010, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        date(2010, 1, 1),
        Decimal("2.5"),
    ]
)
NUMBERS = [0, 1, 1.5, 2, -math.inf, math.inf, math.nan, 10**17, 10**400, -(10**400)]
TIMES = [datetime(2010, 1, 1), datetime(2009, 1, 1), date(2010, 1, 2)]
bounds = st.sampled_from([*NUMBERS, *TIMES, "", "a", "ab", "2010-01-01"])
texts = st.sampled_from(["", "a", "A", "b", "ab", "aB", "Stra\u00dfe", "STRASSE", "2010"])
text_tests = st.sampled_from(["prefix", "suffix", "contains", "wildcard", "iequals", "iprefix", "isuffix"])
wildcards = st.sampled_from(["*", "a*", "*b", "a*b", "ab", "*a*", "a**", "*ab*b"])
regexes = st.sampled_from(["^a", "^ab?", "^ab*", "^a{2}", "^ab+b", "^a|b", "^", "a", "^(?i:a)", "^a$"])
patterns = st.sampled_from(
    [re.compile("^a", re.IGNORECASE), re.compile("^b", re.MULTILINE), re.compile("^ a", re.VERBOSE)]
)
lows, highs = st.sampled_from([">", ">="]), st.sampled_from(["<", "<="])
keys = st.sampled_from(["a", "b", "a.b", "b.a", "c"])
operators = st.one_of(
    st.dictionaries(st.sampled_from([">", ">=", "<", "<="]), bounds, min_size=1, max_size=2),
    st.builds(lambda low, bottom, high, top: {low: bottom, high: top}, lows, bounds, highs, bounds),
    st.builds(lambda value: {"not": value}, scalars),
    st.builds(lambda value: {"exists": value}, st.booleans()),
    st.builds(lambda name, value: {name: value}, text_tests, st.one_of(texts, st.lists(texts, max_size=2))),
    st.builds(lambda value: {"wildcard": value}, wildcards),
    st.builds(lambda value: {"regex": value}, st.one_of(regexes, patterns)),
    st.builds(lambda name, value: {name: value}, st.sampled_from(["=", "!="]), st.lists(scalars, max_size=2)),
)
field_rules = st.recursive(
    st.one_of(scalars, operators, st.lists(st.one_of(scalars, operators), max_size=3)),
    lambda inner: st.one_of(
        st.dictionaries(keys, inner, min_size=1, max_size=2),
        st.fixed_dictionaries({"$nor": st.lists(st.dictionaries(keys, inner, max_size=1), max_size=2)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=3,
)
plain = st.dictionaries(keys, field_rules, max_size=3)
conditions = st.one_of(
    plain,
    st.builds(
        lambda base, name, several: {**base, name: several},
        plain,
        st.sampled_from(["$or", "$and", "$nor"]),
        st.lists(plain, max_size=3),
    ),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=5,
)
events = st.one_of(
    st.dictionaries(keys, scalars, max_size=4),
    st.dictionaries(keys, values, max_size=4),
    st.builds(AttrDict, st.dictionaries(st.sampled_from(["a", "b"]), values, max_size=2)),
    st.builds(MappingProxyType, st.dictionaries(keys, values, max_size=2)),
    st.lists(st.dictionaries(keys, values, max_size=2), max_size=2),
    st.builds(lambda a, b: SimpleNamespace(a=a, b=b), values, values),
)


@pytest.fixture(autouse=True, scope="module")
def compiled_at_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scans, "_COMPILED_AFTER", 0)
        yield


@given(st.lists(conditions, max_size=8), st.lists(events, max_size=4), st.data())
@settings(max_examples=200, deadline=None)
def test_the_index_finds_what_trying_every_rule_finds(written: list[Any], seen: list[Any], data: st.DataObject) -> None:
    known = [Condition(each) for each in written]
    index = RuleIndex()
    for number, condition in enumerate(known):
        index.add(number, condition)
    for event in [*seen, *seen]:  # the first time a shape is met it is not compiled yet
        assert index.match(event) == [number for number, each in enumerate(known) if each.matches(event)]
    gone = data.draw(st.sets(st.sampled_from(range(len(known))))) if known else set()
    for number in gone:
        index.remove(number)
    assert len(index) == len(known) - len(gone)
    for event in seen:
        left = [number for number, each in enumerate(known) if number not in gone and each.matches(event)]
        assert index.match(event) == left


@given(conditions, st.dictionaries(keys, values, max_size=4))
@settings(max_examples=200, deadline=None)
def test_a_scan_says_what_the_condition_says_or_that_it_cannot_tell(written: Any, event: dict[str, Any]) -> None:
    condition = Condition(written)
    source, constants = scans.shape_of(condition.rule)
    assert source is not None, "no condition here has a function or a value of no kind"
    for given_event in (event, [event], AttrDict(a=event)):
        found, doubtful = scanned(source, constants, given_event)
        assert doubtful or bool(found) == condition.matches(given_event)
        assert not doubtful or not is_plain(given_event)


def is_plain(event: Any) -> bool:
    known = (str, int, float, bool, type(None), datetime)
    return type(event) is dict and all("." not in key and type(value) in known for key, value in event.items())


def scanned(source: str, constants: tuple[Any, ...], event: Any) -> tuple[list[int], set[int]]:
    shape, rows = scans.Shape(source), [(7, *constants)]
    shape.scan(event, rows, [], unsure := set())
    assert unsure == {7}, "what is not compiled yet cannot tell"
    shape.scan(event, rows, found := [], doubtful := set())
    return found, doubtful


def test_removing_all_leaves_nothing_behind() -> None:
    index = RuleIndex()
    several: list[Any] = [
        {"a": [1, 2], "b": {">": 3}},
        {"a": 1, "b": {">": 3, "<": 5}, "c": {"not": "z"}},
        {"b": {"<": 3}},
        {"b": {">": 3, "<": 5}},
        {"c": {"prefix": "x"}},
        {"c": {"isuffix": ["X", "yy"]}},
        {"c": {"iequals": "xY"}},
        {"c": {"contains": "x"}},
        {"$not": {"a": 3}},
        {},
    ]
    for number, written in enumerate(several):
        index.add(number, Condition(written))
    assert index.match({"a": 1, "b": 4, "c": "xy"}) == [0, 1, 3, 4, 6, 7, 8, 9]
    for number in range(len(several)):
        index.remove(number)
    assert index.match({"a": 1, "b": 4, "c": "xy"}) == []
    assert not index._always
    assert not index._shapes
    assert not index._places
    assert not index._by_head
    with pytest.raises(KeyError):
        index.remove(0)


class Counting:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, value: Any) -> bool:
        self.asked += 1
        return True


def test_only_rules_that_the_event_can_meet_are_tried() -> None:
    index, asked = RuleIndex(), Counting()
    for number in range(1000):
        index.add(number, Condition({"type": "reading", "sensor": f"s{number}", "temp": asked}))
    assert index.match({"type": "reading", "sensor": "s7", "temp": 20}) == [7]
    assert asked.asked <= 3
    assert index.match({"other": 1}) == []


@pytest.mark.parametrize(
    "wanted",
    [
        lambda n: {"prefix": f"{n:03}/"},
        lambda n: {"isuffix": f"/K{n:03}"},
        lambda n: {"iequals": f"{n:03}/K{n:03}"},
        lambda n: {"wildcard": f"{n:03}/*{n:03}"},
        lambda n: {"wildcard": f"*k{n:03}"},
        lambda n: {"regex": f"^{n:03}/?k"},
        lambda n: {">=": f"{n:03}", "<": f"{n + 1:03}"},
        lambda n: [{"prefix": f"{n:03}/"}, {"suffix": f"/k{n:03}"}],
    ],
)
def test_only_texts_that_begin_or_end_or_lie_right_are_tried(wanted: Any) -> None:
    index, asked = RuleIndex(), Counting()
    for number in range(1000):
        index.add(number, Condition({"name": wanted(number), "temp": asked}))
    assert index.match({"name": "007/k007", "temp": 20}) == [7]
    assert asked.asked == 1


@pytest.mark.parametrize("width", [0.5, 3, 400])
@pytest.mark.parametrize("of", [float, lambda number: datetime(2010, 1, 1) + timedelta(hours=number)])
def test_only_spans_about_the_value_are_tried(width: float, of: Any) -> None:
    index, asked = RuleIndex(), Counting()
    for number in range(1000):
        index.add(number, Condition({"at": {">": of(number), "<": of(number + width)}, "temp": asked}))
    inside = [number for number in range(1000) if number < 500.25 < number + width]
    assert index.match({"at": of(500.25), "temp": 20}) == inside
    assert asked.asked == len(inside)


def test_a_function_is_asked_once_of_an_event_however_many_keys_find_its_rule() -> None:
    index, asked = RuleIndex(), Counting()
    index.add(0, Condition({"$or": [{"a": 1}, {"b": 1}, {"b": {">": 0}}], "c": asked}))
    assert index.match({"a": 1, "b": 1, "c": 1}) == [0]
    assert asked.asked == 1


def test_fields_that_the_event_lacks_cost_nothing() -> None:
    index, asked = RuleIndex(), Counting()
    for number in range(1000):
        index.add(number, Condition({f"field_{number}": asked}))
    assert index.match({"field_5": 1, "x": 2}) == [5]
    assert asked.asked == 1


def test_an_error_is_that_of_its_rule() -> None:
    index = RuleIndex()
    index.add(0, Condition({"a": len}))
    index.add(1, Condition({"a": 1}))
    errors: list[tuple[int, CallbackError]] = []
    assert index.match({"a": 1}, lambda rule, error: errors.append((rule, error))) == [1]
    assert [rule for rule, _ in errors] == [0]
    with pytest.raises(CallbackError):
        index.match({"a": 1})
