"""derive=columns: new columns by expressions."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from plait.errors import SpecError
from plait.fields import options_of
from plait.lexer import parse_nodes
from plait.operators.derive import Assignments, Derive
from plait.record import TEXT
from plait.running import Context

TIMES = [datetime(2010, 1, 1, hour, tzinfo=UTC) for hour in range(3)]
FRAME = pl.DataFrame(
    {"timestamp": TIMES, "temp": [32.0, 100.0, None], "city": ["a", "b", None], TEXT: ["x", "y", "z"]},
    schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
)
METRIC = {"celsius": "(temp - 32) * 5 / 9", "hot": "celsius > 30"}


def derived(frame: pl.DataFrame = FRAME, **assignments: Any) -> pl.DataFrame:
    (made,) = Derive(set=assignments).open(Context()).on_frame(frame)
    return made


def nodes(text: str) -> Any:
    (statement,) = parse_nodes(f"set=({text})")
    return statement.value.statements


def test_columns_are_added_behind_the_others_and_may_use_each_other() -> None:
    made = derived(**METRIC)
    assert made.columns == [*FRAME.columns, "celsius", "hot"]
    assert made["celsius"].to_list() == [0.0, 68.0 * 5 / 9, None]
    assert made["hot"].to_list() == [False, True, None]


def test_replaced_column_keeps_its_place() -> None:
    made = derived(temp="temp + 1", more="temp * 2")
    assert made.columns == [*FRAME.columns, "more"]
    assert made["temp"].to_list() == [33.0, 101.0, None]
    assert made["more"].to_list() == [66.0, 202.0, None]


def test_a_column_set_later_uses_the_old_value_before() -> None:
    made = derived(before="temp", temp="0.0", after="temp")
    assert made["before"].to_list() == [32.0, 100.0, None]
    assert made["after"].to_list() == [0.0, 0.0, 0.0]


def test_columns_tells_names_and_types_before_the_run() -> None:
    known = Derive(set={**METRIC, "city": "length(city)"}).columns(
        {"timestamp": pl.Datetime("us", "UTC"), "temp": pl.Int16, "city": pl.String}
    )
    assert known is not None
    assert list(known.items()) == [
        ("timestamp", pl.Datetime("us", "UTC")),
        ("temp", pl.Int16),
        ("city", pl.Int64),
        ("celsius", pl.Float64),
        ("hot", pl.Boolean),
    ]
    assert Derive(set=METRIC).columns(None) is None


def test_columns_and_the_run_agree_on_the_types() -> None:
    derive = Derive(set={**METRIC, "when": "date_trunc('day', timestamp)", "none": "NULL", "five": 5, "yes": True})
    made = derive.open(Context()).on_frame(FRAME)[0]
    assert dict(derive.columns(FRAME.schema) or {}) == dict(made.schema)
    assert dict(derive.open(Context()).on_frame(FRAME.head(0))[0].schema) == dict(made.schema)


@pytest.mark.parametrize(
    ("assignments", "said"),
    [
        (
            {"hot": "tempp > 30"},
            "hot: there is no column 'tempp', at character 1 of 'tempp > 30'; did you mean 'temp'?",
        ),
        ({"hot": "city > 30"}, "hot: a > b: text and numbers are never compared"),
        ({"a": "b", "b": "temp"}, "a: there is no column 'b'"),
    ],
)
def test_what_does_not_fit_is_said_at_check_and_at_the_first_frame_alike(assignments: Any, said: str) -> None:
    derive = Derive(set=assignments)
    with pytest.raises(SpecError) as at_check:
        derive.columns(FRAME.schema)
    with pytest.raises(SpecError) as at_run:
        derive.open(Context()).on_frame(FRAME)
    assert str(at_check.value) == str(at_run.value)
    assert f"derive=columns: set: {said}" in str(at_check.value)
    assert TEXT not in str(at_check.value)


@pytest.mark.parametrize(
    ("assignments", "said"),
    [
        ({"timestamp": "timestamp"}, "timestamp orders the stream and cannot be set"),
        ({"x": "temp +"}, "x: '+' does not belong here"),
        ({"x": "abss(temp)"}, "did you mean 'abs'?"),
        ({"x": [1, 2]}, "x: [1, 2] is not an expression"),
        ({}, "is not names with expressions"),
        ("temp", "is not names with expressions"),
        ([("x", "1"), ("x", "2")], "x is set twice"),
    ],
)
def test_wrong_assignments_are_refused_when_they_are_made(assignments: Any, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        Derive(set=assignments)
    assert said in str(caught.value)


def test_scl_gives_what_python_gives() -> None:
    kind = Assignments()
    value = kind.from_nodes(nodes('celsius="(temp - 32) * 5 / 9" same=temp five=5 text="\'a\\\\b\'"'))
    assert value == (("celsius", "(temp - 32) * 5 / 9"), ("same", "temp"), ("five", "5"), ("text", "'a\\b'"))
    assert kind.parse(value) == value
    assert kind.parse({"celsius": "(temp - 32) * 5 / 9", "same": "temp", "five": Decimal(5), "text": "'a\\b'"}) == value


@pytest.mark.parametrize("text", ["hot>30", "x=(a=1)", "x=a(b=1)", "x=[a b]"])
def test_what_is_no_assignment_in_scl_is_refused(text: str) -> None:
    statements = nodes(text)
    with pytest.raises(ValueError):
        Assignments().from_nodes(statements)


def test_written_assignments_read_the_same_again() -> None:
    kind = options_of(Derive)["set"].kind
    value = Derive(set={**METRIC, "text": "'a\\b\"c'", "plain": "temp", "five": "5"}).set
    assert kind.from_nodes(nodes(kind.write(value)[1:-1])) == value


def test_a_new_schema_in_the_stream_is_compiled_and_an_old_one_is_not_compiled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled = []
    steps = Derive.steps
    monkeypatch.setattr(Derive, "steps", lambda self, schema: compiled.append(schema) or steps(self, schema))
    running = Derive(set={"x": "coalesce(temp, 1)"}).open(Context())
    whole = FRAME.with_columns(pl.col("temp").cast(pl.Int64))
    empty = FRAME.with_columns(pl.lit(None).alias("temp"))
    types = [running.on_frame(frame)[0]["x"].dtype for frame in (FRAME, FRAME.head(1), whole, empty)]
    assert types == [pl.Float64, pl.Float64, pl.Int64, pl.Int64]
    assert len(compiled) == 3


def test_odd_names_are_names_and_no_patterns() -> None:
    frame = pl.DataFrame({"^t.*$": [1], "*": [2], "t": [3], "a b": [4]})
    made = derived(frame, **{"^x$": '"^t.*$" + "*" + "a b"'})
    assert made.row(0, named=True) == {"^t.*$": 1, "*": 2, "t": 3, "a b": 4, "^x$": 7}


def test_it_can_be_pickled_and_rows_are_never_lost() -> None:
    derive = pickle.loads(pickle.dumps(Derive(set=METRIC)))
    assert derive == Derive(set=METRIC)
    assert derive.open(Context()).on_frame(FRAME)[0].height == FRAME.height
    assert Derive.changes_values
