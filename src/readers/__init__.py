"""Readers: sources of records with an event time.

Files: `CSVReader` (rows with columns), `FileReader` (lines: text, patterns, SCL, CSV without a header), `JSONLReader`
(lines of JSON).
Live: `ZeroMQReader` (messages, subscribed to or pushed).
From Python: `MemoryReader` (rows at hand).
To subclass: `Reader`, the base of all; `RecordReader`, if each record is a message or a line (`RawBlock`);
`LineReader`, if that is a line of a file.

Each works in a pipeline (`open`) and without an engine: `records()` yields them, `run(queue)` puts them on a queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazily import lazily

if TYPE_CHECKING:
    from .base import Reader
    from .csv_reader import CSVReader
    from .file_reader import FileReader, JSONLReader
    from .line_reader import LineReader
    from .memory_reader import MemoryReader
    from .record_reader import RawBlock, RecordReader
    from .zeromq_reader import ZeroMQReader

__all__ = [
    "CSVReader",
    "FileReader",
    "JSONLReader",
    "LineReader",
    "MemoryReader",
    "RawBlock",
    "Reader",
    "RecordReader",
    "ZeroMQReader",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "CSVReader": "csv_reader",
        "FileReader": "file_reader",
        "JSONLReader": "file_reader",
        "LineReader": "line_reader",
        "MemoryReader": "memory_reader",
        "RawBlock": "record_reader",
        "Reader": "base",
        "RecordReader": "record_reader",
        "ZeroMQReader": "zeromq_reader",
    },
)
