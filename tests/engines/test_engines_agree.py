"""Whatever comes in, and whatever the pipeline: both engines write the same, and what a plain reckoning says.

The serial engine is the oracle of the local one; the reckoning below, in plain Python, is the oracle of the serial one.
"""

import json
import re
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from plait import Pipeline
from plait.errors import OrderError

START = datetime(2010, 1, 1, tzinfo=UTC)
COLUMNS = ("n", "x", "label")
MESSES = ("unreadable time", "empty time", "too few", "too many", "NUL")


@dataclass(frozen=True)
class Row:
    """One line of a file: its time in quarter seconds since the start, and what makes it unreadable, if anything."""

    ticks: int
    mess: str | None = None

    @property
    def time(self) -> datetime:
        return START + timedelta(seconds=self.ticks / 4)


@dataclass(frozen=True)
class Source:
    """A file: its kind, its columns besides the time, its rows; without rows, with a header or quite empty."""

    kind: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    header: bool = True


@dataclass(frozen=True)
class Setup:
    """A pipeline: its sources, how merges join them, and the options."""

    sources: tuple[Source, ...]
    shape: str = "one"
    lateness: int = 0
    late: str = "divert"
    max_ahead: int | None = None
    tag: str | None = None
    filtered: bool = False
    said_by_readers: bool = False
    aside: bool = False  # late rows are streams of their own

    @property
    def fails(self) -> bool:
        return self.late == "fail" and not self.aside

    @property
    def names(self) -> list[str]:
        return [f"r{number}" for number in range(len(self.sources))]

    @property
    def as_read(self) -> bool:
        """True if rows may go out as they came: CSV files with the same columns, and none added."""
        same = len({source.columns for source in self.sources}) == 1
        return same and self.tag is None and all(source.kind == "csv" for source in self.sources)


def sources() -> st.SearchStrategy[Source]:
    ticks = st.one_of(st.integers(0, 12), st.integers(0, 40), st.sampled_from([200, 4000]))
    mess = st.one_of(st.none(), st.none(), st.none(), st.sampled_from(MESSES))
    anyhow = st.lists(st.builds(Row, ticks, mess), max_size=12).map(tuple)
    in_order = st.lists(st.integers(0, 40), max_size=12).map(lambda found: tuple(map(Row, sorted(found))))
    columns = st.sampled_from([COLUMNS, COLUMNS, ("n", "x"), ("label", "n")])
    return st.builds(Source, st.sampled_from(["csv", "csv", "jsonl"]), columns, anyhow | in_order, st.booleans())


SETUPS = st.builds(
    Setup,
    sources=st.lists(sources(), min_size=1, max_size=4).map(tuple),
    shape=st.sampled_from(["one", "two", "nested", "nested last"]),
    lateness=st.sampled_from([0, 0, 2, 8]),
    late=st.sampled_from(["divert", "divert", "divert", "drop", "fail"]),
    max_ahead=st.sampled_from([None, 60]),
    tag=st.sampled_from([None, "source"]),
    filtered=st.booleans(),
    said_by_readers=st.booleans(),
    aside=st.booleans(),
)


# What is in the files.


def values(source: Source, number: int, row: Row) -> dict[str, int | float | str | None]:
    known = {"n": number, "x": row.ticks / 4 + 0.125 if row.ticks % 3 else None, "label": f"l{row.ticks}"}
    return {column: known[column] for column in source.columns}


def csv_line(source: Source, number: int, row: Row) -> str:
    fields = [row.time.isoformat(), *("" if v is None else str(v) for v in values(source, number, row).values())]
    if row.mess in ("unreadable time", "empty time"):
        fields[0] = "soon" if row.mess == "unreadable time" else ""
    elif row.mess == "too few":
        fields = fields[:1]
    elif row.mess == "too many":
        fields.append("surplus")
    elif row.mess == "NUL":
        fields[1] += "\0"
    return ",".join(fields)


def json_line(source: Source, number: int, row: Row) -> str:
    whole = {"timestamp": row.time.isoformat(), **values(source, number, row)}
    if row.mess in ("unreadable time", "empty time"):
        whole["timestamp"] = "soon" if row.mess == "unreadable time" else ""
    text = json.dumps(whole)
    return {"too few": text[:20], "too many": f"[{text}]", "NUL": f"\0{text}"}.get(row.mess, text)


