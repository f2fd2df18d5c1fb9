"""Joins in pipelines: on both engines the same, and what the definition says, whatever comes late."""

from __future__ import annotations

import csv
import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plait import Pipeline
from plait.engines import Control
from plait.errors import SpecError

START = datetime(2010, 1, 1, tzinfo=UTC)
Drawn = list[tuple[int, str, int]]
streams = st.lists(st.tuples(st.integers(0, 40), st.sampled_from("ab"), st.integers(-9, 9)), max_size=15)


def moment(ticks: int) -> str:
    return (START + timedelta(seconds=ticks)).strftime("%Y-%m-%dT%H:%M:%SZ")


def write(path: Path, rows: Drawn) -> str:
    with path.open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["timestamp", "key", "value"])
        out.writerows([moment(ticks), key, value] for ticks, key, value in rows)
    return str(path)


def in_time(rows: Drawn, lateness: int) -> Drawn:
    """Return the rows that are not late, in order of time."""
    kept: Drawn = []
    for row in rows:
        if row[0] >= max((ticks for ticks, _, _ in kept), default=row[0]) - lateness:
            kept.append(row)
    return sorted(kept, key=lambda row: row[0])


Bounds = tuple[int, int, bool, bool]
"""The least and the most, and whether each is excluded itself."""


def is_near(apart: int, bounds: Bounds) -> bool:
    lower, upper, not_lower, not_upper = bounds
    return (lower < apart if not_lower else lower <= apart) and (apart < upper if not_upper else apart <= upper)


def interval(lefts: Drawn, rights: Drawn, bounds: Bounds, how: str) -> list[list[Any]]:
    pairs: list[tuple[int | None, int | None]] = [
        (i, j)
        for i, left in enumerate(lefts)
        for j, right in enumerate(rights)
        if left[1] == right[1] and is_near(right[0] - left[0], bounds)
    ]
    if how in ("left", "outer"):
        pairs += [(i, None) for i in range(len(lefts)) if not any(pair[0] == i for pair in pairs)]
    if how in ("right", "outer"):
        pairs += [(None, j) for j in range(len(rights)) if not any(pair[1] == j for pair in pairs)]
    rows = []
    for i, j in pairs:
        both = [lefts[i] if i is not None else None, rights[j] if j is not None else None]
        there = [row for row in both if row is not None]
        values = [row[2] if row else None for row in both] + [moment(row[0]) if row else None for row in both]
        order = (max(row[0] for row in there), i is None, i, j is None, j)
        rows.append((order, [moment(order[0]), there[0][1], *values]))
    return [row for _, row in sorted(rows, key=lambda found: [-1 if part is None else part for part in found[0]])]


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    streams,
    streams,
    st.sampled_from([0, 3]),
    st.sampled_from([(0, 0), (-3, 2), (1, 5)]),
    st.tuples(st.booleans(), st.booleans()),
    st.sampled_from(["inner", "left", "right", "outer"]),
)
@pytest.mark.processes
def test_both_engines_say_what_the_definition_says(
    one: Drawn, other: Drawn, lateness: int, bounds: tuple[int, int], excluded: tuple[bool, bool], how: str
) -> None:
    lower, upper = bounds
    not_lower, not_upper = excluded if lower < upper else (False, False)
    limits = {"lower": f"{lower}s", "upper": f"{upper}s", "lower_exclusive": not_lower, "upper_exclusive": not_upper}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        p = Pipeline("p", base=folder, dead_letters="dead.jsonl")
        options: dict[str, Any] = {"schema": {"key": "text", "value": "integer"}, "lateness": f"{lateness}s"}
        left, right = (
            p.reader("csv", name=side, path=write(folder / f"{side}.csv", rows), **options)
            for side, rows in (("one", one), ("other", other))
        )
        joined = left.join("interval", right, name="j", by="key", how=how, **limits)
        joined.writer("jsonl", path="out.jsonl")
        outputs = []
        for engine in ("serial", "local"):
            report = p.run(engine=engine)
            assert report.imbalances == ()
            outputs.append((folder / "out.jsonl").read_text())
        found = [list(json.loads(line).values()) for line in outputs[0].splitlines()]
        near = (lower, upper, not_lower, not_upper)
        assert found == interval(in_time(one, lateness), in_time(other, lateness), near, how)
        assert outputs[0] == outputs[1]


