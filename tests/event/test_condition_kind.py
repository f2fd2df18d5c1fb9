from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.errors import ScriptError
from plait.event import Condition, ConditionKind
from plait.lexer import parse_nodes

KIND = ConditionKind()


def read(text: str) -> Condition:
    (statement,) = parse_nodes(f"condition={text}")
    return KIND.from_nodes(statement.value.statements)


READ: list[tuple[str, Any]] = [
    ("(temp>20)", {"temp": {">": 20}}),
    ("(temp>=0.5 temp<1e3)", {"temp": {">=": 0.5, "<": 1000}}),
    ("(temp!=3 name.type=[command response])", {"temp": {"!=": 3}, "name.type": ["command", "response"]}),
    ('(action~"^test")', {"action": {"regex": "^test"}}),
    ("(a=null b=true c=false d=yes)", {"a": None, "b": True, "c": False, "d": "yes"}),
    ('(a="null" b="true" c="1")', {"a": "null", "b": "true", "c": "1"}),
    ("(a=[null true x 4])", {"a": [None, True, "x", 4]}),
    ("(any=(a=1 b=2))", {"$or": [{"a": 1}, {"b": 2}]}),
    ("(any=(a=1 all=(b=2 c=3)))", {"$or": [{"a": 1}, {"b": 2, "c": 3}]}),
    ("(all=(a=1 b=2))", {"$and": [{"a": 1, "b": 2}]}),
    ("(none=(a=1 b=2))", {"$nor": [{"a": 1}, {"b": 2}]}),
    ("(x=1 not=(status=fail temp>3))", {"x": 1, "$not": {"status": "fail", "temp": {">": 3}}}),
    ("(not=(a=1) not=(b=1))", {"$not": {"a": 1}, "$and": [{"$not": {"b": 1}}]}),
    ('(status=(prefix="ab" exists=yes))', {"status": {"prefix": "ab", "exists": True}}),
    ("(status=(exists=false))", {"status": {"exists": False}}),
    ("(status=(not=[a b]))", {"status": {"not": ["a", "b"]}}),
    ("(status=(not=(prefix=a)))", {"status": {"not": {"prefix": "a"}}}),
    ("(name=(type=command id>3))", {"name": {"type": "command", "id": {">": 3}}}),
    ('(ip=(cidr="10.0.0.0/8") ip!="10.0.0.1")', {"ip": {"cidr": "10.0.0.0/8", "!=": "10.0.0.1"}}),
    ("(temp>0 temp>5)", {"temp": {">": 0, "$and": [{">": 5}]}}),
    ('(timestamp>"2010-08-01")', {"timestamp": {">": "2010-08-01"}}),
    ("(not=3)", {"not": 3}),
    ("()", {}),
    ("(any=())", {"$or": []}),
]


@pytest.mark.parametrize(("text", "expected"), READ)
def test_reads_and_writes_back(text: str, expected: Any) -> None:
    condition = read(text)
    assert dict(condition) == expected
    assert read(KIND.write(condition)) == condition


def test_two_statements_on_one_key_are_for_the_same_element() -> None:
    assert not read("(temp>0 temp<10)").matches({"temp": [-5, 20]})
    assert not read("(temp>0 temp>5 temp<10)").matches({"temp": [1, 20]})
    assert read("(temp>0 temp>5 temp<10)").matches({"temp": [1, 7]})


def test_all_mistakes_are_told_with_their_places() -> None:
    with pytest.raises(ScriptError) as caught:
        read(
            '(a~"("\n  b>null\n  any=(c=1 d=(cidr="10.0.0.1"))\n'
            "  e=x(y=1) f=(exists=maybe) g>(h=1)\n  i=(prefx=a prefix=b))"
        )
    found = [(mistake.line, mistake.column) for mistake in caught.value.mistakes]
    assert found == [(1, 12), (2, 3), (3, 15), (4, 3), (4, 15), (4, 29), (5, 3)]
    assert caught.value.mistakes[-1].suggestion == "prefix"


