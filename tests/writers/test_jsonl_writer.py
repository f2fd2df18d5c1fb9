"""JSON lines: one object a row, read back equal."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.record import TEXT
from plait.running import Context
from plait.writers import JSONLWriter


def written(folder, *frames):
    sink = JSONLWriter("out.jsonl").open(Context(base=folder))
    for frame in frames:
        sink.write(frame)
    sink.close()
    return (folder / "out.jsonl").read_text(encoding="utf-8")


def test_a_row_is_an_object_on_a_line(tmp_path):
    frame = pl.DataFrame(
        {
            "timestamp": [datetime(2010, 1, 1, tzinfo=UTC)],
            "temp": [21.5],
            "place": [{"city": "sf", "tags": ["a", None]}],
            "note": pl.Series([None], dtype=pl.String),
            "nan": [float("nan")],
            TEXT: ["hidden"],
        }
    )
    assert written(tmp_path, frame) == (
        '{"timestamp":"2010-01-01T00:00:00Z","temp":21.5,"place":{"city":"sf","tags":["a",null]},"note":null,"nan":null}\n'
    )


def test_rows_may_have_other_columns_later_on(tmp_path):
    assert written(tmp_path, pl.DataFrame({"a": [1]}), pl.DataFrame({"b": ["x"]})) == '{"a":1}\n{"b":"x"}\n'


def test_a_stream_without_rows_makes_an_empty_file(tmp_path):
    assert written(tmp_path) == ""
    assert written(tmp_path, pl.DataFrame(schema={"a": pl.Int64})) == ""


_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_row = st.fixed_dictionaries(
    {
        "i": st.none() | st.integers(-(2**63), 2**63 - 1),
        "f": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "s": st.none() | _text,
        "b": st.none() | st.booleans(),
        "l": st.none() | st.lists(st.none() | _text, max_size=3),
        "d": st.none() | st.fixed_dictionaries({"x": st.none() | st.integers(0, 9), "y": st.lists(st.floats(0, 1))}),
    }
)
_schema = {
    "i": pl.Int64,
    "f": pl.Float64,
    "s": pl.String,
    "b": pl.Boolean,
    "l": pl.List(pl.String),
    "d": pl.Struct({"x": pl.Int64, "y": pl.List(pl.Float64)}),
}


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(_row, max_size=6), cut=st.integers(0, 6))
def test_what_was_written_reads_back_equal_whatever_the_blocks(tmp_path_factory, rows, cut):
    frame = pl.DataFrame(rows, schema=_schema, orient="row")
    text = written(tmp_path_factory.mktemp("jsonl"), frame[:cut], frame[cut:])
    assert [json.loads(line) for line in text.split("\n")[:-1]] == rows