def two(**options: Any) -> tuple[Pipeline, Any, Any]:
    p = Pipeline("p", **options)
    left = p.reader(
        "memory", name="trades", rows=[{"timestamp": moment(t), "key": "a", "price": t} for t in (1, 5, 90)]
    )
    right = p.reader("memory", name="quotes", rows=[{"timestamp": moment(t), "key": "a", "bid": t} for t in (0, 4, 4)])
    return p, left, right


def test_asof_takes_the_latest_at_or_before() -> None:
    p, trades, quotes = two()
    rows = p.collect(trades.join("asof", quotes, by="key", tolerance="1m", how="left"))
    assert [(row["price"], row["bid"]) for row in rows] == [(1, 0), (5, 4), (90, None)]


def test_window_join_pairs_what_is_in_one_window() -> None:
    p, trades, quotes = two()
    rows = p.collect(trades.join("window", quotes, by="key", size="4s"))
    assert [(row["price"], row["bid"]) for row in rows] == [(1, 0), (5, 4), (5, 4)]


@pytest.mark.parametrize(
    ("variant", "options", "message"),
    [
        ("interval", {"lower": "2s", "upper": "1s"}, "lower: it is more than upper"),
        ("interval", {"lower": "1s", "upper": "1s", "upper_exclusive": True}, "upper: nothing lies between lower and"),
        ("interval", {"lower": "-2s", "upper": "1s", "by": "kye"}, "the left input has no column 'kye'.*'key'"),
        ("interval", {"lower": "0s", "upper": "1s", "how": "cross"}, "how"),
        ("asof", {"how": "outer"}, "needs tolerance="),
        ("asof", {"tolerance": "99999999999h"}, "tolerance: .* is longer than all time"),
        ("interval", {"lower": "-99999999999h", "upper": "1s"}, "lower: .* is longer than all time"),
        ("interval", {"lower": "0s", "upper": "1s", "by": ["key", "key"]}, "by: 'key' is named twice"),
        ("window", {"size": "1h", "slide": "1us"}, "each row would be in 3,600,000,000 windows"),
        ("window", {"size": "1mo", "slide": "1h"}, "a window of 1mo cannot begin every 1h"),
        ("interval", {"lower": "0s", "upper": "1s", "by": "timestamp"}, "the time is no key"),
    ],
)
def test_mistakes_are_told_before_anything_runs(variant: str, options: dict[str, Any], message: str) -> None:
    p, trades, quotes = two()
    with pytest.raises(SpecError, match=message):
        p.collect(trades.join(variant, quotes, **options))


def test_a_side_without_rows_is_joined_with_nothing(tmp_path: Path) -> None:
    p = Pipeline("p", base=tmp_path)
    (tmp_path / "one.jsonl").write_text(json.dumps({"timestamp": moment(1), "key": "a", "x": 1}) + "\n")
    (tmp_path / "other.jsonl").write_text("")
    left, right = (p.reader("jsonl", path=f"{name}.jsonl") for name in ("one", "other"))
    rows = p.collect(left.join("interval", right, by="key", lower="0s", upper="1s", how="outer"))
    assert [(row["x"], row["timestamp_right"]) for row in rows] == [(1, None)]


@pytest.mark.parametrize("time", ["timestamp", "at"])
def test_a_side_without_rows_has_the_columns_that_its_schema_says(time: str, tmp_path: Path) -> None:
    row = {time: moment(1), "key": "a", "value": 1}
    for name, lines in (("none", []), ("one", [json.dumps(row)])):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
    p, schema = Pipeline("p", base=tmp_path), {time: "time", "value": "integer", "key": "text"}
    none, one = (p.reader("jsonl", path=f"{name}.jsonl", timestamp=time, schema=schema) for name in ("none", "one"))
    joined = none.join("interval", one, lower="0s", upper="0s", by="key", how="right")
    (found,) = p.collect(joined.derive("columns", set={"more": "value_right + 1"}))
    assert (found["key"], found["value"], found["value_right"], found["more"]) == ("a", None, 1, 2)


