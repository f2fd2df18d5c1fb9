"""What records are ordered by: paths, lists of keys, functions, the records themselves; and what has no place."""

from __future__ import annotations

from collections import defaultdict, namedtuple
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from plait.queue.columns import unite
from plait.queue.ordering import Order, shown
from plait.queue.runs import FrameRun

Row = namedtuple("Row", "timestamp")


@pytest.mark.parametrize(
    ("sort_key", "record"),
    [
        ("timestamp", {"timestamp": 7}),
        ("a.b", {"a": {"b": 7}}),
        (["a", "b"], {"a": {"b": 7}}),
        (["a.b"], {"a.b": 7}),
        (["a", 0], {"a": [7, 8]}),
        (lambda record: record[1], ("x", 7)),
        (None, 7),
        ("timestamp", SimpleNamespace(timestamp=7)),
        ("timestamp", Row(7)),
        ("timestamp", defaultdict(int, timestamp=7)),
    ],
)
def test_every_way_to_name_a_key(sort_key, record):
    assert Order(sort_key).run([record]).times == [7]


NAN, NAT = {"timestamp": np.float32("nan")}, {"timestamp": np.datetime64("NaT")}


@pytest.mark.parametrize("record", [{}, {"timestamp": None}, {"timestamp": float("nan")}, NAN, NAT, "text", None, 5])
def test_a_record_without_a_time_is_set_aside_with_a_reason(record):
    run, unplaced = Order().sift([{"timestamp": 1}, record, {"timestamp": 2}])
    assert run.times == [1, 2]
    assert [index for index, _ in unplaced] == [1]
    assert "'timestamp'" in unplaced[0][1]


def test_decimal_nan_has_no_place():
    assert (
        Order(None).sift([Decimal("NaN")])[1][0][1]
        == "has Decimal('NaN') as 'the record itself', which has no place in any order"
    )


def test_looking_for_a_key_leaves_the_record_as_it_is():
    record = defaultdict(int)
    Order().sift([record])
    assert record == {}


def test_a_function_that_finds_nothing_sets_the_record_aside():
    run, unplaced = Order(lambda record: record["x"]).sift([{"x": 1}, {}])
    assert (run.times, len(unplaced)) == ([1], 1)


def test_null_and_nan_rows_of_a_frame_are_set_aside():
    rows = pl.DataFrame({"timestamp": [1.0, None, float("nan"), 2.0]})
    run, unplaced = Order().sift(rows)
    assert run.block["timestamp"].to_list() == [1.0, 2.0]
    assert [index for index, _ in unplaced] == [1, 2]


@pytest.mark.parametrize("order", [Order(reverse=True), Order("timestamp.year"), Order(lambda row: row["timestamp"])])
def test_a_frame_that_cannot_be_ordered_by_a_column_counts_as_its_rows(order):
    rows = pl.DataFrame({"timestamp": [datetime(2010, 1, 1, tzinfo=UTC)]})
    assert order.run(rows).block == rows.to_dicts()


def test_a_frame_ordered_by_its_column_stays_a_frame():
    rows = pl.DataFrame({"n": [1, 2]})
    assert isinstance(Order("n").run(rows), FrameRun)


def test_times_are_shown_in_iso_8601():
    assert shown(datetime(2010, 1, 1, 0, 0, 0, 500000, tzinfo=UTC)) == "2010-01-01T00:00:00.500000Z"


@pytest.mark.parametrize(
    ("one", "other", "united"),
    [
        (pl.Int64, pl.Float64, pl.Float64),
        (pl.Float32, pl.Int8, pl.Float64),
        (pl.Int8, pl.Int32, pl.Int32),
        (pl.UInt8, pl.UInt64, pl.UInt64),
        (pl.UInt32, pl.Int16, pl.Int64),
        (pl.Null, pl.String, pl.String),
        (pl.Boolean, pl.Null, pl.Boolean),
    ],
)
def test_types_unite(one, other, united):
    assert unite([("a", {"x": one}), ("b", {"x": other})]) == {"x": united}
