"""map=python in whole pipelines: the same on both engines, states shared, committed by blocks, closed."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from plait import Pipeline
from plait.cli import main
from plait.engines import Control, run_plan
from plait.errors import CallbackError, SpecError, StateError
from plait.state import KeyedState

ENGINES = ["serial", "local"]
START = datetime(2010, 8, 1, tzinfo=UTC)
FUNCTIONS = """
import os

def count(row, state):
    if row["n"] % 10 == 7:
        raise ValueError(f"seven in {row['n']}")
    if row["n"] % 10 == 8:
        return None
    total = state.update(row["city"], lambda old: old + row["n"], 0)
    results = [{"city": row["city"], "total": total}]
    return results * (2 if row["n"] % 10 == 9 else 1)

def note(row, state):
    state.update("events", lambda old: old + 1, 0, namespace="noted")

def stop_at(row, state):
    if row["n"] <= state.get("done", -1):
        return None
    state.set("done", row["n"])
    state.set(row["n"] % 200, row["n"], namespace="recent", ttl="1m")
    state.update("n", lambda old: old + 1, 0)
    if row["n"] == 9_000 and not os.path.exists("killed"):
        open("killed", "w").close()
        os.kill(os.getpid(), 9)
    return row

def fail_at(row, state):
    state.update("n", lambda old: old + 1, 0)
    if row["n"] == 9_000:
        raise LookupError("enough")
    return row
