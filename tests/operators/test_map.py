"""map=python by itself: what goes into the function, what comes out of it, what is refused."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plait.errors import CallbackError, SpecError, StateError
from plait.operators import PythonMap, When
from plait.record import TEXT, DeadLetter
from plait.running import Context
from plait.state import KeyedState, SharedStates

START = datetime(2010, 8, 1, tzinfo=UTC)


def hour(number: int) -> datetime:
    return START + timedelta(hours=number)


FRAME = pl.DataFrame(
    {"timestamp": [hour(n) for n in range(4)], "city": ["sf", "la", "sf", None], "temp": [50.0, 70.5, None, 60.0]}
)
ROWS = FRAME.to_dicts()


class Run:
    """A map that was given frames, and what came of it."""

    def __init__(self, function: Any, frames: Any = (FRAME,), **options: Any) -> None:
        self.letters: list[DeadLetter] = []
        self.again = 0
        states = SharedStates(Path())
        self.context = Context(
            stage="mapped", dead=self.letters.append, repeated=self._repeated, keyed_state=states.open
        )
        running = PythonMap(function=function, **options).open(self.context)
        try:
            self.frames = [out for frame in frames for out in running.on_frame(frame)]
            self.frames += running.on_end()
        finally:
            running.close()
            states.close()
        self.rows = [row for frame in self.frames for row in frame.to_dicts()]

    def _repeated(self, count: int) -> None:
        self.again += count


# What goes in and what comes out


def test_a_function_gets_each_row_as_a_dict_in_order_and_its_dict_is_the_new_row() -> None:
    seen: list[Any] = []

    def double(row: dict[str, Any]) -> dict[str, Any]:
        seen.append(dict(row))
        return {"city": row["city"], "twice": None if row["temp"] is None else row["temp"] * 2}

    run = Run(double)
    assert seen == ROWS
    assert run.rows == [
        {"timestamp": hour(0), "city": "sf", "twice": 100.0},
        {"timestamp": hour(1), "city": "la", "twice": 141.0},
        {"timestamp": hour(2), "city": "sf", "twice": None},
        {"timestamp": hour(3), "city": None, "twice": 120.0},
    ]
    assert run.frames[0].schema["timestamp"] == pl.Datetime("us", "UTC")
    assert (run.letters, run.again) == ([], 0)


@given(st.lists(st.integers(0, 3), max_size=8), st.integers(1, 9))
def test_one_row_becomes_none_one_or_several_and_the_ledger_knows(counts: list[int], size: int) -> None:
    frame = pl.DataFrame(
        {"timestamp": [hour(n) for n in range(len(counts))], "n": counts},
        schema={"timestamp": pl.Datetime("us", "UTC"), "n": pl.Int64},
    )
    several = {0: None, 1: {"n": 1, "copy": 0}}
    run = Run(
        lambda row: several.get(row["n"], [{"n": row["n"], "copy": copy} for copy in range(row["n"])]),
        [frame[start : start + size] for start in range(0, len(frame), size)],
    )
    assert [(row["timestamp"], row["n"], row["copy"]) for row in run.rows] == [
        (hour(number), count, copy) for number, count in enumerate(counts) for copy in range(count)
    ]
    assert run.again == sum(count - 1 for count in counts if count > 1)


def test_an_empty_list_drops_the_row_and_a_tuple_is_a_list() -> None:
    run = Run(lambda row: [] if row["city"] == "sf" else ({"a": 1}, {"a": 2}))
    assert [row["a"] for row in run.rows] == [1, 2, 1, 2]


def test_the_function_may_change_its_row_and_keep_changing_what_it_returned() -> None:
    shared: dict[str, Any] = {}

    def count(row: dict[str, Any]) -> dict[str, Any]:
        shared["n"] = shared.get("n", 0) + 1
        row.clear()
        return shared

    run = Run(count)
    assert run.rows == [{"timestamp": hour(n), "n": n + 1} for n in range(4)]
    assert FRAME.to_dicts() == ROWS


def test_rows_without_times_stay_so() -> None:
    assert Run(lambda row: {"b": row["a"]}, [pl.DataFrame({"a": [1, 2]})]).rows == [{"b": 1}, {"b": 2}]


def test_the_text_of_the_row_is_not_the_functions_business() -> None:
    run = Run(lambda row: dict(row), [FRAME.with_columns(pl.lit("x").alias(TEXT))])
    assert run.rows == ROWS


def test_a_row_that_makes_a_million_does_not_come_in_one_frame() -> None:
    run = Run(lambda row: [{"n": n} for n in range(60_000)], [FRAME[:3]])
    assert [frame.height for frame in run.frames] == [60_000] * 3
    assert run.again == 3 * 59_999


# Columns


@given(st.lists(st.sampled_from([None, 1, 2.5, "x", True, hour(1)]), min_size=1, max_size=12), st.integers(1, 12))
def test_types_follow_from_the_values_whatever_the_frames(values: list[Any], size: int) -> None:
    frame = pl.DataFrame({"timestamp": [hour(n) for n in range(len(values))]})

    def value(row: dict[str, Any]) -> dict[str, Any]:
        return {"value": values[int((row["timestamp"] - START) / timedelta(hours=1))]}

    whole = Run(value, [frame])
    parts = Run(value, [frame[start : start + size] for start in range(0, len(frame), size)])
    assert parts.rows == whole.rows
    assert [letter.reason for letter in parts.letters] == [letter.reason for letter in whole.letters]
    assert len(whole.rows) + len(whole.letters) == len(values)
    first = next((value for value in values if value is not None), None)
    fitting = (int, float) if type(first) is int else (type(first),)
    kept = [row["value"] for row in whole.rows if row["value"] is not None]
    assert all(type(value) in fitting for value in kept)
    assert all("'value': " in letter.reason for letter in whole.letters)


def test_times_in_other_columns_stay_times() -> None:
    run = Run(lambda row: {**row, "next": row["timestamp"] + timedelta(hours=1)})
    assert run.frames[0].schema["next"] == pl.Datetime("us", "UTC")
    assert run.rows[0]["next"] == hour(1)


def test_a_new_key_is_a_new_column_and_lists_and_objects_are_values() -> None:
    run = Run(lambda row: {"a": [1]} if row["city"] == "sf" else {"a": [2, 3], "b": {"c": row["temp"]}})
    assert run.rows[1] == {"timestamp": hour(1), "a": [2, 3], "b": {"c": 70.5}}
    assert run.rows[-1]["b"] == {"c": 60.0}


def test_a_result_that_does_not_go_with_the_columns_is_a_dead_letter_that_names_the_column() -> None:
    run = Run(lambda row: {"temp": row["temp"] if row["city"] == "sf" else "warm"})
    assert [row["temp"] for row in run.rows] == [50.0, None]
    assert [letter.record for letter in run.letters] == [{"timestamp": hour(n), "temp": "warm"} for n in (1, 3)]
    assert all("<lambda>" in letter.reason for letter in run.letters)
    assert all("'temp': 'warm' is not a number" in letter.reason for letter in run.letters)
    assert {(letter.stage, letter.kind) for letter in run.letters} == {("mapped", "dead")}


def test_a_schema_says_the_columns_and_conforms_what_can_be() -> None:
    schema = {"id": "text", "n": "float", "at": "time"}
    run = Run(lambda row: {"n": 1, "id": 5, "at": "2010-08-01T05:00:00Z"}, schema=schema)
    assert dict(run.frames[0].schema) == {
        "timestamp": pl.Datetime("us", "UTC"),
        "n": pl.Float64,
        "id": pl.String,
        "at": pl.Datetime("us", "UTC"),
    }
    assert run.rows[0] == {"timestamp": hour(0), "n": 1.0, "id": "5", "at": hour(5)}


def test_with_a_schema_a_lacking_key_is_null_and_another_is_refused_with_the_nearest() -> None:
    run = Run(lambda row: {} if row["city"] == "la" else {"celcius": 1.0}, schema={"celsius": "float"})
    assert run.rows == [{"timestamp": hour(1), "celsius": None}]
    assert len(run.letters) == 3
    assert "returned a column 'celcius', which is not in schema=( ); did you mean 'celsius'?" in run.letters[0].reason


def test_the_columns_are_known_at_check_if_they_are_said() -> None:
    time = pl.Datetime("us", "UTC")
    said = PythonMap(function=len, schema={"n": "integer"})
    assert said.columns({"timestamp": time, "x": pl.String()}) == {"timestamp": time, "n": pl.Int64()}
    assert said.columns({"x": pl.String()}) == {"n": pl.Int64()}
    assert said.columns(None) is None
    assert PythonMap(function=len).columns({"timestamp": time}) is None
    with pytest.raises(SpecError, match="leave `timestamp` out"):
        PythonMap(function=len, schema={"timestamp": "time"})


# What goes wrong


def explode(row: dict[str, Any]) -> Any:
    if row["city"] == "la":
        row["city"] = "spoilt"
        raise ValueError("no data of la")
    return row


def test_a_row_that_the_function_raises_for_is_a_dead_letter_as_it_came() -> None:
    run = Run(explode)
    assert [row["timestamp"] for row in run.rows] == [hour(0), hour(2), hour(3)]
    (letter,) = run.letters
    assert letter.record == ROWS[1]
    assert letter.reason.startswith("explode (")
    assert letter.reason.endswith(") raised ValueError: no data of la")


RETURNS: list[tuple[Callable[[Any], Any], str]] = [
    (lambda row: 5, "returned 5, which is no dict, list of dicts or None"),
    (lambda row: [row, "text"], "returned 'text', which is no dict"),
    (lambda row: {1: 2}, "returned a dict whose key 1 is no text"),
    (lambda row: {"timestamp": hour(9)}, "returned another timestamp, 2010-08-01 09"),
    (lambda row: {"timestamp": "2010-08-01"}, "returned another timestamp, 2010-08-01, but the event time stays"),
    (lambda row: sys.exit("bye"), "raised SystemExit: bye"),
]


@pytest.mark.parametrize(("function", "reason"), RETURNS, ids=[reason for _, reason in RETURNS])
def test_what_is_no_result_is_a_dead_letter_or_ends_the_run(function: Any, reason: str) -> None:
    run = Run(function)
    assert run.frames == []
    assert [letter.record for letter in run.letters] == ROWS
    assert all(reason in letter.reason for letter in run.letters)
    assert run.again == 0
    with pytest.raises(CallbackError) as caught:
        Run(function, errors="fail")
    assert reason in str(caught.value)
    assert caught.value.__cause__ is not None


def test_errors_fail_ends_the_run_for_a_misfit_too() -> None:
    with pytest.raises(CallbackError, match="'temp': 'warm' is not a number"):
        Run(lambda row: {"temp": row["temp"] if row["city"] == "sf" else "warm"}, errors="fail")


@pytest.fixture
def modules(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "maps_for_test.py").write_text(
        "def one(row): return row\n"
        "def two(row, state): return row\n"
        "def either(row, state=None): return row\n"
        "def none(): return {}\n"
        "def three(row, state, more): return row\n"
        "def keyword(row, *, state): return row\n"
    )
    yield tmp_path
    sys.modules.pop("maps_for_test", None)


@pytest.mark.parametrize(
    ("function", "state", "option", "message"),
    [
        ("maps_for_tests:one", None, "function", "there is no module 'maps_for_tests'"),
        ("maps_for_test:oen", None, "function", "has no function 'oen'"),
        ("maps_for_test:none", None, "function", "takes (); it is called with a row, or with a row and a state"),
        ("maps_for_test:three", None, "function", "takes (row, state, more); it is called"),
        ("maps_for_test:keyword", None, "function", "takes (row, *, state); it is called"),
        ("maps_for_test:one", "s.sqlite", "state", "takes a row alone; add a second parameter"),
        ("maps_for_test:two", "maps_for_test.py", "state", "maps_for_test.py: the file is no state"),
        ("maps_for_test:two", ".", "state", "it is a folder"),
    ],
)
def test_what_cannot_be_called_is_said_at_check(
    modules: Path, function: str, state: str | None, option: str, message: str
) -> None:
    with pytest.raises(SpecError) as caught:
        PythonMap(function=function, state=state).probe(Context(imports=modules, base=modules))
    assert message in str(caught.value)
    assert caught.value.option == option
    with pytest.raises(SpecError) as caught:
        When(condition={}, call=function, state=state).probe(Context(imports=modules, base=modules))
    assert message in str(caught.value)
    assert not list(modules.glob("*.sqlite"))


@pytest.mark.parametrize("function", ["one", "two", "either"])
def test_what_can_be_called_is_not_refused(modules: Path, function: str) -> None:
    context = Context(imports=modules, base=modules)
    PythonMap(function=f"maps_for_test:{function}").probe(context)
    if function != "one":
        PythonMap(function=f"maps_for_test:{function}", state="new/s.sqlite").probe(context)
    assert not (modules / "new").exists(), "a check makes nothing"


# State


def change(row: dict[str, Any], state: KeyedState) -> Any:
    before = state.get(row["city"])
    state.set(row["city"], row["temp"], ttl="90m")
    return {"city": row["city"], "before": before, "time": state.time}


@pytest.mark.parametrize("size", [1, 2, 4])
def test_a_function_of_two_gets_a_state_whose_time_is_that_of_the_row(size: int) -> None:
    run = Run(change, [FRAME[start : start + size] for start in range(0, 4, size)])
    assert [row["before"] for row in run.rows] == [None, None, None, None], "two hours are more than 90 minutes"
    assert [row["time"] for row in run.rows] == [row["timestamp"] for row in run.rows]
    near = FRAME.with_columns(pl.col("timestamp").first() + pl.duration(minutes=pl.int_range(4) * 30))
    run = Run(change, [near[start : start + size] for start in range(0, 4, size)])
    assert [row["before"] for row in run.rows] == [None, None, 50.0, None]


def test_a_second_parameter_with_a_default_gets_the_state_only_if_one_is_named(tmp_path: Path) -> None:
    def tell(row: dict[str, Any], state: Any = "mine") -> dict[str, Any]:
        return {"kind": type(state).__name__}

    assert Run(tell).rows[0]["kind"] == "str"
    assert Run(tell, state=str(tmp_path / "s.sqlite")).rows[0]["kind"] == "KeyedState"


def test_rows_that_call_nothing_let_time_go_on_too(tmp_path: Path) -> None:
    states = SharedStates(tmp_path)
    calls: list[Any] = []
    event = When(condition={"city": "la"}, call=lambda row, state: calls.append((row["city"], state.time)), state="s")
    running = event.open(Context(keyed_state=states.open))
    (out,) = running.on_frame(FRAME)
    assert out.height == 1
    assert calls == [("la", hour(1))]
    states.commit()
    states.close()
    with KeyedState(tmp_path / "s") as state:
        assert state.time == hour(3)


def test_a_state_that_fails_is_not_the_fault_of_the_row() -> None:
    def close(row: dict[str, Any], state: KeyedState) -> Any:
        state.close()
        state.set("k", 1)

    with pytest.raises(StateError, match="the state is closed"):
        Run(close)
    running = When(condition={}, call=close).open(Context(keyed_state=SharedStates(Path()).open))
    with pytest.raises(StateError, match="the state is closed"):
        list(running.on_frame(FRAME))


def test_options_that_would_do_nothing_are_refused() -> None:
    with pytest.raises(SpecError, match="there is nothing to call with it"):
        When(condition={}, state="s.sqlite")
    event = When(condition={}, call=change, background=True)
    with pytest.raises(SpecError, match="in the order of the stream"):
        event.probe(Context())
    with pytest.raises(SpecError, match="keeps no state"):
        PythonMap(function=change).open(Context())


def test_pickles() -> None:
    chosen = PythonMap(function="a:b", state="s.sqlite", schema={"n": "float"}, errors="fail")
    assert pickle.loads(pickle.dumps(chosen)) == chosen
    assert not PythonMap.native
