"""Records to frames: types that hold for the whole stream."""

import itertools
import json
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plait.formats.framing import FrameBuilder, Layout
from plait.formats.timestamps import EventTimes


def build(*blocks, **layout):
    """Build the blocks one after the other; return the frames and the rejects (place in the stream -> reason)."""
    builder = FrameBuilder(Layout(**layout), note=lambda sentence: None)
    frames, rejects, seen = [], {}, 0
    for block in blocks:
        for built in builder.build(block):
            assert len(built.rows) == built.frame.height
            frames.append(built.frame)
            rejects.update({seen + row: reason for row, reason in built.rejects.items()})
        seen += len(block)
    return frames, rejects


def rows(frames):
    return [row for frame in frames for row in frame.to_dicts()]


def test_column_is_what_its_values_are():
    (frame,), rejects = build([{"i": 1, "f": 1.5, "t": "x", "b": True, "y": b"\xff", "n": None}])
    assert dict(frame.schema) == {
        "i": pl.Int64, "f": pl.Float64, "t": pl.String, "b": pl.Boolean, "y": pl.Binary, "n": pl.Null
    }  # fmt: skip
    assert rejects == {}


def test_integers_among_floats_are_floats_in_the_first_block():
    (frame,), rejects = build([{"x": 1}, {"x": 2.5}])
    assert frame["x"].to_list() == [1.0, 2.5]
    assert rejects == {}


def test_fraction_among_integers_is_rejected_after_the_first_block_and_the_option_is_named():
    frames, rejects = build([{"x": 1}], [{"x": 2.5}, {"x": 3}])
    assert rows(frames) == [{"x": 1}, {"x": 3}]
    assert rejects == {
        1: "'x': 2.5 is not a whole number, as the values before are; say schema=(x=float) if it may be both"
    }


@pytest.mark.parametrize(
    ("first", "later"),
    [(1, "a"), ("a", 1), (True, 1), (1, True), (1.5, True), ("a", {"b": 1}), ({"b": 1}, 5), ([1], 1), ([1], ["a"]),
     (1, 2**63), (1.5, 2**60 + 1), ({"b": 1}, {"b": "x"}), (1, 10**400)],
)  # fmt: skip
def test_value_of_another_type_is_rejected(first, later):
    frames, rejects = build([{"x": first, "k": 0}, {"x": later, "k": 1}, {"x": first, "k": 2}])
    assert [row["k"] for row in rows(frames)] == [0, 2]
    assert list(rejects) == [1]
    assert "schema=(x=text)" in rejects[1]


def test_new_field_is_a_new_column_and_missing_ones_are_null():
    frames, _ = build([{"a": 1}], [{"b": "x"}, {"a": 2}])
    assert rows(frames) == [{"a": 1}, {"a": None, "b": "x"}, {"a": 2, "b": None}]


def test_objects_are_structs_and_gain_fields():
    frames, rejects = build([{"o": {"a": 1}}], [{"o": {"b": [1, 2.5]}}, {"o": None}])
    assert rejects == {}
    assert frames[1]["o"].dtype == pl.Struct({"a": pl.Int64, "b": pl.List(pl.Float64)})
    assert rows(frames) == [{"o": {"a": 1}}, {"o": {"a": None, "b": [1.0, 2.5]}}, {"o": None}]
    assert pl.concat(frames, how="diagonal_relaxed").height == 3


def test_empty_lists_and_objects_learn_later_what_they_hold():
    frames, rejects = build([{"l": [], "o": {}}], [{"l": ["x"], "o": {"k": True}}])
    assert rejects == {}
    assert rows(frames) == [{"l": [], "o": {}}, {"l": ["x"], "o": {"k": True}}]


def test_deep_nesting_is_rejected_instead_of_exhausting_the_stack():
    deep = json.loads("[" * 100 + "]" * 100)
    frames, rejects = build([{"x": deep}, {"x": []}])
    assert "nested more than" in rejects[0]
    assert rows(frames) == [{"x": []}]


def test_schema_says_the_type_and_texts_are_read_as_it_says():
    schema = {"id": "text", "x": "float", "n": "integer", "ok": "boolean"}
    frames, rejects = build(
        [{"id": 7, "x": "2.5", "n": "007", "ok": "TRUE"}, {"id": {"a": 1}, "x": 1, "n": 2.0, "ok": False}, {"n": "x"}],
        schema=schema,
    )
    assert rows(frames) == [
        {"id": "7", "x": 2.5, "n": 7, "ok": True},
        {"id": '{"a":1}', "x": 1.0, "n": 2, "ok": False},
    ]
    assert rejects == {2: "'n': 'x' is not a whole number, as schema=( ) says"}


def test_column_of_the_schema_is_there_before_its_first_value():
    frames, _ = build([{"a": 1}], schema={"b": "float", "t": "time"})
    assert dict(frames[0].schema) == {"a": pl.Int64, "b": pl.Float64, "t": pl.Datetime("us", "UTC")}


def test_time_of_the_schema_may_be_missing_but_not_unreadable():
    frames, rejects = build([{"t": "2010-01-01"}, {"t": None}, {"t": "soon"}], schema={"t": "time"})
    assert [row["t"] for row in rows(frames)] == [datetime(2010, 1, 1, tzinfo=UTC), None]
    assert list(rejects) == [2]


