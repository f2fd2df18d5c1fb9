"""Times that parsers of ISO 8601 and RFC 3339, and libraries of zones, are known to stumble over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from plait.formats.timestamps import EventTimes

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EST = timezone(timedelta(hours=-5))
READ = {
    "2025-01-02": datetime(2025, 1, 2, tzinfo=UTC),
    "2025-01-02T03": datetime(2025, 1, 2, 3, tzinfo=UTC),
    "2025-01-02T03:04:05.6": datetime(2025, 1, 2, 3, 4, 5, 600_000, tzinfo=UTC),
    "2025-01-02T03:04:05,678901": datetime(2025, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC),
    "2025-01-02T03:04:05.6789019": datetime(2025, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC),
    "2009-04-19T03:15:45.2345": datetime(2009, 4, 19, 3, 15, 45, 234_500, tzinfo=UTC),
    "20250102T030405,678901": datetime(2025, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC),
    "2025-01-02T03:04:05+00": datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC),
    "2000-01-01T00+21": datetime(1999, 12, 31, 3, tzinfo=UTC),
    "2025-01-02T03:05:06-0300": datetime(2025, 1, 2, 6, 5, 6, tzinfo=UTC),
    "2020-01-01T03:05:07.123457-05:00": datetime(2020, 1, 1, 3, 5, 7, 123_457, tzinfo=EST),
    "1985-04-12T23:20:50.52Z": datetime(1985, 4, 12, 23, 20, 50, 520_000, tzinfo=UTC),
    "1996-12-19T16:39:57-08:00": datetime(1996, 12, 20, 0, 39, 57, tzinfo=UTC),
    "1937-01-01T12:00:27.87+00:20": datetime(1937, 1, 1, 11, 40, 27, 870_000, tzinfo=UTC),
    "2009-04-19T00:00:00-00:00": datetime(2009, 4, 19, tzinfo=UTC),
    "1900-02-28T23:59:59+23:59": datetime(1900, 2, 28, 0, 0, 59, tzinfo=UTC),
    "2000-02-29t00:00:00z": datetime(2000, 2, 29, tzinfo=UTC),
}
REFUSED = [
    "2009.04-19T03",
    "2009-04.19T03",
    "2009-04-19T0a",
    "2009-04-19T03:1a:45",
    "2009-04-19T03;15:45",
    "2009-04-19T03:15:4500:00",
    "2009-04-19T03:15:45.123456+24:30",
    "2009-04-10\u16c7\u16c712:15",
    "2009-04-19T1",
    "2009-04-19T12:3",
    "2009-04-19T12:",
    "2009-04-19T12:30:",
    "2009-04-19T12:30:45.",
    "2009-04-19T12:30:45.123456+",
    "2009-04-19T12:30:45-05:00a",
    "1900-02-29",
    "2009-04-31",
    "-0001-01-01",
    "2009-04-19\n",
    "1990-12-31T23:59:60Z",  # a leap second has no place among the microseconds since 1970
    "2009-04-19T24:00:00Z",
    "2025-W01-4T03:04:05",  # weeks and days of the year: say so with format=
    "2009-109",
]


@pytest.mark.parametrize(("text", "moment"), READ.items())
def test_a_spelling_is_read(text, moment):
    assert EventTimes().read([text]).values.to_list() == [moment]


def test_spellings_that_are_none_are_refused_one_by_one_and_spoil_no_other():
    texts = [text for bad in REFUSED for text in (bad, "2010-01-01T00:00:00Z")]
    read = EventTimes().read(pl.Series(texts))
    assert sorted(read.reasons) == list(range(0, len(texts), 2))
    assert read.values.null_count() == len(REFUSED)


def _transitions(zone: ZoneInfo) -> list[datetime]:
    """Return the days of 2007 to 2015 within which the zone changes its offset, in UTC."""
    days = [datetime(2007, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(9 * 365)]
    offsets = [day.astimezone(zone).utcoffset() for day in days]
    return [day for day, before, after in zip(days, offsets, offsets[1:], strict=False) if before != after]


def _by_zoneinfo(local: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the first moment at which the clocks show a local time; None if they never do."""
    moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return moment if moment.astimezone(zone).replace(tzinfo=None) == local else None


@pytest.mark.parametrize(
    "name",
    [
        "Europe/Berlin",
        "Europe/Dublin",  # winter time is the one that is saved
        "Australia/Lord_Howe",  # half an hour
        "Pacific/Apia",  # a day that never was
        "America/St_Johns",
        "Asia/Kathmandu",
        "Africa/Casablanca",  # pauses in Ramadan
        "Antarctica/Troll",  # two hours
    ],
)
def test_local_times_around_every_change_of_the_clocks(name):
    zone = ZoneInfo(name)
    starts = [day.astimezone(zone).replace(tzinfo=None) for day in _transitions(zone)]
    locals_ = [start + timedelta(minutes=10 * step) for start in starts for step in range(-24, 200)]
    read = EventTimes(zone=name).read([local.isoformat() for local in locals_])
    assert read.values.to_list() == [_by_zoneinfo(local, zone) for local in locals_]
    assert all(name in reason for reason in read.reasons.values())


@pytest.mark.parametrize(
    ("unit", "value", "moment"),
    [
        ("s", 0, EPOCH),
        ("s", 2**31, datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC)),
        ("s", -(2**31), datetime(1901, 12, 13, 20, 45, 52, tzinfo=UTC)),
        ("s", 1_234_567_890.5, datetime(2009, 2, 13, 23, 31, 30, 500_000, tzinfo=UTC)),
        ("ms", -1, EPOCH - timedelta(milliseconds=1)),
        ("us", 253_402_300_799_999_999, datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
        ("ns", 2**63 - 1, datetime(2262, 4, 11, 23, 47, 16, 854_775, tzinfo=UTC)),
        ("s", 253_402_300_800, None),
        ("us", -62_135_596_800_000_001, None),
        ("s", True, None),
        ("s", float("nan"), None),
        ("s", float("inf"), None),
    ],
)
def test_epochs_at_the_edges(unit, value, moment):
    read = EventTimes(unit=unit).read([value])
    assert read.values.to_list() == [moment]
    assert (0 in read.reasons) is (moment is None)
