"""What a pipeline file says is what is built; what is wrong in it is shown in one go, each mistake at its place."""

from datetime import timedelta
from pathlib import Path

import pytest
from plait import Pipeline
from plait.errors import ScriptError, SourceError, SpecError
from plait.operators import Derive
from plait.operators.window import TumblingWindow
from plait.pipeline.build import build_component
from plait.pipeline.load import load_file, load_text
from plait.pipeline.write import write_scl
from plait.summary import outcome

WEATHER = """
pipeline=weather(dead_letters="out/dead.jsonl")
reader=csv(name=seattle path="a.csv" timestamp=date format="%Y/%m/%d %H:%M")
reader=csv(name=sf path="b.csv" timestamp=date)
merge=sorted(name=coast from=[seattle sf] lateness=2s tag=source)
filter=where(name=valid condition=(temp>-50 not=(status=fail)))
derive=columns(name=metric set=(celsius="(temp - 32) * 5 / 9"))
event=when(name=heat condition=(celsius>30 source=[seattle sf]) print="{timestamp} {source}: {celsius:.1f} C")
writer=csv(from=metric path="out/daily.csv")
writer=jsonl(from=heat path="out/heat.jsonl")
"""


def test_stages_are_built_in_the_order_written_with_their_inputs():
    spec = load_text(WEATHER)
    assert spec.name == "weather"
    assert [(stage.name, stage.inputs) for stage in spec] == [
        ("seattle", ()),
        ("sf", ()),
        ("coast", ("seattle", "sf")),
        ("valid", ("coast",)),
        ("metric", ("valid",)),
        ("heat", ("metric",)),
        ("csv", ("metric",)),
        ("jsonl", ("heat",)),
    ]
    assert spec["coast"].component.lateness == timedelta(seconds=2)
    assert spec.dead_letters == "out/dead.jsonl"


def test_a_pipeline_written_out_again_is_the_same_pipeline():
    spec = load_text(WEATHER)
    again = load_text(write_scl(spec))
    assert again == spec
    assert write_scl(again) == write_scl(spec)


def test_without_from_a_merge_reads_all_readers_above_and_others_the_stage_above():
    spec = load_text(
        """
        reader=csv(path="a.csv")
        reader=csv(path="b.csv")
        merge=sorted()
        writer=csv(path="x.csv")
        writer=jsonl(path="x.jsonl")
        """
    )
    assert [(stage.name, stage.inputs) for stage in spec] == [
        ("csv", ()),
        ("csv_2", ()),
        ("sorted", ("csv", "csv_2")),
        ("csv_3", ("sorted",)),
        ("jsonl", ("sorted",)),
    ]


def mistakes(text: str) -> list[tuple[int, int, str]]:
    with pytest.raises(ScriptError) as caught:
        load_text(text)
    return [(mistake.line, mistake.column, mistake.message) for mistake in caught.value.mistakes]


def test_all_mistakes_are_shown_in_one_go_each_at_its_place():
    text = (
        'reader=csv(name=a path="a.csv" lateness=soon)\n'
        'reader=cvs(name=b path="b.csv")\n'
        "merge=sorted(name=m from=[a b c])\n"
        'writter=csv(path="x.csv")\n'
        'writer=csv(from=m path="x.csv" pth="y")\n'
    )
    assert mistakes(text) == [
        (1, 41, "lateness: 'soon' is not a duration such as 250ms, 2s, 1h30m or 1d"),
        (2, 8, "there is no reader called 'cvs'"),
        (3, 26, "merge=sorted: 'c' is not a stage above this one"),
        (4, 1, "there is no such family of stages"),
        (5, 32, "writer=csv has no option 'pth'"),
    ]


