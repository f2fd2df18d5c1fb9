"""Rows kept for Python."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
from plait.record import TEXT
from plait.running import Context
from plait.writers import MemorySink, MemoryWriter

T = datetime(2010, 1, 1, tzinfo=UTC)


def test_rows_are_kept_in_order_and_without_their_text():
    writer = MemoryWriter()
    sink = writer.open(Context())
    sink.write(pl.DataFrame({"timestamp": [T], TEXT: ["x"]}))
    sink.write(pl.DataFrame({"timestamp": [T], "b": [None]}))
    sink.close()
    assert writer.rows() == [{"timestamp": T}, {"timestamp": T, "b": None}]
    assert [frame.height for frame in writer.frames] == [1, 1]


def test_a_list_that_is_given_takes_the_frames():
    frames: list[pl.DataFrame] = []
    MemoryWriter(frames=frames).open(Context()).write(pl.DataFrame({"a": [1]}))
    assert MemorySink(frames).rows() == [{"a": 1}]


def test_two_writers_share_no_list():
    one, other = MemoryWriter(), MemoryWriter()
    one.open(Context()).write(pl.DataFrame({"a": [1]}))
    assert other.rows() == []


def test_a_writer_alone_keeps_nothing():
    assert MemorySink().rows() == []
