from __future__ import annotations

import pickle
import re
from collections import namedtuple
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from math import inf, nan
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from plait.errors import CallbackError, SpecError
from plait.event import Condition

NESTED = {"name": {"type": "command", "id": 7}, "tags": ["a", ["b", ["c"]]], "zero": 0, "empty": "", "off": False}
ITEMS = {"items": [{"a": 1, "b": 2}, {"a": 3, "b": 4, "c": {"d": [5, 6]}}]}
NOON = datetime(2010, 8, 1, 12, tzinfo=UTC)

MATCHES: list[tuple[Any, Any, bool]] = [
    # all keys, lists, descent
    ({}, {}, True),
    ({}, {"a": 1}, True),
    ({"zero": 0, "off": False}, NESTED, True),
    ({"zero": 0, "off": True}, NESTED, False),
    ({"zero": []}, NESTED, False),
    ({"zero": [1, 0]}, NESTED, True),
    ({"name": {"type": "command"}}, NESTED, True),
    ({"name.type": ["command", "response"]}, NESTED, True),
    ({"name.type": "response"}, NESTED, False),
    ({"name": {"type": "command", "id": 8}}, NESTED, False),
    ({"name.type.more": "x"}, NESTED, False),
    ({"empty": ""}, NESTED, True),
    # a key that stands there as it is written comes first
    ({"a.b": 1}, {"a.b": 1, "a": {"b": 2}}, True),
    ({"a.b": 2}, {"a.b": 1, "a": {"b": 2}}, False),
    ({"a.b.c": 1}, {"a": {"b.c": 1}}, True),
    ({"a.b": 1, "a.c": 2}, {"a.b": 1, "a": {"c": 2}}, True),
    ({"a": {"b": 1}}, {"a.b": 1}, False),
    # lists in the event
    ({"tags": "c"}, NESTED, True),
    ({"tags": ["x", "b"]}, NESTED, True),
    ({"tags": "d"}, NESTED, False),
    ({"tags": {"prefix": "b"}}, NESTED, True),
    ({"t": {">": 0, "<": 10}}, {"t": [-5, 20]}, False),
    ({"t": {">": 0, "<": 10}}, {"t": [-5, 5]}, True),
    ({"t": {"not": 1}}, {"t": [1, 2]}, True),
    ({"t": {"not": 1}}, {"t": [1, 1]}, False),
    ({"t": {"!=": [1, 2]}}, {"t": [1, 2]}, False),
    ({"t": {"!=": [1, 2]}}, {"t": [1, 3]}, True),
    ({"t": None}, {"t": [1, None]}, True),
    ({"t": 1}, {"t": {1, 2}}, True),
    ({"t": 1}, {"t": (2, 1)}, True),
    # the same element
    ({"items.a": 1, "items.b": 2}, ITEMS, True),
    ({"items.a": 1, "items.b": 4}, ITEMS, False),
    ({"items": {"a": 1, "b": 4}}, ITEMS, False),
    ({"items": {"a": 3}, "items.b": 4}, ITEMS, True),
    ({"items": {"a": 1}, "items.b": 4}, ITEMS, False),
    ({"items.a": 3, "items.c.d": {">": 5, "<": 7}}, ITEMS, True),
    ({"items.a": 1, "items.c.d": 5}, ITEMS, False),
    ({"items.a": 1, "items.c": {"exists": False}}, ITEMS, True),
    ({"items.a": 3, "items.c.d": {"exists": False}}, ITEMS, False),
    ({"a.b.x": 1, "a.b.y": 2}, {"a": [{"b": [{"x": 1}, {"y": 2}]}]}, False),
    ({"a.b.x": 1, "a.b.y": 2}, {"a": [{"b": [{"x": 1}]}, {"b": [{"x": 1, "y": 2}]}]}, True),
    ({"x.a": 1, "x.b": 2}, {"x": [[{"a": 1}], [{"b": 2}]]}, False),
    ({"$and": [{"items.a": 1}, {"items.b": 4}]}, ITEMS, True),
    ({"items": {"$or": [{"a": 1}, {"a": 9}], "b": 4}}, ITEMS, False),
    ({"items": {"$or": [{"a": 3}, {"a": 9}], "b": 4}}, ITEMS, True),
    ({"items": {"$not": {"a": 1}, "b": 4}}, ITEMS, True),
    # the event itself is a list
    ({"a": 1, "b": 2}, [{"a": 1}, {"b": 2}], False),
    ({"a": 1, "b": 2}, [{"a": 1}, {"a": 1, "b": 2}], True),
    # missing and null
    ({"a": None}, {}, False),
    ({"a": None}, {"a": None}, True),
    ({"a": None}, {"a": 0}, False),
    ({"a": [None, 1]}, {"a": None}, True),
    ({"a": {"=": None}}, {"a": None}, True),
    ({"a": {"!=": None}}, {"a": None}, False),
    ({"a": {"!=": None}}, {}, False),
    ({"a": {"!=": 3}}, {"a": None}, True),
    ({"a": {"not": 3}}, {}, False),
    ({"a": {"not": 3}}, {"a": {"b": 1}}, True),
    ({"a": {"not": 3}}, {"a": []}, False),
    ({"a": {"not": []}}, {"a": 1}, True),
    ({"a": {"not": []}}, {}, False),
    ({"a": {"not": {"prefix": ["x", "y"]}}}, {"a": "z"}, True),
    ({"a": {"not": {"prefix": ["x", "y"]}}}, {"a": "yes"}, False),
    ({"a": {"not": {">": 1, "<": 5}}}, {"a": 7}, True),
    ({"a": {"not": {"not": 3}}}, {"a": 3}, True),
    ({"a": {"not": {"not": 3}}}, {}, False),
    ({"a": {}}, {"a": None}, True),
    ({"a": {}}, {}, False),
    ({"a": 1}, None, False),
    # exists
    ({"a": {"exists": True}}, {"a": None}, True),
    ({"a": {"exists": True}}, {"a": 0}, True),
    ({"a": {"exists": True}}, {}, False),
    ({"a": {"exists": False}}, {}, True),
    ({"a": {"exists": True}}, {"a": {"b": 1}}, False),
    ({"a": {"exists": False}}, {"a": {"b": 1}}, True),
    ({"a": {"exists": True}}, {"a": []}, False),
    ({"a": {"exists": False}}, {"a": []}, True),
    ({"a": {"exists": False}}, {"a": [[], [[]]]}, True),
    ({"a": {"exists": True}}, {"a": [{}, 5]}, True),
    ({"a": {"exists": False}}, {"a": [{}, 5]}, False),
    ({"a.b": {"exists": False}}, {"a": 5}, True),
    ({"a.b": {"exists": False}}, {"a": []}, True),
    ({"a": [{"exists": False}, 5]}, {}, True),
    ({"a": [{"exists": False}, 5]}, {"a": 5}, True),
    ({"a": [{"exists": False}, 5]}, {"a": 6}, False),
    # nothing is converted
    ({"a": 1}, {"a": "1"}, False),
    ({"a": 1}, {"a": True}, False),
    ({"a": True}, {"a": 1}, False),
    ({"a": "true"}, {"a": True}, False),
    ({"a": 0}, {"a": False}, False),
    ({"a": 0}, {"a": None}, False),
    ({"a": ""}, {"a": None}, False),
    ({"a": 1}, {"a": 1.0}, True),
    ({"a": 1.0}, {"a": 1}, True),
    ({"a": -0.0}, {"a": 0}, True),
    ({"a": Decimal("0.1")}, {"a": 0.1}, True),
    ({"a": 0.1}, {"a": Decimal("0.1")}, True),
    ({"a": Decimal("3.00")}, {"a": 3}, True),
    ({"a": 2**53 + 1}, {"a": float(2**53)}, False),
    ({"a": 10**400}, {"a": inf}, False),
    ({"a": nan}, {"a": nan}, False),
    ({"a": {"!=": nan}}, {"a": nan}, True),
    ({"a": inf}, {"a": inf}, True),
    ({"a": b"x"}, {"a": b"x"}, True),
    ({"a": b"x"}, {"a": "x"}, False),
    # ranges
    ({"a": {">": 20}}, {"a": 20}, False),
    ({"a": {">=": 20}}, {"a": 20}, True),
    ({"a": {"<": 20}}, {"a": 19.999}, True),
    ({"a": {"<=": 20}}, {"a": 20.0}, True),
    ({"a": {">": 20}}, {"a": "30"}, False),
    ({"a": {">": 20}}, {"a": True}, False),
    ({"a": {">": 0}}, {"a": True}, False),
    ({"a": {">": 20}}, {"a": None}, False),
    ({"a": {">": 20}}, {}, False),
    ({"a": {">": -inf}}, {"a": nan}, False),
    ({"a": {"<": nan}}, {"a": 1}, False),
    ({"a": {">": 2**53}}, {"a": 2**53 + 1}, True),
    ({"a": {"<": 10**400}}, {"a": 1.5}, True),
    ({"a": {">": Decimal("0.1")}}, {"a": Decimal("0.1")}, False),
    ({"a": {">": "b"}}, {"a": "c"}, True),
    ({"a": {">": "b"}}, {"a": 5}, False),
    ({"a": {">": "b", "<": "d"}}, {"a": "c"}, True),
    ({"a": {"<": "a"}}, {"a": "Z"}, True),
    # times
    ({"t": {">": "2010-08-01"}}, {"t": NOON}, True),
    ({"t": {">": "2010-08-01T12:00:00Z"}}, {"t": NOON}, False),
    ({"t": {">=": "2010-08-01T14:00+02:00"}}, {"t": NOON}, True),
    ({"t": "2010-08-01T12:00:00Z"}, {"t": NOON}, True),
    ({"t": NOON}, {"t": datetime(2010, 8, 1, 12)}, True),
    ({"t": NOON}, {"t": datetime(2010, 8, 1, 14, tzinfo=timezone(timedelta(hours=2)))}, True),
    ({"t": {"<": NOON}}, {"t": date(2010, 8, 1)}, True),
    ({"t": "2010-08-01"}, {"t": date(2010, 8, 1)}, True),
    ({"t": {">": "2010-08-01"}}, {"t": "2010-08-02"}, True),
    ({"t": {">": NOON}}, {"t": "2010-08-02"}, False),
    ({"t": {">": NOON}}, {"t": 5}, False),
    ({"t": {">": "yesterday"}}, {"t": NOON}, False),
    ({"t": {"not": "2010-08-01T12:00Z"}}, {"t": NOON}, False),
    # texts
    ({"a": {"prefix": "ab"}}, {"a": "abc"}, True),
    ({"a": {"prefix": ""}}, {"a": ""}, True),
    ({"a": {"prefix": "ab"}}, {"a": 5}, False),
    ({"a": {"prefix": ["x", "ab"]}}, {"a": "abc"}, True),
    ({"a": {"prefix": []}}, {"a": "abc"}, False),
    ({"a": {"suffix": ".png"}}, {"a": "x.png"}, True),
    ({"a": {"contains": "bc"}}, {"a": "abcd"}, True),
    ({"a": {"contains": "b"}}, {"a": ["ab", "c"]}, True),
    ({"a": {"contains": "b"}}, {"a": {"b": 1}}, False),
    ({"a": {"regex": "^t.*t$"}}, {"a": "test"}, True),
    ({"a": {"regex": "es"}}, {"a": "test"}, True),
    ({"a": re.compile("TEST", re.IGNORECASE)}, {"a": "test"}, True),
    ({"a": {"iequals": "STRASSE"}}, {"a": "straße"}, True),
    ({"a": {"iprefix": "EC"}}, {"a": "ec2"}, True),
    ({"a": {"isuffix": "Σ"}}, {"a": "ΟΔΟΣ".lower()}, True),
    ({"a": {"wildcard": "*"}}, {"a": ""}, True),
    ({"a": {"wildcard": "a*c"}}, {"a": "abbc"}, True),
    ({"a": {"wildcard": "a*c"}}, {"a": "ac"}, True),
    ({"a": {"wildcard": "a*a"}}, {"a": "a"}, False),
    ({"a": {"wildcard": "a*b*b"}}, {"a": "ab"}, False),
    ({"a": {"wildcard": "*/bin/*.jar"}}, {"a": "/usr/bin/x/y.jar"}, True),
    ({"a": {"wildcard": r"a\*c"}}, {"a": "abc"}, False),
    ({"a": {"wildcard": r"a\*c"}}, {"a": "a*c"}, True),
    ({"a": {"wildcard": r"a\\*"}}, {"a": r"a\bc"}, True),
    ({"a": {"wildcard": "a?c"}}, {"a": "abc"}, False),
    ({"a": {"wildcard": "a*c"}}, {"a": "a\nc"}, True),
    # networks
    ({"ip": {"cidr": "10.0.0.0/8"}}, {"ip": "10.255.0.1"}, True),
    ({"ip": {"cidr": "10.0.0.0/8"}}, {"ip": "11.0.0.1"}, False),
    ({"ip": {"cidr": "10.0.0.7/24"}}, {"ip": "10.0.0.1"}, True),
    ({"ip": {"cidr": "2001:db8::/32"}}, {"ip": "2001:db8::1"}, True),
    ({"ip": {"cidr": "0.0.0.0/0"}}, {"ip": "::1"}, False),
    ({"ip": {"cidr": "0.0.0.0/0"}}, {"ip": "localhost"}, False),
    ({"ip": {"cidr": "0.0.0.0/0"}}, {"ip": 1}, False),
    # over conditions
    ({"$or": [{"a": 1}, {"b": 1}]}, {"b": 1}, True),
    ({"$or": []}, {"b": 1}, False),
    ({"$and": []}, {}, True),
    ({"$nor": [{"a": 1}, {"b": 1}]}, {"b": 1}, False),
    ({"$nor": [{"a": 1}, {"b": 1}]}, {}, True),
    ({"$not": {"a": 1}}, {}, True),
    ({"$not": {"a": 1, "b": 1}}, {"a": 1}, True),
    ({"c": 1, "$or": [{"a": 1}, {"b": 1}]}, {"a": 1}, False),
    ({"a": {"$or": [{">": 5}, {"<": 0}]}}, {"a": -1}, True),
    ({"a": {"$nor": [{">": 5}, {"<": 0}]}}, {"a": 3}, True),
    # fields named like operators
    ({"prefix": "a"}, {"prefix": "a"}, True),
    ({"a.prefix": "x"}, {"a": {"prefix": "x"}}, True),
    # functions
    ({"a": str.isupper}, {"a": "ABC"}, True),
    ({"a": lambda value: value > 3}, {"a": [1, 5]}, True),
    ({"a": lambda value: True}, {}, False),
    ({"a": lambda value: value is None}, {"a": None}, True),
    ({"a": [1, lambda value: value == 2]}, {"a": 2}, True),
]


