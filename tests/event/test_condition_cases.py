"""Situations that other systems' rule languages are known by, each judged in every way that plait has.

The situations are those of rule engines for events (nested patterns, anything-but, numeric ranges, networks,
wildcards, presence) and of document databases (arrays, null and missing, boolean operators over conditions).
The answers are plait's own: where the others differ from each other, section 7 of the design decides.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from plait.event import Condition, EventManager
from plait.event.condition_kind import ConditionKind
from plait.lexer import Group, parse_nodes

INSTANCE = {
    "detail-type": "instance state-change",
    "source": "cloud.compute",
    "time": "2017-10-02T16:24:49Z",
    "resources": ["arn:instance/i-0aa0"],
    "detail": {"c.count": 5, "d.count": 3, "x.limit": 301.8, "source-ip": "10.0.0.33", "state": "running"},
}
IMAGE = {
    "Image": {
        "Width": 800,
        "Height": 600,
        "Title": "View from 15th Floor",
        "Thumbnail": {"Url": "http://www.example.com/image/481989943", "Height": 125, "Width": 100},
        "Animated": False,
        "IDs": [116, 943, 234, 38793],
    }
}
STAFF = {
    "staff": [
        [{"first": "John", "last": "Doe", "ids": [1234, 1000, 9999]}, {"first": "Anna", "last": "Smith"}],
        [{"first": "Peter", "last": "Jones", "ids": []}],
    ]
}
ALARM = {"metrics": [{"name": "CPU", "space": "EC2"}, {"name": "Requests", "space": "ES"}]}
DEEP = {"key0": [{"key1": [[[{"key2": [{"a": "x"}, {"a": "y"}, {"b": 20}]}]], {"key2": "z"}], "other": {"deep": 1}}]}
BOTH = {"d": {"a": {"exists": True}, "b": {"exists": True}}}
COLOURS = {
    1: [{"color": "red"}],
    2: [{"color": "yellow"}],
    3: [{"color": "red"}, {"color": "yellow"}],
    4: [{"size": 3}],
    6: {"color": ["red", "yellow"]},
    7: [{"color": "red"}, {"color": None}],
    8: [],
}


def shape(number: int) -> dict[str, Any]:
    return {"shape": COLOURS[number]} if number in COLOURS else {}


EVENTS: list[tuple[Any, Any, bool]] = [
    # patterns over a nested event
    ({"detail-type": ["instance state-change"], "detail": {"state": ["starting", "running"]}}, INSTANCE, True),
    ({"time": {"prefix": "2017-10-02"}, "detail": {"state": {"!=": "starting"}}}, INSTANCE, True),
    ({"detail": {"source-ip": {"cidr": "10.0.0.0/24"}, "c.count": {">": 0, "<=": 5}}}, INSTANCE, True),
    ({"detail": {"x.limit": 3.018e2, "d.count": {"<": 10}}}, INSTANCE, True),
    ({"detail.c.count": 5}, INSTANCE, True),
    ({"detail.c.count": 5, "detail.state": {"isuffix": "nInG"}}, INSTANCE, True),
    ({"detail": {"state": {"not": {"prefix": "init"}}}}, INSTANCE, True),
    ({"detail": {"state": {"not": {"prefix": ["init", "run"]}}}}, INSTANCE, False),
    ({"detail": {"state": {"iprefix": "RuNn"}}}, INSTANCE, True),
    ({"detail": {"source-ip": {"cidr": "10.0.1.0/24"}}}, INSTANCE, False),
    ({"resources": {"wildcard": "arn:*/i-*"}}, INSTANCE, True),
    ({"detail": "running"}, INSTANCE, False),
    ({"Image": {"Width": {"<": 1000}, "Thumbnail": {"Height": {">": 124, "<": 126}}}}, IMAGE, True),
    ({"Image": {"Thumbnail": {"Height": [125, 300], "Width": {">=": 99.999, "<=": 100}}}}, IMAGE, True),
    ({"Image": {"Thumbnail": {"Width": {">=": 100.00001, "<=": 1001}}}}, IMAGE, False),
    ({"Image": {"Thumbnail": {"Height": {">": 124, "<": 125}}}}, IMAGE, False),
    ({"Image.Animated": [False], "Image.IDs": 943}, IMAGE, True),
    ({"Image.Animated": True}, IMAGE, False),
    ({"Image.IDs": {">": 943, "<": 38793}}, IMAGE, False),
    ({"Image.Title": {"!=": "View from 15th Floor"}}, IMAGE, False),
    # lists of objects: all for the same one
    ({"staff": {"first": "Anna"}}, STAFF, True),
    ({"staff": {"first": "John", "ids": 1000}}, STAFF, True),
    ({"staff": {"first": "Anna", "ids": {"exists": False}}}, STAFF, True),
    ({"staff": {"first": "Peter", "ids": {"exists": False}}}, STAFF, True),
    ({"staff": {"first": "Anna", "last": "Jones"}}, STAFF, False),
    ({"staff": {"first": "Anna", "ids": {"exists": True}}}, STAFF, False),
    ({"staff": ["Anna"]}, STAFF, False),
    ({"metrics": {"name": "CPU", "space": "ES"}}, ALARM, False),
    ({"metrics": {"name": ["CPU", "Latency"], "space": ["EC2", "ES"]}}, ALARM, True),
    ({"metrics.name": "CPU", "metrics.space": "ES"}, ALARM, False),
    (BOTH, {"d": {"a": 1, "b": 2}}, True),
    (BOTH, {"d": [{"a": 1}, {"b": 2}]}, False),
    (BOTH, {"d": [{"a": 1}, {"b": 2}, {"a": 3, "b": 4}]}, True),
    (BOTH, {"d": []}, False),
    (BOTH, {"d": {"a": ["x", "y"], "b": "z"}}, True),
    (BOTH, {"d": {"a": [], "b": "z"}}, False),
    (BOTH, {"d": [{"a": 1}] * 4 + [{"a": 5, "b": 6}]}, True),
    ({"d": {"a": {"exists": True}, "b": {"exists": False}}}, {"d": [{"a": 1}]}, True),
    ({"d": {"a": {"exists": True}, "b": {"exists": False}}}, {"d": [{"a": 1, "b": 2}]}, False),
    ({"u": {"t": {"k": "color", "v": "blue"}}}, {"u": [{"t": [{"k": "color", "v": "blue"}]}]}, True),
    ({"u": {"t": {"k": "color", "v": "blue"}}}, {"u": [{"t": [{"k": "color"}, {"v": "blue"}]}]}, False),
    ({"d": {"name": "a", "info": {"x": "1"}}}, {"d": [{"name": "a"}, {"info": {"x": "1"}}]}, False),
    ({"d": {"name": "a", "info": {"x": "1"}}}, {"d": [{"name": "a", "info": {"x": "1"}}]}, True),
    ({"d": {"s": {"!=": "banned"}, "n": "bob"}}, {"d": [{"n": "al", "s": "ok"}, {"n": "bob", "s": "banned"}]}, False),
    ({"d": {"s": {"!=": "banned"}, "n": "bob"}}, {"d": [{"n": "al", "s": "banned"}, {"n": "bob", "s": "ok"}]}, True),
    ({"d": {"v": {">": 0, "<": 10}, "t": {"exists": True}}}, {"d": {"v": [100, 5, 200], "t": "ok"}}, True),
    ({"key0.key1.key2.a": "x"}, DEEP, True),
    ({"key0.key1.key2": "z"}, DEEP, True),
    ({"key0.key1.key2": {"a": "x", "b": 20}}, DEEP, False),
    ({"key0": {"other.deep": 1, "key1.key2.b": 20}}, DEEP, True),
    ({"a.0": 1}, {"a": [1, 2]}, False),
    ({"a.0": 1}, {"a": {"0": 1}}, True),
    # either of several
    ({"source": "s", "$or": [{"m": ["a", "b"]}, {"n": ["c"]}]}, {"source": "s", "n": "c"}, True),
    ({"source": "s", "$or": [{"m": ["a", "b"]}, {"n": ["c"]}]}, {"source": "t", "n": "c"}, False),
    ({"$or": [{"m": 1}, {"n": 2}], "d": {"$or": [{"s": 3}, {"t": 4}]}}, {"n": 2, "d": {"t": 4}}, True),
    ({"$or": [{"m": 1}, {"n": 2}], "d": {"$or": [{"s": 3}, {"t": 4}]}}, {"n": 2, "d": {"t": 5}}, False),
    ({"$or": [{"m": 1}, {"k": 2, "$or": [{"i": 3}, {"i": 4}]}]}, {"k": 2, "i": 4}, True),
    ({"$or": [{"m": 1}, {"k": 2, "$or": [{"i": 3}, {"i": 4}]}]}, {"k": 2, "i": 5}, False),
    ({"$or": [{"a.b.c": "EC2"}, {"d.e": "none"}]}, {"a": {"b": [{"c": "EC2"}]}}, True),
    ({"$and": [{"x": 2}, {"x": 7}]}, {"x": [2, 7]}, True),
    ({"$and": [{"x": 2}, {"x": 8}]}, {"x": [2, 7]}, False),
    ({"$nor": [{"x": 4}, {"x": 2}]}, {"x": [2, 4]}, False),
    ({"$nor": [{"x": 4}, {"x": 2}]}, {}, True),
    ({"$nor": []}, {"x": 1}, True),
    ({"$or": [{"first": "F"}, {"age": {"exists": True}}]}, {"first": "E"}, False),
    ({"$nor": [{"first": "F"}, {"age": {"exists": True}}]}, {"first": "E"}, True),
    ({"$not": {"$not": {"x": 1}}}, {"x": 1}, True),
    # arrays of values
    ({"x": [7, 8]}, {"x": [2, 3, 5, 7]}, True),
    ({"x": [4, None]}, {}, False),
    ({"x": [4, None]}, {"x": None}, True),
    ({"x": {">=": 1100, "<=": 1250}}, {"x": [1200, 300, 1400]}, True),
    ({"x": {">": 300, "<": 400}}, {"x": [300, 500, 4]}, False),
    ({"x": [re.compile(r"^\d+")]}, {"x": "123"}, True),
    ({"x": [re.compile("^ab[cd]"), 1]}, {"x": ["abc", "zzz"]}, True),
    ({"x": [re.compile("^lll"), "123"]}, {"x": "123"}, True),
    ({"x": {"regex": "bob|sam"}}, {}, False),
    ({"x": [["def"]]}, {"x": ["abc", "def"]}, True),
    ({"x": []}, {"x": []}, False),
    ({"flags.f": "foobar"}, {"flags": [{"f": ["foobar"]}, {"f": []}]}, True),
    ({"t.n": {">": 1, "!=": 3}}, {"t": [{"n": 2}]}, True),
    ({"t.n": {">": 1, "!=": 3}}, {"t": [{"n": 3}]}, False),
    ({"t.n": {">": 1, "!=": [1, 3]}}, {"t": []}, False),
    # null is not missing, and what is missing meets nothing
    *[({"shape.color": None}, shape(number), number == 7) for number in range(1, 9)],
    *[({"shape.color": {"!=": "red"}}, shape(number), number in (2, 3, 6, 7)) for number in range(1, 9)],
    *[({"shape.color": {"!=": ["blue", "red"]}}, shape(number), number in (2, 3, 6, 7)) for number in range(1, 9)],
    *[({"$not": {"shape.color": "red"}}, shape(number), number in (2, 4, 5, 8)) for number in range(1, 9)],
    ({"name": {"!=": "bob"}}, {"goat": "very"}, False),
    ({"name": {"not": {"!=": "bob"}}}, {"name": "bob"}, True),
    ({"name": {"not": {"!=": "bob"}}}, {}, False),
    ({"name": {"not": re.compile("dan")}}, {"name": "bob"}, True),
    ({"name": {"!=": [None]}}, {"name": "bob"}, True),
    ({"item": {"exists": False}}, {"item": None}, False),
    ({"item": {"exists": True}}, {"item": {"leaf": 1}}, False),
    # nothing is converted
    ({"p": 300}, {"p": "300"}, False),
    ({"p": 300}, {"p": 300.0}, True),
    ({"p": 3.0e2}, {"p": 300}, True),
    ({"p": {"prefix": "3"}}, {"p": 300}, False),
    ({"p": {"!=": "300"}}, {"p": 300}, True),
    ({"p": {">": 299, "<": 301}}, {"p": "300"}, False),
    ({"p": {"<=": 4}}, {"p": "non numeric"}, False),
    ({"p": {"not": {">": 5}}}, {"p": "text"}, True),
    ({"p": -0.000002}, {"p": -0.000002}, True),
    ({"p": {"<": -4_999_999_999.99998}}, {"p": -4_999_999_999.99999}, True),
    ({"p": {"<": 499_999_999_999.99998}}, {"p": 499_999_999_999.9999}, True),
    # texts
    ({"p": {"iequals": "ABC"}}, {"p": "AbC"}, True),
    ({"p": {"iequals": "ABC"}}, {"p": "aabc"}, False),
    ({"p": {"iequals": ["stopped", "over"]}}, {"p": "OVER"}, True),
    ({"p": {"not": {"iequals": ["stopped", "over"]}}}, {"p": "OVER"}, False),
    ({"p": {"wildcard": "*bc"}}, {"p": "bc"}, True),
    ({"p": {"wildcard": "d*e*f"}}, {"p": "dexef"}, True),
    ({"p": {"wildcard": "d*ef"}}, {"p": "de"}, False),
    ({"p": {"wildcard": "xy*"}}, {"p": "xy"}, True),
    ({"p": {"wildcard": "12*4*"}}, {"p": "12345"}, True),
    ({"p": {"wildcard": "12*4*"}}, {"p": "1235"}, False),
    ({"p": {"wildcard": "a*b*a*b"}}, {"p": "abab"}, True),
    ({"p": {"wildcard": "a*b*a*b"}}, {"p": "aba"}, False),
    ({"p": {"not": {"wildcard": ["*/bin/*.jar", "*/bin/*.class"]}}}, {"p": "/x/bin/y.class"}, False),
    ({"p": {"wildcard": "aa*aa"}}, {"p": "aaa"}, False),
    ({"p": {"wildcard": "é*ß"}}, {"p": "étéß"}, True),
    ({"p": {"prefix": ["a", "b"], "suffix": "z"}}, {"p": "b to z"}, True),
    # networks
    *[({"ip": {"cidr": "220.160.153.171/31"}}, {"ip": f"220.160.153.{n}"}, n in (170, 171)) for n in range(169, 173)],
    *[({"ip": {"cidr": "220.160.154.255/24"}}, {"ip": ip}, ip.startswith("220.160.154.")) for ip in
      ("220.160.154.0", "220.160.154.255", "220.160.153.255", "220.160.155.0")],
    ({"ip": {"cidr": "2001:db8::ff00:42:8329/128"}}, {"ip": "2001:0DB8:0:0:0:FF00:0042:8329"}, True),
    ({"ip": {"cidr": "10.0.0.0/24"}}, {"ip": "10.0.0.01"}, False),
    ({"ip": {"cidr": "10.0.0.0/24"}}, {"ip": ["x", "10.0.0.9"]}, True),
    # times
    ({"t": {">=": "2010-08-01T00:00:00Z", "<": "2010-08-02"}}, {"t": datetime(2010, 8, 1, 23, tzinfo=UTC)}, True),
    ({"t": {">=": "2010-08-01T00:00:00Z", "<": "2010-08-02"}}, {"t": datetime(2010, 8, 2, tzinfo=UTC)}, False),
    *[({"t": {"<=": text, ">=": text}}, {"t": datetime(2010, 8, 1, 11, tzinfo=UTC)}, True) for text in
      ("2010-08-01T11", "2010-08-01t11:00:00z", "20100801T110000Z", "2010-08-01T12:00:00+01", "2010-08-01 11:00 UTC",
       "2010-08-01T11:00:00,0000004Z", "2010-08-01 05:30:00 -0530")],
    *[({"t": {"<=": text}}, {"t": datetime(2010, 8, 1, 11, tzinfo=UTC)}, False) for text in
      ("2010", "20101231", "2010-12", "2010-W50-1", "2010-12-32", "2010-12-01T24:00", "2010-12-01T23:59:60Z",
       "12/01/2010", "now")],
]  # fmt: skip


@pytest.mark.parametrize(("condition", "event", "expected"), EVENTS)
def test_the_condition_says_so(condition: Any, event: Any, expected: bool) -> None:
    assert Condition(condition).matches(event) is expected


def test_the_index_finds_exactly_the_rules_that_match() -> None:
    manager = EventManager()
    for condition, _, _ in EVENTS:
        manager.register(lambda event: None, condition)
    conditions = [Condition(condition) for condition, _, _ in EVENTS]
    for _, event, _ in EVENTS:
        before = manager.statistics().matches
        manager.trigger(event)
        assert manager.statistics().matches - before == sum(each.matches(event) for each in conditions), event


def _null_is_missing(value: Any) -> Any:
    """Return the event as a frame has it: nulls left out."""
    if isinstance(value, dict):
        return {key: _null_is_missing(each) for key, each in value.items() if each is not None}
    return value


def _as_frame(event: dict[str, Any]) -> pl.DataFrame | None:
    """Return the event as a frame of one row; None if a frame cannot hold it as it is."""
    try:
        frame = pl.DataFrame([event], strict=True) if event else pl.DataFrame({"none": [None]})
    except (TypeError, ValueError, pl.exceptions.PolarsError):
        return None
    return frame if event == {} or _null_is_missing(frame.to_dicts()[0]) == event else None


def _names(condition: Any) -> set[Any]:
    """Return all keys of a condition, and None if it names null anywhere."""
    if isinstance(condition, dict):
        return {*condition, *(name for value in condition.values() for name in _names(value))}
    if isinstance(condition, list):
        return {name for value in condition for name in _names(value)}
    return {None} if condition is None else set()


# In a frame what is missing is null, and so there: where that makes a difference, tests of frames have it.
HELD = [
    (condition, event, expected)
    for condition, event, expected in EVENTS
    if None not in _names(condition) and (expected or not {"!=", "not"} & _names(condition))
    if _as_frame(event) is not None
]


def test_most_events_fit_into_a_frame() -> None:
    assert len(HELD) > len(EVENTS) / 2


@pytest.mark.parametrize(("condition", "event", "expected"), HELD)
def test_a_frame_gives_the_same_answer(condition: Any, event: Any, expected: bool) -> None:
    frame = _as_frame(event)
    assert frame is not None
    assert Condition(condition).mask(frame).to_list() == [expected]


def _as_scl(condition: Any) -> str | None:
    """Return the condition in SCL; None if it holds what only Python can say."""
    try:
        return ConditionKind().write(Condition(condition))
    except ValueError:
        return None


IN_SCL = [(text, event, expected) for condition, event, expected in EVENTS if (text := _as_scl(condition))]


def test_most_conditions_can_be_said_in_scl() -> None:
    assert len(IN_SCL) > 0.9 * len(EVENTS)


@pytest.mark.parametrize(("text", "event", "expected"), IN_SCL)
def test_said_in_scl_the_answer_is_the_same(text: str, event: Any, expected: bool) -> None:
    (statement,) = parse_nodes(f"condition={text}")
    assert isinstance(statement.value, Group)
    assert ConditionKind().from_nodes(statement.value.statements).matches(event) is expected


@pytest.mark.parametrize(
    ("condition", "written"),
    [
        ({"x": re.compile("^a")}, '(x~"^a")'),
        ({"x": [re.compile("^a"), {"prefix": "b"}]}, '(x=(any=(regex="^a" prefix=b)))'),
        ({"x": {"not": re.compile("^a")}}, '(x=(not~"^a"))'),
        ({"x": {"regex": [re.compile("^a"), "b$"]}}, '(x=(regex=["^a" "b$"]))'),
    ],
)
def test_a_compiled_expression_stays_one_in_scl(condition: Any, written: str) -> None:
    assert _as_scl(condition) == written
    (statement,) = parse_nodes(f"condition={written}")
    assert isinstance(statement.value, Group)
    read = ConditionKind().from_nodes(statement.value.statements)
    assert [read.matches({"x": x}) for x in ("ab", "^a", "b")] == [Condition(condition).matches({"x": x}) for x in
                                                                   ("ab", "^a", "b")]  # fmt: skip


def test_flags_cannot_be_said_in_scl() -> None:
    assert _as_scl({"x": re.compile("a", re.IGNORECASE)}) is None
    assert _as_scl({"x": [re.compile("a", re.IGNORECASE), "b"]}) is None
    assert _as_scl({"x": [re.compile("a"), "b"]}) is None


@pytest.mark.parametrize(
    "condition",
    [
        {"$and": [], "$or": [{"x": {"cidr": "10.0.0.0/8"}, "n": 1}]},
        {"$and": [], "$nor": [{"x": {"cidr": "10.0.0.0/8"}}, {"n": lambda n: n > 1}]},
        {"$and": [{}], "$or": [{"x": {"cidr": "10.0.0.0/8"}}, {"n": 2}]},
        {"$and": [{"$and": []}, {"x": {"cidr": "10.0.0.0/8"}}]},
        {"$or": [{"$and": []}, {"n": lambda n: n > 1}]},
        {"$not": {"$and": [], "x": {"cidr": "10.0.0.0/8"}}},
    ],
)
def test_what_says_nothing_changes_nothing_in_frames(condition: Any) -> None:
    events = [{"x": "10.0.0.1", "n": 1}, {"x": "11.0.0.1", "n": 1}, {"x": "11.0.0.1", "n": 2}]
    wanted = Condition(condition)
    assert wanted.mask(pl.DataFrame(events)).to_list() == [wanted.matches(event) for event in events]