def readable_width(source: Source) -> Source:
    """Where no CSV row has as many fields as the header, the file as a whole would be refused: let one have them."""
    odd = ("too few", "too many", "NUL")
    if source.kind == "csv" and source.rows and all(row.mess in odd for row in source.rows):
        return Source(source.kind, source.columns, (Row(0, "empty time"), *source.rows))
    return source


def lines_of(source: Source, index: int) -> list[str]:
    line = csv_line if source.kind == "csv" else json_line
    return [line(source, 1000 * index + place, row) for place, row in enumerate(source.rows)]


def write_files(setup: Setup, folder: Path) -> None:
    for index, source in enumerate(setup.sources):
        head = [",".join(("timestamp", *source.columns))] if source.kind == "csv" else []
        if not source.rows and not source.header:
            head = []
        text = "".join(f"{line}\n" for line in head + lines_of(source, index))
        (folder / f"r{index}.{source.kind}").write_bytes(text.encode())


# What ought to come out, reckoned row by row.


@dataclass
class Reckoned:
    """What becomes of one source: records that go on (time, arrival, values, line), and the ledger."""

    kept: list
    received: int = 0
    late: int = 0
    dead: int = 0
    letters: list = None
    filtered: int = 0
    aside: list = None


def reckon_source(setup: Setup, index: int) -> Reckoned:
    source, out = setup.sources[index], Reckoned([], letters=[], aside=[])
    lateness = timedelta(seconds=setup.lateness / 4)
    largest, first_line = None, 2 if source.kind == "csv" else 1
    lines = lines_of(source, index)
    for place, row in enumerate(source.rows):
        out.received += 1
        line, number = first_line + place, 1000 * index + place
        if row.mess is not None:
            out.dead += 1
            out.letters.append((f"r{index}", "dead", line))
        elif largest is not None and row.time < largest - lateness:
            out.late += 1
            if setup.aside:
                out.aside.append((row.time, values(source, number, row), lines[place]))
            elif setup.late == "divert":
                out.letters.append((f"r{index}", "late", line))
        elif setup.max_ahead and largest is not None and row.time > largest + timedelta(seconds=setup.max_ahead / 4):
            out.late += 1
            out.letters.append((f"r{index}", "late", line))
        else:
            largest = row.time if largest is None else max(largest, row.time)
            out.kept.append((row.time, place, values(source, number, row), lines[place]))
    if index == 0 and setup.filtered:
        passed = [record for record in out.kept if record[2]["n"] < 6]
        out.filtered, out.kept = len(out.kept) - len(passed), passed
    return out


def merged(setup: Setup, reckoned: list[Reckoned], order: list[tuple[int, str]]) -> tuple[list[str], list]:
    """Return columns and records (time, values, line) of sources laid together in an order, each with its tag."""
    columns: dict[str, None] = {}
    records = []
    for rank, (index, tag) in enumerate(order):
        source = setup.sources[index]
        readable = any(row.mess is None for row in source.rows)
        if readable if source.kind == "jsonl" else source.rows or source.header:
            columns |= dict.fromkeys(source.columns)
        for time, place, fields, line in reckoned[index].kept:
            tagged = {**fields, setup.tag: tag} if setup.tag else fields
            records.append((time, rank, place, tagged, line))
    records.sort(key=lambda record: record[:3])
    names = [*columns, setup.tag] if setup.tag and columns else list(columns)
    return names, [(time, fields, line) for time, _, _, fields, line in records]


def late_text(setup: Setup, index: int, one: Reckoned) -> str:
    """Return the late rows of a source as they are written: in the order of the source, as read where that can be."""
    source = setup.sources[index]
    readable = any(row.mess is None for row in source.rows)
    columns = source.columns if (readable if source.kind == "jsonl" else source.rows or source.header) else ()
    if not setup.as_read or not columns:
        return csv_text(columns, one.aside)
    return "".join(f"{line}\n" for line in [",".join(("timestamp", *columns)), *(line for _, _, line in one.aside)])


def orders(setup: Setup) -> dict[str, list[tuple[int, str]]]:
    """Return for each merge whose stream is written: the sources in its order, with the tag of each."""
    own = list(enumerate(setup.names))
    if setup.filtered:
        own[0] = (0, "r0 passed")
    if setup.shape == "two":
        return {"m": own, "other": own[::-1]}
    if setup.shape == "one" or len(own) < 2:
        return {"m": own}
    inner, rest = [(index, "inner") for index, _ in own[:2]], own[2:]
    return {"m": inner + rest if setup.shape == "nested" else rest + inner}


