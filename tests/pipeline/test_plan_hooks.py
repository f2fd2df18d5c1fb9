"""What the plan asks of readers and writers before the run."""

from __future__ import annotations

import pytest
from plait import Pipeline, SpecError
from plait.pipeline import make_plan

ROWS = [{"timestamp": "2010-01-01", "temp": 1.5, "place": {"city": "sf"}}]


@pytest.mark.parametrize(
    ("variant", "options", "message"),
    [
        ("text", {"path": "a.txt", "template": "{tmp}"}, "writer=text: template: there is no column 'tmp'"),
        ("console", {"template": "{temp} {town.name}"}, "writer=console: template: there is no column 'town.name'"),
        ("csv", {"path": "a.csv", "columns": ["temp", "plac"]}, "writer=csv: columns: there is no column 'plac'"),
    ],
)
def test_a_column_that_a_writer_needs_and_nobody_has_is_a_mistake_before_the_run(variant, options, message, tmp_path):
    pipeline = Pipeline("p", base=tmp_path)
    pipeline.reader("memory", rows=ROWS).writer(variant, **options)
    with pytest.raises(SpecError) as caught:
        pipeline.plan()
    assert str(caught.value).startswith(message)


def test_what_a_writer_needs_may_be_nested(tmp_path):
    pipeline = Pipeline("p", base=tmp_path)
    pipeline.reader("memory", rows=ROWS).writer("text", path="a.txt", template="{place.city}: {temp:.1f}")
    assert pipeline.plan().mistakes == ()


@pytest.mark.parametrize(("variant", "line"), [("csv", b"1,2\n"), ("file", b"one line\n"), ("jsonl", b'{"a": 1}\n')])
def test_many_bytes_of_any_kind_of_file_are_worth_a_pool(variant, line, tmp_path):
    (tmp_path / "small").write_bytes(line * 10)
    (tmp_path / "large").write_bytes(line * ((9 << 20) // len(line)))
    engines = {}
    for name in ("small", "large"):
        pipeline = Pipeline("p", base=tmp_path)
        pipeline.reader(variant, path=name).writer("jsonl", path="out.jsonl")
        engines[name] = make_plan(pipeline.spec, tmp_path).engine
    assert engines == {"small": "serial", "large": "local"}