def test_textual_columns_are_typed_by_what_all_texts_of_the_first_block_look_like():
    frames, rejects = build(
        [{"i": "1", "f": "2", "m": "1", "z": "007", "b": "true", "e": None},
         {"i": "-2", "f": "2.5e3", "m": "x", "z": "8", "b": "FALSE", "e": None}],
        [{"i": "no", "f": "1", "m": "5", "z": "1", "b": "true"}],
        textual=True,
    )  # fmt: skip
    assert rows(frames) == [
        {"i": 1, "f": 2.0, "m": "1", "z": "007", "b": True, "e": None},
        {"i": -2, "f": 2500.0, "m": "x", "z": "8", "b": False, "e": None},
    ]
    assert "'i': 'no' is not a whole number" in rejects[2]


def test_event_time_is_read_renamed_and_required():
    records = [{"ts": 0, "x": 1}, {"x": 2}, {"ts": "soon", "x": 3}, {"ts": 1.5, "x": 4}, {"ts": 1, "timestamp": 5}]
    frames, rejects = build(records, timestamp="ts", times=EventTimes(unit="s"))
    assert frames[0].columns == ["timestamp", "x"]
    assert [row["x"] for row in rows(frames)] == [1, 4]
    assert frames[0]["timestamp"].dtype == pl.Datetime("us", "UTC")
    assert list(rejects) == [1, 2, 4]
    assert "besides its event time 'ts'" in rejects[4]


def test_field_called_timestamp_is_the_event_time_without_being_named():
    frames, rejects = build([{"timestamp": "2010-01-01T00:00:00Z"}, {"x": 1}])
    assert rows(frames) == [{"timestamp": datetime(2010, 1, 1, tzinfo=UTC), "x": None}]
    assert list(rejects) == [1]


def test_live_integer_column_becomes_float_at_its_first_fraction_exactly():
    frames, rejects = build([{"x": 1}, {"x": 2}, {"x": 2.5}, {"x": 3}], live=True)
    assert [frame["x"].to_list() for frame in frames] == [[1, 2], [2.5, 3.0]]
    assert [frame["x"].dtype for frame in frames] == [pl.Int64, pl.Float64]
    assert rejects == {}


values = st.one_of(
    st.none(),
    st.sampled_from([1, 2, 2**63, 1.5, -0.5, "a", "", True, [], [1], [1.5, 2], {}, {"p": 1}, {"q": "x"}, {"p": 2.5}]),
)
records = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), values, min_size=1), min_size=1, max_size=12)


def shown(frames):
    """Show each row with its columns and types: what can be told from the outside."""
    return [(repr(row), frame.schema) for frame in frames for row in frame.to_dicts()]


@given(records, st.data())
def test_live_rows_types_and_rejects_do_not_depend_on_how_messages_are_grouped(stream, data):
    cuts = sorted(data.draw(st.sets(st.integers(1, len(stream)))) | {0, len(stream)})
    grouped = [stream[start:stop] for start, stop in itertools.pairwise(cuts)]
    one_by_one = build(*[[record] for record in stream], live=True)
    assert [row for row, _ in shown(build(*grouped, live=True)[0])] == [row for row, _ in shown(one_by_one[0])]
    assert build(*grouped, live=True)[1].keys() == one_by_one[1].keys()


@given(records)
def test_every_record_is_a_row_or_a_reject(stream):
    for live in (True, False):
        frames, rejects = build(stream, live=live)
        assert len(rows(frames)) + len(rejects) == len(stream)


@given(records, st.booleans())
def test_a_block_of_a_few_rows_is_the_head_of_a_long_one(stream, live):
    few, few_rejects = build(stream, stream, live=live)
    many, many_rejects = build(stream, stream * 20, live=live)
    assert shown(many)[: len(shown(few))] == shown(few)
    assert many_rejects.items() >= few_rejects.items()


def test_a_few_rows_may_have_every_type_and_any_place_of_the_time():
    record = {"n": None, "b": True, "at": "2010-01-01", "i": -(2**63), "f": 1.5, "t": "", "y": b"\xff", "o": {"a": [1]}}
    later = {"b": None, "at": "2010-01-02", "i": 2**63 - 1, "f": 2, "t": "x", "y": b""}
    flat = [{key: value for key, value in each.items() if key != "o"} for each in (record, later)]
    for first, second in ((record, later), flat):
        few, rejects = build([first], [second], timestamp="at")
        many, _ = build([first], [second] * 100, timestamp="at")
        assert rejects == {}
        assert few[1].equals(many[1].head(1))
        assert few[1].schema == many[1].schema == few[0].schema
        assert few[1].columns[2] == "timestamp"


@pytest.mark.parametrize("whole", [3, 0, -(2**53), 2**53, 2**53 + 1, 2**53 + 2, -(2**63), 2**70, 10**400])
def test_whole_numbers_in_a_column_of_floats_are_floats_if_they_lose_nothing(whole):
    frames, rejects = build([{"x": 1.5}], [{"x": whole}, {"x": 2.5}])
    try:
        kept = [float(whole)] if int(float(whole)) == whole else []
    except OverflowError:
        kept = []
    assert [row["x"] for row in rows(frames)] == [1.5, *kept, 2.5]
    assert list(rejects) == ([] if kept else [1])
