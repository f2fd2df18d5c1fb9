"""A frame of a few rows is a frame like any other, whose rows are at hand."""

from __future__ import annotations

import copy
import pickle
from datetime import datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from plait.formats.few_frames import FEW, records_of
from plait.formats.few_rows import FewRows
from plait.formats.framing import FrameBuilder, Layout
from plait.formats.timestamps import EventTimes
from plait.queue.arrow import from_ipc, to_ipc
from plait.queue.memory import Buffers

UTC = ZoneInfo("UTC")
TYPES = {
    "timestamp": pl.Datetime("us", "UTC"), "s": pl.String, "f": pl.Float64, "i": pl.Int64, "b": pl.Boolean,
    "n": pl.Null, "y": pl.Binary,
}  # fmt: skip
RECORDS = [
    {"timestamp": datetime(2010, 1, 1, tzinfo=UTC), "s": "x", "f": 1.5, "i": 2**63 - 1, "b": True, "n": None,
     "y": b"a"},
    {"timestamp": datetime(1, 1, 1, tzinfo=UTC), "s": None, "f": None, "i": None, "b": None, "n": None, "y": None},
    {"timestamp": datetime(9999, 12, 31, 23, 59, 59, 999999, UTC), "s": "", "f": -0.0, "i": -(2**63), "b": False,
     "n": None, "y": b""},
]  # fmt: skip


@pytest.fixture
def few():
    return FewRows(RECORDS, TYPES)


@pytest.fixture
def plain():
    return pl.DataFrame(RECORDS, schema=TYPES)


def test_it_has_the_columns_types_and_values_of_the_plain_frame(few, plain):
    assert (few.height, few.columns) == (plain.height, plain.columns)
    assert few.equals(plain)
    assert few.schema == plain.schema
    assert few.to_dicts() == plain.to_dicts() == RECORDS
    assert repr(few.row(0)) == repr(plain.row(0))


CALLS = {
    "slice": lambda frame: frame.slice(1, 1),
    "filter": lambda frame: frame.filter(pl.col("f") > 0),
    "index": lambda frame: frame[[2, 0]],
    "with_columns": lambda frame: frame.with_columns(pl.lit(1).alias("one")),
    "drop": lambda frame: frame.drop("s"),
    "rename": lambda frame: frame.rename({"s": "text"}),
    "select": lambda frame: frame.select("i", "b"),
    "sort": lambda frame: frame.sort("timestamp"),
    "clear": lambda frame: frame.clear(),
    "hstack": lambda frame: frame.hstack([pl.Series("z", [1, 2, 3])]),
    "vstack": lambda frame: frame.vstack(frame),
    "concat": lambda frame: pl.concat([frame, pl.DataFrame(RECORDS, schema=TYPES)]),
    "lazy": lambda frame: frame.lazy().head(2).collect(),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda frame: pickle.loads(pickle.dumps(frame)),
    "arrow": lambda frame: from_ipc(to_ipc(frame, Buffers(1 << 20))),
}


@pytest.mark.parametrize("call", CALLS)
def test_what_polars_makes_of_it_is_what_it_makes_of_the_plain_frame(few, plain, call):
    made, expected = CALLS[call](few), CALLS[call](plain)
    assert made.equals(expected)
    assert (made.height, made.columns, made.schema) == (expected.height, expected.columns, expected.schema)
    assert records_of(made) in (None, expected.to_dicts())


def test_renaming_its_columns_in_place_forgets_the_rows(few):
    few.columns = list("abcdefg")
    assert few.columns == list("abcdefg")
    assert records_of(few) is None
    assert few.height == 3


def assign(frame):
    frame[0, "i"] = 5


IN_PLACE = {
    "assign": assign,
    "extend": lambda frame: frame.extend(type(frame)(RECORDS, TYPES)),
    "insert_column": lambda frame: frame.insert_column(0, pl.Series("z", [1, 2, 3])),
    "replace_column": lambda frame: frame.replace_column(1, pl.Series("z", [1, 2, 3])),
    "drop_in_place": lambda frame: frame.drop_in_place("s"),
    "hstack": lambda frame: frame.hstack([pl.Series("z", [1, 2, 3])], in_place=True),
    "vstack": lambda frame: frame.vstack(type(frame)(RECORDS, TYPES), in_place=True),
}


@pytest.mark.parametrize("change", IN_PLACE)
@pytest.mark.parametrize("asked_before", [False, True])
def test_what_changes_it_in_place_forgets_the_rows(few, plain, change, asked_before):
    if asked_before:
        assert few.schema == plain.schema
    IN_PLACE[change](few)
    IN_PLACE[change](plain)
    assert records_of(few) is None
    assert few.to_dicts() == plain.to_dicts()
    assert (few.height, few.columns, few.schema) == (plain.height, plain.columns, plain.schema)
    assert RECORDS[0]["i"] == 2**63 - 1


def test_what_makes_another_frame_of_it_leaves_it_its_rows(few):
    few.vstack(few)
    few.hstack([pl.Series("z", [1, 2, 3])])
    assert records_of(few) is RECORDS


def built(*blocks, **layout):
    builder = FrameBuilder(Layout(**layout), note=lambda sentence: None)
    return [made.frame for block in blocks for made in builder.build(block)]


def test_a_block_of_a_few_known_records_is_held_as_rows_and_a_long_one_is_not():
    record = {"at": "2010-01-01T00:00:00Z", "x": 1.5}
    first, few, long = built([record], [record] * FEW, [record] * (FEW + 1), timestamp="at")
    assert records_of(first) is None
    assert records_of(few) == [{"timestamp": datetime(2010, 1, 1, tzinfo=UTC), "x": 1.5}] * FEW
    assert records_of(long) is None
    assert pl.concat([few, long]).height == 2 * FEW + 1


@pytest.mark.parametrize(
    "later",
    [{"at": "soon", "x": 1.5}, {"x": 1.5}, {"at": "2010-01-01", "x": "text"}, {"at": "2010-01-01", "new": 1},
     {"at": "2010-01-01", "timestamp": "2010-01-01"}],
)  # fmt: skip
def test_a_record_that_brings_anything_new_is_looked_at_closely(later):
    frames = built([{"at": "2010-01-01", "x": 1.5}], [later], timestamp="at")
    assert all(records_of(frame) is None for frame in frames)


def test_rows_are_whole_and_floats_are_floats():
    frames = built([{"timestamp": "2010-01-01", "x": 1.5, "s": "a"}], [{"timestamp": "2010-01-02", "x": 2}])
    assert repr(records_of(frames[1])) == repr(pl.DataFrame(frames[1]).to_dicts())
    assert repr(records_of(frames[1])[0]["x"]) == "2.0"


def test_local_times_of_a_zone_are_left_to_the_columns():
    frames = built([{"timestamp": "2010-01-01 12:00"}] * 2, [{"timestamp": "2010-01-01 13:00"}],
                   times=EventTimes(zone="Europe/Berlin"))  # fmt: skip
    assert frames[1].to_dicts() == [{"timestamp": datetime(2010, 1, 1, 12, tzinfo=UTC)}]
