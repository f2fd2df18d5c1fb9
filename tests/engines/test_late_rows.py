"""`late=rows`: where it may stand, and what becomes of its stream when the run is a part, or does not end well.

That it brings the late rows of its source, all of them and no others, is in test_engines_agree.py.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from plait import Pipeline, ScriptError, SinkError
from plait.engines import Control, assembly, run_plan
from plait.pipeline import PipelineSpec, Stage, checked_plan
from plait.pipeline.load import load_text
from plait.running import Sink
from plait.writers.base import Writer

ROWS = """
reader=csv(name=a path="a.csv")
reader=csv(name=b path="b.csv")
merge=sorted(name=m from=[a b] late=fail)
late=rows(name=late from=a)
"""
ORDER = "'late' has late rows in the order in which they came, and a"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text(
            "timestamp,n\n" + "".join(f"2010-01-0{day}T00:00:00Z,{day}\n" for day in (3, 1, 4, 2, 4, 3))
        )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ROWS, [(5, "nothing reads from 'late'; without this stage, late rows go to the dead letters")]),
        (f"{ROWS}merge=sorted(from=[late m])\nwindow=tumbling(size=1d aggregate=(n=count))", [(6, f"{ORDER} merge")]),
        (f"{ROWS}filter=where(condition=(n>1))\nwindow=rolling(rows=2 aggregate=(c=count))", [(7, f"{ORDER} window")]),
        (f"{ROWS}join=asof(from=[b late])", [(6, f"{ORDER} join")]),
        (f'{ROWS}late=rows(name=again)\nwriter=csv(path="c")', [(6, "'late' is no reader")]),
        (f'{ROWS}late=rows(name=of_m from=m)\nwriter=csv(path="c")', [(5, "nothing reads"), (6, "'m' is no reader")]),
        (
            f'{ROWS}writer=csv(path="c")'.replace('"a.csv"', '"a.csv" late=drop'),
            [(2, "'late' takes the late rows; leave late= out")],
        ),
        (f'{ROWS}writer=csv(path="c")'.replace("[a b]", "b"), [(5, "no merge and no window reads from 'a'")]),
    ],
)
def test_where_it_cannot_stand_is_said_before_the_run(folder, text, said):
    with pytest.raises(ScriptError) as caught:
        checked_plan(load_text(text))
    found = sorted((mistake.line, mistake.message.partition(": ")[2]) for mistake in caught.value.mistakes)
    assert [(line, message[: len(part)]) for (line, message), (_, part) in zip(found, said, strict=True)] == said


@pytest.mark.parametrize("engine", ["serial", "local"])
def test_what_is_late_in_a_part_is_what_is_late_in_the_whole(folder, engine):
    p = Pipeline("p", base=folder)
    a, b = (p.reader("csv", name=name, path=f"{name}.csv") for name in "ab")
    late = a.late(name="late")
    m = p.merge("sorted", name="m", inputs=[a, b], lateness="1d", late="drop")
    assert [row["n"] for row in p.collect(late, engine=engine)] == [1, 2]
    assert [row["n"] for row in p.collect(late.filter("where", condition={"n": 2}), engine=engine)] == [2]
    assert [row["n"] for row in p.collect(m, engine=engine)] == [3, 3, 3, 3, 4, 4, 4, 4]
    assert [row["n"] for row in p.collect(a, engine=engine)] == [3, 1, 4, 2, 4, 3]
    assert not (folder / "p.dead.jsonl").exists()


def test_a_source_is_not_read_ahead_for_the_sake_of_its_late_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(assembly, "_WORTH_IT", 1)
    for name, hour in (("a", 0), ("b", 1)):
        times = (f"2010-01-01T0{hour}:{n // 60:02d}:{n % 60:02d}Z\n" for n in range(600))
        (tmp_path / f"{name}.csv").write_text("timestamp\n" + "".join(times) + "2010-01-01T00:00:00Z\n")
    p, held, runs = Pipeline("p", base=tmp_path), [], []
    a, b = (p.reader("csv", name=name, path=f"{name}.csv", block=400) for name in "ab")
    m = p.merge("sorted", name="m", inputs=[a, b])
    m.event("when", condition={}, call=lambda row: held.append(runs[0].states["m"].counts.inside))
    b.late(name="late").writer("jsonl", path="late.jsonl")
    p.run("serial", control=Control(on_start=lambda flow, assembly: runs.append(assembly)))
    assert (len(held), (tmp_path / "late.jsonl").read_text()) == (1200, '{"timestamp":"2010-01-01T00:00:00Z"}\n')
    assert max(held[:500]) < 100, "all of b was read while only a was waited for"


class Full(Sink):
    """Takes no row."""

    def write(self, frame):
        raise SinkError("there is no room")


@dataclass(frozen=True, slots=True, kw_only=True)
class FullWriter(Writer):
    """Writes to a disk that is full."""

    variant: ClassVar[str] = "full"

    def open(self, context):
        return Full()


@pytest.mark.parametrize("engine", ["serial", "local"])
@pytest.mark.parametrize("fails", ["late", "m"])
def test_when_one_of_the_writers_fails_nothing_looks_complete(folder, engine, fails):
    spec = load_text(
        f'{ROWS.replace("late=fail", "late=drop")}writer=csv(path="x.csv" from=late)\nwriter=csv(path="y.csv" from=m)'
    )
    spec = PipelineSpec("p", (*spec, Stage("full", FullWriter(), (fails,))))
    report = run_plan(checked_plan(spec, folder), engine)
    assert (report.exit_code, str(report.error)) == (1, "there is no room")
    assert sorted(path.name for path in folder.iterdir()) == ["a.csv", "b.csv"]


@pytest.mark.parametrize("engine", ["serial", "local"])
def test_a_late_row_that_ends_the_run_is_counted(folder, engine):
    text = ROWS.replace("late=rows(name=late from=a)", 'writer=csv(path="m.csv")')
    report = run_plan(checked_plan(load_text(text)), engine)
    assert "line 3 is late" in str(report.error)
    assert max(report[name].counts.late for name in "ab") == 1