def test_mistakes_in_alternatives_are_told_with_their_places_behind_a_field_too() -> None:
    wrong = 'any=(prefix=a cidr="10.0.0.1" all=(regex="(" exists=maybe)) none=(regex="[")'
    with pytest.raises(ScriptError) as caught:
        read(f"(a=({wrong}))")
    start = len("condition=(a=(") + 1
    places = [start + wrong.index(part) for part in ("cidr", 'regex="("', "exists", 'regex="["')]
    assert [mistake.column for mistake in caught.value.mistakes] == places


def test_combinators_mean_the_same_behind_a_field_and_at_the_top() -> None:
    assert dict(read("(a=(any=(x=1 all=(y=2 z=3)) none=(x=4) all=(x=5)))")) == {
        "a": dict(read("(any=(x=1 all=(y=2 z=3)) none=(x=4) all=(x=5))"))
    }


wholes = st.integers(-(10**20), 10**20)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    wholes,
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="$"), max_size=5),
    st.sampled_from(["true", "null", "yes", "1", "a b", 'q"\\']),
)
keys = st.sampled_from(["a", "b.c", "any", "größe"])
symbol_names, bounds = st.sampled_from([">", ">=", "<", "<="]), st.one_of(wholes, st.just("x"))
symbols = st.dictionaries(symbol_names, bounds, max_size=2)
some_symbols = st.dictionaries(symbol_names, bounds, min_size=1, max_size=2)
named = st.dictionaries(
    st.sampled_from(["prefix", "iequals", "contains"]), st.one_of(st.text("ab", max_size=2), st.just(["a"])), max_size=2
)
operators = st.one_of(
    st.builds(lambda left, right: {**left, **right}, symbols, named),
    st.builds(lambda operand: {"!=": operand}, st.one_of(leaves, st.lists(leaves, max_size=2))),
    st.builds(lambda operand: {"not": operand}, st.one_of(leaves, named)),
    st.builds(lambda wanted: {"exists": wanted}, st.booleans()),
    st.builds(lambda several: {"$or": several}, st.lists(named, min_size=1, max_size=2)),
    st.lists(named, min_size=1, max_size=2),
)
fields_below = st.dictionaries(st.sampled_from(["x", "y.z"]), st.one_of(leaves, some_symbols), max_size=2)
plain = st.dictionaries(st.sampled_from(["a", "b.c", "größe"]), st.one_of(leaves, operators, fields_below), max_size=3)
conditions = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.builds(
            lambda base, name, several: {**base, name: several},
            plain,
            st.sampled_from(["$or", "$nor"]),
            st.lists(inner, max_size=2),
        ),
        st.builds(lambda base, several: {**base, "$and": several}, plain, st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda base, one: {**base, "$not": one}, plain, inner),
    ),
    max_leaves=4,
)


@given(conditions)
@settings(max_examples=150, deadline=None)
def test_what_is_written_reads_back_equal(written: Any) -> None:
    condition = Condition(written)
    assert read(KIND.write(condition)) == condition


@pytest.mark.parametrize(
    "written",
    [{"a": str.isupper}, {"a b": 1}, {"1": 1}, {"a": [{">": 3}]}, {"any": {"x": 1}}, {"a": float("inf")}, {"$and": []}],
)
def test_what_only_python_can_say_is_not_written(written: Any) -> None:
    with pytest.raises(ValueError, match="cannot be written in SCL"):
        KIND.write(Condition(written))


def test_from_python_takes_mappings_and_conditions() -> None:
    condition = KIND.parse({"a": 1})
    assert KIND.parse(condition) is condition
    with pytest.raises(ValueError, match="is not a condition such as"):
        KIND.parse("a=1")
    with pytest.raises(ValueError, match=r"^a: regex"):
        KIND.parse({"a": {"regex": "("}})