def test_as_scl_and_back(tmp_path: Path) -> None:
    text = """pipeline=p()
reader=csv(name=a path="a.csv")
reader=csv(name=b path="b.csv")
join=interval(name=i from=[a b] by=id lower="-1m30s" upper=2s upper_exclusive=yes how=left suffix="_b" max_state=5)
join=asof(name=s from=[a b] by=[id "x"] tolerance=1m)
join=window(name=w from=[b a] size=1mo how=outer)
"""
    (tmp_path / "p.scl").write_text(text)
    p = Pipeline.load(tmp_path / "p.scl")
    (tmp_path / "again.scl").write_text(p.to_scl())
    assert Pipeline.load(tmp_path / "again.scl").spec == p.spec


@pytest.mark.parametrize("inputs", ["", " from=[a]", " from=[a a]", " from=[a b c]"])
def test_a_join_reads_from_two_stages(inputs: str, tmp_path: Path) -> None:
    readers = "".join(f'reader=csv(name={name} path="{name}.csv")\n' for name in "abc")
    (tmp_path / "p.scl").write_text(f"{readers}join=asof(name=j{inputs})\n")
    with pytest.raises(Exception, match="a join reads from two stages: from="):
        Pipeline.load(tmp_path / "p.scl")


def test_a_join_with_itself_says_what_helps_and_that_helps() -> None:
    p, trades, _ = two()
    with pytest.raises(SpecError, match="both are 'trades': put a select or a rename between"):
        p.collect(trades.join("interval", trades, by="key", lower="0s", upper="5s"))
    p, trades, _ = two()
    same = trades.select("columns", keep=["timestamp", "key", "price"])
    rows = p.collect(trades.join("interval", same, by="key", lower="1s", upper="5s"))
    assert [(row["price"], row["price_right"]) for row in rows] == [(1, 5)]


def test_a_column_that_the_join_adds_itself_is_not_to_be_mended_by_a_suffix() -> None:
    p, trades, quotes = two()
    early = quotes.window("tumbling", size="4s", by="key", aggregate={"n": "count"})
    with pytest.raises(
        SpecError, match="'window_start' in the results: the join adds one of that name; drop or"
    ) as told:
        p.collect(early.join("window", trades, by="key", size="4s"))
    assert "suffix" not in str(told.value)


def test_a_source_that_is_cut_off_leaves_nobody_said_to_be_alone(tmp_path: Path) -> None:
    rows = [(ticks, "a", 0) for ticks in range(2_000)]
    p = Pipeline("p", base=tmp_path)
    control, seen = Control(), []
    left, right = (
        p.reader("csv", name=name, path=write(tmp_path / f"{name}.csv", rows), block=4096) for name in ("one", "other")
    )
    left.event("when", condition={}, call=lambda row: control.stop())
    joined = left.join("interval", right, name="j", by="value", lower="1h", upper="2h", how="outer")
    joined.event("when", name="seen", condition={}, call=seen.append)
    report = p.run(engine="serial", control=control)
    assert report.interrupted
    assert 0 < report["j"].counts.received < 4_000
    assert seen == []
    assert report.imbalances == ()


def test_lists_are_no_keys() -> None:
    p = Pipeline("p")
    one, other = (p.reader("memory", name=name, rows=[{"timestamp": moment(0), "tags": ["a"]}]) for name in "ab")
    with pytest.raises(SpecError, match="the key 'tags' holds lists or structs, which cannot be keys"):
        p.collect(one.join("asof", other, by="tags"))


@pytest.mark.parametrize("turned", [False, True])
def test_a_key_that_the_one_known_side_lacks_is_told_before_the_run(turned: bool) -> None:
    p, trades, _ = two()
    made = p.reader("memory", name="more", rows=[{"timestamp": moment(0), "id": "a"}]).map("python", function=dict)
    one, other = (made, trades) if turned else (trades, made)
    one.join("asof", other, by="id")
    with pytest.raises(SpecError, match="'trades' has no column 'id'"):
        p.plan()
