"""`Pipeline` from Python: what is collected, what can be written as SCL, what appending refuses."""

import gzip
import json
from pathlib import Path

import pytest
from plait import Pipeline, SinkError, SpecError
from plait.pipeline.load import load_text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.csv").write_text("timestamp,v\n2010-01-01T00:00:01Z,1\n2010-01-01T00:00:03Z,3\n")
    (tmp_path / "b.csv").write_text("timestamp,v\n2010-01-01T00:00:02Z,2\n")
    return tmp_path


def merged(folder: Path, **options):
    p = Pipeline("p", base=folder)
    inputs = [p.reader("csv", name=name, path=f"{name}.csv", **options) for name in ("a", "b")]
    return p, p.merge("sorted", name="m", inputs=inputs)


def test_every_stage_can_be_collected_even_a_reader_with_its_own_lateness(folder):
    p, m = merged(folder, lateness="2s")
    m.filter("where", name="few", condition={"v": {"<": 3}}).rename("columns", name="new", set={"w": "v"})
    assert [row["v"] for row in p.collect("a")] == [1, 3]
    assert [row["v"] for row in p.collect(m)] == [1, 2, 3]
    assert [row["w"] for row in p.collect("new")] == [1, 2]
    assert [sorted(row) for row in p.collect(m.drop("columns", names=["v"]))] == [["timestamp"]] * 3
    assert [row["v"] for row in p.collect(m.select("columns", name="some", keep=["v"]))] == [1, 2, 3]


def test_what_is_written_as_scl_is_the_same_pipeline(folder):
    p, m = merged(folder, lateness="2s")
    m.derive("columns", name="d", set={"w": "v * 2"}).writer("csv", name="out", path="o.csv")
    p["a"].late(name="stragglers").writer("csv", path="late.csv")
    assert load_text(p.to_scl()).stages == p.spec.stages


@pytest.mark.parametrize(
    ("family", "options"),
    [
        ("derive", {"set": {"q x": "1"}}),
        ("rename", {"set": {"N N": "v"}}),
        ("where", {"condition": {"any": [{"s": "a"}]}}),
        ("where", {"condition": {"v": lambda v: v > 1}}),
        ("memory", {}),
    ],
)
def test_what_only_python_can_say_is_not_written_as_scl(folder, family, options):
    p, m = merged(folder)
    make = {"derive": m.derive, "rename": m.rename, "where": m.filter, "memory": m.writer}[family]
    make(family if family in ("where", "memory") else "columns", **options)
    with pytest.raises(ValueError, match="cannot"):
        p.to_scl()


def test_a_packed_file_has_the_same_bytes_whatever_the_engine(folder):
    packed = []
    for engine in ("serial", "local"):
        p, m = merged(folder)
        m.writer("csv", path=f"{engine}.csv.gz")
        p.run(engine)
        packed.append((folder / f"{engine}.csv.gz").read_bytes())
    assert packed[0] == packed[1]
    assert gzip.decompress(packed[0]).count(b"\n") == 4


@pytest.mark.parametrize(
    ("before", "message"),
    [("timestamp,v\n2009-01-01,5", "ends in the middle of a line"), ("v,timestamp\n5,2009\n", "its header is")],
)
def test_rows_are_not_appended_where_they_would_not_be_read_again(folder, before, message):
    (folder / "o.csv").write_text(before)
    p, m = merged(folder)
    m.writer("csv", path="o.csv", follow=True, append=True)
    with pytest.raises(SinkError, match=message):
        p.run()
    assert (folder / "o.csv").read_text() == before


def test_rows_are_appended_behind_those_of_the_same_columns(folder):
    (folder / "o.csv").write_text("timestamp,v\n2009-01-01T00:00:00Z,5\n")
    p, m = merged(folder)
    m.writer("csv", path="o.csv", follow=True, append=True)
    p.run()
    assert [line.rpartition(",")[2] for line in (folder / "o.csv").read_text().splitlines()] == [
        "v",
        "5",
        "1",
        "2",
        "3",
    ]


def test_rows_that_are_not_delivered_are_told_when_a_stage_is_collected(tmp_path, caplog):
    p = Pipeline("p", base=tmp_path)
    rows = p.reader("memory", rows=[{"timestamp": "2010-01-01T00:00:00Z", "n": n} for n in (0, 1)])
    assert [row["n"] for row in p.collect(rows.map("python", name="m", function=lambda row: {"n": 1 / row["n"]}))] == [
        1
    ]
    assert f"m: 1 row was not delivered; see {tmp_path / 'p.dead.jsonl'}" in caplog.text


def test_none_is_an_option_that_is_not_given(folder):
    p, m = merged(folder)
    given = {"size": "1d", "aggregate": {"n": "count"}}
    nothing = m.window("tumbling", **given, by=None, fill=None, offset=None, max_state=None)
    plain = m.window("tumbling", **given)
    assert p.spec[nothing.name].component == p.spec[plain.name].component
    for missing in ("size", "aggregate"):
        with pytest.raises(SpecError, match=f"window=tumbling: {missing}: must be given, and is None"):
            m.window("tumbling", **{**given, missing: None})


@pytest.mark.parametrize(
    ("add", "message"),
    [
        (
            lambda m: m.window("rolling", rows=1 << 63, aggregate={"n": "count"}),
            "rows: 9223372036854775808 is too large",
        ),
        (lambda m: m.writer("csv", path="\ud800"), "path: '.ud800' holds half a character"),
        (lambda m: m.writer("csv", path="1" * 300).pipeline.plan(), "path: '1+' cannot be the name of a file"),
    ],
)
def test_what_no_file_and_no_counter_can_hold_is_refused(folder, add, message):
    _, m = merged(folder)
    with pytest.raises(SpecError, match=message):
        add(m)


def test_a_sample_may_be_larger_than_memory(folder):
    p, _ = merged(folder)
    assert len(p.collect(p.reader("csv", path="a.csv", sample="1000GiB"))) == 2


@pytest.mark.parametrize("ask", [lambda p: p.collect(5), lambda p: p.run(True), lambda p: p.reader(None)])
def test_what_is_no_name_at_all_is_refused_as_a_wrong_name_is(folder, ask):
    with pytest.raises(SpecError):
        ask(merged(folder)[0])


def test_a_row_that_cannot_be_written_as_text_is_a_dead_letter_all_the_same(tmp_path):
    p = Pipeline("p", base=tmp_path)
    rows = [{"timestamp": "\ud800", "v": 1}, {"timestamp": "2010-01-01", "v": 2}]
    assert [row["v"] for row in p.collect(p.reader("memory", rows=rows))] == [2]
    assert json.loads((tmp_path / "p.dead.jsonl").read_text())["record"] == rows[0]
