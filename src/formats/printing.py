"""The one way in which values are printed, whoever prints them: the csv, jsonl, text and console writers and templates.

| value | text |
|---|---|
| null | none: an empty field in CSV, `null` in JSON and in a line for people |
| yes/no | `true`, `false` |
| whole number | its digits |
| float | as Python's `repr`: the shortest that reads back equal: `1.0`, `-0.0`, `1e+16`, `1e-05`, `nan`, `inf` |
| float of four bytes | so, with the fewest digits that read back equal in four bytes: `0.1`, `3e-06` |
| time | ISO 8601 in UTC, with `Z`: `2010-01-01T00:00:00Z`; a time without a zone has no `Z` |
| date, time of day | ISO 8601: `2010-01-01`, `13:00:00` |
| duration | ISO 8601: `P1DT30M`, `-PT0.5S` |
| decimal | its digits, trailing zeros kept |
| bytes | base64 |
| list, struct | JSON without blanks |
| text | itself |

A time has 0, 3 or 6 fractional digits (9 where nanoseconds are kept): the fewest that are exact for this value, and at
least as many as `digits` says: what a writer knows, before the first row, of the times of its sources. So all times of
a stream of milliseconds have three, and no text depends on how a stream was cut into blocks.

In JSON, numbers and yes/no stand bare, `nan` and the infinities are `null` (JSON has no word for them), and all
others are strings. Everything works on whole columns; `print_value` is the same for a single Python value.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..errors import SinkError
from .times import PATTERN, print_times

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "json_key",
    "print_column_as_json",
    "print_columns",
    "print_json",
    "print_lines",
    "print_numbers",
    "print_numbers_as_json",
    "print_value",
    "print_value_as_json",
]

_TIME_OF_DAY = "%H:%M:%S%.f"
_FEW_LINES = 500


def print_columns(frame: pl.DataFrame, *, only_where_needed: bool = False, digits: int = 0) -> pl.DataFrame:
    """Return the frame with every column as text; null stays null.

    Args:
        frame: any columns.
        only_where_needed: leave those that polars itself writes the same (whole numbers, yes/no, most floats).
        digits: fractional digits that times have at least: 0, 3 or 6.

    Raises:
        SinkError: a column holds Python objects, which have no text.
    """
    import polars as pl

    numbered = _with_times_printed(_numbered(frame), digits)
    odd = _odd_floats(numbered)
    skips = _is_plain if only_where_needed else _is_text
    printed = numbered.with_columns(
        _text(pl.col(name), dtype, name in odd).alias(name)
        for name, dtype in numbered.schema.items()
        if name in odd or not skips(dtype)
    )
    printed.columns = frame.columns
    return printed


def print_numbers(numbers: pl.Series) -> pl.Series:
    """Return each whole number or float as text; null stays null. Does as `print_columns`, and is quicker."""
    import polars as pl

    if _is_short(numbers.dtype):
        return print_columns(numbers.to_frame()).to_series()
    texts = numbers.cast(pl.String)
    odd = _where_odd(numbers)
    if odd is None:
        return texts
    return texts.scatter(odd, print_columns(numbers.gather(odd).alias("0").to_frame()).to_series())


def print_numbers_as_json(numbers: pl.Series) -> pl.Series:
    """Return each whole number or float as JSON. Does as `print_column_as_json`, and is quicker."""
    texts = print_numbers(numbers)
    if numbers.dtype.is_float() and not numbers.is_finite().all():
        texts = texts.set(~numbers.is_finite(), None)
    return texts.fill_null("null") if texts.null_count() else texts


def print_json(frame: pl.DataFrame, digits: int = 0) -> pl.Series:
    """Return one JSON object per row, with the columns in their order; null is kept.

    Args:
        frame: any columns.
        digits: fractional digits that times have at least: 0, 3 or 6.

    Raises:
        SinkError: a column holds Python objects, which have no text.
    """
    import polars as pl

    numbered = _with_times_printed(_numbered(frame), digits)
    odd = _odd_floats(numbered)
    cells = [_json(pl.col(n), dtype, n in odd).fill_null("null") for n, dtype in numbered.schema.items()]
    line = _object(list(zip(frame.columns, cells, strict=True)))
    return numbered.select(line.alias("json")).to_series()


def print_column_as_json(column: pl.Series) -> pl.Series:
    """Return each value as JSON; null is `null`. Times have the fewest digits that are exact."""
    import polars as pl

    frame = column.alias("0").to_frame()
    cell = _json(pl.col("0"), column.dtype, is_odd=True)
    return frame.select(cell.fill_null("null")).to_series()


def print_lines(lines: pl.Series) -> bytes | memoryview:
    """Return the texts in UTF-8, each with a line end (LF); null is an empty line."""
    import polars as pl

    whole = lines.fill_null("") if lines.null_count() else lines
    if len(whole) < _FEW_LINES:
        return "".join(f"{line}\n" for line in whole).encode()
    with_last_end = pl.concat([whole.alias(""), pl.Series([""])])
    text = with_last_end.str.join("\n").to_arrow(compat_level=pl.CompatLevel.oldest())
    return memoryview(text.buffers()[2])


def print_value(value: Any, digits: int = 0) -> str:
    """Return the text of one Python value; null is `null`; a time has at least so many fractional digits: 0, 3 or 6.

    >>> print_value(0.1), print_value(True), print_value(datetime(2010, 1, 1, 12, microsecond=500_000, tzinfo=UTC))
    ('0.1', 'true', '2010-01-01T12:00:00.500Z')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, datetime):
        return _print_datetime(value, digits)
    text = print_value_as_json(value)
    return text[1:-1] if text.startswith('"') else text


