"""What is written behind a merge and done ahead of it: nobody can tell, except from the plan.

The serial engine does everything where it is written, and is the oracle: outputs, ledger, examples and notes are equal.
"""

import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait import Pipeline
from plait.engines import run_plan
from plait.pipeline.ahead import work_ahead
from plait.pipeline.describe import plan_text

START = datetime(2010, 1, 1, tzinfo=UTC)
STAGES = {
    "few": ("filter", "where", {"condition": {"n": {">": 2}, "label": {"!=": "b"}}}),
    "more": ("derive", "columns", {"set": {"twice": "n * 2", "x": "x + 0.1"}}),
    "fewer columns": ("drop", "columns", {"names": ["label"]}),
    "new names": ("rename", "columns", {"set": {"count": "n"}}),
    "hits": ("event", "when", {"condition": {"x": {"<": 4}}}),
    "rules": (
        "event",
        "rules",
        {"rules": {"low": {"n": {"<": 4}}, "a": {"label": "a"}, "both": {"n": {"<": 3}, "label": "a"}}},
    ),
}
NEEDS = {"few": {"n", "label"}, "more": {"n", "x"}, "fewer columns": {"label"}, "new names": {"n"}, "hits": {"x"}}
LABELS = ["a", "b", ""]

rows = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 6), st.sampled_from(LABELS)), max_size=25)
ends = st.sampled_from(["rows", "window", "fill", "forks"])
stacks = st.lists(st.sampled_from(list(STAGES)), min_size=1, max_size=4, unique=True)


def write(folder, index, source, header="timestamp,n,x,label"):
    lines = [
        f"{(START + timedelta(seconds=t)).isoformat()},{n},{'' if n == 5 else n * 1.5 + 0.25},{label}"
        for t, n, label in source
    ]
    (folder / f"in{index}.csv").write_text("".join(f"{line}\n" for line in [header, *lines]))


def begun(folder, count, *, block=None, **options):
    p = Pipeline("p", base=folder, dead_letters="dead.jsonl")
    types = {"n": "integer", "x": "float", "label": "text"}
    chosen = {"schema": types, "lateness": timedelta(seconds=3), "timestamp": "timestamp"}
    readers = [
        p.reader("csv", name=f"in{i}", path=f"in{i}.csv", **chosen, **({"block": block} if block else {}))
        for i in range(count)
    ]
    return p, p.merge("sorted", name="m", inputs=readers[::-1], **options)


def fits(name, columns):
    return NEEDS.get(name, {"n", "label"}) <= columns


def stacked(stage, names):
    """Lay stages behind another, as far as each has the columns that it looks at."""
    columns, used = {"n", "x", "label"}, []
    for name in names:
        if fits(name, columns):
            family, variant, options = STAGES[name]
            stage = stage.stage(family, variant, name=name, **options)
            used.append(name)
            columns -= {"fewer columns": {"label"}, "new names": {"n"}}.get(name, set())
    return stage, columns, used


def outcome(pipeline, folder, engine):
    plan = pipeline.plan()
    assert not plan.mistakes, plan.mistakes
    report = run_plan(plan, engine)
    assert report.error is None, report.error
    assert not report.imbalances, report.imbalances
    files = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith("in")}
    for name in files:
        (folder / name).unlink()
    # How much a window held at most goes by the frames that it gets, which differ.
    return [replace(s, extra={k: n for k, n in s.extra.items() if "at most" not in k}) for s in report.stages], files


@settings(max_examples=40, deadline=None)
@given(st.lists(rows, min_size=1, max_size=4), stacks, ends, st.booleans())
def test_both_engines_give_the_same_with_the_same_ledger(sources, names, end, small):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for index, source in enumerate(sources):
            write(folder, index, source)

        def whole():
            p, merged = begun(folder, len(sources), block=120 if small else None)
            last = stacked(merged, names)[0]
            if end in ("window", "fill"):
                aggregate = {"rows": "count", "most": {"max": {"of": "x"}}}
                key = {"by": ["x"]} if end == "window" else {"fill": True}
                last = last.window("tumbling", name="w", size="5s", aggregate=aggregate, **key)
            if end == "forks":
                last.event("when", name="high", condition={"x": {">": 6}}, print="{x}").writer("csv", path="high.csv")
                last = last.filter("where", name="low", condition={"x": {"<": 3}})
            last.writer("csv", name="out", path="out.csv")
            return p

        plan = work_ahead(whole().plan())
        assert [*plan.moved()] == stacked(begun(folder, len(sources))[1], names)[2]
        assert (plan.ahead["m"].sieve is not None) == (end == "forks")
        assert outcome(whole(), folder, "local") == outcome(whole(), folder, "serial")