def test_all_mistakes_within_one_option_are_shown_each_at_its_place(tmp_path):
    windows = "window=tumbling(from=a size=1s aggregate=(n=cont m=mean x=max(of=v) y=max(off=v)))\n"
    assert [(line, column, message[:40]) for line, column, message in mistakes(
        f'reader=csv(name=a path="a.csv")\n{windows}derive=columns(from=a set=(x="v +" y=b(z=1) z="1"))\n'
        'derive=columns(from=a set=(x="v +" timestamp="1" y="no(v)"))\n'
    )] == [
        (2, 45, "aggregate: n: there is no aggregate 'con"),
        (2, 52, "aggregate: m: mean needs of=, a column o"),
        (2, 71, "aggregate: y: max needs of=, a column or"),
        (3, 38, "set: y: takes an expression, not parenth"),
        (4, 30, "derive=columns: x: '+' does not belong h"),
        (4, 46, "derive=columns: timestamp orders the str"),
        (4, 52, "derive=columns: y: there is no function "),
    ]  # fmt: skip
    (tmp_path / "a.csv").write_text("timestamp,v,s\n2024-01-01,1,x\n")
    text = (
        'reader=csv(name=a path="a.csv")\n'
        'derive=columns(from=a set=(x="vv + 1" y="x + 1" z="s + 1"))\n'
        "window=tumbling(from=a size=1s by=[k vv] aggregate=(n=count m=mean(of=vv) x=sum(of=s)))\n"
        "rename=columns(from=a set=(x=vv y=v z=w))\n"
        "window=rolling(from=a rows=2 aggregate=(v=count n=count s=count))\n"
    )
    (tmp_path / "p.scl").write_text(text)
    with pytest.raises(ScriptError) as caught:
        Pipeline.load(tmp_path / "p.scl", base=tmp_path).plan()
    assert [(each.line, each.column, each.message.split(": ", 1)[1][:32]) for each in caught.value.mistakes] == [
        (2, 30, "x: there is no column 'vv', at c"),
        (2, 51, "z: a + b: text + integer does no"),
        (3, 35, "there is no column 'k'"),
        (3, 35, "there is no column 'vv'"),
        (3, 71, "m: there is no column 'vv', at c"),
        (3, 84, "x: sum takes duration or float o"),
        (4, 30, "there is no column 'vv'"),
        (4, 39, "there is no column 'w'"),
        (5, 43, "there is a column 'v' already; t"),
        (5, 59, "there is a column 's' already; t"),
    ]


def test_mistakes_that_only_the_first_rows_show_are_told_together():
    pipeline = Pipeline("p")
    known_late = pipeline.reader("memory", rows=[{"timestamp": "2024-01-01", "v": 1}]).map("python", function=dict)
    known_late.derive("columns", name="made", set={"x": "vv", "y": "w"}).writer("memory")
    found = outcome(pipeline.run("serial", check=False))
    assert [line.split(", at")[0] for line in found] == [
        "error: made: derive=columns: set: x: there is no column 'vv'",
        "error: made: derive=columns: set: y: there is no column 'w'",
    ]