@pytest.mark.parametrize(("condition", "event", "expected"), MATCHES)
def test_matches(condition: Any, event: Any, expected: bool) -> None:
    assert Condition(condition).matches(event) is expected


Point = namedtuple("Point", "x y")


@dataclass
class Reading:
    temp: float
    place: Any

    def heat(self) -> float:
        return self.temp


def test_attributes_of_objects_are_fields() -> None:
    reading = Reading(31.5, SimpleNamespace(city="Rome"))
    assert Condition({"temp": {">": 30}, "place.city": "Rome"}).matches(reading)
    assert not Condition({"temp": {">": 32}}).matches(reading)
    assert Condition({"heat": {"exists": False}, "gone": {"exists": False}}).matches(reading)
    assert Condition({"p": {"x": 1, "y": 2}}).matches({"p": Point(1, 2)})
    assert Condition({"a": {"b": 1}}).matches(MappingProxyType({"a": MappingProxyType({"b": 1})}))
    assert Condition({"name.upper": {"exists": False}, "n.real": {"exists": False}}).matches({"name": "x", "n": 1})


WRONG: list[tuple[Any, str, str | None]] = [
    ({"a": {">>": 3}}, "unknown operator '>>'", ">"),
    ({"a": {"==": 3}}, "unknown operator '=='", "="),
    ({"a": {"prefix": "x", "sufix": "y"}}, "unknown operator 'sufix'", "suffix"),
    ({"a": {"$gt": 3}}, "unknown operator '$gt'", ">"),
    ({"$nand": []}, "unknown operator '$nand'", "$and"),
    ({"a": {"regex": "("}}, "not a regular expression", None),
    ({"a": {"cidr": "10.0.0.0/33"}}, "not a network", None),
    ({"a": {"cidr": "10.0.0.0"}}, "not a network", None),
    ({"a": {"cidr": "snorkle/3"}}, "not a network", None),
    ({"a": {"prefix": 3}}, "prefix takes a text, not 3 (int)", None),
    ({"a": {"prefix": ["x", 3]}}, "prefix takes a text", None),
    ({"a": {">": None}}, "> takes a number, a text or a time", None),
    ({"a": {">": True}}, "> takes a number, a text or a time", None),
    ({"a": {">": [1, 2]}}, "> takes a number, a text or a time", None),
    ({"a": {"exists": 1}}, "exists takes true or false", None),
    ({"a": {"wildcard": r"a\b"}}, "a backslash stands before", None),
    ({"a": {"wildcard": "a\\"}}, "a backslash stands before", None),
    ({"a": {"=": {"b": 1}}}, "takes a plain value", None),
    ({"$or": {"a": 1}}, "takes a list of conditions", None),
    ({"$or": [1]}, "and 1 is none", None),
    ({"$not": [{"a": 1}]}, "takes one condition", None),
    ({1: 2}, "the key 1 is not a text", None),
    ([("a", 1)], "takes a mapping", None),
]


