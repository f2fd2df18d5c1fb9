"""Cases that other systems are known by, in the words of this one: which windows a row lies in, and when they are over.

Times are seconds since 1970, or wall time in the zone of the case; results are (start, end, rows).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from plait import Pipeline
from plait.windows import Span, make_spans

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, LAST = ((moment - datetime(1970, 1, 1)) // timedelta(microseconds=1) for moment in (datetime.min, datetime.max))


def windows(variant: str, times: list[Any], zone: str = "UTC", lateness: str = "0s", **options: Any) -> list[Any]:
    """Return the windows of rows at these times: numbers, or texts that are wall time there."""
    there = ZoneInfo(zone)
    is_wall = bool(times) and isinstance(times[0], str)
    moments = [
        datetime.fromisoformat(time).replace(tzinfo=there).astimezone(UTC) if is_wall else EPOCH + timedelta(0, time)
        for time in times
    ]
    p = Pipeline("p", zone=zone)
    rows = p.reader("memory", rows=[{"timestamp": moment} for moment in moments], lateness=lateness, late="drop")
    found = p.collect(rows.window(variant, aggregate={"n": "count"}, **options))

    def shown(moment: datetime) -> Any:
        return f"{moment.astimezone(there):%m-%d %H:%M}" if is_wall else (moment - EPOCH).total_seconds()

    return [(shown(row["window_start"]), shown(row["window_end"]), row["n"]) for row in found]


@pytest.mark.parametrize(
    ("times", "options", "wanted"),
    [
        ([0, 4.999, 5], {"size": "5s"}, [(0, 5, 2), (5, 10, 1)]),
        ([0.1, 5.099, 5.1], {"size": "5s", "offset": "100ms"}, [(0.1, 5.1, 2), (5.1, 10.1, 1)]),
        ([0, 4.899, 4.9], {"size": "5s", "offset": "-100ms"}, [(-0.1, 4.9, 2), (4.9, 9.9, 1)]),
        ([11], {"size": "5s", "offset": "12s"}, [(7, 12, 1)]),
        ([0], {"size": "5s", "slide": "1s"}, [(-4, 1, 1), (-3, 2, 1), (-2, 3, 1), (-1, 4, 1), (0, 5, 1)]),
        ([0], {"size": "5s", "slide": "2500ms", "offset": "-1s"}, [(-3.5, 1.5, 1), (-1, 4, 1)]),
        ([11], {"size": "15s", "slide": "5s", "offset": "2s"}, [(-3, 12, 1), (2, 17, 1), (7, 22, 1)]),
        ([1, 2, 3], {"size": "4s", "slide": "2s"}, [(-2, 2, 1), (0, 4, 3), (2, 6, 2)]),
        ([0.021], {"size": "12ms", "slide": "5ms"}, [(0.01, 0.022, 1), (0.015, 0.027, 1), (0.02, 0.032, 1)]),
        ([0], {"size": "1d", "slide": "12h"}, [(-43200, 43200, 1), (0, 86400, 1)]),  # in UTC a day has 24 hours
        ([0], {"size": "36h", "slide": "1d"}, [(-86400, 43200, 1), (0, 129600, 1)]),
        ([-7, -5, -1, 0], {"size": "2s", "slide": "5s"}, [(-5, -3, 1), (0, 2, 1)]),
        ([-5.000001, -5, -0.000001], {"size": "5s"}, [(-10, -5, 1), (-5, 0, 2)]),
        ([1, 22], {"size": "5s", "slide": "10s", "fill": True}, [(0, 5, 1), (10, 15, 0), (20, 25, 1)]),
        # late: of a time before the largest so far, less what is allowed
        ([0, 10, 60, 30, 29.9], {"size": "30s", "lateness": "30s"}, [(0, 30, 2), (30, 60, 1), (60, 90, 1)]),
        ([10, 8, 7.999999], {"size": "10s", "lateness": "2s"}, [(0, 10, 1), (10, 20, 1)]),
    ],
)
def test_windows_of_fixed_length(times: list[float], options: dict[str, Any], wanted: list[Any]) -> None:
    assert windows("sliding" if "slide" in options else "tumbling", times, **options) == wanted


@pytest.mark.parametrize(
    ("times", "options", "wanted"),
    [
        ([1, 2, 3, 20, 27, 35], {"gap": "10s"}, [(1, 13, 3), (20, 45, 3)]),
        ([2, 9, 19], {"gap": "10s"}, [(2, 29, 3)]),  # exactly the gap apart: together
        ([2, 9, 19.000001], {"gap": "10s"}, [(2, 19, 2), (19.000001, 29.000001, 1)]),
        ([2, 15, 10], {"gap": "10s", "lateness": "5s"}, [(2, 25, 3)]),  # 10 bridges
        ([2, 15, 10], {"gap": "10s"}, [(2, 12, 1), (15, 25, 1)]),  # and would, were it not late
        ([5, 5, 6], {"gap": "0s"}, [(5, 5, 2), (6, 6, 1)]),
    ],
)
def test_sessions(times: list[float], options: dict[str, Any], wanted: list[Any]) -> None:
    assert windows("session", times, **options) == wanted


NOVEMBER = [f"2021-11-{day:02}" for day in range(7, 15)]  # clocks go back on Sunday the 7th


@pytest.mark.parametrize(
    ("zone", "times", "options", "wanted"),
    [
        ("UTC", ["2021-12-31", "2022-03-31"], {"size": "3mo"}, [("10-01", "01-01", 1), ("01-01", "04-01", 1)]),
        ("UTC", ["2000-01-01 03:00"], {"size": "2d"}, [("12-31", "01-02", 1)]),
        ("UTC", ["2024-02-29", "2024-12-31"], {"size": "1y"}, [("01-01", "01-01", 2)]),
        ("US/Central", NOVEMBER, {"size": "1w"}, [("11-01", "11-08", 1), ("11-08", "11-15", 7)]),
        ("US/Central", NOVEMBER, {"size": "1w", "offset": "5d"}, [("11-06", "11-13", 6), ("11-13", "11-20", 2)]),
        ("US/Central", NOVEMBER, {"size": "1w", "offset": "-1d"}, [("11-07", "11-14", 7), ("11-14", "11-21", 1)]),
        ("US/Central", NOVEMBER[:1], {"size": "2d", "slide": "1d"}, [("11-06", "11-08", 1), ("11-07", "11-09", 1)]),
        # Samoa went without 30 December 2011: it has no window, filled or not
        (
            "Pacific/Apia",
            ["2011-12-29", "2011-12-31"],
            {"size": "1d", "fill": True},
            [("12-29", "12-31", 1), ("12-31", "01-01", 1)],
        ),
    ],
)
def test_windows_of_the_calendar(zone: str, times: list[str], options: dict[str, Any], wanted: list[Any]) -> None:
    found = windows("sliding" if "slide" in options else "tumbling", times, zone, **options)
    assert found == [(f"{start} 00:00", f"{end} 00:00", n) for start, end, n in wanted]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize("size", ["1d", "1w", "1mo", "1y"])
def test_the_first_and_the_last_microsecond_lie_in_a_window_with_those_beside_them(zone: str, size: str) -> None:
    spans = make_spans(Span.parse(size), None, timedelta(days=-1), zone)
    times = np.array([FIRST, FIRST + 1, LAST - 1, LAST])
    ((rows, numbers),) = spans.covering(times)
    assert rows is None
    assert (numbers[0], numbers[2]) == (numbers[1], numbers[3])
    starts, ends = spans.starts(numbers), spans.ends(numbers)
    assert (starts <= times).all()
    assert (starts < ends).all()
    assert (starts[0], ends[3]) == (FIRST, LAST)


@pytest.mark.parametrize("lateness", ["0s", "1m", "1h"])
def test_filled_windows_go_as_far_as_the_time_of_the_stream_whatever_its_lateness(lateness: str) -> None:
    p = Pipeline("p")
    rows = [{"timestamp": EPOCH + timedelta(0, second), "v": second} for second in (1, 12, 155)]
    kept = p.reader("memory", rows=rows, lateness=lateness).filter("where", condition={"v": {"<": 50}})
    found = p.collect(kept.window("tumbling", size="10s", fill=True, aggregate={"n": "count"}))
    assert [row["n"] for row in found] == [1, 1, *[0] * 13]
