"""Event times: what each spelling means, and that whole columns are read exactly as single values are."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.formats.timestamp_patterns import Pattern, parse_epoch, parse_iso
from plait.formats.timestamps import EventTimes

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(*parts, tz=UTC):
    return (datetime(*parts, tzinfo=tz) - EPOCH) // timedelta(microseconds=1)


ISO = {
    "2010-01-31": (micros(2010, 1, 31), False),
    "2010-01-31 13:00": (micros(2010, 1, 31, 13), False),
    "2010-01-31T13": (micros(2010, 1, 31, 13), False),
    "2010-01-31T13:14:15": (micros(2010, 1, 31, 13, 14, 15), False),
    "2010-01-31t13:14:15z": (micros(2010, 1, 31, 13, 14, 15), True),
    "2010-01-31T13:14:15.1": (micros(2010, 1, 31, 13, 14, 15, 100_000), False),
    "2010-01-31T13:14:15,25": (micros(2010, 1, 31, 13, 14, 15, 250_000), False),
    "2010-01-31T13:14:15.999999999": (micros(2010, 1, 31, 13, 14, 15, 999_999), False),
    "1969-12-31T23:59:59.9999999Z": (-1, True),
    "2010-01-31T13:14:15+01:00": (micros(2010, 1, 31, 12, 14, 15), True),
    "2010-01-31T13:14:15-0130": (micros(2010, 1, 31, 14, 44, 15), True),
    "2010-01-31 13:14:15 +01": (micros(2010, 1, 31, 12, 14, 15), True),
    "2010-01-31 13:14:15 UTC": (micros(2010, 1, 31, 13, 14, 15), True),
    "20100131T131415Z": (micros(2010, 1, 31, 13, 14, 15), True),
    "9999-12-31T23:59:59.999999Z": (micros(9999, 12, 31, 23, 59, 59, 999_999), True),
    "0001-01-01": (micros(1, 1, 1), False),
    "2012-02-29": (micros(2012, 2, 29), False),
}
NOT_ISO = [
    "",
    "x",
    "2010",
    "2010-01",
    "2010-1-1",
    "2010-02-30",
    "2011-02-29",
    "2010-13-01",
    "2010-01-01T24:00:00",
    "2010-01-01T23:60",
    "2010-01-01T23:59:60Z",
    "2010-01-01T00:00:00.",
    "2010-01-01T00:00:00+25:00",
    "2010-01-01T00:00:00+01:60",
    " 2010-01-01",
    "2010-01-01 ",
    "2010-01-01  00:00",
    "0000-01-01",
    "10000-01-01",
    "9999-12-31T23:59:59-01:00",
    "0001-01-01T00:00+01:00",
    "\u0662\u0660\u0661\u0660-01-01",
    "2010/01/01",
    "1262304000",
    "2010-01-01Z",
    "2010-01-01T0:00",
]


@pytest.mark.parametrize(("text", "moment"), ISO.items())
def test_iso_spelling_is_read_alone_and_in_a_column(text, moment):
    assert parse_iso(text) == moment
    read = EventTimes().read(pl.Series([text, text]))
    assert read.values.to_physical().to_list() == [moment[0]] * 2
    assert read.values.dtype == pl.Datetime("us", "UTC")
    assert read.unzoned == (0 if moment[1] else 2)


@pytest.mark.parametrize("text", NOT_ISO)
def test_what_is_no_iso_time_is_refused_alone_and_in_a_column(text):
    with pytest.raises(ValueError, match=r"time|year|zone"):
        parse_iso(text)
    read = EventTimes().read(pl.Series(["2010-01-01", text, "2010-01-02"]))
    assert read.values.is_null().to_list() == [False, True, False]
    assert list(read.reasons) == [1]


def test_mixed_spellings_in_one_column_each_keep_their_meaning():
    texts = [*ISO, *NOT_ISO] * 3
    read = EventTimes().read(pl.Series(texts))
    expected = [ISO[text][0] if text in ISO else None for text in texts]
    assert read.values.to_physical().to_list() == expected
    assert sorted(read.reasons) == [row for row, moment in enumerate(expected) if moment is None]


def one_by_one(texts, parse):
    for text in texts:
        try:
            yield parse(text)[0] if text else None
        except ValueError:
            yield None


times = st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31, 23, 59, 59))
iso_texts = st.builds(
    lambda when, sep, spec, zone: when.isoformat(sep=sep, timespec=spec) + zone,
    times,
    st.sampled_from("T "),
    st.sampled_from(["hours", "minutes", "seconds", "milliseconds", "microseconds"]),
    st.sampled_from(["", "Z", "+01:00", "-0330", "+14", " +01:00", "000", "999Z", "+24:00"]),
)


def mutated(texts):
    """Texts of which some have one character replaced, doubled or dropped."""
    return st.tuples(texts, st.integers(0, 40), st.sampled_from(["", "", "0", "9", "x", " ", "-", ":", "é", "00"])).map(
        lambda t: t[0] if t[1] >= len(t[0]) else t[0][: t[1]] + t[2] + t[0][t[1] + 1 :]
    )


@given(st.lists(st.one_of(iso_texts, mutated(iso_texts)), max_size=30))
def test_a_column_of_iso_times_is_read_as_each_alone(texts):
    read = EventTimes().read(pl.Series(texts, dtype=pl.String))
    assert read.values.to_physical().to_list() == list(one_by_one(texts, parse_iso))


FORMATS = [
    "%Y-%m-%dT%H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%d.%m.%Y %H:%M:%S.%f",
    "%Y%m%d%H%M%S%3f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%m/%d/%y %I:%M %p",
    "%d/%b/%Y:%H:%M:%S %z",
    "%a, %d %B %Y %H:%M",
    "%Y %j",
    "%FT%TZ%z",
    "%s",
]


@pytest.mark.parametrize("text", FORMATS)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_column_in_a_format_is_read_as_each_alone(text, data):
    pattern = Pattern(text)

    def written(when):
        plain = text.replace("%3f", f"{when.microsecond // 1000:03}").replace("%.f", f".{when.microsecond:06}")
        return when.replace(tzinfo=timezone(timedelta(hours=-3, minutes=30))).strftime(plain).replace("-0230", "-02:30")

    recent = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2060, 1, 1))
    texts = st.one_of(
        recent.map(written), mutated(recent.map(written)), recent.map(written).map(lambda t: t.replace("/0", "/"))
    )
    sample = data.draw(st.lists(texts, max_size=30))
    read = EventTimes(format=text).read(pl.Series(sample, dtype=pl.String))
    assert read.values.to_physical().to_list() == list(one_by_one(sample, pattern.parse))


@given(st.sampled_from(FORMATS[:4]), st.datetimes(min_value=datetime(1000, 1, 1)))
def test_formats_agree_with_the_standard_library(text, when):
    written = when.strftime(text.replace("%3f", "%f"))
    expected = datetime.strptime(written, text.replace("%3f", "%f")).replace(tzinfo=UTC)
    assert Pattern(text.replace("%3f", "%f")).parse(written) == ((expected - EPOCH) // timedelta(microseconds=1), False)


@pytest.mark.parametrize(
    ("text", "written", "parts"),
    [
        ("%d/%m/%Y", "1/2/2010", (2010, 2, 1)),
        ("%e %b %Y", " 1 FEB 2010", (2010, 2, 1)),
        ("%B %d, %Y %I:%M %p", "March 3, 2010 12:30 am", (2010, 3, 3, 0, 30)),
        ("%Y-%m-%d %I%p", "2010-03-03 12PM", (2010, 3, 3, 12)),
        ("%y%m%d", "690101", (1969, 1, 1)),
        ("%y%m%d", "680101", (2068, 1, 1)),
        ("%Y.%j", "2012.366", (2012, 12, 31)),
        ("%Y", "2010", (2010, 1, 1)),
        ("%Y-%m-%d %H:%M:%S.%f", "2010-01-01 00:00:00.123456789", (2010, 1, 1, 0, 0, 0, 123_456)),
        ("%Y-%m-%d %H:%M:%S %Z", "2010-01-01 00:00:00 GMT", (2010, 1, 1)),
        ("%s", "1262304000", (2010, 1, 1)),
        ("100%% %Y", "100% 2010", (2010, 1, 1)),
    ],
)
def test_directive_is_understood(text, written, parts):
    assert Pattern(text).parse(written)[0] == micros(*parts)
    assert EventTimes(format=text).read([written]).values.to_physical().to_list() == [micros(*parts)]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"format": "%Q %Y"}, "%Q"),
        ({"format": "%H:%M"}, "no year"),
        ({"format": "%Y %Y"}, "twice"),
        ({"format": "%Y %I"}, "%p"),
        ({"format": "%Y %"}, "middle"),
        ({"format": "%s %Y"}, "%s"),
        ({"format": "%Y", "unit": "s"}, "not both"),
        ({"unit": "h"}, "one of s"),
        ({"zone": "Europe/Berln"}, "'Europe/Berlin'"),
    ],
)
def test_a_wrong_option_is_refused_with_its_reason(options, says):
    with pytest.raises(ValueError, match=says):
        EventTimes(**options)


@pytest.mark.parametrize(
    ("unit", "text", "moment"),
    [
        ("s", "1262304000", micros(2010, 1, 1)),
        ("s", "1262304000.123", micros(2010, 1, 1) + 123_000),
        ("s", "1262304000.12345678901234567890123456789", micros(2010, 1, 1) + 123_456),
        ("s", "1262304000.99999999999999999999999999999", micros(2010, 1, 1) + 999_999),
        ("s", "-0.5", -500_000),
        ("s", "-0.0000001", -1),
        ("s", "1.5e3", 1_500_000_000),
        ("ms", "1262304000123", micros(2010, 1, 1) + 123_000),
        ("ms", "1262304000123.4569", micros(2010, 1, 1) + 123_456),
        ("us", "1262304000123456", micros(2010, 1, 1) + 123_456),
        ("us", "1.9", 1),
        ("ns", "1262304000123456789", micros(2010, 1, 1) + 123_456),
        ("ns", "-1", -1),
        ("ns", "1999.5", 1),
    ],
)
def test_an_epoch_counts_its_unit_and_is_cut_to_microseconds(unit, text, moment):
    assert parse_epoch(text, unit) == (moment, True)
    assert EventTimes(unit=unit).read(pl.Series([text, text])).values.to_physical().to_list() == [moment] * 2


epochs = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12).map(str),
    st.floats(allow_nan=True).map(str),
    st.sampled_from(["", "x", "1_0", " 1", "1e400", "1e999999999", "+5", ".5", "5.", "-", "0x10", "1262304000.5"]),
)


@given(st.lists(epochs, max_size=20), st.sampled_from(["s", "ms", "us", "ns"]))
def test_a_column_of_epochs_is_read_as_each_alone(texts, unit):
    read = EventTimes(unit=unit).read(pl.Series(texts, dtype=pl.String))
    expected = list(one_by_one(texts, lambda text: parse_epoch(text, unit)))
    assert read.values.to_physical().to_list() == expected
    assert sorted(read.reasons) == [row for row, moment in enumerate(expected) if moment is None]


def test_numbers_are_read_as_their_text_is():
    times = EventTimes(unit="s")
    expected = [micros(2010, 1, 1), micros(2010, 1, 1) + 123_000]
    assert times.read([1262304000, 1262304000.123]).values.to_physical().to_list() == expected
    assert times.read(pl.Series([1262304000.0, 1262304000.123])).values.to_physical().to_list() == expected
    assert times.read(pl.Series([1262304000, None])).values.to_physical().to_list() == [expected[0], None]


def test_a_unit_that_is_too_coarse_is_suspected():
    assert "is the unit another one" in EventTimes(unit="s").read(["1262304000000"]).reasons[0]


def test_a_number_without_unit_asks_for_one():
    assert "unit=" in EventTimes().read([1262304000]).reasons[0]


def test_python_objects_of_several_kinds_are_read_together():
    plus_one = timezone(timedelta(hours=1))
    values = [
        date(2010, 1, 1),
        datetime(2010, 1, 1, 12),
        datetime(2010, 1, 1, 1, tzinfo=plus_one),
        "2010-01-02",
        None,
        True,
        [1],
    ]
    read = EventTimes().read(values)
    expected = [micros(2010, 1, 1), micros(2010, 1, 1, 12), micros(2010, 1, 1), micros(2010, 1, 2), None, None, None]
    assert read.values.to_physical().to_list() == expected
    assert read.reasons[4] == "the event time is empty"
    assert sorted(read.reasons) == [4, 5, 6]
    assert read.unzoned == 3


@pytest.mark.parametrize("dtype", [pl.Datetime("ns"), pl.Datetime("ms"), pl.Datetime("us", "Europe/Berlin"), pl.Date])
def test_a_column_that_already_holds_times_keeps_them(dtype):
    series = pl.Series([datetime(2010, 1, 1), None]).dt.replace_time_zone("UTC").cast(pl.Datetime("us", "UTC"))
    given_times = (
        series.dt.date()
        if dtype == pl.Date
        else series.cast(dtype)
        if dtype.time_zone is None
        else series.dt.convert_time_zone("Europe/Berlin")
    )
    assert EventTimes().read(given_times).values.to_list() == [datetime(2010, 1, 1, tzinfo=UTC), None]


def test_zone_is_applied_to_local_times_only():
    read = EventTimes(zone="Europe/Berlin").read(["2010-07-01T12:00", "2010-01-01T12:00", "2010-07-01T12:00Z"])
    assert [time.hour for time in read.values] == [10, 11, 12]
    assert read.unzoned == 0


def test_the_repeated_hour_is_its_first_pass_and_counted():
    read = EventTimes(zone="Europe/Berlin").read(["2010-10-31T02:30", "2010-10-31T03:30"])
    assert [time.hour for time in read.values] == [0, 2]
    assert read.ambiguous == 1
    assert ["first pass" in note for note in read.notes("Europe/Berlin")] == [True]


def test_the_skipped_hour_is_no_time():
    read = EventTimes(zone="Europe/Berlin").read(["2010-03-28T02:30", "2010-03-28T03:30"])
    assert read.values.is_null().to_list() == [True, False]
    assert "does not exist in the zone Europe/Berlin" in read.reasons[0]


def test_a_local_time_at_the_end_of_the_years_is_refused():
    read = EventTimes(zone="America/New_York").read(["9999-12-31T23:00"])
    assert "9999" in read.reasons[0]


def test_times_without_a_zone_are_noted():
    assert ["UTC" in note for note in EventTimes().read(["2010-01-01"]).notes(None)] == [True]
    assert list(EventTimes().read(["2010-01-01T00Z"]).notes(None)) == []


def test_empty_columns_are_read():
    assert len(EventTimes().read([]).values) == 0
    assert len(EventTimes(format="%Y", zone="Europe/Berlin").read(pl.Series([], dtype=pl.String)).values) == 0
    assert EventTimes().read(pl.Series([None, ""], dtype=pl.String)).reasons == {
        0: "the event time is empty",
        1: "the event time is empty",
    }


def test_looks_like_times():
    times = EventTimes()
    assert times.looks_like_times(pl.Series(["2010-01-01", None, "2010-01-02T03Z"]))
    assert times.looks_like_times(pl.Series(["2010-01-01", "2010-01-02", "x"]))
    assert not times.looks_like_times(pl.Series(["2010-01-01", "x", "y"]))
    assert not times.looks_like_times(pl.Series([None], dtype=pl.String))


@pytest.mark.parametrize("text", ["1577836800", "-1.5", "1577836800.25"])
def test_a_number_that_is_no_time_is_told_of_unit_and_format(text):
    (reason,) = EventTimes().read(pl.Series([text])).reasons.values()
    assert reason.endswith("say what it counts since 1970 with unit=, or how it is written with format=")


def test_a_text_that_is_no_time_is_told_of_format_alone():
    (reason,) = EventTimes().read(pl.Series(["yesterday"])).reasons.values()
    assert "format=" in reason
    assert "unit=" not in reason