@pytest.mark.parametrize("forked", [False, True])
def test_rows_that_were_filtered_out_ahead_have_had_their_time(tmp_path, forked):
    """Windows are filled up to the last of the stream, also where its rows have not come so far."""
    write(tmp_path, 0, [(t, t, "a") for t in range(1, 11)])
    write(tmp_path, 1, [(t, t, "a") for t in range(1, 21)])
    p, merged = begun(tmp_path, 2)
    for name in ("few", "others") if forked else ("few",):
        kept = merged.filter("where", name=name, condition={"n": {"<": 3}})
        filled = kept.window("tumbling", name=f"w {name}", size="5s", fill=True, aggregate={"rows": "count"})
        filled.writer("csv", name=f"out {name}", path=f"{name}.csv")
    lines, files = outcome(p, tmp_path, "local")
    assert files["few.csv"].count(b"\n") == 1 + 4
    assert (lines, files) == outcome(p, tmp_path, "serial")


def test_columns_that_only_pass_stay_behind_where_results_are_made(tmp_path):
    for index in range(2):
        write(tmp_path, index, [(t, t % 5, "a") for t in range(20)])
    p, merged = begun(tmp_path, 2)
    kept = merged.filter("where", name="few", condition={"label": "a"})
    kept.window("tumbling", name="w", size="5s", aggregate={"total": {"sum": {"of": "n * 2"}}}).writer(
        "csv", path="out.csv"
    )
    ahead = work_ahead(p.plan()).ahead["m"]
    assert [stage.name for stage in ahead.stages] == ["few"]
    assert [*ahead.columns] == ["timestamp", "n"]
    shown = plan_text(p.plan(), 2, "local")
    assert "few  filter=where       [ahead of m]" in shown
    assert "merges: timestamp, n\n" in shown
    assert outcome(p, tmp_path, "local") == outcome(p, tmp_path, "serial")


STAYS = {
    "functions are called in order": ("filter", "where", {"condition": {"n": bool}}),
    "functions are called with the state of all rows": ("event", "when", {"condition": {"n": 1}, "call": print}),
    "rolling looks at rows before": ("window", "rolling", {"rows": 2, "aggregate": {"s": {"sum": {"of": "n"}}}}),
}


@pytest.mark.parametrize("why", STAYS)
def test_what_looks_at_more_than_a_row_stays_behind_the_merge(tmp_path, why):
    assert not ahead_of_two(tmp_path, STAYS[why])


def test_lines_are_printed_behind_the_merge_of_rows_that_are_worth_it(tmp_path):
    ahead = ahead_of_two(tmp_path, ("event", "when", {"condition": {"n": 1}, "print": "{n}"}))["m"]
    assert not ahead.stages
    assert ahead.sieve.component.condition == {"$or": [{"n": 1}]}


@pytest.mark.parametrize("reads", ["m", "in0"])
def test_nothing_is_taken_from_others_who_read_the_same(tmp_path, reads):
    assert ahead_of_two(tmp_path)
    assert not ahead_of_two(tmp_path, read_too=reads)


def test_inputs_that_differ_and_tagged_rows_are_left_alone(tmp_path):
    assert not ahead_of_two(tmp_path, tag="source")
    assert not ahead_of_two(tmp_path, header="timestamp,n,x,other")


def ahead_of_two(folder, stage=STAGES["more"], *, header="timestamp,n,x,label", read_too=None, **options):
    """Return what is done ahead of a merge of two files; the second has this header."""
    for index, head in enumerate(("timestamp,n,x,label", header)):
        write(folder, index, [(t, t, "a") for t in range(5)], head)
    p, merged = begun(folder, 2, **options)
    merged.stage(stage[0], stage[1], name="behind", **stage[2]).writer("csv", path="out.csv")
    if read_too:
        p[read_too].writer("jsonl", path="all.jsonl")
    return work_ahead(p.plan()).ahead


def test_a_failing_input_ends_the_run_with_its_error(tmp_path):
    """The stages ahead run in the threads that read: what happens there is told as ever."""
    for index in range(2):
        write(tmp_path, index, [(t, 1, "a") for t in range(5)])
    p = Pipeline("p", base=tmp_path)
    readers = [
        p.reader("csv", name=f"in{i}", path=f"in{i}.csv", late="fail", schema={"n": "integer"}) for i in range(2)
    ]
    merged = p.merge("sorted", name="m", inputs=readers)
    merged.filter("where", name="few", condition={"n": 1}).writer("csv", path="out.csv")
    write(tmp_path, 1, [(9, 1, "a"), (1, 1, "a")])
    report = run_plan(p.plan(), "local")
    assert "is late" in str(report.error)
    assert not (tmp_path / "out.csv").exists()
