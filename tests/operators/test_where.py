from __future__ import annotations

import pickle
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from plait import Pipeline
from plait.errors import SpecError
from plait.operators import Where
from plait.running import Context
from plait.summary import outcome
from polars.testing import assert_frame_equal

COLUMNS = {
    "timestamp": pl.Datetime("us", "UTC"),
    "temp": pl.Float64(),
    "status": pl.String(),
    "ok": pl.Boolean(),
    "tags": pl.List(pl.String()),
    "place": pl.Struct({"city": pl.String(), "zip": pl.Int64()}),
    "place.short": pl.String(),
}


def passed(operator: Where, frame: pl.DataFrame, context: Context | None = None) -> pl.DataFrame:
    running = operator.open(context or Context())
    frames = [*running.on_frame(frame), *running.on_end()]
    running.close()
    return pl.concat(frames) if frames else frame.clear()


def test_rows_that_match_pass_in_order() -> None:
    frame = pl.DataFrame({"temp": [-60, 3, None, 7], "status": ["ok", "fail", "ok", None]})
    kept = passed(Where(condition={"temp": {">": -50}, "$not": {"status": "fail"}}), frame)
    assert_frame_equal(kept, frame[[3]])


def test_a_frame_that_passes_whole_is_the_same_frame() -> None:
    frame = pl.DataFrame({"temp": [1, 2]})
    (out,) = Where(condition={"temp": {">": 0}}).open(Context()).on_frame(frame)
    assert out is frame
    assert list(Where(condition={"temp": {">": 9}}).open(Context()).on_frame(frame)) == []


def test_a_function_that_raises_filters_its_row_and_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    context = Context(stage="valid")
    frame = pl.DataFrame({"name": ["a", None, "B", None]})
    kept = passed(Where(condition={"name": lambda name: name.isupper()}), frame, context)
    assert kept["name"].to_list() == ["B"]
    assert context.counts["callback errors"] == 2
    (note,) = context.notes
    assert note.startswith("valid: ")
    assert "test_where.py:" in note
    p = Pipeline("told")
    named = p.reader("memory", rows=[{"name": "a"}, {"name": None}])
    named.filter("where", name="valid", condition={"name": lambda name: name.isupper()}).writer("memory")
    (line,) = outcome(p.run())
    assert line.startswith("valid: 1 callback errors (the condition raised")


def test_pickles() -> None:
    operator = Where(condition={"t": {">": datetime(2010, 1, 1, tzinfo=UTC)}})
    assert pickle.loads(pickle.dumps(operator)) == operator


GOOD: list[Any] = [
    {},
    {"temp": {">": 1}, "status": "x", "ok": True, "timestamp": {">": "2010-01-01"}},
    {"temp": [None, 1], "tags": {"prefix": "a"}, "place.city": "x", "place": {"zip": {"<": 5}}, "place.short": "s"},
    {"$or": [{"temp": 1}, {"status": {"not": ["a", None]}}], "ok": {"exists": True}},
    {"temp": lambda value: True},
]
BAD: list[tuple[Any, str, str | None]] = [
    ({"tmp": 1}, "there is no column 'tmp'", "temp"),
    ({"$or": [{"$not": {"tmp": 1}}]}, "there is no column 'tmp'", "temp"),
    ({"place.citi": "x"}, "place has no field 'citi'", "city"),
    ({"temp.x": 1}, "temp holds numbers and has no field 'x' below", None),
    ({"temp": "hot"}, "temp holds numbers and is never equal to the text 'hot'", None),
    ({"status": {">": 3}}, "status holds texts and is never > the number 3", None),
    ({"tags": 3}, "tags holds texts and is never equal to the number 3", None),
    ({"ok": 1}, "ok holds true or false and is never equal to the number 1", None),
    ({"timestamp": {">": "yesterday"}}, "timestamp holds times and is never > the text 'yesterday'", None),
    ({"temp": {"regex": "x"}}, "temp holds numbers, and regex is for texts", None),
    ({"place": {"exists": True}}, "place has fields below", None),
    ({"temp": {"not": "x"}}, "temp holds numbers and is never equal", None),
]


@pytest.mark.parametrize("condition", GOOD)
def test_columns_are_passed_on(condition: Any) -> None:
    assert Where(condition=condition).columns(COLUMNS) == COLUMNS
    assert Where(condition=condition).columns(None) is None


@pytest.mark.parametrize(("condition", "message", "suggestion"), BAD)
def test_what_can_never_be_true_is_an_error_at_check(condition: Any, message: str, suggestion: str | None) -> None:
    with pytest.raises(SpecError) as caught:
        Where(condition=condition).columns(COLUMNS)
    assert message in str(caught.value)
    assert caught.value.option == "condition"
    assert caught.value.suggestion == suggestion


def test_all_that_is_wrong_is_told_in_one_go() -> None:
    with pytest.raises(SpecError, match=r"'tmp'; status holds texts"):
        Where(condition={"tmp": 1, "status": 2}).columns(COLUMNS)
    with pytest.raises(SpecError, match="filter=where: condition: temp: regex"):
        Where(condition={"temp": {"regex": "("}})
