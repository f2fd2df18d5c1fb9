"""The command line: what is printed where, and with which exit status."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from plait.cli import main

SCRIPT = """
pipeline=small(dead_letters="dead.jsonl")
reader=csv(name=a path="a.csv")
reader=csv(name=b path="b.csv")
merge=sorted(name=both tag=source)
filter=where(name=warm condition=(temp>10))
writer=csv(from=warm path="out.csv")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.scl").write_text(SCRIPT)
    (tmp_path / "a.csv").write_text("timestamp,temp\n2010-01-01T00:00:00Z,5\n2010-01-01T02:00:00Z,15\n")
    (tmp_path / "b.csv").write_text("timestamp,temp\n2010-01-01T01:00:00Z,25\n")
    return tmp_path


def process(folder: Path, *words: str, status: int = 0) -> tuple[str, str]:
    """Run a command in a process of its own; return what it prints, and what on stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "plait", *words], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == status, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr


@pytest.fixture
def plait(folder: Path, monkeypatch, capsys):
    """Run a command as `process` does, but here."""
    monkeypatch.chdir(folder)
    before = set(sys.modules)

    def run(*words: str, status: int = 0) -> tuple[str, str]:
        found = main(words)
        said = capsys.readouterr()
        assert found == status, f"{said.out}\n{said.err}"
        return said.out, said.err

    yield run
    for name in set(sys.modules) - before:
        if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]  # the next folder has another one of that name


@pytest.mark.parametrize("engine", ["serial", "local"])
def test_run_writes_the_output_and_is_quiet_when_piped(folder, engine):
    assert process(folder, "run", "small.scl", "--engine", engine) == ("", "")
    assert (folder / "out.csv").read_text() == (
        "timestamp,temp,source\n2010-01-01T01:00:00Z,25,b\n2010-01-01T02:00:00Z,15,a\n"
    )
    assert not (folder / "dead.jsonl").exists()


@pytest.mark.parametrize("engine", ["serial", "local"])
def test_rows_in_the_dead_letters_make_the_exit_status_3(folder, engine):
    (folder / "b.csv").write_text("timestamp,temp\nnever,25\n2010-01-01T01:00:00Z,26\n")
    _, errors = process(folder, "run", "small.scl", "--engine", engine, status=3)
    assert "1 row was not delivered (1 of b)" in errors
    letter = json.loads((folder / "dead.jsonl").read_text())
    assert (letter["stage"], letter["origin"], letter["line"], letter["offset"]) == ("b", "b.csv", 2, 15)


def test_the_summary_is_printed_when_asked_for(plait):
    _, errors = plait("run", "small.scl", "--summary")
    assert "small: 3 rows in, 2 rows written" in errors


def test_the_summary_keeps_its_own_words_and_numbers_whatever_the_environment_has(folder, plait, monkeypatch):
    monkeypatch.setenv("PLAIT_TEST_LEAST", "1")
    monkeypatch.setenv("PLAIT_TEST_PLACE", "o")
    script = SCRIPT.replace("temp>10", "temp>${PLAIT_TEST_LEAST}").replace("out.csv", "${PLAIT_TEST_PLACE}/a/c.csv")
    (folder / "small.scl").write_text(script)
    _, errors = plait("run", "small.scl", "--summary")
    assert "2010-01-01 01:00:00" in errors
    assert "${" not in errors
    (folder / "o" / "a" / "c.csv").unlink()
    (folder / "o" / "a" / "c.csv").mkdir()
    _, errors = plait("run", "small.scl", status=1)
    assert "writer=csv: ${PLAIT_TEST_PLACE}/a/c.csv is a folder" in errors


def test_set_overrides_an_option(folder, plait):
    plait("run", "small.scl", "--set", "csv.path=other.csv", "--set", "warm.condition=(temp>20)")
    assert (folder / "other.csv").read_text() == "timestamp,temp,source\n2010-01-01T01:00:00Z,25,b\n"
    assert not (folder / "out.csv").exists()


def test_set_of_a_stage_that_is_not_there_is_an_error(plait):
    _, errors = plait("run", "small.scl", "--set", "wram.condition=(temp>20)", status=2)
    assert "did you mean 'warm'?" in errors


def test_a_mistake_in_a_setting_is_said_to_be_one(plait):
    _, errors = plait("check", "small.scl", "--set", "warm.conditoin=(temp>20)", status=1)
    assert "--set: filter=where has no option 'conditoin'" in errors


def test_the_dead_letters_can_be_set_by_either_name(folder, plait):
    (folder / "b.csv").write_text("timestamp,temp\n2010-01-01T01:00:00Z,26\nnever,25\n")
    statement = 'pipeline=small(dead_letters="dead.jsonl")'
    for kept in (True, False):
        (folder / "small.scl").write_text(SCRIPT if kept else SCRIPT.replace(statement, ""))
        for name in ("small", "pipeline"):
            plait("run", "small.scl", "--set", f"{name}.dead_letters={name}{kept}.jsonl", status=3)
            assert (folder / f"{name}{kept}.jsonl").exists()
    _, errors = plait("run", "small.scl", "--set", "pipeline.zone=Mars", status=1)
    assert "--set: zone: there is no time zone 'Mars'" in errors


def test_check_shows_all_mistakes_with_their_places(folder, plait):
    (folder / "small.scl").write_text(
        SCRIPT.replace("temp>10", "tmep>10").replace("reader=csv(name=b", "reader=cvs(name=b")
    )
    _, errors = plait("check", "small.scl", status=1)
    assert "small.scl:4:8: there is no reader called 'cvs'" in errors
    assert "did you mean 'csv'?" in errors


def test_check_follows_the_columns(folder, plait):
    (folder / "small.scl").write_text(SCRIPT.replace("temp>10", "tmep>10"))
    _, errors = plait("check", "small.scl", status=1)
    assert "small.scl:6:" in errors
    assert "did you mean 'temp'?" in errors


def test_check_says_that_all_is_well(plait):
    printed, _ = plait("check", "small.scl")
    assert printed == "small.scl: 5 stages, no mistakes\n"


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        (
            'event=when(from=both condition=(temp>1) print="{source:.1f}")',
            "'source' is text, which has no such format",
        ),
        ('event=when(from=both condition=(temp>1) print="{tmp}")', "did you mean 'temp'?"),
        ('event=when(from=both condition=(temp>1) call="alrm:note")', "there is no module 'alrm' (looked for in"),
        ('event=when(from=both condition=(temp>1) call="alarm:nte")', "did you mean 'note'?"),
        ('writer=csv(from=both path="sub")', "sub is a folder; name a file in it"),
        ('writer=csv(from=both path="out.csv")', "out.csv is written by 'csv' already"),
        ('writer=csv(from=both path="a.csv")', "a.csv is written by 'csv_2', and read here"),
        (
            'reader=csv(name=c path="a.csv" timestamp=tme)',
            "small.scl:8:42: reader=csv: a.csv: timestamp=tme: there is no such column",
        ),
        ('reader=csv(name=c path="a.csv" lateness=2s)', "no merge and no window reads from 'c'"),
        ('derive=columns(from=both set=(x="temp || 1 > 2"))', "derive=columns"),
        ('writer=csv(from=both path="x.csv" columns=[tmp])', "did you mean 'temp'?"),
    ],
)
def test_check_finds_what_cannot_run(folder, plait, stage, message):
    (folder / "alarm.py").write_text("def note(event):\n    pass\n")
    (folder / "sub").mkdir()
    (folder / "small.scl").write_text(SCRIPT + stage + "\n")
    _, errors = plait("check", "small.scl", status=1)
    assert message in errors
    assert "small.scl:" in errors


def test_an_empty_pipeline_is_a_mistake(folder, plait):
    (folder / "small.scl").write_text("pipeline=small\n")
    _, errors = plait("check", "small.scl", status=1)
    assert "there is no stage in it" in errors


def test_a_file_that_is_not_there_yet_is_a_note_of_check(folder, plait):
    (folder / "b.csv").unlink()
    printed, errors = plait("check", "small.scl")
    assert "no mistakes" in printed
    assert "b.csv" in errors


@pytest.mark.parametrize("body", ["raise ValueError('no line')", "raise SystemExit(7)"])
def test_callbacks_that_raise_are_told_and_stop_nothing(folder, body):
    (folder / "alarm.py").write_text(f"def note(event):\n    {body}\n")
    (folder / "small.scl").write_text(SCRIPT + 'event=when(name=hot condition=(temp>10) call="alarm:note")\n')
    _, errors = process(folder, "run", "small.scl")
    assert "hot: 2 callback errors" in errors
    assert "alarm.py:1" in errors
    assert (folder / "out.csv").exists()


def test_a_closed_stdout_at_the_start_is_no_crash(folder):
    command = f"{sys.executable} -m plait run small.scl >&-"
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_missing_input_file_ends_the_run_and_names_it(folder, plait):
    (folder / "b.csv").unlink()
    _, errors = plait("run", "small.scl", status=1)
    assert "b.csv" in errors
    assert not (folder / "out.csv").exists()


@pytest.mark.parametrize(
    "words",
    [["rnu", "small.scl"], ["run"], ["run", "small.scl", "--engine", "fast"], ["run", "small.scl", "--set", "x"]],
)
def test_wrong_usage_is_status_2(plait, words):
    plait(*words, status=2)


def test_a_file_instead_of_a_command_is_explained(plait):
    _, errors = plait("small.scl", status=2)
    assert "plait run small.scl" in errors


@pytest.mark.parametrize(
    ("form", "start"), [("text", "small: 5 stages"), ("mermaid", "flowchart LR"), ("svg", "<svg ")]
)
def test_show_draws_a_pipeline(plait, form, start):
    printed, _ = plait("show", "small.scl", "--format", form)
    assert printed.startswith(start)
    assert "warm" in printed


def test_show_prints_the_card_of_a_component(plait):
    printed, _ = plait("show", "reader=csv")
    assert "max_ahead" in printed
    assert "delimiter" in printed
    _, errors = plait("show", "cvs", status=1)
    assert "did you mean 'csv'" in errors


def test_fmt_is_checked_and_applied(folder, plait):
    plait("fmt", "small.scl")
    plait("fmt", "--check", "small.scl")
    (folder / "small.scl").write_text("reader=csv(  path=x )")
    plait("fmt", "--check", "small.scl", status=1)
    printed, _ = plait("fmt", "--stdout", "small.scl")
    assert printed == "reader=csv(path=x)\n"


def test_version_is_that_of_the_package(plait):
    import plait as package

    assert plait("--version")[0].split()[-1] == package.__version__