def test_mistakes_within_an_option_given_in_python_or_from_outside_are_told_together():
    with pytest.raises(SpecError) as caught:
        Derive(set={"x": "v +", "y": "no(v)"})
    assert "y: there is no function 'no'" in "".join(caught.value.__notes__)
    with pytest.raises(SpecError, match=r"x: there is no aggregate 'cont'.*; y: mean needs of="):
        TumblingWindow(size="1s", aggregate={"x": "cont", "y": "mean"})
    text = 'reader=csv(name=a path="a.csv")\nderive=columns(name=d from=a set=(x="1"))'
    with pytest.raises(ScriptError) as from_outside:
        load_text(text, settings={"d.set": '(x="v +")'})
    assert [(each.line, each.column) for each in from_outside.value.mistakes] == [(2, 1)]


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("reader=csv()", (1, 1), "reader=csv needs path="),
        ('reader=csv(path="a" path="b")', (1, 21), "'path' is given twice; the first is in line 1"),
        ('reader=csv(path="a" name=[x])', (1, 26), "name: is to be a word"),
        ('reader=csv(path="a" name=x)\nreader=csv(path="b" name=x)', (2, 26), "there is a stage 'x' above already"),
        ('reader=csv(path="a" from=b)', (1, 26), "reader=csv: 'b' is not a stage above this one"),
        ("merge=sorted()", (1, 1), "merge=sorted: there is nothing above it to merge"),
        ('writer=csv(path="x")', (1, 1), "writer=csv: there is no stage above it to read from"),
        ('reader=csv(path="a")\nreader=csv(path="b")\nfilter=where(from=[csv csv_2] condition=(a=1))', (3, 19),
         "filter=where: it reads from one stage; merge them first"),
        ("reader=(a=1)", (1, 8), "the kind of reader is to stand here"),
        ("reader>csv", (1, 1), "a stage is written reader=...( ), not with >"),
        ('reader=csv(path>"a")', (1, 12), "an option is written path=..., not with >"),
        ("pipeline=a\npipeline=b", (2, 1), "a file holds one pipeline; there is one above already"),
        ('reader=csv(path="${PLAIT_TEST_UNSET}")', (1, 17),
         "the environment variable PLAIT_TEST_UNSET is not set; set it, or write ${PLAIT_TEST_UNSET:-default}"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_where_it_stands(text, place, message):
    found = mistakes(text)
    assert (*place, message) in found


def test_the_nearest_known_name_is_suggested():
    with pytest.raises(ScriptError, match="did you mean 'lateness'"):
        load_text('reader=csv(path="a" latenes=2s)')


def test_the_environment_is_taken_and_never_shown(monkeypatch):
    monkeypatch.setenv("PLAIT_TEST_FILE", "/secret/place.csv")
    spec = load_text('reader=csv(path="${PLAIT_TEST_FILE}" lateness=${PLAIT_TEST_LATENESS:-3s})')
    assert spec["csv"].component.path == "/secret/place.csv"
    assert spec["csv"].component.lateness == timedelta(seconds=3)
    written = write_scl(spec)
    assert "secret" not in written
    assert "${PLAIT_TEST_FILE}" in written


def test_a_wrong_value_from_the_environment_is_not_printed(monkeypatch):
    monkeypatch.setenv("PLAIT_TEST_LATENESS", "hunter2")
    with pytest.raises(ScriptError) as caught:
        load_text('reader=csv(path="a" lateness="${PLAIT_TEST_LATENESS}")')
    assert "hunter2" not in str(caught.value)


def test_a_setting_overrides_the_file():
    text = 'reader=csv(name=a path="a.csv")\nmerge=sorted(name=m lateness=2s)\n'
    spec = load_text(text, settings=[("m.lateness", "5s"), ("a.path", "b/c d.csv")])
    assert spec["m"].component.lateness == timedelta(seconds=5)
    assert spec["a"].component.path == "b/c d.csv"


def test_a_setting_for_a_stage_that_is_not_there_names_the_nearest():
    with pytest.raises(SpecError, match="did you mean 'coast'"):
        load_text('reader=csv(name=coast path="a.csv")', settings=[("cost.path", "b.csv")])


def test_a_missing_file_is_named_with_the_nearest(tmp_path: Path):
    (tmp_path / "weather.scl").write_text("")
    with pytest.raises(SourceError, match=r"wether.scl: there is no such file; did you mean 'weather.scl'"):
        load_file(tmp_path / "wether.scl")


def test_a_file_that_is_not_utf8_is_refused_at_its_place(tmp_path: Path):
    path = tmp_path / "p.scl"
    path.write_bytes(b"# ok\n# caf\xe9\n")
    with pytest.raises(ScriptError) as caught:
        load_file(path)
    assert (caught.value.line, caught.value.column) == (2, 6)


def test_unknown_options_from_python_name_the_nearest():
    with pytest.raises(SpecError, match="did you mean 'timestamp'"):
        build_component("reader", "csv", {"path": "a.csv", "timestmp": "t"})
