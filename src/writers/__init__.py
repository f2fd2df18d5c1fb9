"""Where streams end.

Files
    `CSVWriter`, `JSONLWriter`.
Python
    `MemoryWriter` keeps the rows.
To build on
    `Writer` is the base of all, `FileWriter` and `FileSink` of those that write one file, `OutputFile` is that file.
"""

from .base import Writer
from .csv_writer import CSVWriter
from .file_writer import FileSink, FileWriter
from .jsonl_writer import JSONLWriter
from .memory_writer import MemorySink, MemoryWriter
from .output_file import OutputFile

__all__ = ["CSVWriter", "FileSink", "FileWriter", "JSONLWriter", "MemorySink", "MemoryWriter", "OutputFile", "Writer"]
