"""A few event times mean what they mean in a long column, and are refused for the same reasons."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from plait.formats.timestamp_few import FEW
from plait.formats.timestamps import EventTimes

moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))
spellings = st.sampled_from(["", "Z", "+01:00", "-23:59", "+24:00", "+0100", " UTC", "z"])
iso = st.builds(
    lambda moment, blank, timespec, zone: moment.isoformat(blank, timespec) + zone,
    moments,
    st.sampled_from("T t"),
    st.sampled_from(["hours", "minutes", "seconds", "milliseconds", "microseconds"]),
    spellings,
)
odd_texts = st.sampled_from(
    ["", "x", "2010-W01-1", "2010-01-01T24:00:00Z", "2010-01-01T00:00:00.Z", "2010-02-30T00:00:00Z", "20100101T000000Z",
     "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "2010-01-01T00:00:60Z", "2010-01-01T00:00:00.1234567Z",
     "\u0662\u0660\u0661\u0660-01-01T00:00:00Z", "2010-01-01", "2010-01-01T00:00:00+01:00:30", "1e3", "-0.5", "1.5"]
)  # fmt: skip
numbers = st.one_of(
    st.integers(),
    st.integers(-(2**63), 2**63),
    st.floats(),
    st.floats(0, 2e9),
    st.sampled_from([0.1, 1e16, 1e-7, -0.5, 1.7e18, 2.5e11, 253402300799.999999, 253402300800.0, 10**5000]),
)
others = st.sampled_from(
    [None, True, b"1", Decimal("1.5"), date(2010, 1, 1), datetime(2010, 1, 1), datetime(2010, 1, 1, tzinfo=UTC)]
)
values = st.lists(st.one_of(iso, odd_texts, numbers, others), min_size=1, max_size=FEW)
ways = st.sampled_from([{}, *({"unit": unit} for unit in ("s", "ms", "us", "ns")), {"format": "%Y-%m-%dT%H:%M:%S%.f"}])


def assert_read_alike(values, times):
    few = times.read(values)
    many = times.read(values * (FEW // len(values) + 1))
    assert few.values.dtype == pl.Datetime("us", "UTC")
    assert few.values.to_physical().to_list() == many.values.to_physical().to_list()[: len(values)]
    assert few.reasons == {row: why for row, why in many.reasons.items() if row < len(values)}
    assert few.unzoned * (FEW // len(values) + 1) == many.unzoned


@given(values, ways)
@example(["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"], {})
@example([-1, -999, -1001, 1999], {"unit": "ns"})
@example([1e-5, 1.9999999999, 1700000000.123457], {"unit": "s"})
def test_a_few_values_mean_what_they_mean_in_a_long_column(values, way):
    assert_read_alike(values, EventTimes(**way))


@given(st.lists(numbers, min_size=1, max_size=FEW), st.sampled_from(["s", "ms", "us", "ns"]))
def test_numbers_mean_what_their_texts_mean(values, unit):
    plain = [value for value in values if value != 10**5000]
    texts = EventTimes(unit=unit).read(pl.Series([str(value) for value in plain], dtype=pl.String))
    few = EventTimes(unit=unit).read(plain)
    assert few.values.to_physical().to_list() == texts.values.to_physical().to_list()
    assert few.reasons == texts.reasons


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
@given(values=st.lists(iso, min_size=1, max_size=FEW))
def test_a_few_local_times_are_brought_to_utc_as_a_long_column_is(zone, values):
    assert_read_alike(values, EventTimes(zone=zone))
