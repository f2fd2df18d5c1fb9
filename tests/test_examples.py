"""The examples do what they show: what that is stands beside them, or is computed here without plait."""

import csv
import importlib.util
import io
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from plait import Pipeline
from plait.cli import main
from plait.pipeline.registry import FAMILIES

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
OBSERVATORY = EXAMPLES / "observatory"
SCRIPTS = sorted(EXAMPLES.rglob("*.scl"))
SMALL = [script for script in sorted(EXAMPLES.glob("*.scl")) if list((EXAMPLES / "expected").glob(f"{script.stem}.*"))]
ENGINES = ["serial", "local"]
SOURCES = ("mount", "cryostat", "commands", "responses", "cabin")
COLUMNS = ["timestamp", "azimuth", "pointing_error", "stage", "kelvin", "command", "id"]
COLUMNS += ["response", "pressure", "seq", "source"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with nothing but the data and the examples, as a newcomer has it."""
    for name in ("data", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def name_of(path: Path) -> str:
    return path.relative_to(EXAMPLES).with_suffix("").as_posix()


@pytest.mark.parametrize("page", sorted(path for path in EXAMPLES.rglob("*.*") if path.is_file()), ids=name_of)
def test_scripts_are_shown_with_the_python_that_has_plait(page):
    commands = re.findall(r"(\S*python) examples/", page.read_text(encoding="utf-8"))
    assert set(commands) <= {"./venv/bin/python"}


# All examples


@pytest.mark.parametrize("script", SCRIPTS, ids=name_of)
def test_an_example_has_no_mistakes_and_the_canonical_layout(script, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert main(["check", str(script)]) == 0, capsys.readouterr().err
    assert main(["fmt", "--check", str(script)]) == 0, f"python main.py fmt {script}"


@pytest.mark.processes
@pytest.mark.timeout(60)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("script", SMALL, ids=name_of)
def test_an_example_writes_and_prints_what_stands_beside_it(script, engine, folder, capsys):
    report = Pipeline.load(script, base=folder).run(engine)
    assert report.ok
    expected = {path.name: path.read_text() for path in (EXAMPLES / "expected").glob(f"{script.stem}.*")}
    assert capsys.readouterr().out == expected.pop(f"{script.stem}.txt", "")
    assert {path.name: path.read_text() for path in (folder / "out").iterdir()} == expected


def test_every_operator_has_an_example_and_every_example_is_listed():
    shown = {stage.component.title() for script in SMALL for stage in Pipeline.load(script).spec}
    operators = {
        component.title()
        for family, variants in FAMILIES.items()
        if family not in ("reader", "writer")
        for component in variants.values()
    }
    assert operators <= shown
    listed = (EXAMPLES / "README.md").read_text()
    assert [script.name for script in SCRIPTS if f"`{script.name}`" not in listed] == []
    tested = {script.stem for script in SMALL}
    assert {path.stem for path in (EXAMPLES / "expected").iterdir()} == tested
    assert {script.stem for script in EXAMPLES.glob("*.scl")} - tested == {"weather"}, "weather has test_demo.py"


# The observatory: what must come of a flight, from the simulator's lists alone


@pytest.fixture(scope="module")
def simulate() -> Iterator[Any]:
    spec = importlib.util.spec_from_file_location("simulate_for_test", OBSERVATORY / "simulate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def merged(simulate) -> list[dict[str, Any]]:
    """All records of the flight in time order; at the same time in the order of the sources, then as they came."""
    flight = simulate.fly()
    records = [{**record, "source": name} for name in SOURCES for record in getattr(flight, name)]
    return sorted(records, key=lambda record: record["time"])


def iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")  # as the finest of the sources has them


def alarms_of(records: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    limits = {
        "off_target": lambda record: abs(record.get("pointing_error", 0)) > 3,
        "too_warm": lambda record: record.get("kelvin", 0) > 4.5,
        "thin_air": lambda record: record.get("pressure", 1_000) < 700,
    }
    return [(alarm, record) for record in records for alarm, is_out in limits.items() if is_out(record)]


def as_csv(records: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows({**record, "timestamp": iso(record["time"])} for record in records)
    return text.getvalue()


def as_event(alarm: str, record: dict[str, Any]) -> dict[str, Any]:
    known = {**record, "timestamp": iso(record["time"])}
    return {**{name: known.get(name) for name in COLUMNS}, "alarm": alarm}


def line_of(alarm: str, record: dict[str, Any]) -> str:
    reading = {
        "off_target": "pointing error {pointing_error:.1f} arcsec",
        "too_warm": "{stage} at {kelvin:.2f} K",
        "thin_air": "{pressure:.0f} hPa",
    }[alarm].format(**record)
    return f"{iso(record['time'])} {record['source']}: {reading}"


def check_outcome(folder: Path, merged: list[dict[str, Any]], printed: str) -> None:
    out, alarms = folder / "out/observatory", alarms_of(merged)
    assert {alarm for alarm, _ in alarms} == {"off_target", "too_warm", "thin_air"}, "not a demonstration"
    assert (out / "flight.csv").read_text() == as_csv(merged)
    written = [json.loads(line) for line in (out / "alarms.jsonl").read_text().splitlines()]
    assert written == [as_event(*alarm) for alarm in alarms]
    assert not (out / "dead.jsonl").exists()
    lines = printed.splitlines()
    for limit in ("off_target", "too_warm", "thin_air"):
        expected = [line_of(alarm, record) for alarm, record in alarms if alarm == limit]
        assert [line for line in lines if line in expected] == expected
        first = next(record for alarm, record in alarms if alarm == limit)
        assert lines.count(f"*** {first['source']} is out of limits since {first['time']:%H:%M:%S}") == 1


@contextmanager
def published_flight(folder: Path) -> Iterator[str]:
    """Run the simulator as in a terminal of its own, and give the address; at the end it must be done by itself."""
    command = [sys.executable, str(OBSERVATORY / "simulate.py"), "--publish", "--address", "tcp://127.0.0.1:*"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            first = list(islice(process.stdout, 2))
            yield first[-1].split()[-1]
            rest, _ = process.communicate(timeout=20)
            assert rest == "published 237 messages\n"
            assert process.returncode == 0
        finally:
            process.kill()


def watch_flight(folder: Path, address: str, *words: str, status: int = 0) -> tuple[str, str]:
    file = "examples/observatory/observatory.scl"
    command = [sys.executable, "-m", "plait", "run", file, "--summary", "--set", f"cabin.connect={address}", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=50)
    assert done.returncode == status, f"{done.stdout}\n{done.stderr}"
    return done.stdout, done.stderr


@pytest.mark.processes
@pytest.mark.timeout(90)
@pytest.mark.parametrize("engine", ENGINES)
def test_the_observatory_in_two_terminals(engine, folder, merged):
    with published_flight(folder) as address:
        printed, told = watch_flight(folder, address, "--engine", engine)
    check_outcome(folder, merged, printed)
    assert "cabin: 1 gaps" in told
    assert "cabin: 3 messages missing" in told


@pytest.mark.processes
@pytest.mark.timeout(90)
@pytest.mark.parametrize("engine", ENGINES)
def test_the_observatory_in_one_command(engine, folder, merged):
    command = [sys.executable, "examples/observatory/fly.py", "--engine", engine]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert done.stderr == ""
    check_outcome(folder, merged, done.stdout)
    said = done.stdout.splitlines()
    for name in SOURCES:
        count = sum(record["source"] == name for record in merged)
        assert f"  {name:<10}{count:>6,}" in said
    assert "3 messages of the cabin were lost on the way" in said
    assert f"{len(alarms_of(merged))} readings were out of limits, in 3 episodes:" in said
    assert "  mount: 10 readings from 04:00:50 to 04:00:50" in said


@pytest.mark.processes
@pytest.mark.timeout(60)
@pytest.mark.parametrize("engine", ENGINES)
def test_without_its_live_feed_the_observatory_goes_on_and_ctrl_c_ends_it_well(engine, folder, simulate, merged):
    simulate.record(simulate.fly(), folder / "out/observatory")
    recorded = [record for record in merged if record["source"] != "cabin"]
    *_, (alarm, record) = alarms_of(recorded)
    file = "examples/observatory/observatory.scl"
    settings = ["--set", "cabin.connect=ipc://nobody", "--set", "cabin.idle=200ms"]
    command = [sys.executable, "-m", "plait", "run", file, "--summary", "--engine", engine, *settings]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=folder, text=True, **pipes) as process:
        try:
            assert f"{line_of(alarm, record)}\n" in process.stdout
            with pytest.raises(subprocess.TimeoutExpired):  # it waits for the feed for as long as it takes
                process.wait(0.5)
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=10)
        finally:
            process.kill()
    assert process.returncode == 0, told
    assert "plait: stopping" in told
    assert "flight went on without 'cabin', which had been silent" in told
    with (folder / "out/observatory/flight.csv").open(newline="") as rows:
        assert [row["timestamp"] for row in csv.DictReader(rows)] == [iso(record["time"]) for record in recorded]


@pytest.mark.processes
@pytest.mark.timeout(90)
def test_with_less_lateness_the_responses_that_come_too_late_are_dead_letters(folder, simulate):
    latest, late = simulate.START, []
    for record in simulate.fly().responses:
        if record["time"] < latest - timedelta(milliseconds=500):
            late.append({"response": record["response"], "id": record["id"]})
        latest = max(latest, record["time"])
    assert late, "the lateness in observatory.scl is not needed"
    with published_flight(folder) as address:
        watch_flight(folder, address, "--set", "responses.lateness=500ms", status=3)
    letters = [json.loads(line) for line in (folder / "out/observatory/dead.jsonl").read_text().splitlines()]
    assert {(letter["stage"], letter["kind"]) for letter in letters} == {("responses", "late")}
    assert [{name: letter["record"][name] for name in ("response", "id")} for letter in letters] == late


def test_the_commands_and_responses_in_the_data_are_those_of_the_simulator(simulate, tmp_path):
    simulate.record(simulate.fly(), tmp_path)
    for path in (ROOT / "data" / "observatory").iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()


def test_the_commands_that_come_out_alone_are_those_that_were_not_done_in_time(simulate):
    flight = simulate.fly()
    done = {record["id"]: record["time"] for record in flight.responses if record["response"] == "done"}
    commands = {record["id"]: record["time"] for record in flight.commands}
    two_seconds = timedelta(seconds=2)
    alone = [number for number, time in commands.items() if number not in done or done[number] - time > two_seconds]
    with (EXAMPLES / "expected" / "interval.csv").open(newline="") as rows:
        assert [int(row["id"]) for row in csv.DictReader(rows) if not row["response"]] == alone
    assert simulate.NEVER_ANSWERED in alone


def test_the_same_seed_is_the_same_flight_and_another_is_another(simulate, tmp_path):
    simulate.record(simulate.fly(), tmp_path / "one")
    simulate.record(simulate.fly(), tmp_path / "two")
    simulate.record(simulate.fly(seed=8), tmp_path / "three")
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
        assert path.read_bytes() != (tmp_path / "three" / path.name).read_bytes()
