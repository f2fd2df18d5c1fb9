"""All operators and functions there are, in one table: how each is written, typed and explained, with an example."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..frozen import frozen
from . import rules
from .rules import BOOLEAN, DURATION, FLOAT, INTEGER, TEXT, TIMESTAMP, Rule, fixed

__all__ = ["FUNCTIONS", "NAMES", "Function", "describe"]


@frozen
class Function:
    """An operator or a function.

    Attributes:
        signature: how it is written.
        says: what it gives, one sentence for the docs.
        example: an expression without columns, and `gives`: another one with the same value and type.
        rule: its types.
        least, most: how many arguments it takes; most None: any number.
    """

    signature: str
    says: str
    example: str
    gives: str
    rule: Rule
    least: int = 1
    most: int | None = 1


def _two(signature: str, says: str, example: str, gives: str, rule: Rule) -> Function:
    return Function(signature, says, example, gives, rule, 2, 2)


def _compare(sign: str, says: str, example: str, gives: str, *, ordered: bool = True) -> Function:
    return _two(f"a {sign} b", says, example, gives, rules.comparison(ordered=ordered))


def _part(name: str, says: str, gives: str) -> Function:
    example = f"{name}(TIMESTAMP '2010-07-04T13:05:59.5Z')"
    return Function(f"{name}(t)", says, example, gives, fixed(INTEGER, TIMESTAMP))


_OPERATORS: Final[Mapping[str, Function]] = {
    "+": _two("a + b", "sum; null beyond 64 bits", "1 + 0.5", "1.5", rules.arithmetic("+", INTEGER, FLOAT)),
    "-": _two("a - b", "difference; null beyond 64 bits", "1 - 3", "-2", rules.arithmetic("-", INTEGER, FLOAT)),
    "*": _two("a * b", "product; null beyond 64 bits", "3 * 4", "12", rules.arithmetic("*", INTEGER, FLOAT)),
    "/": _two("a / b", "quotient, always a float; null if b is 0", "7 / 2", "3.5", rules.arithmetic("/", FLOAT, FLOAT)),
    "DIV": _two(
        "a DIV b",
        "quotient of integers, cut towards zero; null if b is 0",
        "-7 DIV 2",
        "-3",
        rules.arithmetic("DIV", INTEGER, None),
    ),
    "%": _two(
        "a % b",
        "rest of the division cut towards zero: it has the sign of a; null if b is 0",
        "-7 % 3",
        "-1",
        rules.arithmetic("%", INTEGER, FLOAT),
    ),
    "neg": Function("-a", "opposite; null beyond 64 bits", "-(2 + 3)", "-5", rules.same(INTEGER, FLOAT, DURATION)),
    "||": Function("a || b", "texts joined; null if one is null", "'a' || 'b'", "'ab'",
                   fixed(TEXT, rest=TEXT), 2, None),
    "=": _compare("=", "equal", "1 = 1.0", "TRUE", ordered=False),
    "<>": _compare("<>", "not equal; also written !=", "'a' <> 'A'", "TRUE", ordered=False),
    "<": _compare("<", "less", "'Z' < 'a'", "TRUE"),
    "<=": _compare("<=", "less or equal", "2 <= 2", "TRUE"),
    ">": _compare(">", "greater", "TIMESTAMP '2010-01-02' > TIMESTAMP '2010-01-01T12:00:00Z'", "TRUE"),
    ">=": _compare(">=", "greater or equal", "1 >= NULL", "1 = NULL"),
    "AND": Function("a AND b", "false if one is false, else null if one is null", "NULL AND FALSE", "FALSE",
                    fixed(BOOLEAN, rest=BOOLEAN), 2, None),
    "OR": Function("a OR b", "true if one is true, else null if one is null", "NULL OR TRUE", "TRUE",
                   fixed(BOOLEAN, rest=BOOLEAN), 2, None),
    "NOT": Function("NOT a", "opposite; null of null", "NOT 1 = 2", "TRUE", fixed(BOOLEAN, BOOLEAN)),
    "IS NULL": Function("a IS [NOT] NULL", "never null itself", "NULL IS NULL", "TRUE", rules.anything(BOOLEAN)),
    "IN": Function("a [NOT] IN (b, ...)", "`a = b OR ...`", "2 IN (1, 2, NULL)", "TRUE",
                   rules.comparison(ordered=False), 2, None),
    "BETWEEN": Function("a [NOT] BETWEEN b AND c", "`a >= b AND a <= c`", "3 BETWEEN 1 AND 3", "TRUE",
                        rules.comparison(ordered=True), 3, 3),
    "LIKE": Function("a [NOT] LIKE 'p' [ESCAPE 'c']", "% stands for any characters, _ for one; case matters",
                     "'50%' LIKE '__!%' ESCAPE '!'", "TRUE", rules.like, 2, 3),
    "CASE": Function("CASE WHEN c THEN a ... [ELSE b] END", "the first value whose condition is true, else b or null",
                     "CASE WHEN 1 > 2 THEN 'a' ELSE 'b' END", "'b'", rules.branches, 3, None),
    "CASE x": Function("CASE x WHEN v THEN a ... [ELSE b] END", "the first value whose v equals x, else b or null",
                       "CASE 2 WHEN 1 THEN 'a' WHEN 2 THEN 'b' END", "'b'", rules.choices, 4, None),
    "CAST": _two("CAST(a AS type)", "a as another type (next table); null if that fails", "CAST('4x' AS integer)",
                 "CAST(NULL AS integer)", rules.cast),
}  # fmt: skip

_FUNCTIONS: Final[Mapping[str, Function]] = {
    "if": Function("IF(c, a, b)", "a if c is true, else b", "IF(NULL, 1, 2)", "2", rules.branches, 3, 3),
    "coalesce": Function("coalesce(a, ...)", "the first that is not null", "coalesce(NULL, 2, 3)", "2",
                         rules.united(), 1, None),
    "nullif": _two("nullif(a, b)", "null if a = b, else a", "nullif(1, 2)", "1", rules.united()),
    "least": Function("least(a, ...)", "the smallest; nulls are left out", "least(3, NULL, 2)", "2",
                      rules.united(ordered=True), 1, None),
    "greatest": Function("greatest(a, ...)", "the largest; nulls are left out", "greatest('a', 'b')", "'b'",
                         rules.united(ordered=True), 1, None),
    "abs": Function("abs(a)", "without its sign; null beyond 64 bits", "abs(-2.5)", "2.5",
                    rules.same(INTEGER, FLOAT, DURATION)),
    "sign": Function("sign(a)", "-1, 0 or 1, of the same type", "sign(-2.5)", "-1.0", rules.same(INTEGER, FLOAT)),
    "round": Function("round(a [, digits])", "half away from zero, of the same type; digits from -15 to 15",
                      "round(-2.5)", "-3.0", rules.rounding, 1, 2),
    "floor": Function("floor(a)", "down to a whole number, of the same type", "floor(-2.5)", "-3.0",
                      rules.same(INTEGER, FLOAT)),
    "ceil": Function("ceil(a)", "up to a whole number, of the same type", "ceil(2.1)", "3.0",
                     rules.same(INTEGER, FLOAT)),
    "sqrt": Function("sqrt(a)", "square root; null below 0", "sqrt(9)", "3.0", fixed(FLOAT, FLOAT)),
    "exp": Function("exp(a)", "e to the power of a", "exp(0)", "1.0", fixed(FLOAT, FLOAT)),
    "ln": Function("ln(a)", "natural logarithm; null unless a > 0", "ln(0)", "CAST(NULL AS float)",
                   fixed(FLOAT, FLOAT)),
    "log": Function("log([base,] a)", "logarithm to base 10 or another; null unless both are > 0 and base is not 1",
                    "log(1000)", "3.0", fixed(FLOAT, FLOAT, FLOAT), 1, 2),
    "power": _two("power(a, b)", "a to the power of b; null for 0 to a negative, and a negative to a broken power",
                  "power(2, 10)", "1024.0", fixed(FLOAT, FLOAT, FLOAT)),
    "lower": Function("lower(s)", "in small letters", "lower('ÀB')", "'àb'", fixed(TEXT, TEXT)),
    "upper": Function("upper(s)", "in capitals", "upper('straße')", "'STRASSE'", fixed(TEXT, TEXT)),
    "trim": Function("trim(s)", "without blanks (space, tab, line ends) at both ends", "trim('  a b ')", "'a b'",
                     fixed(TEXT, TEXT)),
    "length": Function("length(s)", "how many characters (code points)", "length('né')", "2", fixed(INTEGER, TEXT)),
    "substring": Function("substring(s, start [, n])",
                          "the characters from start (the first is 1) to before start + n; what is outside is empty",
                          "substring('abcd', 2, 2)", "'bc'", fixed(TEXT, TEXT, INTEGER, INTEGER), 2, 3),
    "replace": Function("replace(s, old, new)", "every old becomes new; nothing if old is empty",
                        "replace('a-b-c', '-', '')", "'abc'", fixed(TEXT, TEXT, TEXT, TEXT), 3, 3),
    "starts_with": _two("starts_with(s, part)", "case matters", "starts_with('abc', 'ab')", "TRUE",
                        fixed(BOOLEAN, TEXT, TEXT)),
    "ends_with": _two("ends_with(s, part)", "case matters", "ends_with('abc', 'bc')", "TRUE",
                      fixed(BOOLEAN, TEXT, TEXT)),
    "contains": _two("contains(s, part)", "case matters; '' is in every text", "contains('abc', 'B')", "FALSE",
                     fixed(BOOLEAN, TEXT, TEXT)),
    "concat": Function("concat(s, ...)", "texts joined; nulls are left out", "concat('a', NULL, 'b')", "'ab'",
                       fixed(TEXT, rest=TEXT), 1, None),
    "year": _part("year", "year, in UTC", "2010"),
    "month": _part("month", "1 to 12, in UTC", "7"),
    "day": _part("day", "day of the month, in UTC", "4"),
    "hour": _part("hour", "0 to 23, in UTC", "13"),
    "minute": _part("minute", "0 to 59", "5"),
    "second": _part("second", "0 to 59, without the fraction", "59"),
    "weekday": _part("weekday", "1 (Monday) to 7 (Sunday), as ISO 8601 has it, in UTC", "7"),
    "epoch": Function("epoch(t)", "seconds since 1970-01-01T00:00:00Z, or of a duration; a float",
                      "epoch(TIMESTAMP '1970-01-02T00:00:00.5Z')", "86400.5", rules.either(FLOAT, TIMESTAMP, DURATION)),
    "extract": _two("EXTRACT(part FROM t)", f"the same as part(t): {', '.join(rules.FIELDS)}",
                    "EXTRACT(hour FROM TIMESTAMP '2010-01-01T23:00:00-02:00')", "1",
                    rules.field_of(names=rules.FIELDS, result=None)),
    "date_trunc": _two("date_trunc('unit', t)",
                       f"start of the {', '.join(rules.TRUNCATIONS[:-1])} or year, in UTC; weeks start on Monday",
                       "date_trunc('week', TIMESTAMP '2010-07-04T13:05:59Z')", "TIMESTAMP '2010-06-28'",
                       rules.field_of(names=rules.TRUNCATIONS, result=TIMESTAMP)),
}  # fmt: skip

FUNCTIONS: Final[Mapping[str, Function]] = {**_OPERATORS, **_FUNCTIONS}
NAMES: Final = tuple(sorted(_FUNCTIONS))
"""The names that can be called."""


def describe() -> str:
    """Return the table of all operators and functions in Markdown."""
    lines = ["| written | gives | example | = |", "|---|---|---|---|"]
    for function in FUNCTIONS.values():
        cells = (f"`{function.signature}`", function.says, f"`{function.example}`", f"`{function.gives}`")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)
