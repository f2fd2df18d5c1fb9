"""Windows and sessions against the definition, in plain Python over the whole input."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.windows import AGGREGATES as ALL_AGGREGATES
from plait.windows import Aggregate, AggregateError, Span, groups, held, make_spans
from plait.windows.rolling import Rolling
from plait.windows.sessions import Sessions
from plait.windows.time_windows import TimeWindows

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SCHEMA = {
    "timestamp": pl.Datetime("us", "UTC"),
    "city": pl.String,
    "floor": pl.Int64,
    "temp": pl.Float64,
    "hits": pl.Int64,
    "word": pl.String,
}
AGGREGATES = {
    "readings": Aggregate(function="count"),
    "temps": Aggregate(function="count", of="temp"),
    "total": Aggregate(function="sum", of="temp"),
    "hits": Aggregate(function="sum", of="hits"),
    "mean": Aggregate(function="mean", of="temp"),
    "hits_mean": Aggregate(function="mean", of="hits"),
    "least": Aggregate(function="min", of="temp"),
    "greatest": Aggregate(function="max", of="temp"),
    "a": Aggregate(function="min", of="word"),
    "z": Aggregate(function="max", of="word"),
    "opened": Aggregate(function="first", of="word"),
    "closed": Aggregate(function="last", of="temp"),
    "median": Aggregate(function="median", of="hits"),
    "p90": Aggregate(function="quantile", of="temp", q=0.9),
    "words": Aggregate(function="distinct", of="word"),
    "all": Aggregate(function="collect", of="hits", most=3),
    "times": Aggregate(function="count_by", of="word", most=2),
}
ALL = set(ALL_AGGREGATES)
TIME_ONLY = {"timestamp": pl.Datetime("us", "UTC")}
Row = dict[str, Any]


def micros(value: datetime) -> int:
    return (value - EPOCH) // timedelta(microseconds=1)


def moment(number: int) -> datetime:
    return EPOCH + timedelta(microseconds=number)


def present(rows: Sequence[Row], name: str) -> list[Any]:
    return [row[name] for row in rows if row[name] is not None]


def in_order(values: Sequence[float]) -> list[float]:
    return sorted(values, key=lambda value: (math.isnan(value), value))


def total(values: Sequence[float]) -> float | None:
    if not values:
        return None
    result = 0.0
    for value in values:
        result += value
    return result


def quantile(values: Sequence[float], q: float) -> float | None:
    if not values:
        return None
    ordered = [float(value) for value in in_order(values)]
    place = (len(ordered) - 1) * q
    below = math.floor(place)
    low, high = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
    return low if place == below or low == high else low + (place - below) * (high - low)


def expected(rows: Sequence[Row]) -> Row:
    temps, hits, words = (present(rows, name) for name in ("temp", "hits", "word"))
    hit_sum = sum(hits) if hits and -(2**63) <= sum(hits) < 2**63 else None
    return {
        "readings": len(rows),
        "temps": len(temps),
        "total": total(temps),
        "hits": hit_sum,
        "mean": (total(temps) or 0.0) / len(temps) if temps else None,
        "hits_mean": sum(hits) / len(hits) if hits else None,
        "least": in_order(temps)[0] if temps else None,
        "greatest": in_order(temps)[-1] if temps else None,
        "a": min(words, default=None),
        "z": max(words, default=None),
        "opened": words[0] if words else None,
        "closed": temps[-1] if temps else None,
        "median": quantile(hits, 0.5),
        "p90": quantile(temps, 0.9),
        "words": len(set(words)),
        "all": hits[:3] if hits else None,
        "times": [{"value": w, "count": c} for w, c in list(Counter(words).items())[:2]] if words else None,
    }


def key_order(key: Sequence[Any]) -> list[tuple[bool, Any]]:
    return [(value is not None, value if value is not None else "") for value in key]


def results(found: dict[tuple[int, int, tuple[Any, ...]], list[Row]], by: Sequence[str]) -> list[Row]:
    """Return what is to come out, in order of end, start and key."""
    ordered = sorted(found, key=lambda group: (group[1], group[0], key_order(group[2])))
    return [
        {"timestamp": moment(end), "window_start": moment(start), "window_end": moment(end)}
        | dict(zip(by, key, strict=True))
        | expected(found[start, end, key])
        for start, end, key in ordered
    ]


def windowed(rows: Sequence[Row], size: int, slide: int, offset: int, by: Sequence[str]) -> list[Row]:
    found: dict[tuple[int, int, tuple[Any, ...]], list[Row]] = {}
    for row in rows:
        time = micros(row["timestamp"])
        start = (time - offset) // slide * slide + offset
        while start + size > time:
            found.setdefault((start, start + size, tuple(row[name] for name in by)), []).append(row)
            start -= slide
    return results(found, by)


def sessions(rows: Sequence[Row], gap: int, by: Sequence[str]) -> list[Row]:
    found: dict[tuple[int, int, tuple[Any, ...]], list[Row]] = {}
    for key in {tuple(row[name] for name in by) for row in rows}:
        session: list[Row] = []
        for row in [*(row for row in rows if tuple(row[name] for name in by) == key), None]:
            if session and (row is None or micros(row["timestamp"]) - micros(session[-1]["timestamp"]) > gap):
                found[micros(session[0]["timestamp"]), micros(session[-1]["timestamp"]) + gap, key] = session
                session = []
            if row is not None:
                session.append(row)
    return results(found, by)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    return bool(one == other)


def assert_same(found: list[Row], wanted: list[Row]) -> None:
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert one.keys() == other.keys()
        assert [name for name in one if not same(one[name], other[name])] == [], (one, other)


floats = st.one_of(st.none(), st.integers(-50, 50).map(lambda n: n / 4), st.floats(-1e9, 1e9), st.just(math.nan))
rows_strategy = st.lists(
    st.builds(
        lambda step, city, floor, temp, hits, word: (step, city, floor, temp, hits, word),
        st.integers(0, 9),
        st.sampled_from(["a", "b", None]),
        st.sampled_from([1, -2, None]),
        floats,
        st.one_of(st.none(), st.integers(-9, 9), st.integers(-(2**63), 2**63 - 1)),
        st.sampled_from([None, "x", "é", "zz", "", "Z"]),
    ),
    max_size=60,
)


def made(drawn: Sequence[Any], start: int) -> list[Row]:
    rows, time = [], start
    for step, *others in drawn:
        time += step
        rows.append(dict(zip(SCHEMA, [moment(time), *others], strict=True)))
    return rows


def cut(rows: Sequence[Row], cuts: Sequence[int]) -> Iterator[pl.DataFrame]:
    edges = sorted({0, len(rows), *(cut % (len(rows) + 1) for cut in cuts)})
    for start, end in pairwise(edges):
        yield pl.DataFrame(rows[start:end], schema=SCHEMA)


def run(operator: Any, frames: Iterator[pl.DataFrame], wanted: list[Row] | None = None) -> list[Row]:
    """Push frame after frame; with `wanted`, see to it that what is complete goes out at once."""
    out: list[Row] = []
    is_session = isinstance(operator, Sessions)
    for frame in frames:
        operator.push(frame)
        frontier = micros(frame["timestamp"].max())  # type: ignore[arg-type]
        for result in operator.advance(frontier):
            assert all(row["timestamp"] <= moment(frontier) for row in result.to_dicts())
            out += result.to_dicts()
        if wanted is not None:  # at the very end of a session a row may still come that belongs to it
            last = moment(frontier - is_session)
            assert len(out) == sum(row["window_end"] <= last for row in wanted)
    for result in operator.end():
        out += result.to_dicts()
    assert operator.groups == 0
    return out


@settings(max_examples=60, deadline=None)
@given(
    rows_strategy,
    st.lists(st.integers(0, 100), max_size=5),
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(-5, 5),
    st.sampled_from([[], ["city"], ["floor", "city"]]),
    st.integers(-200, 10),
)
def test_windows_are_what_the_definition_says(
    drawn: list[Any], cuts: list[int], size: int, slide: int, offset: int, by: list[str], start: int
) -> None:
    rows = made(drawn, start)
    spans = make_spans(Span(size), Span(slide), timedelta(microseconds=offset))
    operator = TimeWindows(spans, by, AGGREGATES, SCHEMA)
    wanted = windowed(rows, size, slide, offset, by)
    assert_same(run(operator, cut(rows, cuts), wanted), wanted)


@settings(max_examples=60, deadline=None)
@given(
    rows_strategy,
    st.lists(st.integers(0, 100), max_size=5),
    st.integers(1, 12),
    st.integers(1, 12),
    st.sampled_from([[], ["city"]]),
)
def test_filled_windows_are_those_of_each_key_from_its_first_to_the_last_of_the_stream(
    drawn: list[Any], cuts: list[int], size: int, slide: int, by: list[str]
) -> None:
    rows = made(drawn, 0)
    operator = TimeWindows(make_spans(Span(size), Span(slide)), by, AGGREGATES, SCHEMA, fill=True)
    length = timedelta(microseconds=size)
    with_rows = windowed(rows, size, slide, 0, by)
    first: dict[tuple[Any, ...], datetime] = {}
    for row in with_rows:
        key = tuple(row[name] for name in by)
        first[key] = min(first.get(key, row["window_start"]), row["window_start"])
    there = {(row["window_start"], *(row[name] for name in by)) for row in with_rows}
    empty: dict[tuple[int, int, tuple[Any, ...]], list[Row]] = {}
    for key, start in first.items():
        while start <= with_rows[-1]["window_start"] or start + length <= rows[-1]["timestamp"]:
            if (start, *key) not in there:
                empty[micros(start), micros(start) + size, key] = []
            start += timedelta(microseconds=slide)
    wanted = sorted(
        [*with_rows, *results(empty, by)],
        key=lambda row: (row["window_end"], row["window_start"], key_order([row[name] for name in by])),
    )
    assert_same(run(operator, cut(rows, cuts)), wanted)


ZONES = [
    "America/St_Johns",
    "UTC",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "America/Havana",
    "Asia/Kathmandu",
    "Pacific/Apia",
]


def first_of_day(day: date, offset: timedelta, zone: ZoneInfo) -> int:
    """Return when a clock there first shows the midnight (moved by the offset), or would, if it is skipped."""
    return micros((datetime(day.year, day.month, day.day) + offset).replace(tzinfo=zone).astimezone(UTC))


@given(
    st.lists(st.datetimes(datetime(1962, 1, 1), datetime(2035, 1, 1)), min_size=1, max_size=20),
    st.sampled_from(ZONES),
    st.sampled_from(["1d", "1w", "1mo", "1y", "3mo"]),
    st.integers(-6, 6).map(lambda hours: timedelta(hours=hours)),
)
def test_days_weeks_and_months_begin_as_the_calendar_of_the_zone_has_them(
    moments: list[datetime], name: str, size: str, offset: timedelta
) -> None:
    zone = ZoneInfo(name)
    windows = make_spans(Span.parse(size), None, offset, name)
    times = np.array(sorted(micros(moment.replace(tzinfo=UTC)) for moment in moments))
    for time, number in zip(times.tolist(), windows.numbers(times).tolist(), strict=True):
        day = (moment(time).astimezone(zone).replace(tzinfo=None) - offset).date()
        months = {"1mo": 1, "3mo": 3, "1y": 12}.get(size)
        if months is not None:
            first = day.replace(day=1, month=(day.month - 1) // months * months + 1)
            after = first + timedelta(days=31 * months - months // 2)
            after = after.replace(day=1)
        else:
            first = day - timedelta(days=day.weekday() if size == "1w" else 0)
            after = first + timedelta(days=7 if size == "1w" else 1)
        assert windows.starts(np.array([number]))[0] == first_of_day(first, offset, zone)
        assert windows.ends(np.array([number]))[0] == first_of_day(after, offset, zone)
        assert windows.ends(np.array([number - 1]))[0] == windows.starts(np.array([number]))[0]


def test_a_day_has_23_hours_when_clocks_are_put_forward() -> None:
    days = make_spans(Span.parse("1d"), zone="Europe/Berlin")
    noon = np.array([micros(datetime(2024, 3, 31, 12, tzinfo=UTC))])
    start, end = days.starts(days.numbers(noon))[0], days.ends(days.numbers(noon))[0]
    assert (moment(int(start)), moment(int(end))) == (
        datetime(2024, 3, 30, 23, tzinfo=UTC),
        datetime(2024, 3, 31, 22, tzinfo=UTC),
    )


@pytest.mark.parametrize(("size", "slide"), [("1d", "1h"), ("1mo", "1d"), ("24h", "1d"), ("7d", "1w")])
def test_spans_that_do_not_go_together_are_refused(size: str, slide: str) -> None:
    with pytest.raises(ValueError, match=f"a window of {size} cannot begin every {slide}"):
        make_spans(Span.parse(size), Span.parse(slide), zone="Europe/Berlin")


@pytest.mark.parametrize("text", ["", "0s", "d", "-1h", "1 d", "0mo", "1mo2d"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration|is no time at all"):
        Span.parse(text)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), max_size=60),
    st.lists(st.integers(0, 100), max_size=8),
    st.sampled_from([["word"], ["hits"], ["word", "hits"]]),
)
def test_keys_that_are_gone_are_forgotten_and_come_back_as_others(
    drawn: list[tuple[int, int]], cuts: list[int], by: list[str]
) -> None:
    words = [None, *"abcdefghij"]
    rows = made([(step, "a", 1, n / 2, n, words[n % 11]) for step, n in drawn], 0)
    # As often as can be; and results go out two at a time.
    with patch.object(groups, "_LEAST", -1000), patch.object(groups, "_AT_ONCE", 2):
        windows = TimeWindows(make_spans(Span(4), Span(2)), by, AGGREGATES, SCHEMA)
        assert_same(run(windows, cut(rows, cuts)), windowed(rows, 4, 2, 0, by))
        assert_same(run(Sessions(2, by, AGGREGATES, SCHEMA), cut(rows, cuts)), sessions(rows, 2, by))


def test_too_many_groups_are_refused_with_the_key() -> None:
    windows = TimeWindows(make_spans(Span(10)), ["city"], {"n": Aggregate(function="count")}, SCHEMA, most=2)
    rows = [{"timestamp": moment(1), "city": city} for city in "abc"]
    with pytest.raises(AggregateError, match=r"holds 2 groups, and max_state allows no more.*city='c'"):
        windows.push(pl.DataFrame(rows, schema=SCHEMA))


@pytest.mark.parametrize("open_windows", [TimeWindows, Sessions])
def test_too_many_values_are_refused_with_the_key_that_has_most(open_windows: Any) -> None:
    values = {name: Aggregate(function=name, of="hits") for name in ("median", "distinct")}
    span = make_spans(Span(10)) if open_windows is TimeWindows else 5
    windows = open_windows(span, ["city"], {"n": Aggregate(function="count"), **values}, SCHEMA, most=9)
    rows = [{"timestamp": moment(1), "city": city, "hits": 1} for city in "abbb"]
    windows.push(pl.DataFrame(rows, schema=SCHEMA))
    with pytest.raises(AggregateError, match=r"holds 16 values .* max_state allows 9; 12 of them are of city='b'"):
        windows.push(pl.DataFrame(rows, schema=SCHEMA))


@settings(max_examples=60, deadline=None)
@given(
    rows_strategy,
    st.lists(st.integers(0, 100), max_size=5),
    st.integers(0, 12),
    st.sampled_from([[], ["city"], ["floor", "city"]]),
)
def test_sessions_are_what_the_definition_says(drawn: list[Any], cuts: list[int], gap: int, by: list[str]) -> None:
    rows = made(drawn, 0)
    wanted = sessions(rows, gap, by)
    assert_same(run(Sessions(gap, by, AGGREGATES, SCHEMA), cut(rows, cuts), wanted), wanted)


@settings(max_examples=60, deadline=None)
@given(
    rows_strategy,
    st.lists(st.integers(0, 100), max_size=5),
    st.one_of(st.tuples(st.integers(1, 6), st.none()), st.tuples(st.none(), st.integers(1, 9))),
    st.sampled_from([[], ["city"], ["floor", "city"]]),
    st.sampled_from([0, -100]),
)
def test_rolling_aggregates_are_those_of_the_last_rows(
    drawn: list[Any], cuts: list[int], window: tuple[int | None, int | None], by: list[str], start: int
) -> None:
    count, duration = window
    rows = made(drawn, start)
    aggregates = {f"new {name}": aggregate for name, aggregate in AGGREGATES.items()}
    rolling = Rolling(count, duration, by, aggregates, SCHEMA)
    few = 1 if len(cuts) % 2 else 4
    with patch.object(held, "_FEW", few), patch("plait.windows.rolling._FEW_KEYS", 25 * few - 125):
        found = [row for frame in cut(rows, cuts) for row in rolling.push(frame).to_dicts()]
    wanted = []
    for place, row in enumerate(rows):
        before = [other for other in rows[: place + 1] if all(other[name] == row[name] for name in by)]
        last = before[-count:] if count else before
        if duration:
            last = [other for other in before if micros(other["timestamp"]) > micros(row["timestamp"]) - duration]
        wanted.append(row | {f"new {name}": value for name, value in expected(last).items()})
    assert_same(found, wanted)


def test_rolling_holds_no_more_rows_than_may_be_asked_for() -> None:
    aggregates = {"n": Aggregate(function="count")}
    last = Rolling(3, None, ["city"], aggregates, SCHEMA)
    stretch = Rolling(None, 10, ["city"], aggregates, SCHEMA)
    for time in range(0, 2_000, 5):
        frame = pl.DataFrame([{"timestamp": moment(time), "city": "ab"[time % 2]}], schema=SCHEMA)
        for rolling in (last, stretch):
            rolling.push(frame)
        assert last.held <= 4
        assert stretch.held <= 2


@given(
    st.lists(st.datetimes(datetime(1962, 1, 1), datetime(2035, 1, 1)), min_size=1, max_size=20),
    st.sampled_from([*ZONES, "America/New_York", "Australia/Lord_Howe"]),
    st.sampled_from([("1d", None), ("1w", None), ("1mo", None), ("7d", "1d"), ("2mo", "1mo"), ("1d", "2d")]),
    st.integers(0, 300).map(lambda minutes: timedelta(minutes=minutes)),
    st.booleans(),
)
def test_each_time_lies_in_the_windows_that_cover_it(
    moments: list[datetime], name: str, lengths: tuple[str, str | None], offset: timedelta, at_a_change: bool
) -> None:
    if at_a_change:  # a minute of the hours in which clocks are put back, or forward, there
        days = [(2010, 11, 7, 3), (2024, 11, 3, 6), (2024, 10, 27, 0), (2024, 3, 31, 0), (2024, 3, 10, 6)]
        moments = [datetime(*days[m.second % 5]) + timedelta(minutes=m.minute * 3) for m in moments]
    size, slide = (Span.parse(text) if text else None for text in lengths)
    assert size is not None
    windows = make_spans(size, slide, offset, name)
    times = np.array(sorted(micros(moment.replace(tzinfo=UTC)) for moment in moments))
    found: dict[int, set[int]] = {place: set() for place in range(len(times))}
    for rows, numbers in windows.covering(times):
        for place, number in zip(range(len(times)) if rows is None else rows.tolist(), numbers.tolist(), strict=True):
            found[place].add(number)
    near = np.arange(windows.numbers(times[:1])[0] - 100, windows.numbers(times[-1:])[0] + 3)
    edges = zip(near.tolist(), windows.starts(near).tolist(), windows.ends(near).tolist(), strict=True)
    covering = [(number, start, end) for number, start, end in edges]
    for place, time in enumerate(times.tolist()):
        assert found[place] == {number for number, start, end in covering if start <= time < end}


def test_windows_may_be_as_far_apart_as_times_can_be() -> None:
    times = [
        micros(datetime(1, 1, 1, tzinfo=UTC)),
        0,
        micros(datetime(2024, 1, 1, tzinfo=UTC)),
        253_402_300_799_999_999,
    ]
    rows = [{"timestamp": moment(time), "city": "a", "word": str(time)} for time in times]
    for cuts in ([], [1, 2, 3]):
        operator = TimeWindows(make_spans(Span(1)), ["city"], {"n": Aggregate(function="count")}, SCHEMA)
        out = run(operator, cut(rows, cuts))
        assert [(row["window_start"], row["n"]) for row in out] == [(moment(time), 1) for time in times]
    gap = 10**15
    assert [row["n"] for row in run(Sessions(gap, [], {"n": Aggregate(function="count")}, SCHEMA), cut(rows, []))] == [
        1
    ] * 4


@pytest.mark.parametrize("function", sorted(ALL - {"quantile"}))
@pytest.mark.parametrize("of", ["nothing", "1", "NULL", "1.5"])
def test_what_is_constant_or_null_in_every_row_is_aggregated_too(function: str, of: str) -> None:
    schema = {"timestamp": pl.Datetime("us", "UTC"), "nothing": pl.Null}
    frame = pl.DataFrame([{"timestamp": moment(time), "nothing": None} for time in (1, 2, 12)], schema=schema)
    aggregates = {"found": Aggregate(function=function, of=of)}
    windows = TimeWindows(make_spans(Span(10)), [], aggregates, schema)
    windows.push(frame)
    (result,) = windows.end()
    found = result["found"].to_list()
    if of in ("nothing", "NULL"):
        assert found == [0 if function in ("count", "distinct") else None] * 2
    else:
        assert found[0] is not None
    assert Rolling(2, None, [], aggregates, schema).push(frame).height == 3


@pytest.mark.parametrize(
    ("function", "values", "wanted"),
    [
        *[(name, [-0.0, None, -0.0], 0.0) for name in ("sum", "mean", "min", "max", "first", "last", "median")],
        ("collect", [-0.0, 1.0], [0.0, 1.0]),
        ("count_by", [0.0, -0.0], [{"value": 0.0, "count": 2}]),
        ("distinct", [-0.0, 0.0, math.nan, -math.nan], 2),
        ("mean", [-5e-324, 0.0], 0.0),
        ("variance", [1e200, 2e200], math.inf),
        ("variance", [1.0, math.inf], math.nan),
        ("variance", [0.0] + [1e152] * 999, 1e301),
        ("variance", [7000000000005.0, 7000000000007.0], 2.0),
        ("min", [math.inf, math.nan], math.inf),
        ("max", [-math.inf], -math.inf),
    ],
)
def test_aggregates_of_odd_numbers(function: str, values: list[float | None], wanted: Any) -> None:
    schema = {"timestamp": pl.Datetime("us", "UTC"), "x": pl.Float64}
    windows = TimeWindows(make_spans(Span(10)), [], {"found": Aggregate(function=function, of="x")}, schema)
    windows.push(pl.DataFrame([{"timestamp": moment(1), "x": value} for value in values], schema=schema))
    (result,) = windows.end()
    found = result["found"].to_list()[0]
    assert repr(found) == repr(wanted) or math.isclose(found, wanted, rel_tol=1e-9)


@pytest.mark.parametrize("function", sorted(ALL - {"quantile"}))
@pytest.mark.parametrize("kinds", [(pl.Null, pl.Float64), (pl.Float64, pl.Null, pl.Float64), (pl.Int64, pl.Float64)])
def test_nulls_may_get_a_type_and_integers_become_floats(function: str, kinds: Sequence[Any]) -> None:
    columns = [pl.Series([None] * 2 if kind == pl.Null else [place, 7], dtype=kind) for place, kind in enumerate(kinds)]
    frames = [pl.DataFrame({"timestamp": [moment(1)] * 2, "x": x}, schema_overrides=TIME_ONLY) for x in columns]
    aggregates = {"found": Aggregate(function=function, of="x")}
    windows = TimeWindows(make_spans(Span(10)), [], aggregates, frames[0].schema)
    rolling = Rolling(100, None, [], aggregates, frames[0].schema)
    whole = Rolling(100, None, [], aggregates, frames[-1].schema).push(
        pl.concat(frame.cast({"x": pl.Float64}) for frame in frames)
    )
    for frame in frames:
        windows.push(frame)
    (result,) = windows.end()
    found = [value for frame in frames for value in rolling.push(frame)["found"].to_list()]
    assert found == whole["found"].to_list()
    assert result["found"].to_list() == found[-1:]
    assert result["found"].dtype == whole["found"].dtype
    if function not in ("count", "sum", "mean", "variance", "stddev", "median"):
        texts = frames[-1].cast({"x": pl.String})
        for gathering in (windows, rolling):
            with pytest.raises(AggregateError, match="have changed their types"):
                gathering.push(texts)


@pytest.mark.parametrize("values", [["b", None, "a", "b"], [7, None, 7, 2], [0.5, None, 1.0, 0.5]])
@pytest.mark.parametrize("by", [["key"], ["key", "other"]])
def test_a_key_that_was_null_in_every_row_may_get_a_type(by: list[str], values: list[Any]) -> None:
    rows = [{"timestamp": moment(place), "key": key, "other": 1} for place, key in enumerate([None, None, *values])]
    blocks = [pl.DataFrame(part, schema_overrides=TIME_ONLY) for part in (rows[:2], rows[2:4], rows[4:])]
    whole = pl.concat(block.cast({"key": blocks[-1]["key"].dtype}) for block in blocks)
    counted = {"n": Aggregate(function="count")}
    found = []
    for parts in (blocks, [whole]):
        windows = TimeWindows(make_spans(Span(100)), by, counted, parts[0].schema)
        sessions = Sessions(100, by, counted, parts[0].schema)
        rolling = Rolling(9, None, by, counted, parts[0].schema)
        rolled = []
        for part in parts:
            windows.push(part)
            sessions.push(part)
            rolled += rolling.push(part)["n"].to_list()
        found.append([rolled, *(frame.rows() for store in (windows, sessions) for frame in store.end())])
    assert found[0] == found[1]


def test_a_key_that_changes_its_type_is_refused() -> None:
    schema = {"timestamp": pl.Datetime("us", "UTC"), "id": pl.Int64}
    windows = TimeWindows(make_spans(Span(10)), ["id"], {"n": Aggregate(function="count")}, schema)
    windows.push(pl.DataFrame([{"timestamp": moment(1), "id": 1}], schema=schema))
    with pytest.raises(AggregateError, match="the key 'id' is Float64, and was Int64 before"):
        windows.push(pl.DataFrame([{"timestamp": moment(2), "id": 1.5}], schema=schema | {"id": pl.Float64}))


def test_times_as_keys_are_told_apart_to_the_nanosecond_and_in_the_repeated_hour() -> None:
    instants = [datetime(2024, 10, 27, hour, 30, tzinfo=UTC) for hour in (0, 1)]
    for column in (
        pl.Series(instants).cast(pl.Datetime("us", "Europe/Berlin")),
        pl.Series([1, 2]).cast(pl.Datetime("ns")),
    ):
        frame = pl.DataFrame({"timestamp": [moment(1), moment(2)], "key": column}, schema_overrides=TIME_ONLY)
        windows = TimeWindows(make_spans(Span(10)), ["key"], {"n": Aggregate(function="count")}, frame.schema)
        windows.push(frame)
        (result,) = windows.end()
        assert result["key"].equals(column)
        assert result["n"].to_list() == [1, 1]


def test_collect_keeps_no_more_values_than_it_gives() -> None:
    kept = Aggregate(function="collect", of="hits", most=3).start(SCHEMA)
    kept.grow(2)
    for start in range(0, 1000, 10):
        kept.add(np.array([0, 1] * 5), pl.Series(range(start, start + 10)))
    assert sum(block.height for block in kept._blocks) == 6  # type: ignore[attr-defined]
    assert kept.take(np.array([0, 1])).to_list() == [[0, 2, 4], [1, 3, 5]]
