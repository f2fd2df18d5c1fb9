"""What is an expression and what is not, and what is said about it."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.errors import SpecError
from plait.expression import Expression, ExpressionError, Type, evaluate, parse, to_polars, typecheck

COLUMNS = {
    "timestamp": Type.TIMESTAMP,
    "temp": Type.FLOAT,
    "count": Type.INTEGER,
    "city": Type.TEXT,
    "ok": Type.BOOLEAN,
    "gap": Type.DURATION,
    "name": {"type": Type.TEXT, "id": {"x": Type.INTEGER}},
    "a.b": Type.INTEGER,
    "two words": Type.TEXT,
    "nothing": Type.NULL,
}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("(temp - 32) * 5 / 9", Type.FLOAT),
        ("count / 2", Type.FLOAT),
        ("count DIV 2 + count % 3", Type.INTEGER),
        ("count + 0.5", Type.FLOAT),
        ("timestamp - TIMESTAMP '2010-01-01'", Type.DURATION),
        ("timestamp + INTERVAL '1h30m'", Type.TIMESTAMP),
        ("INTERVAL '5' MINUTE * count", Type.DURATION),
        ("INTERVAL '1.5 hours'", Type.DURATION),
        ("gap / INTERVAL '1 second'", Type.FLOAT),
        ("name.type || '!'", Type.TEXT),
        ("name.id.x", Type.INTEGER),
        ("a.b + 1", Type.INTEGER),
        ('length("two words")', Type.INTEGER),
        ("nothing", Type.NULL),
        ("nothing + 1", Type.INTEGER),
        ("coalesce(nothing, temp)", Type.FLOAT),
        ("CASE WHEN ok THEN 1 ELSE 2.5 END", Type.FLOAT),
        ("NOT city NOT LIKE 'a!%' ESCAPE '!'", Type.BOOLEAN),
        ("city::integer", Type.INTEGER),
        ("CAST(city AS TIMESTAMP WITH TIME ZONE)", Type.TIMESTAMP),
        ("ABS(count) /* any case */ -- and comments", Type.INTEGER),
        ("-9223372036854775808", Type.INTEGER),
        ("year(timestamp) = EXTRACT(YEAR FROM timestamp)", Type.BOOLEAN),
    ],
)
def test_expression_has_the_type(text: str, kind: Type) -> None:
    assert typecheck(parse(text), COLUMNS) is kind


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the expression is empty"),
        ("temp +", "'+' does not belong here"),
        ("(temp", "expecting )"),
        ("temp temp", "'temp' does not belong here, at character 6"),
        ("temp; temp", "one expression is wanted"),
        ("'open", "a quote or a comment is not closed"),
        ("SELECT temp FROM t", "SELECT is a statement of SQL"),
        ("temp IN (SELECT 1)", "IN over anything but a list"),
        ("(SELECT 1)", "SELECT and other subqueries cannot be used"),
        ("sum(temp) OVER (PARTITION BY city)", "OVER and other window functions"),
        ("temp AT TIME ZONE 'UTC'", "AT TIME ZONE (all times are UTC)"),
        ("city ILIKE 'a'", "ILIKE (LIKE on lower(...) does it)"),
        ("ok IS TRUE", "IS with anything but [NOT] NULL"),
        ("temp ^ 2", "power(a, b) is there"),
        ("name[1]", "[ ] cannot be used"),
        ("now()", "there is no function 'now': the same rows give the same result"),
        ("abss(temp)", "there is no function 'abss', at character 1"),
        ("round()", "round is written round(a [, digits]), and here it has 0 arguments"),
        ("CAST(temp AS date)", "CAST to DATE: there is no such type"),
        ("INTERVAL '1 month'", "is not a unit of INTERVAL"),
        ("'\ud800' || city", "half a character"),
        ("TIMESTAMP '2010-13-01'", "is not a time in ISO 8601"),
        ("9223372036854775808", "too large for an integer"),
        ("1e400", "too large for a float"),
        ("'a' 'b'", "one text behind another"),
        ("(" * 30 + "temp" + ")" * 30, "nested more than"),
        ("NOT " * 500 + "ok", "nested more than"),
        ("temp" + " + 1" * 200, "nested more than"),
        ("'" + "a" * 20_000 + "'", "at most 20,000 characters"),
        ("temp IS DISTINCT FROM 1", "IS DISTINCT FROM cannot be used"),
        ("count(DISTINCT temp)", "there is no function 'count'"),
        ("*", "*, all columns,"),
        ("?", "a placeholder"),
    ],
)
def test_what_is_no_expression_is_named(text: str, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("city > 3", "text and numbers are never compared"),
        ("city = temp", "text and numbers are never compared"),
        ("city IN (1, 2)", "text and numbers are never compared"),
        ("timestamp > '2010-01-01'", "a time is written TIMESTAMP"),
        ("city + 'x'", "text is joined with ||"),
        ("city || count", "CAST(... AS text) makes one"),
        ("timestamp + 5", "a span of time is written INTERVAL"),
        ("INTERVAL '1 hour' / 2", "epoch(...) makes a number of a span of time"),
        ("temp DIV 2", "DIV takes integers"),
        ("ok > TRUE", "booleans have no order"),
        ("ok + 1", "boolean + integer does not exist"),
        ("NOT count", "takes boolean, and this is integer"),
        ("CASE WHEN count THEN 1 END", "takes boolean, and this is integer"),
        ("CASE WHEN ok THEN 1 ELSE city END", "text and numbers are never"),
        ("round(temp, count)", "written as a whole number from -15 to 15"),
        ("round(temp, 16)", "written as a whole number from -15 to 15"),
        ("city LIKE city", "the pattern of LIKE is written as 'text'"),
        ("city LIKE 'a!b' ESCAPE '!'", "'!' stands before %, _ or itself only"),
        ("date_trunc('hours', timestamp)", "'hours' is not a part of a time"),
        ("CAST(timestamp AS integer)", "epoch(t) counts seconds"),
        ("CAST(count AS timestamp)", "counts from 1970"),
        ("name", "column 'name' has fields; name one of them"),
        ("name.kind", "column 'name' has no field 'kind'"),
        ("temp.x", "column 'temp' has no fields"),
        ("Temp", "there is no column 'Temp', at character 1 of 'Temp'; did you mean 'temp'?"),
        ("1 + humidity", "there is no column 'humidity', at character 5"),
    ],
)
def test_what_does_not_fit_the_columns_is_named(text: str, said: str) -> None:
    expression = parse(text)
    with pytest.raises(ExpressionError) as caught:
        typecheck(expression, COLUMNS)
    assert said in str(caught.value)


def test_error_knows_position_suggestion_and_all_names() -> None:
    with pytest.raises(SpecError) as caught:
        parse("1 + flor(temp)")
    error = caught.value
    assert isinstance(error, ExpressionError)
    assert isinstance(error, ValueError)
    assert (error.position, error.suggestion) == (4, "floor")
    assert {"abs", "round", "date_trunc"} <= set(error.allowed)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.position) == (str(error), 4)


def test_expression_can_be_pickled_and_knows_what_it_reads() -> None:
    expression = parse('temp + name.x > 3 AND "two words" = city')
    assert pickle.loads(pickle.dumps(expression)) == expression
    assert expression.reads == {"temp", "name", "name.x", "two words", "city"}
    assert str(expression) == expression.text


@pytest.mark.parametrize(
    "name", ["timestamp", "date", "time", "value", "key", "end", "order", "load", "source", "text"]
)
def test_words_of_sql_are_ordinary_column_names(name: str) -> None:
    assert evaluate(parse(f"{name} + 1"), {name: 1}) == 2


def test_unsupported_polars_type_is_an_error_only_where_it_is_used() -> None:
    import polars as pl

    columns = {"tags": pl.List(pl.String), "x": pl.Int8}
    assert typecheck(parse("x + 1"), columns) is Type.INTEGER
    with pytest.raises(ExpressionError, match=r"type List\(String\), which expressions cannot use"):
        typecheck(parse("tags"), columns)


WORDS = [
    "temp",
    "city",
    "ok",
    "1",
    "2.5",
    "'x'",
    "NULL",
    "TRUE",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    "+",
    "-",
    "*",
    "/",
    "%",
    "||",
    "=",
    "<>",
    "<",
    ">=",
    "AND",
    "OR",
    "NOT",
    "IS",
    "IN",
    "BETWEEN",
    "LIKE",
    "ESCAPE",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "CAST",
    "AS",
    "integer",
    "timestamp",
    "INTERVAL",
    "'5m'",
    "SELECT",
    "FROM",
    "WHERE",
    "JOIN",
    "OVER",
    "PARTITION",
    "BY",
    "EXTRACT",
    "year",
    "round",
    "substring",
    "abs",
    "if",
    "coalesce",
    "::",
    "->",
    "=>",
    "?",
    ":",
    ";",
    "--",
    "/*",
    "*/",
    "@",
    "#",
    "$",
    "~",
    "^",
    "&",
    "|",
    "!",
    "\\",
    "`",
    '"',
    "'",
    "DISTINCT",
    "EXISTS",
    "ANY",
    "ARRAY",
    "MAP",
    "STRUCT",
    "DATE",
    "AT",
    "TIME",
    "ZONE",
    "WITH",
    "VALUES",
    "INSERT",
    "CREATE",
    "TABLE",
    "N'x'",
    "x'ff'",
    "1e5",
    "0x1",
    ".5",
    "5.",
    "COLLATE",
    "SIMILAR",
    "TO",
    "month",
    "UNNEST",
    "FOR",
    "NEXT",
    "VALUE",
    "PRIOR",
    "DIV",
    "MOD",
    "decimal(3,2)",
    "list<int>",
    "varchar(10)",
    "\x00",
    "é",
]
TEXTS = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join),
    st.lists(st.sampled_from(WORDS), max_size=10).map("".join),
    st.text(max_size=40),
)


@settings(max_examples=600, deadline=None)
@given(TEXTS)
def test_any_text_gives_an_expression_or_a_clean_error(text: str) -> None:
    expression, error = _parsed(text)
    if expression is None:
        assert error is not None
        assert str(error)
        assert error.__cause__ is None, "sqlglot stumbled"
        return
    evaluate(expression, {}, COLUMNS)
    to_polars(expression, COLUMNS)


def _parsed(text: str) -> tuple[Expression | None, ExpressionError | None]:
    try:
        expression = parse(text)
        typecheck(expression, COLUMNS)
    except ExpressionError as error:
        return None, error
    return expression, None


def test_deep_expressions_within_the_limits_work_in_a_thread() -> None:
    results: list[object] = []
    text = "(" * 24 + "1" + " + 1" * 90 + ")" * 24
    thread = threading.Thread(target=lambda: results.append(evaluate(parse(text), {})))
    thread.start()
    thread.join()
    assert results == [91]


def test_importing_the_room_is_light() -> None:
    code = "import sys, plait.expression; print([m for m in ('polars', 'sqlglot', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
