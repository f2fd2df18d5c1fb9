from __future__ import annotations

import pickle
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from plait import Pipeline
from plait.errors import ScriptError, SpecError
from plait.event import Condition, rule_table
from plait.operators import Rules
from plait.pipeline.load import load_text
from plait.record import TEXT
from plait.running import Context

FRAME = pl.DataFrame(
    {
        "timestamp": [datetime(2010, 8, 1, hour, tzinfo=UTC) for hour in range(4)],
        "source": ["sf", "seattle", None, "sf"],
        "celsius": [31.25, 12.0, 35.0, None],
    }
)
RULES: dict[str, Any] = {"hot": {"celsius": {">": 30}}, "sf": {"source": "sf"}, "very": {"celsius": {">": 34}}}
PAIRS = [(0, "hot"), (0, "sf"), (2, "hot"), (2, "very"), (3, "sf")]


def run(event: Rules, frame: pl.DataFrame = FRAME, **more: Any) -> tuple[list[pl.DataFrame], Context, list[str]]:
    lines: list[str] = []
    context = Context(stage="alerts", say=lines.append, **more)
    running = event.open(context)
    frames = [*running.on_frame(frame), *running.on_end()]
    running.close()
    return frames, context, lines


def pairs(frames: list[pl.DataFrame]) -> list[tuple[int, str]]:
    return [(row["timestamp"].hour, row["rule"]) for frame in frames for row in frame.to_dicts()]


def test_a_row_comes_out_once_for_each_rule_in_the_order_of_the_rules() -> None:
    frames, _, lines = run(Rules(rules=RULES))
    assert pairs(frames) == PAIRS
    assert frames[0].columns == [*FRAME.columns, "rule"]
    assert frames[0].drop("rule").equals(FRAME[[0, 0, 2, 2, 3]])
    assert lines == []


def test_rules_are_worked_out_once_for_all_who_run_in_a_process(monkeypatch: Any) -> None:
    made: list[Any] = []
    table = rule_table.RuleTable
    monkeypatch.setattr(rule_table, "RuleTable", lambda conditions: made.append(conditions) or table(conditions))
    event = Rules(rules=RULES)
    assert pairs(run(event)[0]) == pairs(run(event)[0]) == PAIRS
    assert len(made) == 1


def test_a_copy_of_rules_that_have_run_runs_elsewhere() -> None:
    event = Rules(rules=RULES)
    run(event)
    assert pairs(run(pickle.loads(pickle.dumps(event)))[0]) == PAIRS


def test_nothing_comes_out_where_no_rule_holds() -> None:
    assert run(Rules(rules={"cold": {"celsius": {"<": 0}}}))[0] == []


def test_prints_and_calls_for_each_with_the_name_of_the_rule() -> None:
    rows: list[Any] = []
    _, _, lines = run(Rules(rules=RULES, print="{source} {rule}", call=rows.append))
    assert lines == ["sf hot", "sf sf", "null hot", "null very", "sf sf"]
    assert [(row["timestamp"].hour, row["rule"]) for row in rows] == PAIRS


def test_the_text_of_the_row_does_not_go_on() -> None:
    (events,), _, _ = run(Rules(rules=RULES), FRAME.with_columns(pl.lit("x").alias(TEXT)))
    assert TEXT not in events.columns


def test_functions_that_raise_are_counted_with_the_name_of_their_rule() -> None:
    def broken(value: Any) -> bool:
        raise ValueError("no")

    frames, context, _ = run(Rules(rules={"odd": {"source": broken}, "sf": {"source": "sf"}}, call=broken))
    assert pairs(frames) == [(0, "sf"), (3, "sf")]
    assert context.counts["callback errors"] == 4 + 2
    first, second = context.notes
    assert first.startswith("alerts: the condition of odd raised CallbackError: ")
    assert "broken" in second


COLUMNS = dict(FRAME.schema)


