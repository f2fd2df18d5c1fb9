"""Write rows to a CSV file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import SinkError, nearest
from ..fields import Names, YesNo, option
from ..formats.csv_printing import CSVPrinter, print_csv_header
from ..formats.delimiter import Delimiter
from ..formats.direct import with_only, without
from ..formats.portions import portions
from ..formats.printing import print_lines
from ..record import TEXT
from ..running import Context, Sink
from .file_writer import FileSink, FileWriter
from .gathered import Gathered
from .output_file import OutputFile

if TYPE_CHECKING:
    import polars as pl

__all__ = ["CSVWriter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CSVWriter(FileWriter):
    """Write rows to a CSV file (RFC 4180, UTF-8, lines end in LF).

    Values are printed in one canonical way: times as ISO 8601 in UTC with 0, 3 or 6 fractional digits, floats as the
    shortest text that reads back equal, nested values as JSON. Null is an empty field and empty text is `""`; other
    fields are quoted only where they must be. The columns are those of the first rows, in their order, or those
    that `columns` names; rows with other columns later on are an error. A stream without rows makes a file too.

    With `as_read` each row goes out with the very text that it came in with, under the header of the source.

        writer=csv(path="out/daily.csv")
        writer=csv(path="out/merged.csv.gz" as_read=yes)
        writer=csv(path="out/short.csv" columns=[timestamp temp] delimiter=";")
    """

    variant: ClassVar[str] = "csv"

    as_read: bool = option("write each row with the very text it came in with", YesNo(), default=False)
    header: bool = option("begin with a line of the columns' names", YesNo(), default=True)
    delimiter: str = option("character between fields", Delimiter(), default=",")
    columns: tuple[str, ...] | None = option(
        "columns to write, in this order; default: those of the first rows", Names(), default=None
    )

    def check(self) -> None:
        """Raise SpecError if the options do not fit together."""
        FileWriter.check(self)
        if self.as_read and self.columns is not None:
            raise self.wrong("columns", "cannot be chosen with as_read=yes: rows are written as they came")
        if self.as_read and self.delimiter != ",":
            raise self.wrong("delimiter", "has no use with as_read=yes: rows are written as they came")
        if self.columns is not None and len(set(self.columns)) < max(1, len(self.columns)):
            raise self.wrong("columns", "names a column twice, or none")

    def check_columns(self, columns: Mapping[str, Any]) -> None:
        """Raise SpecError if a column that is to be written is not there."""
        missing = next((name for name in self.columns or () if name not in columns), None)
        if missing is not None:
            raise self.wrong("columns", f"there is no column {missing!r}", suggestion=nearest(missing, columns))

    @property
    def wants_text(self) -> bool:
        """True with `as_read`: the frames must then have the column `record.TEXT`."""
        return self.as_read

    def open(self, context: Context) -> Sink:
        """Return the running writer. Raises SinkError if the file cannot be written."""
        file = self.open_file(context)
        if self.as_read:
            return _AsReadSink(file, self, context)
        return _CSVSink(file, self, context.digits)


class _CSVSink(FileSink):
    def __init__(self, file: OutputFile, writer: CSVWriter, digits: int) -> None:
        super().__init__(file)
        self._printer = CSVPrinter(writer.delimiter, digits)
        self._writer = writer
        self._waiting = Gathered()
        self._columns: list[str] = []
        if writer.columns is not None:
            self._begin(writer.columns)

    def write(self, frame: pl.DataFrame) -> None:
        frame = without(frame, TEXT)
        if not self._columns:
            self._begin(frame.columns)
        if frame.columns != self._columns:
            self._compare(frame.columns)
            frame = with_only(frame, self._columns)
        for gathered in (frame,) if self._writer.follow else self._waiting.add(frame):
            self._print(gathered)

    def close(self) -> None:
        for frame in self._waiting.rest():
            self._print(frame)
        super().close()

    def _print(self, frame: pl.DataFrame) -> None:
        for part in self._printer.parts(frame):
            self.file.write(part)

    def _begin(self, columns: Sequence[str]) -> None:
        self._columns = list(columns)
        if self._writer.header and columns:
            header = print_csv_header(columns, self._writer.delimiter)
            if self.file.is_new:
                self.file.write(header)
            elif (found := self.file.first_line()) != header:
                raise SinkError(
                    f"{self.file.path}: its header is {found.decode(errors='replace').strip()!r}, "
                    f"but the rows to append have {header.decode().strip()!r}"
                )

    def _compare(self, columns: Sequence[str]) -> None:
        """Raise SinkError unless the columns are those of the file, in any order."""
        if missing := [name for name in self._columns if name not in columns]:
            near = nearest(missing[0], columns) if self._writer.columns else None
            hint = f"; did you mean {near!r}?" if near else ""
            raise SinkError(f"{self.file.path}: rows came without the column {missing[0]!r}{hint}")
        if self._writer.columns is None and len(columns) > len(self._columns):
            extra = next(name for name in columns if name not in self._columns)
            raise SinkError(
                f"{self.file.path}: rows came with the column {extra!r}, which the first rows did not have;"
                " name the columns to write with columns=[...]"
            )


class _AsReadSink(FileSink):
    def __init__(self, file: OutputFile, writer: CSVWriter, context: Context) -> None:
        super().__init__(file)
        self._context = context
        self._needs_header = writer.header and file.is_new
        self._follow = writer.follow
        self._waiting = Gathered()

    def write(self, frame: pl.DataFrame) -> None:
        if TEXT not in frame.columns or frame[TEXT].null_count():
            raise SinkError(
                f"{self.file.path}: as_read=yes, but rows came without the text they were read from;"
                " the sources must be text, and no stage between may change values"
            )
        texts = with_only(frame, [TEXT])
        for gathered in (texts,) if self._follow else self._waiting.add(texts):
            self._print(gathered)

    def close(self) -> None:
        for texts in self._waiting.rest():
            self._print(texts)
        self._begin()
        super().close()

    def _print(self, texts: pl.DataFrame) -> None:
        self._begin()
        for portion in portions(texts[TEXT]):
            self.file.write(print_lines(portion))

    def _begin(self) -> None:
        """Write the header of the source, which is known when the first rows come, or never."""
        if self._needs_header and self._context.header is not None:
            self.file.write(f"{self._context.header}\n".encode())
        self._needs_header = False