def csv_text(columns: list[str], records: list) -> str:
    if not columns:
        return ""
    rows = [["timestamp", *columns]]
    rows += [[iso(time), *(shown(fields.get(name)) for name in columns)] for time, fields, _ in records]
    return "".join(",".join(row) + "\n" for row in rows)


# Times have the digits of the finest source, which tests/engines/test_time_digits.py looks at: here they do not count.
NEEDLESS_ZEROS = re.compile(r"(:\d\d)(?:(\.\d\d[1-9]|\.\d[1-9]0|\.[1-9]00)(?:000)?|\.0+)Z")


def iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds" if time.microsecond else "seconds").replace("+00:00", "Z")


def shown(value: object) -> str:
    return "" if value is None else str(value)


def expected_files(setup: Setup, reckoned: list[Reckoned]) -> dict[str, str]:
    files = {}
    for name, order in orders(setup).items():
        columns, records = merged(setup, reckoned, order)
        files[f"{name}.csv"] = csv_text(columns, records)
        if name == "m":
            doubled = [(time, fields["n"] * 2) for time, fields, _ in records]
            events = [{"timestamp": iso(time), "y": y} for time, y in doubled if y > 4]
            files["events.jsonl"] = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in events)
            if setup.as_read:
                head = [",".join(("timestamp", *columns))] if columns else []
                files["as_read.csv"] = "".join(f"{line}\n" for line in head + [line for _, _, line in records])
    for index, one in enumerate(reckoned if setup.aside else ()):
        files[f"late {index}.csv"] = late_text(setup, index, one)
    return files


# What does come out.


def pipeline(setup: Setup, folder: Path, block: int | None = None) -> Pipeline:
    p = Pipeline("p", dead_letters="dead.jsonl", base=folder)
    ordering = {"lateness": timedelta(seconds=setup.lateness / 4)}
    if not (setup.aside and setup.said_by_readers):
        ordering["late"] = setup.late
    if setup.max_ahead:
        ordering["max_ahead"] = timedelta(seconds=setup.max_ahead / 4)
    of_readers, of_merges = (ordering, {}) if setup.said_by_readers else ({}, ordering)
    inputs = []
    for name, source in zip(setup.names, setup.sources, strict=True):
        options = dict(of_readers)
        if source.kind == "csv":
            options |= {"block": block} if block else {}
            options |= {"schema": {"x": "float"}} if "x" in source.columns and (source.rows or source.header) else {}
            options |= {"timestamp": "timestamp"} if source.rows or source.header else {}
        inputs.append(p.reader(source.kind, name=name, path=f"{name}.{source.kind}", **options))
        if setup.aside:
            late = inputs[-1].late(name=f"late {name}")
            late.writer("csv", name=f"log of {name}", path=f"late {name[1:]}.csv", as_read=setup.as_read)
    if setup.filtered:
        inputs[0] = inputs[0].filter("where", name="r0 passed", condition={"n": {"<": 6}})
    _join(p, setup, inputs, of_merges)
    return p


def _join(p: Pipeline, setup: Setup, inputs: list, options: dict) -> None:
    tagged = {**options, "tag": setup.tag}
    if setup.shape.startswith("nested") and len(inputs) > 1:
        inner = p.merge("sorted", name="inner", inputs=inputs[:2], **options)
        inputs = [inner, *inputs[2:]] if setup.shape == "nested" else [*inputs[2:], inner]
    m = p.merge("sorted", name="m", inputs=inputs, **tagged)
    m.writer("csv", name="whole", path="m.csv")
    if setup.shape == "two":
        other = p.merge("sorted", name="other", inputs=inputs[::-1], **tagged)
        other.writer("csv", name="other whole", path="other.csv")
    if setup.as_read:
        m.writer("csv", name="as read", path="as_read.csv", as_read=True)
    doubled = m.derive("columns", name="doubled", set={"y": "n * 2"})
    events = doubled.event("when", name="events", condition={"y": {">": 4}})
    events.stage("select", "columns", name="selected", keep=["y"]).writer("jsonl", name="log", path="events.jsonl")


@dataclass
class Outcome:
    """What a run left behind."""

    report: object
    files: dict[str, str]
    letters: list[dict]


def run(setup: Setup, folder: Path, engine: str, block: int | None = None) -> Outcome:
    report = pipeline(setup, folder, block).run(engine, check=False)
    found = {path.name: path for path in folder.iterdir() if not path.name.startswith("r")}
    files = {name: path.read_text() for name, path in found.items()}
    for path in found.values():
        path.unlink()
    letters = [json.loads(line) for line in files.pop("dead.jsonl", "").splitlines()]
    return Outcome(report, files, letters)


