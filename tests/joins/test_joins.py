"""Joins against the definition: every pair tried, in plain Python over the whole input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plait.joins import How, JoinError, Layout, core, output_columns, pairs
from plait.joins.latest import LatestJoin
from plait.joins.pairs import Band, PairJoin, SameWindow
from plait.windows import Span, held, make_spans

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIME = pl.Datetime("us", "UTC")
LEFT = {"timestamp": TIME, "key": pl.String, "value": pl.Int64, "only": pl.Float64}
RIGHT = {"timestamp": TIME, "value": pl.Int64, "key": pl.String}
SHAPE = Layout(("key",))
Row = dict[str, Any]
Pair = tuple[Row | None, Row | None]

steps = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["a", "b", None])), max_size=25)
hows = st.sampled_from(list(How))
# Pieces in which the two streams come: how many rows of either side, and whether the frontier is told.
turns = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.booleans()), max_size=20)


def moment(number: int) -> datetime:
    return EPOCH + timedelta(microseconds=number)


def made(drawn: Sequence[tuple[int, str | None]], side: str) -> list[Row]:
    rows, time = [], 0
    for number, (step, key) in enumerate(drawn):
        time += step
        row = {"timestamp": moment(time), "key": key, "value": number}
        rows.append(row | ({"only": number / 2} if side == "left" else {}))
    return rows


def ticks(row: Row) -> int:
    return (row["timestamp"] - EPOCH) // timedelta(microseconds=1)


def result(left: Row | None, right: Row | None, more: Row) -> Row:
    one, other = left or {}, right or {}
    times = [row["timestamp"] for row in (left, right) if row is not None]
    return (
        {"timestamp": max(times), "key": (left or right or {})["key"]}
        | more
        | {"value": one.get("value"), "only": one.get("only"), "value_right": other.get("value")}
        | {"timestamp_left": one.get("timestamp"), "timestamp_right": other.get("timestamp")}
    )


def in_order(pairs: Sequence[tuple[Row | None, Row | None, Row]]) -> list[Row]:
    def order(pair: tuple[Row | None, Row | None, Row]) -> Any:
        left, right, more = pair
        numbers = [(row is None, row["value"] if row else 0) for row in (left, right)]
        return max(ticks(row) for row in (left, right) if row is not None), *numbers, *more.values()

    return [result(*pair) for pair in sorted(pairs, key=order)]


def joined(lefts: list[Row], rights: list[Row], how: How, found: list[tuple[Row, Row, Row]], nothing: Row) -> list[Row]:
    pairs: list[Any] = list(found)
    if how.sides[0]:
        pairs += [(row, None, nothing) for row in lefts if not any(pair[0] is row for pair in found)]
    if how.sides[1]:
        pairs += [(None, row, nothing) for row in rights if not any(pair[1] is row for pair in found)]
    return in_order(pairs)


def run(join: Any, lefts: list[Row], rights: list[Row], turns: Sequence[tuple[int, int, bool]], wait: int) -> list[Row]:
    """Push both streams piece by piece, and hold the join to what it says about its own frontier.

    `wait` is how long a row may wait for a partner: the frontier of the results is no further back.
    """
    out: list[Row] = []
    told_then: list[tuple[int, int]] = []
    waiting = [list(lefts), list(rights)]
    bound = None

    def take(frontier: int | None) -> None:
        nonlocal bound
        frame, told = join.advance(frontier)
        rows = [] if frame is None else frame.to_dicts()
        assert all(bound is None or ticks(row) >= bound for row in rows), "it had said that nothing would follow"
        bound = told
        out.extend(rows)
        if frontier is not None:
            assert frontier - wait <= told <= frontier
            told_then.append((told, len(out)))

    def take_turns() -> None:
        for *counts, tell in turns:
            for side, count in enumerate(counts):
                piece, waiting[side] = waiting[side][:count], waiting[side][count:]
                if piece:
                    join.push(side, pl.DataFrame(piece, schema=(LEFT, RIGHT)[side]))
            if tell and all(waiting):
                take(min(ticks(rows[0]) for rows in waiting))

    few = 1 if len(turns) % 2 else 4
    with patch.object(held, "_FEW", few), patch.object(core, "_FEW_KEYS", few):  # 1: as often as can be
        take_turns()
    for side, rows in enumerate(waiting):
        join.push(side, pl.DataFrame(rows, schema=(LEFT, RIGHT)[side]))
    take(None)
    assert join.held == 0
    for told, count in told_then:
        assert count == sum(ticks(row) < told for row in out), "what was decided had not gone out"
    return out


@given(steps, steps, hows, turns, st.integers(-6, 6), st.integers(0, 6))
def test_interval_join_is_what_the_definition_says(
    one: Any, other: Any, how: How, turns: Any, lower: int, width: int
) -> None:
    lefts, rights = made(one, "left"), made(other, "right")
    found = [
        (left, right, {})
        for left in lefts
        for right in rights
        if left["key"] == right["key"] is not None and lower <= ticks(right) - ticks(left) <= lower + width
    ]
    join = PairJoin(Band(lower, lower + width), how, SHAPE, LEFT, RIGHT)
    wait = 0 if how is How.INNER else max(0, -lower, lower + width)
    assert run(join, lefts, rights, turns, wait) == joined(lefts, rights, how, found, {})


@given(steps, steps, hows, turns, st.integers(1, 6), st.integers(1, 6))
def test_window_join_is_what_the_definition_says(
    one: Any, other: Any, how: How, turns: Any, size: int, slide: int
) -> None:
    lefts, rights = made(one, "left"), made(other, "right")

    def windows(row: Row) -> list[int]:
        return [start for start in range(-12, 120) if start % slide == 0 and start <= ticks(row) < start + size]

    found = [
        (left, right, {"window_start": moment(start), "window_end": moment(start + size)})
        for left in lefts
        for right in rights
        if left["key"] == right["key"] is not None
        for start in windows(left)
        if start in windows(right)
    ]
    shape = Layout(("key",), more=(("window_start", TIME), ("window_end", TIME)))
    join = PairJoin(SameWindow(make_spans(Span(size), Span(slide))), how, shape, LEFT, RIGHT)
    wanted = joined(lefts, rights, how, found, {"window_start": None, "window_end": None})
    assert run(join, lefts, rights, turns, 0 if how is How.INNER else size) == wanted


@given(steps, steps, hows, turns, st.sampled_from([None, 0, 2, 5]))
def test_asof_join_is_what_the_definition_says(
    one: Any, other: Any, how: How, turns: Any, tolerance: int | None
) -> None:
    if how.sides[1] and tolerance is None:
        tolerance = 3
    lefts, rights = made(one, "left"), made(other, "right")
    found = []
    for left in lefts:
        fitting = [r for r in rights if r["key"] == left["key"] is not None and ticks(r) <= ticks(left)]
        if fitting and (tolerance is None or ticks(left) - ticks(fitting[-1]) <= tolerance):
            found.append((left, fitting[-1], {}))
    join = LatestJoin(tolerance, how, SHAPE, LEFT, RIGHT)
    wait = (tolerance or 0) if how.sides[1] else 0
    assert run(join, lefts, rights, turns, wait) == joined(lefts, rights, how, found, {})


def without_names(rows: list[Row], swapped: bool) -> list[tuple[Any, ...]]:
    names = ["value", "value_right", "timestamp_left", "timestamp_right"]
    if swapped:
        names = ["value_right", "value", "timestamp_right", "timestamp_left"]
    return sorted((row["timestamp"], str(row["key"]), *(str(row[name]) for name in names)) for row in rows)


@given(steps, steps, hows, st.integers(-6, 6), st.integers(0, 6))
def test_an_interval_join_the_other_way_round_finds_the_same(
    one: Any, other: Any, how: How, lower: int, width: int
) -> None:
    mirrored = {How.LEFT: How.RIGHT, How.RIGHT: How.LEFT}.get(how, how)
    lefts, rights = made(one, "right"), made(other, "right")
    here = run_same(PairJoin(Band(lower, lower + width), how, SHAPE, RIGHT, RIGHT), lefts, rights)
    there = run_same(PairJoin(Band(-lower - width, -lower), mirrored, SHAPE, RIGHT, RIGHT), rights, lefts)
    assert without_names(here, swapped=False) == without_names(there, swapped=True)


def run_same(join: PairJoin, lefts: list[Row], rights: list[Row]) -> list[Row]:
    join.push(0, pl.DataFrame(lefts, schema=RIGHT))
    join.push(1, pl.DataFrame(rights, schema=RIGHT))
    frame, _ = join.advance(None)
    return [] if frame is None else frame.to_dicts()


def test_no_more_rows_are_held_than_may_still_find_a_partner() -> None:
    join = PairJoin(Band(-5, 5), How.OUTER, SHAPE, LEFT, RIGHT)
    for time in range(0, 1000, 10):
        for side, schema in enumerate((LEFT, RIGHT)):
            join.push(side, pl.DataFrame([{"timestamp": moment(time), "key": "a", "value": 0}], schema=schema))
        join.advance(time)
        assert join.held <= 4
    asof = LatestJoin(None, How.LEFT, SHAPE, LEFT, RIGHT)
    for time in range(0, 1000, 10):
        asof.push(1, pl.DataFrame([{"timestamp": moment(time), "key": "a", "value": 0}], schema=RIGHT))
        asof.advance(time)
        assert asof.held <= 2


def test_too_many_rows_are_refused_with_the_key_that_has_most() -> None:
    join = PairJoin(Band(0, 5), How.INNER, SHAPE, LEFT, RIGHT, most=3)
    rows = [{"timestamp": moment(time), "key": key, "value": 0} for time, key in enumerate("abbb")]
    join.push(0, pl.DataFrame(rows, schema=LEFT))
    with pytest.raises(JoinError, match=r"holds 4 rows .* max_state allows 3; 3 of them are of key='b'"):
        join.advance(0)


def test_a_row_in_ten_thousand_windows_is_joined_in_pieces() -> None:
    with patch.object(pairs, "_AT_ONCE", 15_000):
        join = PairJoin(SameWindow(make_spans(Span(10_000), Span(1))), How.OUTER, SHAPE, LEFT, RIGHT)
        for side, schema in enumerate((LEFT, RIGHT)):
            rows = [{"timestamp": moment(time), "key": "a", "value": 0} for time in (0, 1, 50_000 * (side + 1))]
            join.push(side, pl.DataFrame(rows, schema=schema))
        results, _ = join.advance(None)
    assert results is not None
    assert results.height == 2 * 10_000 + 2 * 9_999 + 2


@pytest.mark.parametrize("by", [("key",), ()])
def test_more_pairs_at_once_than_may_be_held_are_refused_before_they_are_made(by: tuple[str, ...]) -> None:
    made = PairJoin(Band(0, 0), How.INNER, Layout(by), LEFT, RIGHT, most=16)
    for side, schema in enumerate((LEFT, RIGHT)):
        rows = [{"timestamp": moment(5), "key": key, "value": 0} for key in "baaaa"]
        made.push(side, pl.DataFrame(rows, schema=schema))
    total, named = ("17", "; 16 of them are of key='a'") if by else ("25", "")
    with pytest.raises(JoinError, match=f"make {total} pairs, and max_state allows 16{named}$"):
        made.advance(6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda left, right: left.pop("key"), "the left input has no column 'key'"),
        (lambda left, right: right.pop("timestamp"), "the right input has no event time"),
        (
            lambda left, right: right.update(key=pl.Int64()),
            "the key 'key' is text on the left and integer on the right",
        ),
        (lambda left, right: left.update(value_right=pl.Int64()), "two columns 'value_right'.* another suffix="),
        (lambda left, right: left.update(timestamp_left=TIME), "'timestamp_left'.*; drop or rename that of the input"),
    ],
)
def test_what_cannot_be_joined_is_said(change: Callable[[Any, Any], None], message: str) -> None:
    left, right = dict(LEFT), dict(RIGHT)
    change(left, right)
    with pytest.raises(JoinError, match=message):
        output_columns(SHAPE, left, right)


def test_of_the_rows_that_asof_holds_those_that_are_superseded_do_not_count() -> None:
    asof = LatestJoin(None, How.LEFT, SHAPE, LEFT, RIGHT, most=3)
    for time, key in enumerate("aaaaaaab"):
        asof.push(1, pl.DataFrame([{"timestamp": moment(time), "key": key, "value": 0}], schema=RIGHT))
        asof.advance(time + 1)
    asof.push(0, pl.DataFrame([{"timestamp": moment(9), "key": "b", "value": 0} for _ in range(2)], schema=LEFT))
    with pytest.raises(JoinError, match=r"holds 4 rows .* max_state allows 3; 3 of them are of key='b'"):
        asof.advance(9)


def test_results_that_wait_count_as_held() -> None:
    join = PairJoin(Band(0, 5), How.INNER, SHAPE, LEFT, RIGHT, most=7)
    for side, schema in enumerate((LEFT, RIGHT)):
        rows = [{"timestamp": moment(5), "key": "a", "value": place} for place in range(2)]
        join.push(side, pl.DataFrame(rows, schema=schema))
    with pytest.raises(JoinError, match=r"holds 4 rows .* and 4 results that wait .* max_state allows 7"):
        join.advance(5)
    assert join.held == 8


@pytest.mark.parametrize("how", How)
def test_a_key_that_is_null_in_all_rows_of_a_side_is_joined_with_nothing(how: How) -> None:
    for empty in (0, 1):
        schemas = [LEFT, RIGHT]
        schemas[empty] = schemas[empty] | {"key": pl.Null()}
        join = PairJoin(Band(0, 5), how, SHAPE, *schemas)
        for side, schema in enumerate(schemas):
            key = None if side == empty else "a"
            join.push(side, pl.DataFrame([{"timestamp": moment(1), "key": key, "value": side}], schema=schema))
        frame, _ = join.advance(None)
        found = [] if frame is None else [(row["key"], row["value"], row["value_right"]) for row in frame.to_dicts()]
        keys = ["a" if empty else None, None if empty else "a"]
        alone = [(keys[0], 0, None), (keys[1], None, 1)]
        assert found == [row for row, wanted in zip(alone, how.sides, strict=True) if wanted]
        assert frame is None or frame.schema["key"] == pl.String


def test_rows_of_the_last_microsecond_that_there_is_share_its_window() -> None:
    layout = Layout(("key",), more=(("window_start", TIME), ("window_end", TIME)))
    join = PairJoin(SameWindow(make_spans(Span(10))), How.OUTER, layout, LEFT, RIGHT)
    last = datetime.max.replace(tzinfo=UTC)
    found = []
    for side, schema in enumerate((LEFT, RIGHT)):
        join.push(side, pl.DataFrame([{"timestamp": last, "key": "a", "value": side}], schema=schema))
        found.append(join.advance((last - EPOCH) // timedelta(microseconds=1))[0])
    frame, _ = join.advance(None)
    assert found == [None, None]
    assert frame is not None
    assert frame.select("value", "value_right").rows() == [(0, 1)]


def test_small_windows_far_from_1970_find_their_own_rows() -> None:
    shape = Layout(("key",), more=(("window_start", TIME), ("window_end", TIME)))
    join = PairJoin(SameWindow(make_spans(Span(1), Span(1))), How.INNER, shape, LEFT, RIGHT)
    count, time = 20_000, 2**50 - 1
    for side, schema in enumerate((LEFT, RIGHT)):
        table = {"timestamp": [time] * count, "key": map(str, range(count)), "value": range(count)}
        frame = pl.DataFrame({name: list(values) for name, values in table.items()})
        frame = frame.with_columns(pl.col("timestamp").cast(TIME), pl.lit(0.0).alias("only"))
        join.push(side, frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items()))
    frame, _ = join.advance(None)
    assert frame is not None
    assert frame.get_column("value").to_list() == frame.get_column("value_right").to_list() == list(range(count))


def long_streams(text: bool) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return streams of keys that are always new, among them some that come back much later."""
    places = range(3_000)
    frames = []
    for side, schema in enumerate((LEFT, RIGHT)):
        keys = [place % 50 if place % 7 == 0 else place // 2 if place % 13 else None for place in places]
        table = {"timestamp": [place + side for place in places], "key": keys, "value": places, "only": [0.5] * 3_000}
        frame = pl.DataFrame(table, strict=False).with_columns(pl.col("timestamp").cast(TIME))
        frame = frame.with_columns(pl.col("key").cast(pl.String)) if text else frame
        frames.append(frame.select(list(schema)))
    return frames[0], frames[1]


@pytest.mark.parametrize("text", [True, False])
@pytest.mark.parametrize(
    "make",
    [
        lambda *sides: PairJoin(Band(-80, 40), How.OUTER, SHAPE, *sides),
        lambda *sides: LatestJoin(90, How.OUTER, SHAPE, *sides),
        lambda *sides: LatestJoin(None, How.LEFT, SHAPE, *sides),
    ],
)
def test_a_long_stream_of_keys_that_come_and_go_gives_the_same_in_pieces(make: Any, text: bool) -> None:
    sides = long_streams(text)
    found = []
    for size in (3_000, 60):
        join, out = make(*(frame.schema for frame in sides)), []
        for start in range(0, 3_000, size):
            for side, frame in enumerate(sides):
                join.push(side, frame.slice(start, size))
            results, _ = join.advance(start + size)
            out += [] if results is None else [results]
        results, _ = join.advance(None)
        found.append(pl.concat([*out, *([] if results is None else [results])]))
        assert join.held == 0
    assert found[0].height >= 3_000
    assert found[0].equals(found[1])
