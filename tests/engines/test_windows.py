"""Windows in pipelines: on both engines the same, and what the definition says, whatever comes late."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Sequence
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
Row = dict[str, Any]
sources = st.lists(
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from("ab"), st.integers(-9, 9)), max_size=15),
    min_size=1,
    max_size=3,
)


def moment(ticks: float) -> datetime:
    return START + timedelta(seconds=ticks)


def write(folder: Path, index: int, rows: Sequence[tuple[int, str, int]]) -> Path:
    path = folder / f"r{index}.csv"
    with path.open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["timestamp", "city", "temp"])
        out.writerows([moment(ticks).isoformat(), city, temp] for ticks, city, temp in rows)
    return path


def in_time(rows: Sequence[tuple[int, str, int]], lateness: int) -> list[tuple[int, str, int]]:
    """Return the rows that are not late: not before the largest time of their source less the lateness."""
    kept, largest = [], None
    for row in rows:
        if largest is None or row[0] >= largest - lateness:
            kept.append(row)
            largest = row[0] if largest is None else max(row[0], largest)
    return kept


def wanted(rows: Sequence[tuple[int, str, int]], size: int, slide: int) -> list[list[Any]]:
    found: dict[tuple[int, int, str], list[int]] = {}
    for ticks, city, temp in rows:
        start = ticks // slide * slide  # the pipeline's start is a multiple of all sizes
        while start + size > ticks:
            found.setdefault((start + size, start, city), []).append(temp)
            start -= slide
    return [
        [moment(end).strftime("%Y-%m-%dT%H:%M:%SZ"), city, len(found[end, start, city]), sum(found[end, start, city])]
        for end, start, city in sorted(found)
    ]


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(sources, st.sampled_from([0, 3, 10]), st.sampled_from([(8, 8), (8, 4), (6, 12)]), st.booleans())
@pytest.mark.processes
def test_both_engines_say_what_the_definition_says(
    drawn: list[list[tuple[int, str, int]]], lateness: int, sizes: tuple[int, int], merged: bool
) -> None:
    size, slide = sizes
    if not merged:
        drawn = drawn[:1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        p = Pipeline("p", base=folder, dead_letters="dead.jsonl")
        of_reader = {} if merged else {"lateness": f"{lateness}s"}
        readers = [
            p.reader(
                "csv", path=str(write(folder, index, rows)), schema={"city": "text", "temp": "integer"}, **of_reader
            )
            for index, rows in enumerate(drawn)
        ]
        stream = p.merge("sorted", inputs=readers, lateness=f"{lateness}s") if merged else readers[0]
        aggregates = {"n": "count", "total": {"sum": "temp"}}
        lengths = {"size": f"{size}s", "slide": f"{slide}s"}
        most = 2 * -(-size // slide)  # a time lies in no more windows of two cities
        windows = stream.window("sliding", name="w", **lengths, by="city", aggregate=aggregates, max_state=most)
        windows.drop("columns", names=["window_start", "window_end"]).writer("jsonl", path="out.jsonl")
        outputs = []
        for engine in ("serial", "local"):
            report = p.run(engine=engine)
            assert report.imbalances == ()
            assert report.error is None
            outputs.append((folder / "out.jsonl").read_text())
        kept = [row for rows in drawn for row in in_time(rows, lateness)]
        assert report["w"].counts.received == len(kept)
        assert [list(json.loads(line).values()) for line in outputs[0].splitlines()] == wanted(kept, size, slide)
        assert outputs[0] == outputs[1]


def stream(**options: Any) -> Any:
    p = Pipeline("p", **options)
    return p, p.reader("memory", rows=[{"timestamp": moment(ticks), "temp": ticks, "who": "x"} for ticks in (1, 5, 70)])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": "1m", "aggregate": {"n": {"mean": "tmp"}}}, "n: there is no column 'tmp'.*did you mean 'temp'"),
        ({"size": "1m", "aggregate": {"n": {"mean": "who"}}}, "n: mean takes float or integer, and who is text"),
        ({"size": "1m", "aggregate": {"n": "count"}, "by": "whom"}, "by: there is no column 'whom'.*'who'"),
        (
            {"size": "1m", "aggregate": {"n": "cuont"}},
            "n: there is no aggregate 'cuont'; there are count.*; did you mean 'count'",
        ),
        (
            {"size": "1m", "aggregate": {"n": {"sum": "rond(temp)"}}},
            "no function 'rond'.* abs, .*; did you mean 'round'",
        ),
        ({"size": "1m", "aggregate": {"n": {"sum": None}}}, "n: sum: of= takes a column or an expression"),
        ({"size": "1m", "aggregate": {"n": {5: "temp"}}}, "n: 5 is no aggregate"),
        ({"size": "1m", "aggregate": {"n": {"collect": {"of": "temp", "most": 1.5}}}}, "1.5 is not a whole number"),
        ({"size": "1m", "aggregate": {"n": "mean"}}, "n: mean needs of="),
        (
            {"size": "1m", "aggregate": {"n": {"quantile": {"of": "temp", "q": 2}}}},
            "n: quantile needs q=, a number from",
        ),
        ({"size": "1m", "aggregate": {"n": {"sum": {"of": "temp", "qq": 2}}}}, "n: sum has no option 'qq'"),
        (
            {"size": "1m", "aggregate": {"n": {"collect": {"of": "temp", "most": 2.5}}}},
            "n: collect: 2.5 is not a whole",
        ),
        ({"size": "1m", "aggregate": {"timestamp": "count"}}, "there is a column 'timestamp' in the results already"),
        ({"size": "0s", "aggregate": {"n": "count"}}, "size: '0s' is no time at all"),
        ({"size": "99999999999h", "aggregate": {"n": "count"}}, "size: .* is longer than all time"),
        ({"size": "1m", "by": ["who", "who"], "aggregate": {"n": "count"}}, "by: 'who' is named twice"),
        ({"size": "1m", "offset": "99999999999h", "aggregate": {"n": "count"}}, "offset: .* is longer than all time"),
    ],
)
def test_mistakes_are_told_before_anything_runs(options: dict[str, Any], message: str) -> None:
    p, reader = stream()
    with pytest.raises(SpecError, match=message):
        p.collect(reader.window("tumbling", **options))


def test_a_row_may_not_be_in_too_many_windows() -> None:
    p, reader = stream()
    window = reader.window("sliding", size="1h", slide="1us", aggregate={"n": "count"})
    with pytest.raises(SpecError, match="each row would be in 3,600,000,000 windows; 10,000 are allowed"):
        p.collect(window)


@pytest.mark.parametrize(
    ("variant", "options", "held"),
    [
        ("tumbling", {"size": "10s"}, {"groups held at most": 2}),
        ("session", {"gap": "10s"}, {"groups held at most": 2}),
        ("rolling", {"rows": 2}, {"rows held at most": 1}),
    ],
)
def test_the_report_says_how_much_was_held(variant: str, options: Any, held: dict[str, int]) -> None:
    p, reader = stream()
    window = reader.window(variant, name="w", aggregate={"n": "count"}, **options)
    window.writer("memory")
    assert p.run()["w"].extra == held


def test_lists_are_no_keys() -> None:
    p = Pipeline("p")
    rows = p.reader("memory", rows=[{"timestamp": moment(0), "tags": ["a"]}])
    with pytest.raises(SpecError, match="'tags' holds lists or structs, which cannot be keys"):
        p.collect(rows.window("session", gap="1m", by="tags", aggregate={"n": "count"}))


def test_a_window_without_time_is_a_mistake() -> None:
    p = Pipeline("p")
    p.reader("memory", rows=[{"temp": 1}]).window("tumbling", size="1m", aggregate={"n": "count"})
    with pytest.raises(SpecError, match="its rows have no event time"):
        p.run()


def test_the_ledger_says_what_became_of_rows() -> None:
    p, reader = stream()
    reader.window("sliding", name="w", size="10s", slide="1m", aggregate={"n": "count"}).writer("memory")
    counts = p.run()["w"].counts
    assert (counts.received, counts.absorbed, counts.made, counts.filtered, counts.delivered) == (3, 2, 1, 1, 1)
    assert counts.missing == 0


def test_a_source_that_is_cut_off_leaves_no_results_of_half_a_window(tmp_path: Path) -> None:
    path = write(tmp_path, 0, [(ticks, "a", 0) for ticks in range(2_000)])
    p = Pipeline("p", base=tmp_path)
    control, seen = Control(), []
    reader = p.reader("csv", path=str(path), block=4096, timestamp="timestamp")
    reader.event("when", condition={}, call=lambda row: control.stop())
    windows = reader.window("tumbling", name="w", size="1d", aggregate={"n": "count"})
    windows.event("when", name="seen", condition={}, call=seen.append)
    report = p.run(engine="serial", control=control)
    assert report.interrupted
    assert 0 < report["w"].counts.absorbed < 2_000
    assert seen == []
    assert report.imbalances == ()


def test_days_follow_the_zone_of_the_pipeline() -> None:
    p = Pipeline("p", zone="Europe/Berlin")
    times = ["2024-03-30T22:30:00Z", "2024-03-30T23:30:00Z", "2024-03-31T21:30:00Z", "2024-03-31T22:30:00Z"]
    reader = p.reader("memory", rows=[{"timestamp": time} for time in times])
    days = p.collect(reader.window("tumbling", size="1d", aggregate={"n": "count"}))
    assert [(day["window_start"].isoformat(), day["n"]) for day in days] == [
        ("2024-03-29T23:00:00+00:00", 1),
        ("2024-03-30T23:00:00+00:00", 2),
        ("2024-03-31T22:00:00+00:00", 1),
    ]


def test_too_much_state_ends_the_run_and_names_the_key() -> None:
    p = Pipeline("p")
    reader = p.reader("memory", rows=[{"timestamp": moment(0), "who": who} for who in "abc"])
    reader.window("session", gap="1m", by="who", max_state=2, aggregate={"n": "count"})
    with pytest.raises(SpecError, match=r"holds 2 groups, and max_state allows no more; the next .* of who='c'"):
        p.run()


def test_as_scl_and_back(tmp_path: Path) -> None:
    text = """pipeline=p(zone="Europe/Berlin")

reader=csv(name=a path="a.csv")
window=sliding(name=w size=2w slide=1w by=[who where] offset=6h fill=yes aggregate=(
    n=count p=quantile(of="temp * 2" q=0.25) all=collect(of=temp most=3)))
window=session(name=s from=a gap=1h30m aggregate=(n=count(of=temp)))
window=tumbling(name=t from=a size=24h aggregate=(first=first(of="upper(who)")))
"""
    (tmp_path / "p.scl").write_text(text)
    p = Pipeline.load(tmp_path / "p.scl")
    written = p.to_scl()
    (tmp_path / "again.scl").write_text(written)
    again = Pipeline.load(tmp_path / "again.scl")
    assert again.spec == p.spec
    assert again.to_scl() == written