def failing(setup: Setup, reckoned: list[Reckoned]) -> int:
    """Return how many sources end the run by a late record."""
    if not setup.fails:
        return 0
    return sum(one.late > sum(letter[1] == "late" for letter in one.letters) for one in reckoned)


def check_against_the_reckoning(setup: Setup, folder: Path, outcome: Outcome) -> None:
    reckoned = [reckon_source(setup, index) for index in range(len(setup.sources))]
    report = outcome.report
    if setup.fails and failing(setup, reckoned):
        assert isinstance(report.error, OrderError)
        assert (report.exit_code, outcome.files) == (1, {})
        return
    assert report.error is None
    assert report.imbalances == ()
    found = {name: NEEDLESS_ZEROS.sub(r"\1\2Z", text) for name, text in outcome.files.items()}
    assert found == expected_files(setup, reckoned)
    check_letters(setup, folder, outcome, reckoned)
    check_ledger(setup, report, reckoned)


def check_letters(setup: Setup, folder: Path, outcome: Outcome, reckoned: list[Reckoned]) -> None:
    expected = Counter(letter for one in reckoned for letter in one.letters)
    assert Counter((each["stage"], each["kind"], each["line"]) for each in outcome.letters) == expected
    assert outcome.report.exit_code == (3 if expected else 0)
    for letter in outcome.letters:
        file = f"{letter['stage']}.{setup.sources[int(letter['stage'][1:])].kind}"
        assert letter["origin"] == file
        assert letter["reason"]
        if letter["kind"] == "dead":
            line = (folder / file).read_bytes()[letter["offset"] :].split(b"\n")[0].decode()
            assert line == (folder / file).read_text().split("\n")[letter["line"] - 1]


def check_ledger(setup: Setup, report: object, reckoned: list[Reckoned]) -> None:
    for name, one in zip(setup.names, reckoned, strict=True):
        counts = report[name].counts
        delivered = len(one.kept) + one.filtered
        assert (counts.received, counts.delivered, counts.late, counts.dead) == (
            one.received, delivered, one.late, one.dead,
        )  # fmt: skip
        assert report[name].letters == len(one.letters)
        if setup.aside:
            counts = report[f"late {name}"].counts
            assert (counts.received, counts.delivered) == (len(one.aside), len(one.aside))
    total = sum(len(one.kept) for one in reckoned)
    for name in ("m", "whole", "doubled"):
        assert (report[name].counts.received, report[name].counts.delivered) == (total, total)
    assert report.rows_in == sum(one.received for one in reckoned)


def relaxed(examples: int) -> settings:
    too_slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, deadline=None, suppress_health_check=too_slow)


def tidied(setup: Setup) -> Setup:
    return Setup(
        **{field: getattr(setup, field) for field in setup.__dataclass_fields__ if field != "sources"},
        sources=tuple(map(readable_width, setup.sources)),
    )


SETUPS = SETUPS.map(tidied)

# A merge that is fed by another, of which one input is quite empty and the other holds its first rows back.
HELD_BACK = Setup(
    (
        Source("csv", COLUMNS, (Row(0), Row(12), Row(16), Row(20))),
        Source("csv", COLUMNS, (), header=False),
        Source("csv", ("label", "n"), (Row(0), Row(1), Row(4), Row(30))),
    ),
    shape="nested",
    lateness=8,
)


@given(setup=SETUPS, block=st.sampled_from([1, 7, 40, 1 << 20]))
@example(setup=HELD_BACK, block=1)
@relaxed(80)
def test_a_run_is_what_a_plain_reckoning_says_however_the_files_are_cut_into_blocks(setup, block):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(setup, folder)
        check_against_the_reckoning(setup, folder, run(setup, folder, "serial", block))


@pytest.mark.processes
@given(setup=SETUPS, block=st.sampled_from([7, None]))
@example(setup=HELD_BACK, block=1)
@relaxed(15)
def test_the_engines_write_the_same_bytes_the_same_dead_letters_and_the_same_ledger(setup, block):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(setup, folder)
        serial, local = (run(setup, folder, engine, block) for engine in ("serial", "local"))
    assert (serial.files, serial.report.exit_code) == (local.files, local.report.exit_code)
    reckoned = [reckon_source(setup, index) for index in range(len(setup.sources))]
    if serial.report.error is None:
        assert serial.letters == local.letters
        assert serial.report.stages == local.report.stages
    elif failing(setup, reckoned) == 1:
        assert repr(serial.report.error) == repr(local.report.error)
