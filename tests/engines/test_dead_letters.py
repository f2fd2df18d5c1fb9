"""Dead letters are kept in the order of the stages, and a failing disk is never a silent loss."""

import json
from pathlib import Path

import pytest
from plait import Pipeline
from plait.engines.dead_letters import DeadLetterPart, join_parts, part_path
from plait.engines.run import run_plan
from plait.errors import SinkError
from plait.record import DeadLetter


def letter(stage: str, line: int) -> DeadLetter:
    return DeadLetter(stage=stage, kind="dead", reason="because", origin="a.csv", line=line, offset=7, text="x\ty")


def test_the_parts_are_joined_in_the_order_of_the_stages(tmp_path: Path):
    path = tmp_path / "out" / "dead.jsonl"
    for stage in ("b", "a"):
        part = DeadLetterPart(path, stage)
        part(letter(stage, 1))
        part(letter(stage, 2))
        part.close()
    assert join_parts(path, ["a", "b", "c"])
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(row["stage"], row["line"]) for row in rows] == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    assert rows[0] == {
        "stage": "a", "kind": "dead", "reason": "because", "origin": "a.csv", "line": 1, "offset": 7, "text": "x\ty",
    }  # fmt: skip
    assert [entry.name for entry in path.parent.iterdir()] == ["dead.jsonl"]


def test_a_run_without_dead_letters_leaves_no_file_of_an_earlier_run(tmp_path: Path):
    path = tmp_path / "dead.jsonl"
    path.write_text("old\n")
    assert not join_parts(path, ["a"])
    assert not path.exists()


def test_no_part_is_made_before_the_first_letter(tmp_path: Path):
    part = DeadLetterPart(tmp_path / "dead.jsonl", "a")
    part.close()
    assert not part_path(tmp_path / "dead.jsonl", "a").exists()


def test_a_full_disk_is_told_and_the_letters_are_still_counted(tmp_path: Path):
    path = tmp_path / "dead.jsonl"
    part_path(path, "a").symlink_to("/dev/full")
    part = DeadLetterPart(path, "a")
    part(letter("a", 1))
    with pytest.raises(SinkError, match="No space left on device"):
        part.flush()
    with pytest.raises(SinkError):
        part.close()
    assert part.count == 1


def test_a_file_that_cannot_be_written_leaves_the_parts_and_the_report_says_where(tmp_path: Path):
    p = Pipeline("p", dead_letters=str(tmp_path / "dead.jsonl"))
    p.reader("memory", rows=[{"timestamp": "2010-01-01"}, {"timestamp": "soon"}]).writer("memory")
    (tmp_path / "dead.jsonl").mkdir()
    report = run_plan(p.plan(), "serial")
    assert isinstance(report.error, SinkError)
    assert report.dead_letters == str(tmp_path / ".dead.jsonl.*.part")
    (part,) = tmp_path.glob(".dead.jsonl.*.part")
    assert "soon" in part.read_text()
