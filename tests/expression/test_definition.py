"""What expressions mean: each decision as an example, held by both ways of computing."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from plait.expression import FUNCTIONS, Type, describe, evaluate, parse, polars_type, to_polars, typecheck

MOST = 2**63 - 1
NEW_YEAR = datetime(2010, 1, 1, tzinfo=UTC)
_PHYSICAL = {pl.UInt64: pl.UInt64, pl.Int128: pl.Int128, pl.Date: pl.Int32}


def both(text: str, **row: Any) -> Any:
    """Return the value over one row, after seeing that rows and columns agree on it."""
    frame = pl.DataFrame([row]) if row else pl.DataFrame({"": [0]})
    expression = parse(text)
    columns = {name: dtype for name, dtype in frame.schema.items() if name}
    by_column = frame.with_columns(to_polars(expression, columns).alias("result"))["result"][0]
    by_row = evaluate(expression, row, columns)
    assert type(by_column) is type(by_row)
    assert by_column == by_row or repr(by_column) == repr(by_row) == "nan"
    return by_row


@pytest.mark.parametrize("name", FUNCTIONS)
def test_example_in_the_table_holds(name: str) -> None:
    function = FUNCTIONS[name]
    example, gives = parse(function.example), parse(function.gives)
    assert evaluate(example, {}) == evaluate(gives, {})
    assert typecheck(example, {}) is typecheck(gives, {})
    both(function.example)


def test_the_documentation_has_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "expressions.md"
    assert describe() in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "a", "b", "value"),
    [
        ("a / b", 7, 2, 3.5),
        ("a / b", 1, 0, None),
        ("a / b", 1.0, -0.0, None),
        ("a DIV b", -7, 2, -3),
        ("a DIV b", -MOST - 1, -1, None),
        ("a DIV b", 7, 0, None),
        ("a % b", -7, 3, -1),
        ("a % b", 7, -3, 1),
        ("a % b", 7, 0, None),
        ("a % b", -MOST - 1, -1, 0),
        ("a % b", -7.5, 2.0, -1.5),
        ("a % b", 7.5, 0.0, None),
        ("a % b", 1e300, 3.0, None),
        ("a % b", 5.0, math.inf, 5.0),
        ("a + b", MOST, 1, None),
        ("a - b", -MOST - 1, 1, None),
        ("a * b", MOST, 2, None),
        ("a * b", 3, 2.5, 7.5),
        ("a = b", 2**53 + 1, float(2**53), True),
        ("a = b", math.nan, math.nan, True),
        ("a > b", math.nan, math.inf, True),
        ("a < b", math.nan, 1.0, False),
        ("a = b", 0.0, -0.0, True),
        ("a - b", 0.0, 0.0, 0.0),
        ("a < b", "a", "\U0001f600", True),
        ("a < b", "Z", "a", True),
        ("power(a, b)", 0.0, -1.0, None),
        ("power(a, b)", -8.0, 0.5, None),
        ("power(a, b)", 10.0, 400.0, math.inf),
        ("power(a, b)", -math.inf, 3.0, -math.inf),
        ("power(a, b)", -1.0, math.inf, 1.0),
        ("log(a, b)", 2, 8, 3.0),
        ("log(a, b)", 10, 1000, 3.0),
        ("log(a, b)", 1, 5, None),
        ("a * b", 4567890123456789, 4567890123456789, None),
        ("a / b", math.inf, 0.0, None),
        ("a / b", math.inf, math.inf, math.nan),
        ("a % b", math.nan, 0.0, None),
        ("greatest(a, b)", math.nan, 1.0, math.nan),
        ("least(a, b)", math.nan, 1.0, 1.0),
        ("a BETWEEN 1 AND b", math.nan, math.nan, True),
        ("a < b", "\uffff", "\U00010000", True),
        ("a = b", "é", "e\u0301", False),
        ("substring(a, b)", "string", -MOST - 1, "string"),
        ("substring(a, b, 9223372036854775807)", "string", MOST, ""),
        ("substring(a, b, 5)", "string", -10, ""),
        ("replace(a, b, 'xx')", "a.b.longer than twelve", ".", "axxbxxlonger than twelve"),
        ("contains(a, b)", "a\\d", "\\d", True),
    ],
)
def test_arithmetic_and_comparison(text: str, a: Any, b: Any, value: Any) -> None:
    assert repr(both(text, a=a, b=b)) == repr(value)


@pytest.mark.parametrize(
    ("text", "x", "value"),
    [
        ("-x", -MOST - 1, None),
        ("abs(x)", -MOST - 1, None),
        ("round(x)", 2.5, 3.0),
        ("round(x)", -2.5, -3.0),
        ("round(x)", 0.49999999999999994, 0.0),
        ("round(x, 2)", 1.125, 1.13),
        ("round(x, 2)", 2.675, 2.68),
        ("round(x, 2)", 1.005, 1.0),
        ("round(x, -2)", 150, 200),
        ("round(x, -2)", -150, -200),
        ("round(x, -1)", MOST, None),
        ("round(x)", 4503599627370497.5, 4503599627370498.0),
        ("round(x, -1)", -15.0, -20.0),
        ("round(x, -3)", -MOST - 1, None),
        ("ceil(x)", -1e-320, 0.0),
        ("log(x)", 1000.0, 3.0),
        ("log(x)", 1e-9, -9.0),
        ("sqrt(x)", -1.0, None),
        ("ln(x)", 0.0, None),
        ("exp(x)", 1000.0, math.inf),
        ("x BETWEEN 1 AND NULL", 0, False),
        ("x BETWEEN 1 AND NULL", 1, None),
        ("x IN (1, NULL)", 1, True),
        ("x IN (1, NULL)", 2, None),
        ("x NOT IN (1, NULL)", 2, None),
        ("x > 1 AND NULL", 0, False),
        ("x > 1 OR NULL", 2, True),
        ("x IS NULL", None, True),
        ("CASE WHEN x > 1 THEN 'a' WHEN x > 0 THEN 'b' END", 1, "b"),
        ("CASE WHEN x > 1 THEN 'a' END", 1, None),
        ("IF(x > 1, 'a', 'b')", 2, "a"),
        ("nullif(x, 2)", 2, None),
        ("least(x, 3.5, NULL)", 4, 3.5),
        ("CAST(x AS integer)", -2.9, -2),
        ("CAST(x AS integer)", 2.0**63, None),
        ("CAST(x AS integer)", math.nan, None),
        ("CAST(x AS integer)", " 5", None),
        ("CAST(x AS integer)", "+5", 5),
        ("CAST(x AS float)", "1e3", 1000.0),
        ("CAST(x AS float)", "1,5", None),
        ("CAST(x AS float)", "-Infinity", -math.inf),
        ("CAST(x AS integer)", "\uff11\uff12", None),
        ("CAST(x AS integer)", "1\n", None),
        ("CAST(x AS integer)", "0" * 30 + "5", 5),
        ("CAST(x AS integer)", 9223372036854774784.0, 9223372036854774784),
        ("CAST(x AS float)", "-1e400", -math.inf),
        ("CAST(x AS float)", "4.9e-324", 5e-324),
        ("CAST(x AS float)", "0x1p3", None),
        ("CAST(CAST(x AS text) AS float)", -math.inf, -math.inf),
        ("CAST(x AS timestamp)", "infinity", None),
        ("CAST(x AS timestamp)", "1900-02-29", None),
        ("CAST(x AS timestamp)", "9999-12-31T23:59:59.9999999+14:00", datetime(9999, 12, 31, 9, 59, 59, 999999, UTC)),
        ("CAST(x AS boolean)", "TRUE", True),
        ("CAST(x AS boolean)", "yes", None),
        ("CAST(x AS text)", 1e16, "1e+16"),
        ("CAST(x AS text)", 0.00001, "1e-05"),
        ("CAST(x AS text)", -0.0, "0.0"),
        ("CAST(x AS text)", True, "true"),
        ("CAST(x AS text)", NEW_YEAR, "2010-01-01T00:00:00Z"),
        ("CAST(x AS text)", timedelta(minutes=90), "PT1H30M"),
        ("CAST(x AS timestamp)", "2010-01-01 02:00+02:00", NEW_YEAR),
        ("CAST(x AS timestamp)", "2010-02-30", None),
        ("CAST(x AS timestamp)", "0001-01-01T00:00+01:00", None),
        ("substring(x, 0, 3)", "abcd", "ab"),
        ("substring(x, 2)", "abcd", "bcd"),
        ("substring(x, 2, -1)", "abcd", ""),
        ("length(x)", "né\U0001f600", 3),
        ("trim(x)", "\t a\u00a0\n", "a\u00a0"),
        ("replace(x, '', 'z')", "abc", "abc"),
        ("x LIKE 'a%'", "a\nb", True),
        ("x LIKE '_'", "é", True),
        ("x LIKE '_'", "e\u0301", False),
        ("x LIKE '%a%%b' ", "xaxb", True),
        ("x LIKE '__' ESCAPE '_'", "_", True),
        ("x LIKE '^[a]{2}$'", "^[a]{2}$", True),
        ("x LIKE '%.%'", "ab", False),
        (f"x LIKE '{'%a' * 100}%b'", "a" * 2_000, False),  # the time is that of the text times the pattern at most
        (f"x LIKE '{'%_a' * 100}%a_'", "a" * 2_000, True),
        ("x LIKE '100!%' ESCAPE '!'", "100%", True),
        ("concat(x, 'a', NULL)", None, "a"),
        ("x || 'a'", None, None),
        ("length(x)", None, None),
        ("weekday(x)", datetime(2010, 7, 4, tzinfo=UTC), 7),
        ("year(x)", datetime(2010, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))), 2009),
        ("hour(x)", datetime(2010, 1, 1, 5, 30), 5),
        ("second(x)", datetime(1969, 12, 31, 23, 59, 58, 999999, tzinfo=UTC), 58),
        (
            "date_trunc('hour', x)",
            datetime(1969, 12, 31, 23, 59, 58, tzinfo=UTC),
            datetime(1969, 12, 31, 23, tzinfo=UTC),
        ),
        ("date_trunc('quarter', x)", datetime(2010, 6, 30, tzinfo=UTC), datetime(2010, 4, 1, tzinfo=UTC)),
        ("epoch(x)", datetime(1969, 12, 31, 23, 59, 59, 500000, tzinfo=UTC), -0.5),
        ("epoch(x)", timedelta(minutes=2), 120.0),
        ("x + INTERVAL '1 day'", datetime(9999, 12, 31, tzinfo=UTC), None),
        ("x - TIMESTAMP '2009-12-31'", NEW_YEAR, timedelta(days=1)),
        ("x = TIMESTAMP '2010-01-01'", date(2010, 1, 1), True),
    ],
)
def test_functions(text: str, x: Any, value: Any) -> None:
    assert both(text, x=x) == value


@pytest.mark.parametrize(
    ("dtype", "numbers"),
    [
        (pl.UInt64, [2**63, 2**64 - 1]),
        (pl.Int128, [2**63, -(2**63) - 1]),
        (pl.Date, [-719_163, 2_932_897, 2**31 - 1]),
        (pl.Datetime("us", "UTC"), [-62_135_596_800_000_001, 253_402_300_800_000_000, -(2**63), MOST]),
        (pl.Datetime("us", "Asia/Kathmandu"), [-62_135_596_800_000_001, 253_402_300_800_000_000]),
        (pl.Datetime("ms"), [-(2**63), MOST]),
        (pl.Duration("ms"), [-(2**62), MOST // 1000 + 1]),
    ],
)
def test_what_is_too_large_for_a_type_comes_in_as_null(dtype: Any, numbers: list[int]) -> None:
    frame = pl.DataFrame({"x": pl.Series(numbers, dtype=_PHYSICAL.get(dtype, pl.Int64)).cast(dtype)})
    texts = ["x", "x IS NULL", "CAST(x AS text)", "coalesce(x)"]
    texts += ["year(x)", "date_trunc('week', x)"] if typecheck(parse("x"), frame.schema) is Type.TIMESTAMP else []
    for text in texts:
        made = frame.with_columns(to_polars(parse(text), frame.schema).alias("y"))["y"]
        assert made.to_list() == [True if text == "x IS NULL" else None] * len(numbers)


@pytest.mark.parametrize(
    "value", [2**63, -(2**200), timedelta.max, datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))]
)
def test_a_value_that_is_too_large_for_its_type_is_null(value: Any) -> None:
    assert evaluate(parse("x"), {"x": value}) is None


@pytest.mark.parametrize(
    ("dtype", "value", "kind"),
    [
        (pl.Int8, 5, Type.INTEGER),
        (pl.UInt64, 2**64 - 1, Type.INTEGER),
        (pl.Float32, 0.5, Type.FLOAT),
        (pl.Decimal(10, 2), 1, Type.FLOAT),
        (pl.Categorical, "a", Type.TEXT),
        (pl.Datetime("ns"), NEW_YEAR.replace(tzinfo=None), Type.TIMESTAMP),
        (pl.Datetime("ms", "Europe/Berlin"), NEW_YEAR, Type.TIMESTAMP),
        (pl.Date, date(2010, 1, 1), Type.TIMESTAMP),
        (pl.Duration("ms"), timedelta(seconds=1), Type.DURATION),
        (pl.Null, None, Type.NULL),
    ],
)
def test_every_type_of_polars_comes_out_as_ours(dtype: Any, value: Any, kind: Type) -> None:
    frame = pl.DataFrame({"x": pl.Series([value, None], dtype=dtype, strict=False)})
    made = frame.with_columns(to_polars(parse("coalesce(x)"), frame.schema).alias("y"))["y"]
    assert typecheck(parse("x"), frame.schema) is kind
    assert made.dtype == polars_type(kind)
    expected = {Type.INTEGER: 5 if dtype == pl.Int8 else None, Type.TIMESTAMP: NEW_YEAR}.get(kind, value)
    assert made.to_list() == [expected, None]


def test_fields_of_structs_are_reached_by_dots_unless_a_column_has_that_name() -> None:
    assert both("name.type || '!'", name={"type": "command"}) == "command!"
    assert both("name.type", **{"name.type": "flat", "name": {"type": "deep"}}) == "flat"


def test_a_literal_fills_all_rows_and_an_empty_frame_stays_empty() -> None:
    frame = pl.DataFrame({"x": [1, 2, 3]})
    made = frame.with_columns(to_polars(parse("2 * 3"), frame.schema).alias("y"))
    assert made["y"].to_list() == [6, 6, 6]
    for text in ("x / 0", "CAST(x AS text)", "round(x / 7, 2)", "x IN (1, 2)"):
        assert frame.head(0).with_columns(to_polars(parse(text), frame.schema).alias("y")).shape == (0, 2)
