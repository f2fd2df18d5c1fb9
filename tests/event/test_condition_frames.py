"""The two evaluators of conditions are held to each other: whatever the condition, whatever the rows."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.errors import CallbackError
from plait.event import Condition
from plait.event.dict_evaluator import compile_rule
from plait.event.frame_evaluator import FrameTest
from plait.event.rule_table import RuleTable
from plait.event.selecting import FEW, Selector

BIG = 2**53
whole = st.sampled_from([0, 1, -1, 2, BIG, BIG + 1, -BIG - 1, 2**63 - 1, -(2**63), 127])
floats = st.sampled_from([0.0, -0.0, 1.0, 0.1, 2.5, -1.5, float(BIG), 2.0**63, math.nan, math.inf, -math.inf, 1e300])
texts = st.sampled_from(
    ["", "a", "A", "ab", "abc", "ß", "SS", "İ", "10.0.0.1", "2010-01-01", "1", "true", "a*b", "a\nb"]
)
times = st.sampled_from(
    [datetime(2010, 1, 1), datetime(2010, 1, 1, 12, 30, 0, 5), datetime(1969, 12, 31, 23, 59, 59, 999999)]
)
numbers = st.one_of(whole, floats, st.sampled_from([2**64, -(2**70), 10**400, Decimal("0.1"), Decimal("3.0")]))
operand_times = st.one_of(
    times,
    times.map(lambda time: time.replace(tzinfo=UTC)),
    st.sampled_from(["2010-01-01", "2010-01-01T12:30Z", "2010-01-01T14:30:00.000005+02:00"]),
    st.sampled_from([date(2010, 1, 1), date(2011, 5, 5)]),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts, operand_times)

STRUCT = pl.Struct({"x": pl.Int64, "y": pl.String, "z": pl.Struct({"w": pl.Float64})})
DTYPES: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "i": (pl.Int64, whole),
    "small": (pl.Int8, st.integers(-128, 127)),
    "u": (pl.UInt64, st.sampled_from([0, 1, BIG + 1, 2**64 - 1])),
    "f": (pl.Float64, floats),
    "f32": (pl.Float32, floats),
    "s": (pl.String, texts),
    "cat": (pl.Categorical, texts),
    "b": (pl.Boolean, st.booleans()),
    "t": (pl.Datetime("us", "UTC"), times.map(lambda time: time.replace(tzinfo=UTC))),
    "ms": (pl.Datetime("ms"), times.map(lambda time: time.replace(microsecond=0))),
    "ns": (pl.Datetime("ns"), times),
    "zoned": (pl.Datetime("us", "Europe/Berlin"), times.map(lambda time: time.replace(tzinfo=UTC))),
    "d": (pl.Date, st.sampled_from([date(2010, 1, 1), date(2011, 5, 5)])),
    "dec": (pl.Decimal(20, 3), st.sampled_from([Decimal("0.100"), Decimal("3.000"), Decimal("-1.500")])),
    "nothing": (pl.Null, st.none()),
    "list": (pl.List(pl.Int64), st.lists(st.one_of(st.none(), whole), max_size=3)),
    "texts": (pl.List(pl.String), st.lists(st.one_of(st.none(), texts), max_size=3)),
    "deep": (pl.List(pl.List(pl.Int64)), st.lists(st.lists(whole, max_size=2), max_size=2)),
    "o": (
        STRUCT,
        st.fixed_dictionaries(
            {
                "x": st.one_of(st.none(), whole),
                "y": st.one_of(st.none(), texts),
                "z": st.one_of(st.none(), st.fixed_dictionaries({"w": st.one_of(st.none(), floats)})),
            }
        ),
    ),
    "items": (
        pl.List(pl.Struct({"a": pl.Int64, "b": pl.String})),
        st.lists(
            st.fixed_dictionaries({"a": st.one_of(st.none(), whole), "b": st.one_of(st.none(), texts)}), max_size=3
        ),
    ),
    "o.x": (pl.Int64, whole),
}


def is_odd(value: Any) -> bool:
    return isinstance(value, int) and value % 2 == 1


def upper(value: Any) -> bool:
    return value.isupper()


text_names = st.sampled_from(["prefix", "suffix", "contains", "regex", "iequals", "iprefix", "isuffix", "wildcard"])
wildcards = st.sampled_from(["*", "a*", "*b", "a*b", r"a\*b", "*.*", "", "**", "a-b[*"])
text_tests = st.one_of(
    st.tuples(text_names.filter(lambda name: name not in ("regex", "wildcard")), texts),
    st.tuples(st.just("wildcard"), wildcards),
    st.tuples(st.just("regex"), st.sampled_from(["^a", "b$", "", r"\d", "(?i)A"])),
    st.tuples(st.just("cidr"), st.sampled_from(["10.0.0.0/8", "::/0"])),
    st.tuples(st.sampled_from(["prefix", "iequals"]), st.lists(texts, max_size=2)),
)
ranges = st.tuples(st.sampled_from([">", ">=", "<", "<="]), st.one_of(numbers, texts, operand_times))
equalities = st.tuples(st.sampled_from(["=", "!="]), st.one_of(scalars, st.lists(scalars, max_size=2)))
exists = st.tuples(st.just("exists"), st.booleans())


def operator_objects(fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    pairs = st.one_of(text_tests, ranges, equalities, exists, st.tuples(st.just("not"), fields))
    return st.lists(pairs, min_size=1, max_size=2).map(dict)


def field_rules(functions: list[Any]) -> st.SearchStrategy[Any]:
    base = st.one_of(scalars, *([st.sampled_from(functions)] if functions else []))
    return st.recursive(
        base,
        lambda inner: st.one_of(
            st.lists(inner, max_size=2),
            operator_objects(inner),
            st.dictionaries(st.sampled_from(["x", "y", "z.w", "a", "b", "nope"]), inner, max_size=2),
            st.fixed_dictionaries({"$or": st.lists(inner.filter(lambda each: isinstance(each, dict)), max_size=2)}),
        ),
        max_leaves=4,
    )


PATHS = [*DTYPES, "o.y", "o.z.w", "o.z", "items.a", "items.b", "missing", "missing.x", "o.nope", "i.x", "o.x.y"]


def conditions(functions: list[Any]) -> st.SearchStrategy[Any]:
    plain = st.dictionaries(st.sampled_from(PATHS), field_rules(functions), max_size=3)
    return st.recursive(
        plain,
        lambda inner: st.one_of(
            st.builds(
                lambda base, name, several: {**base, name: several},
                plain,
                st.sampled_from(["$or", "$and", "$nor"]),
                st.lists(inner, max_size=2),
            ),
            st.builds(lambda base, one: {**base, "$not": one}, plain, inner),
        ),
        max_leaves=3,
    )


rows = st.fixed_dictionaries({name: st.one_of(st.none(), values) for name, (_, values) in DTYPES.items()})
frames = st.lists(rows, max_size=6).map(
    lambda made: pl.DataFrame(
        {name: pl.Series(name, [row[name] for row in made], dtype=dtype) for name, (dtype, _) in DTYPES.items()}
    )
)


@given(conditions([is_odd]), frames)
@settings(max_examples=200, deadline=None)
def test_a_frame_is_judged_row_by_row_as_the_dict_evaluator_judges_it(written: Any, frame: pl.DataFrame) -> None:
    condition = Condition(written)
    judge = compile_rule(condition.rule, null_is_missing=True)
    assert condition.mask(frame).to_list() == [bool(judge(row)) for row in frame.to_dicts()]


@given(conditions([is_odd]), frames)
@settings(max_examples=100, deadline=None)
def test_rows_are_selected_by_the_mask_however_few_they_are(written: Any, frame: pl.DataFrame) -> None:
    condition = Condition(written)
    for rows in (frame, *([pl.concat([frame] * (FEW // frame.height + 1))] if frame.height else [])):
        expected, wanted = rows.filter(condition.mask(rows)), rows.columns[::2]
        assert condition.select(rows).equals(expected)
        assert condition.select(rows, wanted=wanted).select(wanted).equals(expected.select(wanted))


def test_a_frame_is_selected_as_it_is_if_all_its_rows_are_wanted() -> None:
    frame = pl.DataFrame({"a.b": [1, 2], "a": [{"c": 5}, {"c": None}], "other": ["x", "y"]})
    assert Condition({"a.b": {">": 0}}).select(frame) is frame
    assert Condition({}).select(frame) is frame
    assert Condition({"a.c": 5}).select(frame)["other"].to_list() == ["x"]
    assert Condition({"gone": 5}).select(frame).equals(frame.clear())


class Crowded(Selector):
    """Other threads, which select from other frames, always note what they look at right after this one did."""

    _needed = property(lambda self: (["b"], ["b"]), lambda self, needed: None)


def test_threads_may_select_from_different_frames_at_once() -> None:
    rule = Condition({"a": 1}).rule
    assert Crowded(rule, FrameTest(rule)).select(pl.DataFrame({"a": [1, 2]})).rows() == [(1,)]


@given(conditions([upper]), frames)
@settings(max_examples=80, deadline=None)
def test_functions_that_raise_cost_the_same_rows_in_both(written: Any, frame: pl.DataFrame) -> None:
    condition = Condition(written)
    judge = compile_rule(condition.rule, null_is_missing=True)
    expected, raised = [], 0
    for row in frame.to_dicts():
        try:
            expected.append(bool(judge(row)))
        except CallbackError:
            raised += 1
            expected.append(False)
    errors: list[CallbackError] = []
    assert condition.mask(frame, errors.append).to_list() == expected
    assert len(errors) <= raised  # a frame may have ruled a row out before its function is called


@given(st.lists(conditions([is_odd]), max_size=4), frames)
@settings(max_examples=80, deadline=None)
def test_a_table_of_rules_finds_what_each_finds_alone(several: list[Any], frame: pl.DataFrame) -> None:
    masks = [Condition(written).mask(frame).to_list() for written in several]
    expected = [(row, rule) for row in range(frame.height) for rule, mask in enumerate(masks) if mask[row]]
    parts = RuleTable([Condition(written) for written in several]).matches(frame)
    assert [pair for rows, rules in parts for pair in zip(rows.tolist(), rules.tolist(), strict=True)] == expected


without_nulls = st.fixed_dictionaries({name: DTYPES[name][1] for name in ("i", "u", "f", "s", "b", "t", "d")})


@given(
    st.dictionaries(st.sampled_from(["i", "u", "f", "s", "b", "t", "d"]), field_rules([is_odd]), max_size=3),
    st.lists(without_nulls, min_size=1, max_size=6),
)
@settings(max_examples=120, deadline=None)
def test_events_without_nulls_match_as_their_rows_do(written: Any, events: list[dict[str, Any]]) -> None:
    def goes_below(rule: Any) -> bool:
        if isinstance(rule, dict):
            return any(key in ("x", "y", "z.w", "a", "b", "nope") or goes_below(each) for key, each in rule.items())
        return isinstance(rule, list) and any(map(goes_below, rule))

    if any(map(goes_below, written.values())):
        return  # fields below a scalar are missing in the dict and null in the frame, as documented
    frame = pl.DataFrame(
        {name: pl.Series([event[name] for event in events], dtype=DTYPES[name][0]) for name in events[0]}
    )
    condition = Condition(written)
    assert condition.mask(frame).to_list() == [condition.matches(event) for event in events]


def test_a_frame_cannot_tell_missing_from_null() -> None:
    frame = pl.DataFrame({"a": [None, 1], "o": [None, {"x": None}]}, schema={"a": pl.Int64, "o": STRUCT})
    assert Condition({"a": None}).mask(frame).to_list() == [True, False]
    assert Condition({"gone": None}).mask(frame).to_list() == [True, True]
    assert Condition({"o.x": None, "o.gone": None}).mask(frame).to_list() == [True, True]
    assert Condition({"a": {"exists": True}}).mask(frame).to_list() == [False, True]
    assert Condition({"gone": {"exists": True}}).mask(frame).to_list() == [False, False]
    assert Condition({"gone": {"exists": False}}).mask(frame).to_list() == [True, True]


def test_nothing_is_rounded_to_compare() -> None:
    frame = pl.DataFrame({"i": [BIG, BIG + 1], "f": [float(BIG), 2.0**64]})
    assert Condition({"i": float(BIG)}).mask(frame).to_list() == [True, False]
    assert Condition({"i": {">": float(BIG)}}).mask(frame).to_list() == [False, True]
    assert Condition({"f": BIG + 1}).mask(frame).to_list() == [False, False]
    assert Condition({"f": {"<": BIG + 1}}).mask(frame).to_list() == [True, False]
    assert Condition({"f": {">": 10**400}}).mask(frame).to_list() == [False, False]


def test_only_rows_that_are_undecided_are_given_to_a_function() -> None:
    seen: list[str] = []
    condition = Condition({"name": lambda name: not seen.append(name), "temp": {">": 20}})
    frame = pl.DataFrame({"name": ["a", "b", "c"], "temp": [10, 30, None]})
    assert condition.mask(frame).to_list() == [False, True, False]
    assert seen == ["b"]


def test_a_function_that_raises_is_raised_without_on_error() -> None:
    with pytest.raises(CallbackError, match="upper"):
        Condition({"n": upper}).mask(pl.DataFrame({"n": [1]}))


@pytest.mark.parametrize("frame", [pl.DataFrame(), pl.DataFrame({"a": []}, schema={"a": pl.List(pl.Int64)})])
def test_an_empty_frame_has_an_empty_mask(frame: pl.DataFrame) -> None:
    for written in ({}, {"a": 1}, {"a": is_odd}, {"$or": []}):
        mask = Condition(written).mask(frame)
        assert mask.dtype == pl.Boolean
        assert len(mask) == 0