def print_value_as_json(value: Any) -> str:
    """Return one Python value as JSON without blanks.

    >>> print_value_as_json({"a": [1, None, "x"], "t": timedelta(hours=2)})
    '{"a":[1,null,"x"],"t":"PT2H"}'
    """
    if value is None or isinstance(value, bool | int | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float):
        return repr(float(value)) if math.isfinite(value) else "null"
    if isinstance(value, Mapping):
        members = (f"{json_key(str(name))}{print_value_as_json(inner)}" for name, inner in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes | bytearray):
        return "[" + ",".join(print_value_as_json(inner) for inner in value) + "]"
    return f'"{_scalar(value)}"'


def _scalar(value: Any) -> str:
    if isinstance(value, datetime):
        return _print_datetime(value)
    if isinstance(value, time):
        return _trim(value.isoformat("microseconds"))
    if isinstance(value, timedelta):
        return _print_duration(value)
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(str(value), ensure_ascii=False)[1:-1]


def _print_datetime(value: datetime, digits: int = 0) -> str:
    if value.tzinfo is None:
        return _trim(value.isoformat(timespec="microseconds"), digits)
    return _trim(value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds"), digits) + "Z"


def _trim(text: str, digits: int = 0) -> str:
    """Cut `.000000` to nothing and `.500000` to `.500`, but leave so many digits."""
    text = text.removesuffix("000") if digits < 6 else text
    return text.removesuffix(".000") if digits == 0 else text


def _print_duration(value: timedelta) -> str:
    sign, value = ("-", -value) if value < timedelta(0) else ("", value)
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{value.microseconds:06}".rstrip("0") if value.microseconds else ""
    of_day = "".join(f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M")) if count)
    if seconds or fraction or not (of_day or value.days):
        of_day += f"{seconds}{fraction}S"
    return f"{sign}P{f'{value.days}D' if value.days else ''}{'T' if of_day else ''}{of_day}"


def _numbered(frame: pl.DataFrame) -> pl.DataFrame:
    """Name the columns 0, 1, ...: names of users such as `*` and `^a$` would be taken for patterns."""
    numbered = frame.clone()
    numbered.columns = [str(number) for number in range(frame.width)]
    return numbered


def _with_times_printed(frame: pl.DataFrame, digits: int) -> pl.DataFrame:
    import polars as pl

    times = [column for column in frame if isinstance(column.dtype, pl.Datetime)]
    return frame.with_columns(print_times(*_in_utc(column), digits) for column in times) if times else frame


def _in_utc(times: pl.Series) -> tuple[pl.Series, str]:
    """Return the times in UTC and the sign of their zone."""
    import polars as pl

    zone = times.dtype.time_zone if isinstance(times.dtype, pl.Datetime) else None
    if zone is None or zone == "UTC":
        return times, "Z" if zone else ""
    return times.dt.convert_time_zone("UTC"), "Z"


def _odd_floats(frame: pl.DataFrame) -> set[str]:
    """Return the float columns with values that polars prints in another way than `repr`."""
    import polars as pl

    floats = [name for name, dtype in frame.schema.items() if dtype.is_float()]
    if not floats or not frame.height:
        return set()
    column = pl.col(floats)
    odd = frame.select((((column.abs() < 1e-4) & (column != 0)) | column.is_nan()).any()).row(0)
    return {name for name, is_odd in zip(floats, odd, strict=True) if is_odd}


def _where_odd(numbers: pl.Series) -> pl.Series | None:
    """Return the places of floats that polars prints in another way than `repr`; None if there are none."""
    if not numbers.dtype.is_float():
        return None
    import numpy as np

    from .arrow_series import column_of

    size = np.abs(numbers.to_numpy())  # null is nan
    odd = ((size < 1e-4) & (size != 0)) | np.isnan(size)
    if numbers.null_count():
        odd &= numbers.is_not_null().to_numpy()
    return column_of(np.flatnonzero(odd)) if odd.any() else None


def _is_text(dtype: pl.DataType) -> bool:
    import polars as pl

    return isinstance(dtype, pl.String)


def _is_plain(dtype: pl.DataType) -> bool:
    """Tell whether polars writes such values to CSV as they are printed here (odd floats apart)."""
    import polars as pl

    return dtype.is_integer() or isinstance(dtype, pl.Float64 | pl.Boolean | pl.String | pl.Null)


def _text(value: pl.Expr, dtype: pl.DataType, is_odd: bool) -> pl.Expr:
    import polars as pl

    if _is_short(dtype):
        return _float(_with_its_digits(value), is_odd=True)
    if dtype.is_float():
        return _float(value, is_odd)
    if dtype.is_nested():
        return _json(value, dtype, is_odd=True)
    if isinstance(dtype, pl.Datetime):
        return _datetime(value, dtype)
    if isinstance(dtype, pl.Time):
        return value.dt.to_string(_TIME_OF_DAY)
    if isinstance(dtype, pl.Duration):
        return value.dt.to_string("iso")
    if isinstance(dtype, pl.Binary):
        return value.bin.encode("base64")
    if isinstance(dtype, pl.Object):
        raise SinkError("a column holds Python objects, which have no text; give them a type of polars")
    return value.cast(pl.String)


def _is_short(dtype: pl.DataType) -> bool:
    """Tell whether values are floats of fewer than eight bytes."""
    import polars as pl

    return dtype.is_float() and not isinstance(dtype, pl.Float64)


def _with_its_digits(value: pl.Expr) -> pl.Expr:
    """Return short floats as those of eight bytes whose text has the same digits.

    Polars finds these digits, but writes small and large ones in another form than those of eight: 0.000003, 1e+15.
    """
    import polars as pl

    return value.cast(pl.String).cast(pl.Float64)


def _float(value: pl.Expr, is_odd: bool) -> pl.Expr:
    import polars as pl

    text = value.cast(pl.String)
    if not is_odd:
        return text
    tenth_of_a_thousandth = text.str.replace(r"^(-?)0\.0000(\d)(\d+)$", "${1}${2}.${3}e-05")
    single = tenth_of_a_thousandth.str.replace(r"^(-?)0\.0000(\d)$", "${1}${2}e-05")
    return single.str.replace(r"e-(\d)$", "e-0${1}").str.replace("NaN", "nan", literal=True)


def _datetime(value: pl.Expr, dtype: pl.Datetime) -> pl.Expr:
    if dtype.time_zone is None:
        return value.dt.to_string(PATTERN)
    in_utc = value if dtype.time_zone == "UTC" else value.dt.convert_time_zone("UTC")
    return in_utc.dt.to_string(PATTERN + "Z")


def _json(value: pl.Expr, dtype: pl.DataType, is_odd: bool) -> pl.Expr:
    """Return the values as JSON; null stays null."""
    import polars as pl

    if isinstance(dtype, pl.Array):
        return _json(value.arr.to_list(), pl.List(dtype.inner), is_odd)
    if isinstance(dtype, pl.List):
        items = value.list.eval(_json(pl.element(), _instance(dtype.inner), is_odd=True).fill_null("null"))
        return pl.concat_str(pl.lit("["), items.list.join(","), pl.lit("]"))
    if isinstance(dtype, pl.Struct):
        return _json_struct(value, dtype)
    text = _text(value, dtype, is_odd)
    if dtype.is_float():
        return pl.when(value.is_finite()).then(text)
    if dtype.is_integer() or isinstance(dtype, pl.Boolean | pl.Null):
        return text
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        return _json_string(text)
    return pl.concat_str(pl.lit('"'), text, pl.lit('"'))


def _json_struct(value: pl.Expr, dtype: pl.Struct) -> pl.Expr:
    import polars as pl

    members = [
        (field.name, _json(value.struct.field(field.name), _instance(field.dtype), is_odd=True).fill_null("null"))
        for field in dtype.fields
    ]
    return pl.when(value.is_not_null()).then(_object(members))


def _json_string(text: pl.Expr) -> pl.Expr:
    """Quote and escape with the engine's own JSON writer, which only takes structs."""
    import polars as pl

    return pl.struct(text.alias("")).struct.json_encode().str.strip_prefix('{"":').str.strip_suffix("}")


def _object(members: Sequence[tuple[str, pl.Expr]]) -> pl.Expr:
    import polars as pl

    parts: list[pl.Expr] = []
    for number, (name, value) in enumerate(members):
        parts += [pl.lit(("," if number else "{") + json_key(name)), value]
    return pl.concat_str(*parts, pl.lit("}" if members else "{}"))


def json_key(name: str) -> str:
    """Return the name of a member, with the colon behind it."""
    return json.dumps(name, ensure_ascii=False) + ":"


def _instance(dtype: Any) -> pl.DataType:
    """Return a data type as an object: inside nested types polars also has the bare classes."""
    made: pl.DataType = dtype() if isinstance(dtype, type) else dtype
    return made