@pytest.mark.parametrize(("condition", "message", "suggestion"), WRONG)
def test_what_is_wrong_is_said_at_construction(condition: Any, message: str, suggestion: str | None) -> None:
    with pytest.raises(SpecError) as caught:
        Condition(condition)
    assert message in str(caught.value)
    assert caught.value.suggestion == suggestion


def test_what_is_wrong_is_named_by_its_path() -> None:
    with pytest.raises(SpecError) as caught:
        Condition({"$or": [{"a.b": {"c": {"regex": "["}}}]})
    assert caught.value.option == "$or.a.b.c"


def test_too_deep_is_said_at_construction() -> None:
    condition: dict[str, Any] = {"a": 1}
    for _ in range(3000):
        condition = {"a": condition}
    with pytest.raises(SpecError, match="nested too deeply"):
        Condition(condition)


def test_is_a_mapping_that_cannot_be_changed() -> None:
    given = {"a": [1, 2], "b": {">": Decimal("0.5")}}
    condition = Condition(given, c=3)
    given["a"].append(9)  # type: ignore[union-attr]
    condition["a"].append(9)
    assert isinstance(condition, Mapping)
    assert dict(condition) == {"a": [1, 2], "b": {">": 0.5}, "c": 3}
    assert (len(condition), "a" in condition, condition.get("z")) == (3, True, None)
    with pytest.raises(TypeError):
        condition["a"] = 1  # type: ignore[index]
    assert Condition(condition) == condition


