"""Values are printed in one way: by columns as one by one, whatever the blocks."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from plait.errors import SinkError
from plait.formats.csv_printing import print_csv
from plait.formats.printing import (
    print_column_as_json,
    print_columns,
    print_json,
    print_numbers,
    print_value,
    print_value_as_json,
)

UTC_TIME = pl.Datetime("us", "UTC")


def printed(values, dtype):
    return print_columns(pl.DataFrame({"x": pl.Series(values, dtype=dtype)}))["x"].to_list()


def printed_json(values, dtype):
    return [line[5:-1] for line in print_json(pl.DataFrame({"x": pl.Series(values, dtype=dtype)}))]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (0.1, "0.1"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e+16"),
        (123456789012345678.0, "1.2345678901234568e+17"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (-0.000012345, "-1.2345e-05"),
        (1e-6, "1e-06"),
        (1.5e-9, "1.5e-09"),
        (1e-10, "1e-10"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        (None, None),
    ],
)
def test_a_float_is_printed_as_repr_prints_it(value, text):
    assert printed([value], pl.Float64) == [text]
    assert value is None or print_value(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2010, 1, 1, tzinfo=UTC), "2010-01-01T00:00:00Z"),
        (datetime(2010, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC), "2010-01-01T00:00:00.500Z"),
        (datetime(2010, 1, 1, 0, 0, 0, 1, tzinfo=UTC), "2010-01-01T00:00:00.000001Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
        (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_a_time_has_the_fewest_of_0_3_or_6_digits_that_are_exact(value, text):
    assert printed([value], UTC_TIME) == [text]
    assert print_value(value) == text


def test_a_time_of_another_zone_is_printed_in_utc_and_one_without_a_zone_without_z():
    there = datetime(2010, 7, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    frame = pl.DataFrame({"x": [there]}).with_columns(pl.col("x").dt.convert_time_zone("Europe/Berlin"))
    assert print_columns(frame)["x"].to_list() == ["2010-07-01T12:00:00Z"] == [print_value(there)]
    naive = datetime(2010, 7, 1, 14)
    assert printed([naive], pl.Datetime("us")) == ["2010-07-01T14:00:00"] == [print_value(naive)]


def test_nanoseconds_are_kept():
    assert printed([1], pl.Datetime("ns", "UTC")) == ["1970-01-01T00:00:00.000000001Z"]


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        (True, pl.Boolean, "true"),
        (False, pl.Boolean, "false"),
        (-7, pl.Int64, "-7"),
        (2**64 - 1, pl.UInt64, "18446744073709551615"),
        (date(2010, 1, 31), pl.Date, "2010-01-31"),
        (time(13), pl.Time, "13:00:00"),
        (time(13, 0, 0, 250_000), pl.Time, "13:00:00.250"),
        (timedelta(days=1, minutes=30), pl.Duration("us"), "P1DT30M"),
        (timedelta(seconds=-0.5), pl.Duration("us"), "-PT0.5S"),
        (timedelta(0), pl.Duration("us"), "PT0S"),
        (Decimal("1.10"), pl.Decimal(10, 2), "1.10"),
        (b"ab\x00", pl.Binary, "YWIA"),
        ("", pl.String, ""),
        ('say "é"', pl.String, 'say "é"'),
        ([1.0, None, 1e-5], pl.List(pl.Float64), "[1.0,null,1e-05]"),
        ([True, False], pl.Array(pl.Boolean, 2), "[true,false]"),
        ({"a": 1, "b": 'x"'}, pl.Struct({"a": pl.Int64, "b": pl.String}), '{"a":1,"b":"x\\""}'),
        ([{"t": date(2010, 1, 1)}, None], pl.List(pl.Struct({"t": pl.Date})), '[{"t":"2010-01-01"},null]'),
        ([], pl.List(pl.Int64), "[]"),
        ([b"a"], pl.List(pl.Binary), '["YQ=="]'),
    ],
)
def test_each_type_has_one_text(value, dtype, text):
    assert printed([value, None], dtype) == [text, None]
    assert print_value(value) == text


def test_categories_and_whole_columns_of_null_are_printed():
    assert printed(["hot", None], pl.Categorical) == ["hot", None]
    assert printed(["hot"], pl.Enum(["hot", "cold"])) == ["hot"]
    assert printed([None, None], pl.Null) == [None, None]
    assert printed_json([None], pl.Null) == ["null"]


def test_json_has_no_word_for_what_is_not_finite():
    assert printed_json([float("nan"), float("inf"), 2.5, None], pl.Float64) == ["null", "null", "2.5", "null"]
    assert print_value_as_json([float("nan"), 1.0]) == "[null,1.0]"


def test_json_of_a_row_keeps_nulls_and_the_order_of_columns():
    frame = pl.DataFrame({"b": [1, None], "a": ["x", None], 'q"': [True, None]})
    assert print_json(frame).to_list() == ['{"b":1,"a":"x","q\\"":true}', '{"b":null,"a":null,"q\\"":null}']


def test_a_column_whose_name_looks_like_a_pattern_is_taken_by_its_name():
    frame = pl.DataFrame({"^a$": [1], "a": [2], "*": [3]})
    assert print_columns(frame).row(0) == ("1", "2", "3")
    assert print_json(frame).to_list() == ['{"^a$":1,"a":2,"*":3}']


def test_a_frame_without_rows_or_columns_prints_nothing():
    assert print_json(pl.DataFrame(schema={"a": pl.Float64})).to_list() == []
    assert print_columns(pl.DataFrame(schema={"a": pl.Float64})).schema == {"a": pl.String}
    assert print_columns(pl.DataFrame()).width == 0


def test_python_objects_are_refused():
    with pytest.raises(SinkError, match="Python objects"):
        print_columns(pl.DataFrame({"x": pl.Series([object()], dtype=pl.Object)}))


_times = st.datetimes(timezones=st.just(UTC))
_scalars = st.one_of(
    st.tuples(st.just(pl.Float64), st.floats()),
    st.tuples(st.just(pl.Float64), st.floats(-1e-3, 1e-3)),
    st.tuples(st.just(pl.Int64), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just(pl.String), st.text(st.characters(exclude_categories=["Cs"]))),
    st.tuples(st.just(pl.Boolean), st.booleans()),
    st.tuples(st.just(UTC_TIME), _times),
    st.tuples(st.just(pl.Date), st.dates()),
    st.tuples(st.just(pl.Time), st.times()),
    st.tuples(st.just(pl.Duration("us")), st.timedeltas(timedelta(days=-100_000), timedelta(days=100_000))),
    st.tuples(st.just(pl.Binary), st.binary()),
)


@settings(max_examples=200, deadline=None)
@given(_scalars)
def test_columns_and_single_values_are_printed_alike(pair):
    dtype, value = pair
    assert printed([value], dtype) == [print_value(value)]
    assert printed([[value, None]], pl.List(dtype)) == [print_value([value, None])]
    assert printed_json([value], dtype) == [print_value_as_json(value)]
    assert printed_json([{"v": value}], pl.Struct({"v": dtype})) == [print_value_as_json({"v": value})]


@settings(max_examples=100, deadline=None)
@given(st.floats(allow_nan=False))
def test_a_float_reads_back_equal(value):
    (text,) = printed([value], pl.Float64)
    assert float(text) == value
    if abs(value) != float("inf"):
        assert json.loads(printed_json([value], pl.Float64)[0]) == value


@settings(max_examples=200, deadline=None)
@given(st.floats(width=32) | st.floats(-(2.0**-10), 2.0**-10, width=32))
@example(float(np.float32(3e-6)))
@example(float(np.float32(-3.5e-5)))
@example(float(np.float32(1e15)))
@example(float(np.float32(1e-7)))
def test_a_float_of_four_bytes_has_the_fewest_digits_of_its_own(value):
    digits = float(str(np.float32(value)))  # numpy knows the digits, and Python when to write an exponent
    text, as_json = repr(digits), repr(digits) if np.isfinite(value) else "null"
    column = pl.Series("x", [value], dtype=pl.Float32)
    assert [text] == printed([value], pl.Float32) == print_numbers(column).to_list()
    assert [as_json] == printed_json([value], pl.Float32) == print_column_as_json(column).to_list()
    assert printed([[value, None]], pl.List(pl.Float32)) == [f"[{as_json},null]"]
    assert print_csv(pl.DataFrame({"x": column, "n": [1]})).decode() == f"{text},1\n"


_many = st.lists(st.none() | _times, min_size=1, max_size=5)
_few_days = st.lists(
    st.builds(
        lambda seconds, micro: datetime(1969, 12, 31, tzinfo=UTC) + timedelta(seconds=seconds, microseconds=micro),
        st.integers(0, 200_000),
        st.sampled_from([0, 0, 1, 999, 1000, 500_000, 500_001, 999_999]),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(_many | _few_days, st.sampled_from([pl.Datetime("us", "UTC"), pl.Datetime("ms", "UTC"), pl.Datetime("us")]))
def test_long_columns_of_times_are_printed_as_short_ones(values, dtype):
    series = pl.Series("x", values, dtype=UTC_TIME).dt.replace_time_zone(dtype.time_zone).cast(dtype)
    short = print_columns(series.to_frame())["x"]
    many = pl.concat([series] * 1000)
    assert print_columns(many.to_frame())["x"].to_list() == short.to_list() * 1000


@pytest.mark.parametrize("rows", [3, 5_000])
@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        (0, ["2010-01-01T00:00:00Z", "2010-01-01T00:00:00.007Z", "2010-01-01T00:00:00.000008Z"]),
        (3, ["2010-01-01T00:00:00.000Z", "2010-01-01T00:00:00.007Z", "2010-01-01T00:00:00.000008Z"]),
        (6, ["2010-01-01T00:00:00.000000Z", "2010-01-01T00:00:00.007000Z", "2010-01-01T00:00:00.000008Z"]),
    ],
)
def test_times_have_the_digits_of_their_stream_and_more_where_they_need_more(rows, digits, expected):
    start = datetime(2010, 1, 1, tzinfo=UTC)
    times = [start + timedelta(microseconds=micros) for micros in (0, 7_000, 8)]
    frame = pl.DataFrame({"t": (times * rows)[:rows]}, schema={"t": pl.Datetime("us", "UTC")})
    assert print_columns(frame, digits=digits)["t"].to_list() == (expected * rows)[:rows]
