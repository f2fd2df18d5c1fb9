"""Where streams end.

Files
    `CSVWriter`, `JSONLWriter`, `TextWriter`: complete when they appear, or growing for who follows them.
    `ChartWriter` draws a picture.
Standard output
    `ConsoleWriter`.
Python
    `MemoryWriter` keeps the rows; `MemorySink` is what runs.
To build on
    `Writer` is the base of all, `FileWriter` and `FileSink` of those that write one file, `OutputFile` is that file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazily import lazily

if TYPE_CHECKING:
    from .base import Writer
    from .chart_writer import ChartWriter
    from .console_writer import ConsoleWriter
    from .csv_writer import CSVWriter
    from .file_writer import FileSink, FileWriter
    from .jsonl_writer import JSONLWriter
    from .memory_writer import MemorySink, MemoryWriter
    from .output_file import OutputFile
    from .text_writer import TextWriter

__all__ = [
    "CSVWriter",
    "ChartWriter",
    "ConsoleWriter",
    "FileSink",
    "FileWriter",
    "JSONLWriter",
    "MemorySink",
    "MemoryWriter",
    "OutputFile",
    "TextWriter",
    "Writer",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "CSVWriter": "csv_writer",
        "ChartWriter": "chart_writer",
        "ConsoleWriter": "console_writer",
        "FileSink": "file_writer",
        "FileWriter": "file_writer",
        "JSONLWriter": "jsonl_writer",
        "MemorySink": "memory_writer",
        "MemoryWriter": "memory_writer",
        "OutputFile": "output_file",
        "TextWriter": "text_writer",
        "Writer": "base",
    },
)