def test_conditions_are_equal_if_written_alike() -> None:
    assert Condition({"a": 1, "b": [2]}) == Condition(b=[2], a=1.0)
    assert hash(Condition({"a": 1, "b": [2]})) == hash(Condition({"b": [2], "a": 1.0}))
    assert Condition({"a": 1}) == {"a": 1}
    assert Condition({"a": 1}) != Condition({"a": True})
    assert Condition({"a": "1"}) != Condition({"a": 1})
    assert Condition({"a": [1, 2]}) != Condition({"a": [2, 1]})
    assert Condition({"a": [1]}) == Condition({"a": {"=": [1]}})
    assert Condition({"a": str.isupper}) == Condition({"a": str.isupper})
    assert Condition({"a": 1}) != 1


def test_pickles() -> None:
    condition = Condition({"a": {"regex": "^x"}, "b": str.isupper, "t": NOON, "$or": [{"c": None}]})
    copy = pickle.loads(pickle.dumps(condition))
    assert copy == condition
    assert copy.matches({"a": "xy", "b": "X", "t": NOON, "c": None})


def test_a_function_that_raises_is_named_with_its_place() -> None:
    def bad(value: Any) -> bool:
        raise KeyError("oops")

    with pytest.raises(CallbackError, match=r"bad \(.*test_condition.py:\d+\) raised KeyError") as caught:
        Condition({"a": bad}).matches({"a": 1})
    assert isinstance(caught.value.__cause__, KeyError)


def test_functions_are_asked_last() -> None:
    def bad(value: Any) -> bool:
        raise KeyError("oops")

    assert not Condition({"a": bad, "b": 1}).matches({"a": 1, "b": 2})
    assert Condition({"a": [bad, 1]}).matches({"a": 1})


def test_a_long_wildcard_takes_no_time() -> None:
    assert not Condition({"a": {"wildcard": "*a" * 200 + "*b"}}).matches({"a": "a" * 20_000})
