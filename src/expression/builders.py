"""How each operator and function is computed on whole columns of polars.

Where polars differs from the definition (integers wrap around, a float divided by zero is infinite, % has the sign of
the divisor), the builders say so by what they do: integers and times are computed in 128 bits and brought back to 64,
where what does not fit becomes null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeAlias, cast

import numpy as np
import polars as pl

from ..formats.printing import print_columns
from ..formats.timestamps import EventTimes
from .types import Type, polars_type

__all__ = ["BUILDERS", "BY_TYPE", "CASTS", "WITH_VALUES", "divide_spans", "in_list", "to_text", "unsigned_zeros"]

Builder: TypeAlias = Callable[..., pl.Expr]

_WIDE: Final = pl.Int128
_YEAR_1: Final = -62_135_596_800_000_000
_YEAR_10000: Final = 253_402_300_800_000_000
_BLANKS: Final = " \t\n\r\f\v"
_EXACT: Final = 2.0**52
_SOME: Final = 1 << 15


def _narrow(wide: pl.Expr) -> pl.Expr:
    """From 128 bits back to 64; what does not fit becomes null."""
    return wide.cast(pl.Int64, strict=False)


def _widen(expr: pl.Expr) -> pl.Expr:
    """To 128 bits, in which no sum or product of two integers overflows."""
    return expr.cast(pl.Int64).cast(_WIDE)


def _span(wide: pl.Expr) -> pl.Expr:
    return _narrow(wide).cast(pl.Duration("us"))


def _time(wide: pl.Expr) -> pl.Expr:
    """Make a timestamp of microseconds since 1970; null outside the years 1 to 9999."""
    # Moved to the top of the 64 bits, what is later than 9999 falls out; to the bottom, what is earlier than 1.
    top, bottom = 2**63 - _YEAR_10000, 2**63 + _YEAR_1
    below = _narrow(wide + top).cast(_WIDE) - top
    return (_narrow(below - bottom).cast(_WIDE) + bottom).cast(pl.Int64).cast(pl.Datetime("us", "UTC"))


def _wide(operate: Callable[..., pl.Expr], finish: Callable[[pl.Expr], pl.Expr]) -> Builder:
    return lambda *args: finish(operate(*map(_widen, args)))


def _add(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    return a + b


def _subtract(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    return a - b


def _multiply(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    return a * b


def _zeros() -> pl.Expr:
    return pl.int_range(pl.len()).cast(pl.Float64) * 0.0


def unsigned_zeros(column: pl.Series) -> pl.Series:
    """Make 0.0 of -0.0: which of the two polars gives depends on how many rows there are."""
    return column + (_some_zeros().slice(0, len(column)) if len(column) <= _SOME else _as_many_zeros(len(column)))


def _as_many_zeros(count: int) -> pl.Series:
    return pl.Series([0.0]).new_from_index(0, count)


@cache
def _some_zeros() -> pl.Series:
    """Return as many zeros as most blocks have rows: to take some of them is half the work of making them."""
    return _as_many_zeros(_SOME)


def _over(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    """Divide exactly: by one number for all rows, polars multiplies by its inverse, which is off by a last digit."""
    return a / (b + _zeros())


def _divide(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    return pl.when(b != 0.0).then(_over(a, b))


def divide_spans(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    return _divide(a.cast(pl.Int64).cast(pl.Float64), b.cast(pl.Int64).cast(pl.Float64))


def _whole_quotient(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    a, b = _widen(a), _widen(b)
    size = a.abs() // b.abs()  # null if b is 0
    return _narrow(pl.when((a < 0) == (b < 0)).then(size).otherwise(0 - size))


def _modulo(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    a, b = _widen(a), _widen(b)
    size = a.abs() % b.abs()  # null if b is 0
    return _narrow(pl.when(a < 0).then(0 - size).otherwise(size))


def _modulo_of_floats(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    quotient = _over(a, b)
    ordinary = pl.when(quotient.abs() < 2.0**53).then(a - b * _cut(quotient))
    has_none = a.is_nan() | b.is_nan() | a.is_infinite()
    rest = pl.when(has_none).then(a * float("nan")).when(b.is_infinite()).then(a).otherwise(ordinary)
    return pl.when(b != 0.0).then(rest)


def _cut(a: pl.Expr) -> pl.Expr:
    return pl.when(a < 0.0).then(a.ceil()).otherwise(a.floor())


def _in(a: pl.Expr, *items: pl.Expr) -> pl.Expr:
    return pl.any_horizontal(a == item for item in items)


def in_list(values: Sequence[Any], kind: Type) -> Builder:
    """IN over values that are known: one look-up, however many they are. Not for floats: NaN is compared otherwise."""
    known = pl.Series([value for value in values if value is not None], dtype=polars_type(kind))
    found = known.implode()
    if len(known) == len(values):
        return lambda a, *_: a.is_in(found)
    return lambda a, *_: pl.when(a.is_in(found)).then(True)


def _case(*args: pl.Expr) -> pl.Expr:
    chain: Any = pl
    for condition, value in zip(args[:-1:2], args[1:-1:2], strict=True):
        chain = chain.when(condition).then(value)
    made: pl.Expr = chain.otherwise(args[-1])
    return made


def _case_of(subject: pl.Expr, *args: pl.Expr) -> pl.Expr:
    parts: list[pl.Expr] = []
    for case, value in zip(args[:-1:2], args[1:-1:2], strict=True):
        parts += [subject == case, value]
    return _case(*parts, args[-1])


def _like(values: Sequence[Any], text: pl.Expr, *_: pl.Expr) -> pl.Expr:
    letters, escape = iter(values[1]), values[2] if len(values) > 2 else None
    parts = []
    for letter in letters:
        if letter == escape:
            parts.append(_quoted(next(letters)))
        elif letter != "%" or parts[-1:] != [".*"]:
            parts.append({"%": ".*", "_": "."}.get(letter) or _quoted(letter))
    return text.str.contains(f"(?s)^{''.join(parts)}$")


def _quoted(letter: str) -> str:
    """Write a character so that it stands for itself in a regular expression of Rust."""
    return letter if letter.isalnum() or letter in " _" else f"\\x{{{ord(letter):x}}}"


def _sign(a: pl.Expr) -> pl.Expr:
    return pl.when(a.is_nan()).then(a).when(a > 0.0).then(1.0).when(a < 0.0).then(-1.0).when(a == 0.0).then(0.0)


def _round(values: Sequence[Any], a: pl.Expr, *_: pl.Expr) -> pl.Expr:
    digits = values[1] if len(values) > 1 else 0
    step = pl.lit(10.0 ** abs(digits))
    scaled = a * step if digits >= 0 else _over(a, step)
    whole = scaled.round(0, mode="half_away_from_zero")
    return pl.when(scaled.abs() < _EXACT).then(_over(whole, step) if digits >= 0 else whole * step).otherwise(a)


def _round_integer(values: Sequence[Any], a: pl.Expr, *_: pl.Expr) -> pl.Expr:
    step = 10 ** max(0, -values[1] if len(values) > 1 else 0)
    if step == 1:
        return a
    wide = _widen(a)
    size = (wide.abs() + step // 2) // step * step
    return _narrow(pl.when(wide < 0).then(0 - size).otherwise(size))


def _log(*args: pl.Expr) -> pl.Expr:
    if len(args) == 1:
        return pl.when(args[0] > 0.0).then(_log10(args[0]))
    base, a = args
    return pl.when((base > 0.0) & (base != 1.0) & (a > 0.0)).then(_over(_log10(a), _log10(base)))


def _log10(a: pl.Expr) -> pl.Expr:
    """Take the logarithm of numpy: polars divides by ln(10), which makes 2.9999999999999996 of log(1000)."""
    return a.map_batches(_log10_of, return_dtype=pl.Float64)


def _log10_of(column: pl.Series) -> pl.Series:
    with np.errstate(divide="ignore", invalid="ignore"):
        return cast("pl.Series", np.log10(column))


def _power(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    to_negative = (a == 0.0) & (b < 0.0)
    broken = (a < 0.0) & b.is_finite() & (b != b.floor())
    power = pl.map_batches([a, b], _raise, return_dtype=pl.Float64)
    return pl.when(~(to_negative | broken)).then(power)


def _raise(given: Sequence[pl.Series]) -> pl.Series:
    """Raise to a power, row by row: for one exponent polars multiplies, which is off by a last digit."""
    height = max(map(len, given))
    size = max(2, height)
    base, exponent = (column if len(column) in (0, size) else column.new_from_index(0, size) for column in given)
    return base.pow(exponent).head(height)


def _substring(text: pl.Expr, start: pl.Expr, count: pl.Expr | None = None) -> pl.Expr:
    before = _widen(start) - 1
    offset = _narrow(before.clip(0, 2**40))
    if count is None:
        return text.str.slice(offset)
    end = _narrow((before + _widen(count)).clip(0, 2**40))
    known = before.is_not_null() & count.is_not_null()
    return pl.when(known).then(text.str.slice(offset, pl.when(end > offset).then(end - offset).otherwise(0)))


def _replace(text: pl.Expr, old: pl.Expr, new: pl.Expr) -> pl.Expr:
    # join wants a list in each row, even if the text is the same in all
    each = pl.concat_str(text, old.str.head(0), new.str.head(0))
    return pl.when(old == "").then(each).otherwise(each.str.split(old).list.join(new))


def _truncate(values: Sequence[Any], _: pl.Expr, time: pl.Expr) -> pl.Expr:
    every = {
        "second": "1s",
        "minute": "1m",
        "hour": "1h",
        "day": "1d",
        "week": "1w",
        "month": "1mo",
        "quarter": "1q",
        "year": "1y",
    }
    return time.dt.truncate(every[values[0].lower()])


def _epoch(time: pl.Expr) -> pl.Expr:
    return _over(time.cast(pl.Int64).cast(pl.Float64), pl.lit(1e6))


def _extract(values: Sequence[Any], _: pl.Expr, time: pl.Expr) -> pl.Expr:
    return BUILDERS[values[0].lower()](time)


def to_text(a: pl.Expr) -> pl.Expr:
    return a.map_batches(lambda column: print_columns(column.to_frame("")).to_series(), return_dtype=pl.String)


def _text_to_boolean(text: pl.Expr) -> pl.Expr:
    return text.str.extract("^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$").str.to_lowercase() == "true"


def _text_to_integer(text: pl.Expr) -> pl.Expr:
    return text.str.extract("^([+-]?[0-9]+)$").cast(pl.Int64, strict=False)


def _text_to_float(text: pl.Expr) -> pl.Expr:
    number = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
    word = "[Nn][Aa][Nn]|[Ii][Nn][Ff](?:[Ii][Nn][Ii][Tt][Yy])?"
    return text.str.extract(f"^([+-]?(?:{number}|{word}))$").str.to_lowercase().cast(pl.Float64, strict=False)


def _text_to_time(text: pl.Expr) -> pl.Expr:
    return text.map_batches(_parse_times, return_dtype=pl.Datetime("us", "UTC"))


def _parse_times(texts: pl.Series) -> pl.Series:
    """Read a column of ISO 8601 texts as the readers do."""
    return EventTimes().read(texts).values


CASTS: Final[Mapping[tuple[Type, Type], Builder]] = {
    (Type.TEXT, Type.INTEGER): _text_to_integer,
    (Type.TEXT, Type.FLOAT): _text_to_float,
    (Type.TEXT, Type.BOOLEAN): _text_to_boolean,
    (Type.TEXT, Type.TIMESTAMP): _text_to_time,
    (Type.FLOAT, Type.TEXT): lambda a: to_text(a + _zeros()),
    (Type.INTEGER, Type.FLOAT): lambda a: a.cast(pl.Float64),
    (Type.FLOAT, Type.INTEGER): lambda a: a.cast(pl.Int64, strict=False),
    (Type.INTEGER, Type.BOOLEAN): lambda a: a != 0,
    (Type.BOOLEAN, Type.INTEGER): lambda a: a.cast(pl.Int64),
}

BY_TYPE: Final[Mapping[tuple[str, Type], Builder]] = {
    ("+", Type.INTEGER): _wide(_add, _narrow),
    ("+", Type.TIMESTAMP): _wide(_add, _time),
    ("+", Type.DURATION): _wide(_add, _span),
    ("-", Type.INTEGER): _wide(_subtract, _narrow),
    ("-", Type.TIMESTAMP): _wide(_subtract, _time),
    ("-", Type.DURATION): _wide(_subtract, _span),
    ("*", Type.INTEGER): _wide(_multiply, _narrow),
    ("*", Type.DURATION): _wide(_multiply, _span),
    ("%", Type.FLOAT): _modulo_of_floats,
    ("neg", Type.FLOAT): lambda a: -a,
    ("neg", Type.DURATION): _wide(lambda a: 0 - a, _span),
    ("abs", Type.FLOAT): lambda a: a.abs(),
    ("abs", Type.DURATION): _wide(lambda a: a.abs(), _span),
    ("sign", Type.FLOAT): _sign,
    ("floor", Type.FLOAT): lambda a: a.floor(),
    ("ceil", Type.FLOAT): lambda a: a.ceil(),
}
"""Operators that differ by the type of the result; the others, and the rest of the types, are in BUILDERS."""

BUILDERS: Final[Mapping[str, Builder]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": _divide,
    "DIV": _whole_quotient,
    "%": _modulo,
    "neg": _wide(lambda a: 0 - a, _narrow),
    "||": lambda *args: pl.concat_str(*args),
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "AND": lambda *args: pl.all_horizontal(*args),
    "OR": lambda *args: pl.any_horizontal(*args),
    "NOT": lambda a: ~a,
    "IS NULL": lambda a: a.is_null(),
    "IN": _in,
    "BETWEEN": lambda a, low, high: (a >= low) & (a <= high),
    "CASE": _case,
    "CASE x": _case_of,
    "if": _case,
    "coalesce": lambda *args: pl.coalesce(*args),
    "nullif": lambda a, b: pl.when((a == b).fill_null(value=False)).then(None).otherwise(a),
    "least": lambda a, b: pl.when(b.is_null() | (a <= b)).then(a).otherwise(b),
    "greatest": lambda a, b: pl.when(b.is_null() | (a >= b)).then(a).otherwise(b),
    "abs": _wide(lambda a: a.abs(), _narrow),
    "sign": lambda a: a.sign(),
    "floor": lambda a: a,
    "ceil": lambda a: a,
    "sqrt": lambda a: pl.when(a >= 0.0).then(a.sqrt()),
    "exp": lambda a: a.exp(),
    "ln": lambda a: pl.when(a > 0.0).then(a.log()),
    "log": _log,
    "power": _power,
    "lower": lambda text: text.str.to_lowercase(),
    "upper": lambda text: text.str.to_uppercase(),
    "trim": lambda text: text.str.strip_chars(_BLANKS),
    "length": lambda text: text.str.len_chars().cast(pl.Int64),
    "substring": _substring,
    "replace": _replace,
    "starts_with": lambda text, part: text.str.starts_with(part),
    "ends_with": lambda text, part: text.str.ends_with(part),
    "contains": lambda text, part: text.str.contains(part, literal=True),
    "concat": lambda *args: pl.concat_str(*args, ignore_nulls=True),
    "year": lambda time: time.dt.year().cast(pl.Int64),
    "month": lambda time: time.dt.month().cast(pl.Int64),
    "day": lambda time: time.dt.day().cast(pl.Int64),
    "hour": lambda time: time.dt.hour().cast(pl.Int64),
    "minute": lambda time: time.dt.minute().cast(pl.Int64),
    "second": lambda time: time.dt.second().cast(pl.Int64),
    "weekday": lambda time: time.dt.weekday().cast(pl.Int64),
    "epoch": _epoch,
}

WITH_VALUES: Final[Mapping[tuple[str, Type], Callable[..., pl.Expr]]] = {
    ("LIKE", Type.BOOLEAN): _like,
    ("round", Type.FLOAT): _round,
    ("round", Type.INTEGER): _round_integer,
    ("date_trunc", Type.TIMESTAMP): _truncate,
    ("extract", Type.INTEGER): _extract,
    ("extract", Type.FLOAT): _extract,
}
"""Functions some of whose arguments are written as values: these builders get the values first."""
