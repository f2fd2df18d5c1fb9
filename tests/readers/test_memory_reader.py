"""MemoryReader: rows that Python code already has."""

from __future__ import annotations

import queue
from datetime import UTC, date, datetime

import polars as pl
import pytest
from plait.errors import SourceError, SpecError
from plait.fields import options_of
from plait.readers import MemoryReader
from plait.record import END
from plait.running import Context


def read(rows, **options):
    dead = []
    context = Context(stage="s", dead=dead.append)
    batches = list(MemoryReader(rows, **options).open(context))
    return [row for batch in batches for row in batch.frame.rows(named=True)], dead, list(context.notes)


def test_rows_come_out_in_order_with_their_event_time():
    rows, dead, notes = read(
        [{"timestamp": "2010-01-02", "a": 1}, {"timestamp": datetime(2010, 1, 1, tzinfo=UTC), "b": "x"}]
    )
    assert rows == [
        {"timestamp": datetime(2010, 1, 2, tzinfo=UTC), "a": 1, "b": None},
        {"timestamp": datetime(2010, 1, 1, tzinfo=UTC), "a": None, "b": "x"},
    ]
    assert dead == []
    assert ["UTC" in note for note in notes] == [True]


@pytest.mark.parametrize(
    ("value", "options"),
    [
        (date(2010, 1, 1), {}),
        (datetime(2010, 1, 1, 1), {"zone": "Europe/Berlin"}),
        (1262304000, {"unit": "s"}),
        (1262304000.0, {"unit": "s"}),
        ("01.01.2010", {"format": "%d.%m.%Y"}),
    ],
)
def test_event_times_of_all_kinds(value, options):
    rows, _, _ = read([{"t": value}], timestamp="t", **options)
    assert rows == [{"timestamp": datetime(2010, 1, 1, tzinfo=UTC)}]


def test_a_row_without_a_readable_time_is_a_dead_letter():
    rows, dead, _ = read([{"timestamp": "soon", "a": 1}, {"a": 2}, {"timestamp": "2010-01-01", "a": 3}])
    assert [row["a"] for row in rows] == [3]
    assert [(letter.line, letter.record["a"]) for letter in dead] == [(1, 1), (2, 2)]
    assert dead[0].origin == "memory"


def test_integers_among_floats_are_floats_and_dicts_are_structs():
    rows, _, _ = read([{"a": 1, "s": {"x": 1}}, {"a": 2.5, "s": {"x": 2}}])
    assert rows == [{"a": 1.0, "s": {"x": 1}}, {"a": 2.5, "s": {"x": 2}}]


def test_values_that_do_not_go_together_are_an_error_that_names_them():
    with pytest.raises(SourceError, match="a text of 'a' has half a character"):
        read([{"a": "\ud800"}])
    with pytest.raises(SourceError, match=r"'a' do not go together in one column \(int, str\)"):
        read([{"a": 1}, {"a": "x"}])
    for values in ([1, True], [True, 1], [1.5, None, False]):
        with pytest.raises(SourceError, match=r"'a' do not go together.*: true and false are no numbers"):
            read([{"a": value} for value in values])
    with pytest.raises(SourceError, match="1 is no name of a column: give a text"):
        read([{1: 2}])


def test_columns_and_lines():
    reader = MemoryReader(
        [{"timestamp": "2010-01-01", "a": 1}, {"timestamp": "x", "a": 2}, {"timestamp": "2010-01-01", "a": 3}]
    )
    assert reader.columns(Context()) == {"timestamp": pl.Datetime("us", "UTC"), "a": pl.Int64}
    assert [list(batch.lines) for batch in reader.open(Context())] == [[1, 3]]


def test_many_rows_come_in_several_batches():
    batches = list(MemoryReader([{"a": number} for number in range(120_000)]).open(Context()))
    assert len(batches) == 3
    assert [row for batch in batches for row in batch.frame["a"]] == list(range(120_000))


def test_no_rows():
    assert read([])[0] == []
    assert MemoryReader().columns(Context()) == {}


def test_a_time_that_is_not_there_names_the_nearest():
    with pytest.raises(SourceError, match="did you mean 'time'"):
        read([{"time": "2010-01-01"}], timestamp="tme")
    with pytest.raises(SourceError, match="already"):
        read([{"time": "2010-01-01", "timestamp": 1}], timestamp="time")


@pytest.mark.parametrize(
    ("rows", "says"), [({"a": 1}, "no list"), ("ab", "no list"), ([1], "row 1 is no dict"), ([{}, []], "row 2")]
)
def test_what_is_no_list_of_dicts_is_refused(rows, says):
    with pytest.raises(SpecError, match=says):
        MemoryReader(rows)


def test_rows_are_for_python_only():
    assert "rows" not in options_of(MemoryReader)


def test_without_an_engine():
    target = queue.Queue()
    assert MemoryReader([{"a": 1}], target).run() == 1
    assert [target.get(), target.get()] == [{"a": 1}, END]
