"""Write rows to a file of JSON lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..formats.direct import without
from ..formats.json_printing import JSONPrinter
from ..record import TEXT
from ..running import Context, Sink
from .file_writer import FileSink, FileWriter
from .gathered import Gathered
from .output_file import OutputFile

if TYPE_CHECKING:
    import polars as pl

__all__ = ["JSONLWriter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JSONLWriter(FileWriter):
    """Write each row as one JSON object on a line of its own (UTF-8, lines end in LF).

    Values are printed in one canonical way: times as ISO 8601 text in UTC with 0, 3 or 6 fractional digits, floats as
    the shortest number that reads back equal, nested values as objects and lists. Nulls are kept; `nan` and the
    infinities, for which JSON has no word, are null too. Rows may have other columns than those before.

        writer=jsonl(path="out/heat.jsonl")
    """

    variant: ClassVar[str] = "jsonl"

    def open(self, context: Context) -> Sink:
        """Return the running writer. Raises SinkError if the file cannot be written."""
        return _JSONLSink(self.open_file(context), context.digits, follow=self.follow)


class _JSONLSink(FileSink):
    def __init__(self, file: OutputFile, digits: int, *, follow: bool) -> None:
        super().__init__(file)
        self._printer = JSONPrinter(digits)
        self._follow = follow
        self._waiting = Gathered()

    def write(self, frame: pl.DataFrame) -> None:
        rows = without(frame, TEXT)
        for gathered in (rows,) if self._follow else self._waiting.add(rows):
            self._print(gathered)

    def close(self) -> None:
        for frame in self._waiting.rest():
            self._print(frame)
        super().close()

    def _print(self, frame: pl.DataFrame) -> None:
        for part in self._printer.parts(frame) if frame.height else ():
            self.file.write(part)
