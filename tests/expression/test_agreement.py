"""The columnar way and the row by row way give the same values: random expressions over random rows."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plait.expression import FUNCTIONS, evaluate, parse, polars_type, to_polars, typecheck
from plait.expression.tree import Call, walk

SCHEMA = {
    "i": pl.Int64(),
    "j": pl.Int64(),
    "f": pl.Float64(),
    "g": pl.Float64(),
    "s": pl.String(),
    "t": pl.String(),
    "b": pl.Boolean(),
    "at": pl.Datetime("us", "UTC"),
    "to": pl.Datetime("us", "UTC"),
    "d": pl.Duration("us"),
    "n": pl.Null(),
}
MOST = 2**63 - 1
FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)

INTEGERS = st.sampled_from([0, 1, -1, 2, 3, -7, 5, 10, 150, MOST, -MOST - 1, 2**53 + 1]) | st.integers(-MOST - 1, MOST)
FLOATS = st.sampled_from([0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 2.675, math.nan, math.inf, -math.inf]) | st.floats()
ODD_TEXTS = [
    "", " ", "a", "ab", "aXb", "a%b", "_", "É", "ß", "12", "-0", "+5", "1e5", "1.", ".5", "5e", "nan", "-Inf", "1e999",
    "9" * 25, "TRUE", "false", "true ", "\t x \n", "\U0001f600b", "2010-01-01", "2010-01-01 12:30", "2010-02-30",
    "1969-12-31T23:59:59.999999Z", "0001-01-01T00:00+01:00", "9999-12-31T23:59:59.123456789-00:01", "0000-01-01",
    "20100131T130000Z", "2010-01-31T13", "2010-01-31 13:00:00,5 UTC", "2010-01-31t13:00z", "2010-01-31T13:00+01",
]  # fmt: skip
TEXTS = st.sampled_from(ODD_TEXTS) | st.text("aAbB%_ -.0159éÉxX\n\\^$*", max_size=8)
TIMES = st.sampled_from(
    [FIRST, LAST, datetime(1970, 1, 1, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)]
) | st.datetimes(timezones=st.just(UTC))
SPANS = st.sampled_from(
    [timedelta(0), timedelta(microseconds=1), timedelta(microseconds=-MOST), timedelta(microseconds=MOST)]
) | st.timedeltas(timedelta(days=-4_000_000), timedelta(days=4_000_000))
ROW = st.fixed_dictionaries(
    {
        name: st.none() | values
        for name, values in {
            "i": INTEGERS, "j": INTEGERS, "f": FLOATS, "g": FLOATS, "s": TEXTS, "t": TEXTS, "b": st.booleans(),
            "at": TIMES, "to": TIMES, "d": SPANS, "n": st.none(),
        }.items()
    }
)  # fmt: skip


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


LEAVES = {
    "integer": st.sampled_from(["i", "j", "i", "j", "0", "1", "-1", "7", "-3", "9223372036854775807"]),
    "float": st.sampled_from(["f", "g", "f", "g", "0.0", "0.5", "-2.5", "1e300", "3e0", "CAST('nan' AS float)"]),
    "text": st.sampled_from(["s", "t", "s", "t", "''", "'a'", "'12'", "'É'", "NULL"]),
    "boolean": st.sampled_from(["b", "b", "TRUE", "FALSE", "NULL"]),
    "timestamp": st.sampled_from(["at", "to", "TIMESTAMP '2010-01-01T00:00:00Z'", "TIMESTAMP '1960-02-29'"]),
    "duration": st.sampled_from(["d", "d", "INTERVAL '5 minutes'", "INTERVAL '-1 day'", "INTERVAL '36h'"]),
}

# What makes each type: templates with the types of their holes. Only what is exact: exp, ln, log and power differ in
# the last digit between mathematical libraries, and have a test of their own.
SHAPES = {
    "integer": [
        "({integer} + {integer})", "({integer} - {integer})", "({integer} * {integer})", "({integer} % {integer})",
        "({integer} DIV {integer})", "(- {integer})", "abs({integer})", "sign({integer})", "round({integer}, -2)",
        "round({integer})", "floor({integer})", "CAST({float} AS integer)", "CAST({text} AS integer)",
        "CAST({boolean} AS integer)", "length({text})", "year({timestamp})", "month({timestamp})", "day({timestamp})",
        "hour({timestamp})", "minute({timestamp})", "second({timestamp})", "weekday({timestamp})",
        "EXTRACT(hour FROM {timestamp})",
    ],
    "float": [
        "({float} + {float})", "({integer} - {float})", "({float} * {integer})", "({integer} / {integer})",
        "({float} / {float})", "({float} % {float})", "({float} % {integer})", "(- {float})", "abs({float})",
        "sign({float})", "round({float})", "round({float}, 2)", "round({float}, -1)", "floor({float})", "ceil({float})",
        "sqrt({float})", "CAST({integer} AS float)", "CAST({text} AS float)", "epoch({timestamp})",
        "epoch({duration})", "({duration} / {duration})", "coalesce({float}, {integer})", "({float} / 9)",
    ],
    "text": [
        "({text} || {text} || {text})", "upper({text})", "lower({text})", "trim({text})", "concat({text}, {text})",
        "substring({text}, {integer})", "substring({text}, {integer}, {integer})", "replace({text}, {text}, {text})",
        "CAST({integer} AS text)", "CAST({float} AS text)", "CAST({boolean} AS text)", "CAST({timestamp} AS text)",
        "CAST({duration} AS text)",
    ],
    "boolean": [
        "({boolean} AND {boolean} AND {boolean})", "({boolean} OR {boolean})", "(NOT {boolean})",
        "({boolean} = {boolean})", "({integer} = {float})", "({float} < {float})", "({float} <> {float})",
        "({integer} >= {integer})", "({text} > {text})", "({text} = {text})", "({timestamp} <= {timestamp})",
        "({duration} < {duration})", "({integer} IS NULL)", "({text} IS NOT NULL)", "({integer} IN (1, 2, {integer}))",
        "({integer} NOT IN (1, 7, NULL))", "({text} IN ('a', 'ab', ''))", "({float} IN (0.0, {float}))",
        "({float} BETWEEN {float} AND {integer})", "({text} NOT BETWEEN {text} AND {text})", "({text} LIKE 'a%b')",
        "({text} LIKE '%!%_' ESCAPE '!')", "({text} NOT LIKE '_')", "({text} LIKE '%a%B%')", "({text} LIKE '')",
        "starts_with({text}, {text})", "ends_with({text}, {text})", "contains({text}, {text})",
        "CAST({text} AS boolean)", "CAST({integer} AS boolean)", "({timestamp} IN (TIMESTAMP '1960-02-29'))",
    ],
    "timestamp": [
        "({timestamp} + {duration})", "({duration} + {timestamp})", "({timestamp} - {duration})",
        "date_trunc('second', {timestamp})", "date_trunc('minute', {timestamp})", "date_trunc('hour', {timestamp})",
        "date_trunc('day', {timestamp})", "date_trunc('week', {timestamp})", "date_trunc('month', {timestamp})",
        "date_trunc('quarter', {timestamp})", "date_trunc('year', {timestamp})", "CAST({text} AS timestamp)",
    ],
    "duration": [
        "({timestamp} - {timestamp})", "({duration} + {duration})", "({duration} - {duration})",
        "({duration} * {integer})", "({integer} * {duration})", "(- {duration})", "abs({duration})",
    ],
}  # fmt: skip
FOR_ALL = [
    "CASE WHEN {{boolean}} THEN {{{0}}} WHEN {{boolean}} THEN {{{0}}} ELSE {{{0}}} END",
    "CASE WHEN {{boolean}} THEN {{{0}}} END", "CASE {{integer}} WHEN {{integer}} THEN {{{0}}} ELSE {{{0}}} END",
    "CASE {{text}} WHEN {{text}} THEN {{{0}}} WHEN {{text}} THEN {{{0}}} END", "IF({{boolean}}, {{{0}}}, {{{0}}})",
    "coalesce({{{0}}}, {{{0}}})", "coalesce(n, {{{0}}})", "nullif({{{0}}}, {{{0}}})",
]  # fmt: skip
FOR_ORDERED = ["least({{{0}}}, {{{0}}}, {{{0}}})", "greatest({{{0}}}, {{{0}}})"]
for kind, shapes in SHAPES.items():
    shapes += [shape.format(kind) for shape in FOR_ALL]
    shapes += [shape.format(kind) for shape in FOR_ORDERED if kind != "boolean"]


@st.composite
def expressions(draw: Any, kind: str, depth: int = 3) -> str:
    if depth == 0 or draw(st.integers(0, 5)) == 0:
        return draw(LEAVES[kind])
    shape = draw(st.sampled_from(SHAPES[kind]))
    parts = shape.replace("}", "{").split("{")
    return "".join(draw(expressions(part, depth - 1)) if number % 2 else part for number, part in enumerate(parts))


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return repr(left) == repr(right)
    return type(left) is type(right) and left == right


def _hold(text: str, rows: list[dict[str, Any]]) -> None:
    expression = parse(text)
    frame = pl.DataFrame(rows, schema=SCHEMA)
    column = frame.with_columns(to_polars(expression, SCHEMA).alias("result"))["result"]
    assert column.dtype == polars_type(typecheck(expression, SCHEMA))
    wanted = [evaluate(expression, row, SCHEMA) for row in rows]
    got = column.to_list()
    for row, left, right in zip(rows, got, wanted, strict=True):
        assert _same(left, right), f"{text} over {row}: columns {left!r}, rows {right!r}"


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(SHAPES)).flatmap(expressions), st.lists(ROW, min_size=1, max_size=4))
def test_columns_and_rows_agree_on_random_expressions(text: str, rows: list[dict[str, Any]]) -> None:
    _hold(text, rows)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(sorted(SHAPES)).flatmap(lambda kind: expressions(kind, 1)), st.lists(ROW, min_size=1, max_size=4)
)
def test_columns_and_rows_agree_on_single_operators(text: str, rows: list[dict[str, Any]]) -> None:
    _hold(text, rows)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(SHAPES)).flatmap(expressions), st.lists(ROW, min_size=2, max_size=6))
def test_the_values_do_not_depend_on_the_size_of_the_block(text: str, rows: list[dict[str, Any]]) -> None:
    column = to_polars(parse(text), SCHEMA).alias("result")
    frame = pl.DataFrame(rows, schema=SCHEMA)
    whole = frame.with_columns(column)["result"].to_list()
    singly = [frame[place : place + 1].with_columns(column)["result"][0] for place in range(len(rows))]
    assert list(map(repr, whole)) == list(map(repr, singly))


INEXACT = ["exp({0})", "ln({0})", "log({0})", "log({0}, {1})", "power({0}, {1})", "power({0}, 3)", "power(2, {1})"]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(INEXACT), st.lists(ROW, min_size=1, max_size=4))
def test_exponents_and_logarithms_agree_to_the_last_digits(shape: str, rows: list[dict[str, Any]]) -> None:
    expression = parse(shape.format("f", "g"))
    frame = pl.DataFrame(rows, schema=SCHEMA)
    got = frame.with_columns(to_polars(expression, SCHEMA).alias("result"))["result"].to_list()
    for row, value in zip(rows, got, strict=True):
        wanted = evaluate(expression, row, SCHEMA)
        assert (value is None) == (wanted is None), row
        assert value is None or repr(value) == repr(wanted) or math.isclose(value, wanted, rel_tol=1e-13), row


def test_the_random_expressions_have_all_operators_and_functions() -> None:
    texts = [shape for shapes in SHAPES.values() for shape in shapes] + INEXACT
    blank = {"0": "f", "1": "g", **dict.fromkeys(SHAPES, "NULL")}
    found = set()
    for text in texts:
        parts = text.replace("}", "{").split("{")
        whole = "".join(blank[part] if number % 2 else part for number, part in enumerate(parts))
        found |= {node.function for node in walk(parse(whole).root) if isinstance(node, Call)}
    assert found == set(FUNCTIONS)


def test_hundreds_of_arguments_do_not_nest() -> None:
    _hold(f"greatest({', '.join('ij' * 200)})", [dict.fromkeys(SCHEMA) | {"i": 3, "j": 5}])


def test_work_grows_with_the_text_and_not_with_its_powers() -> None:
    text = "f"
    for _ in range(24):
        text = f"(g / {text})"
    calls = str(to_polars(parse(text), SCHEMA)).count("python_udf")
    assert calls < 40
    _hold(text, [dict.fromkeys(SCHEMA) | {"f": 3.0, "g": 7.0}])
