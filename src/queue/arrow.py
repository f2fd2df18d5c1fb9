"""Frames as Arrow IPC streams: written once, read in place. Imported when the first frame travels."""

from __future__ import annotations

import os
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.ipc

from .memory import Memory

__all__ = ["from_ipc", "to_ipc"]

_NEWEST = pl.CompatLevel.newest()
_LARGE = 32 * 1024
"""Bytes from which a frame is written straight into memory that is handed over."""


def to_ipc(frame: pl.DataFrame) -> Any:
    """Return the stream in a buffer, or in `Memory` if it is large. String views stay views."""
    table = frame.to_arrow(compat_level=_NEWEST)
    if frame.estimated_size() < _LARGE:
        sink = pa.BufferOutputStream()
        _write(table, sink)
        return sink.getvalue()
    memory = Memory()
    with os.fdopen(memory.descriptor, "wb", buffering=0, closefd=False) as file:
        _write(table, pa.PythonFile(file, mode="w"))
    return memory


def _write(table: Any, sink: Any) -> None:
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def from_ipc(data: Any) -> pl.DataFrame:
    """Read a stream in place: the frame keeps `data` alive as long as it needs it."""
    with pa.ipc.open_stream(pa.py_buffer(data)) as reader:
        frame = pl.from_arrow(reader.read_all())
    assert isinstance(frame, pl.DataFrame)
    return frame