"""
PIPELINE = """
pipeline=mapped(dead_letters="dead.jsonl")
reader=csv(name=sf path="sf.csv")
reader=csv(name=la path="la.csv")
merge=sorted(name=both from=[sf la])
map=python(name=counted function="maps_in_pipelines:count" state="out/state.sqlite" schema=(city=text total=integer))
writer=csv(from=counted path="out.csv")
event=when(name=large from=counted condition=(total>100) call="maps_in_pipelines:note" state="out/state.sqlite")
writer=jsonl(from=large path="large.jsonl")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    for city, shift in (("sf", 0), ("la", 1)):
        with (tmp_path / f"{city}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["timestamp", "city", "n"])
            for n in range(shift, 400, 2):
                writer.writerow([(START + timedelta(seconds=n // 3)).isoformat(), city, n])
    (tmp_path / "maps_in_pipelines.py").write_text(FUNCTIONS)
    (tmp_path / "mapped.scl").write_text(PIPELINE)
    yield tmp_path
    sys.modules.pop("maps_in_pipelines", None)


def expected() -> tuple[list[tuple[str, int]], list[int]]:
    """What comes out (city, total), and the numbers of the dead letters, computed row by row."""
    rows = sorted(range(400), key=lambda n: (n // 3, n % 2, n))
    totals, out, dead = {"sf": 0, "la": 0}, [], []
    for n in rows:
        city = ("sf", "la")[n % 2]
        if n % 10 == 7:
            dead.append(n)
        elif n % 10 != 8:
            totals[city] += n
            out += [(city, totals[city])] * (2 if n % 10 == 9 else 1)
    return out, dead


@pytest.mark.processes
@pytest.mark.timeout(60)
@pytest.mark.parametrize("engine", ENGINES)
def test_rows_dead_letters_state_and_ledger_are_those_of_the_definition(engine: str, folder: Path) -> None:
    report = Pipeline.load(folder / "mapped.scl", base=folder).run(engine)
    out, dead = expected()
    assert report.imbalances == ()
    with (folder / "out.csv").open(newline="") as rows:
        assert [(row["city"], int(row["total"])) for row in csv.DictReader(rows)] == out
    letters = [json.loads(line) for line in (folder / "dead.jsonl").read_text().splitlines()]
    assert [letter["record"]["n"] for letter in letters] == dead
    assert all(f"raised ValueError: seven in {n}" in letter["reason"] for n, letter in zip(dead, letters, strict=True))
    counts = next(stage.counts for stage in report.stages if stage.name == "counted")
    assert (counts.received, counts.delivered, counts.dead) == (400, len(out), len(dead))
    assert (counts.filtered, counts.repeated) == (40, 40)
    with KeyedState(folder / "out/state.sqlite") as state:
        assert dict(state.items()) == dict(out)
        assert state.get("events", namespace="noted") == sum(total > 100 for _, total in out)
        assert state.time == START + timedelta(seconds=399 // 3)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.processes
@pytest.mark.timeout(60)
def test_the_next_run_goes_on_with_the_state(engine: str, folder: Path) -> None:
    for _ in range(2):
        Pipeline.load(folder / "mapped.scl", base=folder).run(engine)
    totals = dict(expected()[0])
    with KeyedState(folder / "out/state.sqlite") as state:
        assert dict(state.items()) == {city: 2 * total for city, total in totals.items()}


def many(folder: Path, count: int = 12_000) -> None:
    with (folder / "many.csv").open("w") as file:
        file.write("timestamp,n,filler\n")  # long rows: few fill the megabyte of a block
        file.writelines(f"{(START + timedelta(seconds=n)).isoformat()},{n},{'x' * 300}\n" for n in range(count))
    (folder / "many.scl").write_text(
        'reader=csv(name=many path="many.csv")\n'
        'map=python(name=mapped function="maps_in_pipelines:stop_at" state="state.sqlite" errors=fail)\n'
        'writer=csv(path="out.csv")\n'
        'writer=csv(from=mapped path="followed.csv" follow=yes append=yes)\n'
    )


@pytest.mark.processes
@pytest.mark.timeout(60)
@pytest.mark.parametrize("engine", ENGINES)
def test_after_a_kill_the_state_is_that_of_whole_blocks(engine: str, folder: Path) -> None:
    many(folder)
    command = [sys.executable, "-m", "plait", "run", "many.scl", "--engine", engine]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    with KeyedState(folder / "state.sqlite") as state:
        count = state.get("n")
        assert 0 < count <= 9_000
        assert state.time == START + timedelta(seconds=count - 1), "all rows of a block, and its time, or none"
    assert not (folder / "out.csv").exists()
    written = numbers(folder / "followed.csv")
    assert written == list(range(len(written)))
    assert len(written) >= count, "what is in the state has gone out: outputs are never behind it"

    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with KeyedState(folder / "state.sqlite") as state:
        assert state.get("n") == 12_000, "a function that keeps how far it has come counts each row exactly once"
        assert state.time == START + timedelta(seconds=11_999)
        recent = state.keys(namespace="recent")
        assert sorted(recent) == sorted(n % 200 for n in range(11_939, 12_000)), "time to live went on where it was"
    assert numbers(folder / "out.csv") == list(range(count, 12_000))
    assert numbers(folder / "followed.csv") == [*written, *range(count, 12_000)], "at least once, in pieces that follow"


def numbers(path: Path) -> list[int]:
    with path.open(newline="") as rows:
        return [int(row["n"]) for row in csv.DictReader(rows)]


@pytest.mark.processes
@pytest.mark.timeout(60)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_that_fails_keeps_what_was_committed_and_lets_go_of_the_file(engine: str, folder: Path) -> None:
    many(folder)
    pipeline = folder / "many.scl"
    pipeline.write_text(pipeline.read_text().replace("stop_at", "fail_at"))
    report = Pipeline.load(pipeline, base=folder).run(engine, check=False)
    assert isinstance(report.error, CallbackError)
    assert "raised LookupError: enough" in str(report.error)
    assert not (folder / "out.csv").exists()
    with KeyedState(folder / "state.sqlite") as state:
        assert 0 < state.get("n") <= 9_000
        assert state.time == START + timedelta(seconds=state.get("n") - 1)


def rows(count: int = 5) -> list[dict[str, Any]]:
    return [{"timestamp": START + timedelta(seconds=n), "n": n} for n in range(count)]


def test_from_python_a_function_is_given_as_it_is_and_its_state_lasts_for_the_run() -> None:
    pipeline = Pipeline("p")

    def total(row: dict[str, Any], state: KeyedState) -> dict[str, Any]:
        return {"sum": state.update("sum", lambda old: old + row["n"], 0)}

    source = pipeline.reader("memory", name="source", rows=rows())
    first, second = source.map("python", name="one", function=total), source.map("python", name="two", function=total)
    for _ in range(2):
        assert [row["sum"] for row in pipeline.collect(first)] == [0, 1, 3, 6, 10]
    assert [row["sum"] for row in pipeline.collect(second)] == [0, 1, 3, 6, 10]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_that_is_stopped_leaves_the_rest_of_a_block_and_accounts_for_it(engine: str, tmp_path: Path) -> None:
    control = Control()

    def slow(row: dict[str, Any], state: KeyedState) -> dict[str, Any]:
        state.update("n", lambda old: old + 1, 0)
        if row["n"] == 2:
            control.stop()
        return row

    pipeline = Pipeline("p", base=tmp_path)
    source = pipeline.reader("memory", name="source", rows=rows(100))
    mapped = source.map("python", name="mapped", function=slow, state="s.sqlite")
    mapped.writer("csv", path="followed.csv", follow=True)
    mapped.writer("csv", path="whole.csv")
    windows = mapped.window("tumbling", name="windows", size="1h", aggregate={"n": "count"})
    windows.writer("csv", path="windows.csv", follow=True)
    mapped.event("when", name="seen", condition={}, call=lambda row: None)
    report = run_plan(pipeline.plan(), engine, control=control)
    assert (report.exit_code, report.imbalances) == (128 + signal.SIGINT, ())
    counts = report["mapped"].counts
    assert (counts.received, counts.delivered, counts.inside, counts.filtered) == (100, 3, 97, 0)
    assert numbers(tmp_path / "followed.csv") == [0, 1, 2]
    assert not (tmp_path / "whole.csv").exists()
    assert report["windows"].counts.made == 0, "a window that more rows belong to does not come out"
    with KeyedState(tmp_path / "s.sqlite") as state:
        assert (state.get("n"), state.time) == (3, START + timedelta(seconds=2))
    assert "mapped: 97 rows that had been read were left when the run was stopped" in report.notes


@pytest.mark.parametrize("first", ["a", "b"])
def test_no_result_comes_out_that_lacks_rows_of_an_input_that_was_cut_off(first: str, tmp_path: Path) -> None:
    control = Control()

    def stopping(row: dict[str, Any]) -> dict[str, Any]:
        if row["n"] == 49_999:  # the last of the first block
            control.stop()
        return row

    pipeline = Pipeline("p", base=tmp_path)
    a = pipeline.reader("memory", name="read", rows=rows(60_000)).map("python", name="a", function=stopping)
    b = pipeline.reader("memory", name="b", rows=[rows(60_000)[place] for place in (0, 59_999)])
    merged = pipeline.merge("sorted", inputs=[a, b] if first == "a" else [b, a])
    windows = merged.window("tumbling", size="1h", aggregate={"n": "count"})
    windows.writer("jsonl", path="windows.jsonl", follow=True)
    b.join("interval", a, lower="0s", upper="0s", how="outer").writer("jsonl", path="pairs.jsonl", follow=True)
    report = run_plan(pipeline.plan(), "serial", control=control)
    assert (report.exit_code, report.imbalances) == (128 + signal.SIGINT, ())
    counts = [json.loads(line)["n"] for line in (tmp_path / "windows.jsonl").read_text().splitlines()]
    assert counts == [3601, *[3600] * (len(counts) - 1)]
    pairs = [json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text().splitlines()]
    assert [row["n"] for row in pairs if row["n"] is not None] == [0]


def test_events_that_are_left_when_the_run_is_stopped_do_not_go_on(tmp_path: Path) -> None:
    control, seen = Control(), []

    def slow(row: dict[str, Any]) -> None:
        seen.append(row["n"])
        if row["n"] == 2:
            control.stop()

    pipeline = Pipeline("p", base=tmp_path)
    source = pipeline.reader("memory", rows=rows(100))
    events = source.event("when", name="odd", condition={"n": {"!=": 1}}, call=slow)
    events.writer("csv", path="followed.csv", follow=True)
    report = run_plan(pipeline.plan(), "serial", control=control)
    counts = report["odd"].counts
    assert (counts.received, counts.delivered, counts.filtered, counts.inside) == (100, len(seen), 1, 99 - len(seen))
    assert numbers(tmp_path / "followed.csv") == seen == [0, *range(2, len(seen) + 1)]
    assert len(seen) in (2, 3)
    assert (report.exit_code, report.imbalances) == (128 + signal.SIGINT, ())


def test_columns_that_are_known_are_checked_behind_a_map() -> None:
    pipeline = Pipeline("p")
    source = pipeline.reader("memory", rows=rows())
    known = source.map("python", function=lambda row: row, schema={"n": "integer"})
    known.filter("where", condition={"m": 1})
    with pytest.raises(SpecError, match="there is no"):
        pipeline.plan()


def test_a_file_that_is_open_elsewhere_ends_the_run_in_words(tmp_path: Path) -> None:
    pipeline = Pipeline("p", base=tmp_path)
    stage = pipeline.reader("memory", rows=rows()).map("python", function=lambda row, state: row, state="s.sqlite")
    with KeyedState(tmp_path / "s.sqlite"), pytest.raises(SpecError, match="has it open"):
        pipeline.collect(stage)
    assert len(pipeline.collect(stage)) == 5


def test_a_state_that_cannot_be_committed_ends_the_run(tmp_path: Path) -> None:
    pipeline = Pipeline("p", base=tmp_path)

    def closing(row: dict[str, Any], state: KeyedState) -> dict[str, Any]:
        state.set("n", row["n"])
        state.close(keep=False)
        return row

    stage = pipeline.reader("memory", rows=rows(1)).map("python", function=closing, state="s.sqlite")
    with pytest.raises(StateError, match="the state is closed"):
        pipeline.collect(stage)


def test_a_state_that_a_writer_would_overwrite_is_a_mistake(folder: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(folder)
    script = folder / "mapped.scl"
    script.write_text(PIPELINE.replace('"out.csv"', '"out/state.sqlite"'))
    assert main(["check", str(script)]) == 1
    assert "out/state.sqlite is written by 'csv' already" in capsys.readouterr().err


def test_it_stays_in_the_process_that_was_started_and_can_be_written_as_scl(folder: Path) -> None:
    pipeline = Pipeline.load(folder / "mapped.scl", base=folder)
    assert [chain.last for chain in pipeline.plan().chains()] == ["sf", "la"]
    alone = Pipeline("p", base=folder)
    alone.reader("csv", name="sf", path="sf.csv").map("python", function=lambda row: row)
    assert [chain.last for chain in alone.plan().chains()] == ["sf"]
    again = folder / "again.scl"
    again.write_text(pipeline.to_scl())
    assert [stage.component for stage in Pipeline.load(again).spec] == [stage.component for stage in pipeline.spec]
