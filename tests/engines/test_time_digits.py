"""Times go out with the fractional digits that their stream has, whatever the engine and the blocks."""

from pathlib import Path

import pytest
from plait import Pipeline


def merged(folder: Path, engine: str, **files: str) -> list[str]:
    p = Pipeline("digits", base=folder)
    inputs = []
    for name, text in files.items():
        (folder / f"{name}.csv").write_text("timestamp\n" + text)
        inputs.append(p.reader("csv", name=name, path=f"{name}.csv"))
    p.merge("sorted", name="all", inputs=inputs).writer("csv", path="out.csv", header=False)
    p["all"].writer("jsonl", path="out.jsonl")
    p.run(engine)
    lines = (folder / "out.csv").read_text().splitlines()
    assert (folder / "out.jsonl").read_text().splitlines() == [f'{{"timestamp":"{line}"}}' for line in lines]
    return lines


@pytest.mark.parametrize("engine", ["serial", "local"])
def test_a_stream_of_milliseconds_has_three_digits_throughout(tmp_path, engine):
    lines = merged(tmp_path, engine, a="2010-01-01T00:00:01.500Z\n2010-01-01T00:00:02.000Z\n")
    assert lines == ["2010-01-01T00:00:01.500Z", "2010-01-01T00:00:02.000Z"]


@pytest.mark.parametrize("engine", ["serial", "local"])
def test_a_merge_has_the_digits_of_its_finest_source(tmp_path, engine):
    lines = merged(tmp_path, engine, a="2010-01-01T00:00:01Z\n", b="2010-01-01T00:00:02.000001Z\n")
    assert lines == ["2010-01-01T00:00:01.000000Z", "2010-01-01T00:00:02.000001Z"]


def test_whole_seconds_stay_whole(tmp_path):
    assert merged(tmp_path, "serial", a="2010-01-01T00:00:01Z\n") == ["2010-01-01T00:00:01Z"]