def test_what_cannot_be_true_is_said_with_the_name_of_the_rule() -> None:
    assert Rules(rules=RULES).columns(COLUMNS) == {**COLUMNS, "rule": pl.String()}
    assert Rules(rules=RULES, column="which", print="{which}").columns(COLUMNS) == {**COLUMNS, "which": pl.String()}
    with pytest.raises(SpecError, match=r"rules: odd: there is no column 'celcius'; did you mean 'celsius'"):
        Rules(rules={**RULES, "odd": {"celcius": 1}}).columns(COLUMNS)
    with pytest.raises(SpecError, match="column: there is a column 'source' already"):
        Rules(rules=RULES, column="source").columns(COLUMNS)
    with pytest.raises(SpecError, match="print: there is no column 'rul'; did you mean 'rule'"):
        Rules(rules=RULES, print="{rul}").columns(COLUMNS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give the rules, or the path of a file"),
        ({"rules": RULES, "path": "rules.jsonl"}, "and not both"),
        ({"rules": {}}, "is not names with conditions"),
        ({"rules": "hot"}, "is not names with conditions"),
        ({"rules": {"hot": 5}}, "hot: 5 is not a condition"),
        ({"rules": {"hot": {"a": {"regex": "("}}}}, "hot: "),
        ({"rules": [("a", {}), ("a", {})]}, "there are two rules 'a'"),
        ({"rules": RULES, "background": True}, "there is nothing to call"),
    ],
)
def test_what_is_wrong_is_said_at_construction(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as caught:
        Rules(**options)
    assert message in str(caught.value)


def test_pickles() -> None:
    event = Rules(rules=RULES, print="{rule}")
    assert pickle.loads(pickle.dumps(event)) == event


# Rules in a file


def test_rules_are_read_from_json_lines_and_from_scl(tmp_path: Path) -> None:
    (tmp_path / "rules.jsonl").write_text(
        '{"rule": "hot", "condition": {"celsius": {">": 30}}}\n\n{"rule": "sf", "condition": {"source": "sf"}}\n'
        '{"rule": "very", "condition": {"celsius": {">": 34}}}\n'
    )
    (tmp_path / "rules.scl").write_text("# limits\nhot=(celsius>30) sf=(source=sf)\nvery=(celsius>34)\n")
    for name in ("rules.jsonl", "rules.scl"):
        event = Rules(path=name)
        assert pairs(run(event, base=tmp_path)[0]) == PAIRS
        event.probe(Context(base=tmp_path))
        with pytest.raises(SpecError, match="path: hot: there is no column 'celsius'"):
            event.columns({"timestamp": pl.Datetime("us", "UTC"), "source": pl.String()})


@pytest.mark.parametrize(
    ("name", "text", "messages"),
    [
        ("r.jsonl", None, ["r.jsonl: No such file"]),
        ("r.jsonl", "\n", ["there are no rules in it"]),
        ("r.jsonl", "{\n[1]\n", ["r.jsonl:1: is no JSON", "r.jsonl:2: a rule is an object such as"]),
        ("r.jsonl", '{"rul": "a", "condition": {}}', ["did you mean 'rule' by 'rul'?"]),
        ("r.jsonl", '{"rule": 1, "condition": {}}', ["rule is a text, and condition an object"]),
        ("r.jsonl", '{"rule": "a", "condition": {"x": {"prefx": 1, ">": 2}}}', ["r.jsonl:1: a: ", "prefx"]),
        ("r.jsonl", '{"rule": "a", "condition": {}}\n' * 2, ["there are two rules 'a'"]),
        ("r.jsonl", "{\n" * 7, ["r.jsonl:5: ", "; and 2 more"]),
        (
            "r.scl",
            "a=1\nb=(x=(prefix=a suffix=2))\n",
            ["r.scl:1:1: a rule is written a=( )", "r.scl:2:16: suffix takes a text"],
        ),
        ("r.scl", "a=(x=1)\na=(x=2)", ["r.scl:2:1: there is a rule 'a' above already"]),
        ("r.scl", "a=(", ["r.scl:1:3: "]),
        ("r.scl", "# none", ["there are no rules in it"]),
    ],
)
def test_all_that_is_wrong_in_a_file_is_said_with_its_place(
    tmp_path: Path, name: str, text: str | None, messages: list[str]
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(SpecError) as caught:
        Rules(path=name).probe(Context(base=tmp_path))
    assert caught.value.option == "path"
    assert [message for message in messages if message not in str(caught.value)] == []


def test_a_file_that_is_not_text_is_said(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_bytes(b'{"rule": "\xff"}')
    with pytest.raises(SpecError, match="byte 10 is not UTF-8"):
        Rules(path="r.jsonl").open(Context(base=tmp_path))


# In pipelines


def test_a_stage_is_written_in_scl_as_it_was_read() -> None:
    event = "event=rules(rules=(hot=(temp>30) odd=(status!=ok any=(temp<1 status=null))) column=which)"
    spec = load_text(f'reader=csv(path="a.csv")\n{event}')
    assert spec["rules"].component == Rules(
        rules={
            "hot": {"temp": {">": 30}},
            "odd": {"status": {"!=": "ok"}, "$or": [{"temp": {"<": 1}}, {"status": None}]},
        },
        column="which",
    )
    written = Pipeline.from_spec(spec).to_scl()
    assert load_text(written)["rules"].component == spec["rules"].component


def test_mistakes_in_rules_are_shown_where_they_stand() -> None:
    with pytest.raises(ScriptError) as caught:
        load_text('reader=csv(path="a.csv")\nevent=rules(rules=(hot=(temp=(prefx=1 suffix=2)) hot=(a=1) odd>5))')
    assert [mistake.line for mistake in caught.value.mistakes] == [2, 2, 2]
    assert "there is a rule 'hot' above already" in str(caught.value)
    assert "a rule is written odd=( )" in str(caught.value)


def test_from_python_a_condition_may_be_a_condition_or_a_function() -> None:
    p = Pipeline("p")
    rows = [{"timestamp": f"2010-01-01T0{hour}:00:00Z", "temp": hour} for hour in range(4)]
    rules = {"odd": {"temp": lambda temp: temp % 2 == 1}, "large": Condition({"temp": {">": 1}})}
    alerts = p.reader("memory", rows=rows).event("rules", name="alerts", rules=rules)
    assert [(row["temp"], row["rule"]) for row in p.collect(alerts)] == [
        (1, "odd"),
        (2, "large"),
        (3, "odd"),
        (3, "large"),
    ]


@pytest.mark.processes
@pytest.mark.parametrize("engine", ["serial", "local"])
def test_the_ledger_balances_though_rows_go_out_several_times(tmp_path: Path, engine: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(rule_table, "_PAIRS", 1000)
    for name in "ab":
        lines = [f"2010-01-01T00:00:{second:02},{second}" for second in range(60)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["timestamp,temp", *lines, ""]))
    rules = {f"above {limit}": {"temp": {">": limit}} for limit in range(50)}
    p = Pipeline("p", base=tmp_path)
    sources = [p.reader("csv", name=name, path=f"{name}.csv") for name in "ab"]
    p.merge("sorted", inputs=sources).event("rules", name="alerts", rules=rules).writer("csv", path="out.csv")
    report = p.run(engine)
    counts = report["alerts"].counts
    expected = [limit for second in range(60) for _ in "ab" for limit in range(50) if second > limit]
    assert (counts.received, counts.delivered, counts.filtered) == (120, len(expected), 2)
    assert counts.repeated == len(expected) - 118
    assert report.imbalances == ()
    out = (tmp_path / "out.csv").read_text().splitlines()
    assert [line.split(",")[-1] for line in out[1:]] == [f"above {limit}" for limit in expected]
