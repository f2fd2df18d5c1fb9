"""`reader=csv`: rows of CSV files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import InitVar, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..fields import Kind, Names, Size, Value, YesNo, option
from ..formats.delimiter import Delimiter
from ..formats.files import FoundFile, find_files, open_bytes, size_on_disk
from ..formats.schema import Schema
from ..formats.timestamps import ReadTimes
from ..record import DeadLetter
from ..running import Batch, Context
from .base import Reader

if TYPE_CHECKING:
    from ..formats.csv_file import LostRecord
    from ..formats.csv_frames import CsvBlock
    from ..formats.csv_options import CsvOptions
    from ..formats.csv_sheet import Sheet

__all__ = ["CSVReader"]


class _Quote(Kind):
    """One ASCII character, or none (held as the empty text)."""

    says: ClassVar[str] = "a quote: one character, or none"

    def parse(self, value: Any) -> str:
        if value in ("none", ""):
            return ""
        if not isinstance(value, str) or len(value) != 1 or not value.isascii() or value.isalnum() or value in "\r\n\0":
            raise self._wrong(value)
        return value

    def write(self, value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' if value else "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class CSVReader(Reader):
    r"""Read the rows of CSV files.

    Fields stand between delimiters, in quotes where they hold a delimiter, a line end or a quote (then doubled). Lines
    end in LF, CRLF or CR, empty ones are skipped; text is UTF-8. A file that begins as gzip does is decompressed.

    Output: the columns of the file, the event time as `timestamp`. Types are those of a sample that is spread over the
    whole file (of a compressed one: its start): integer, float, boolean, else text; ids such as 007 stay text, and
    `schema` decides where that is wrong. An empty field is null, `""` is the empty text. A number is what it looks
    like in full: no blanks around it, no `1_000`, no `0x10`. A boolean is `true`, `True`, `TRUE`, or `false` likewise.
    Order: that of the file; the files of a glob follow each other in the order of their names, and their columns are
    matched by name.
    Dead letters: rows that are not well formed, have too many or too few fields, hold NUL bytes or no UTF-8, are longer
    than `max_record`, or have a value that is not of its column's type or no event time; all others are delivered. An
    unclosed quote costs its own line and no other.
    Memory: one block of one megabyte and what is made of it; at most `max_record` more.
    Without an engine: `CSVReader("log.csv", queue, wrapper).run()` puts a dict for each row, or what `wrapper` makes of
    it; dead letters go to `run(dead_letters=)`, or are logged and counted.

    Example:
        reader=csv(path="data/seattle-*.csv.gz" timestamp=date format="%Y/%m/%d %H:%M" zone="US/Pacific")

    See also: reader=file for lines without columns, writer=csv.
    """

    variant: ClassVar[str] = "csv"
    native: ClassVar[bool] = True
    settled: ClassVar[bool] = True

    path: str = field(
        default_factory=str,  # not the default: `filename` may stand in for it, but a script must give it
        kw_only=False,
        metadata=option("file, or files as a glob such as data/*.csv").metadata,
    )
    queue: Any = option("where `run` puts the records", Value(), default=None, kw_only=False, runtime=True)
    wrapper: Any = option(
        "called with each record; what it returns is put", Value(), default=None, kw_only=False, runtime=True
    )
    filename: InitVar[str | None] = None
    delimiter: str = option('character between fields, such as ";" or tab', Delimiter(), default=",")
    quote: str = option("character around fields that need it, or none", _Quote(), default='"')
    header: bool | None = option(
        "does the first row hold the names of the columns? yes, unless `columns` are given", YesNo(), default=None
    )
    column_names: tuple[str, ...] = option(
        "names of the columns, in place of those in the header", Names(), default=(), called="columns"
    )
    columns: InitVar[Any]  # the method below is its default: the option is called as the method of all readers is
    schema: tuple[tuple[str, str], ...] = option(
        "types of columns that shall not be inferred, such as (temp=float id=text); of text integer float boolean time",
        Schema(),
        default=(),
    )
    null: tuple[str, ...] = option("texts that mean null, besides the empty field", Names(), default=())
    max_record: int = option("bytes that one row may have; longer ones are dead letters", Size(), default=16 << 20)
    sample: int = option("bytes to look at before reading, to infer types", Size(), default=1 << 19)
    block: int = option("bytes to read at a time", Size(), default=3 << 19, internal=True)

    def columns(self, context: Context) -> dict[str, Any] | None:
        """Return the names and types of the columns, from a sample; none if no file has a row or a header."""
        sheet = self._examine(find_files(self.path, context.base), context)
        context.digits = sheet.digits if sheet is not None else 0
        return {} if sheet is None else sheet.columns()

    def __post_init__(self, filename: str | None, columns: Any) -> None:
        if filename is not None:
            if self.path:
                raise self.wrong("path", "is given twice: filename is another name of it")
            object.__setattr__(self, "path", filename)
        if columns is not None and not callable(columns):
            object.__setattr__(self, "column_names", columns)
        Reader.__post_init__(self)

    def check(self) -> None:
        if not self.path:
            raise self.wrong("path", "is missing: which file is to be read?")
        if self.delimiter == self.quote:
            raise self.wrong("quote", "the delimiter and the quote are the same character")
        twice = [name for name in self.column_names if self.column_names.count(name) > 1]
        if twice:
            raise self.wrong("columns", f"the name {twice[0]!r} is given more than once")
        if "" in self.column_names:
            raise self.wrong("columns", "a name is empty")
        self.event_times()

    def size(self, context: Context) -> int:
        """Return how many bytes the files have on disk."""
        return size_on_disk(find_files(self.path, context.base))

    def header_line(self, context: Context) -> str | None:
        """Return the header of the first file that has one as it stands there, without line end; None if none has."""
        if not self._options().header:
            return None
        headers = map(self._header_of, find_files(self.path, context.base))
        return next((header for header in headers if header), None)

    def open(self, context: Context) -> Iterator[Batch]:
        """Yield the rows in batches, in the order of the files. Raises SourceError if a file as a whole is unusable."""
        files = find_files(self.path, context.base)
        sheet = self._examine(files, context)
        if sheet is not None:
            for file in files:
                yield from self._batches(file, sheet, context)

    def _examine(self, files: list[FoundFile], context: Context) -> Sheet | None:
        from ..formats.csv_examine import examined

        found = context.learnt = examined(files, self._options(), context.learnt)
        for note in found.notes:
            context.note(note)
        return found.sheet

    def _batches(self, file: FoundFile, sheet: Sheet, context: Context) -> Iterator[Batch]:
        from ..formats.csv_frames import read_frames

        def seen(times: ReadTimes) -> None:
            for sentence in times.notes(self.zone):
                context.note(sentence)

        def batch(block: CsvBlock) -> Batch:
            for lost in block.lost:
                context.dead(_dead_letter(lost, file, context))
            return Batch(frame=block.frame, origin=file.name, lines=block.lines)

        wanted = context.wanted if context.keep_text else None
        with open_bytes(file) as stream:
            blocks = read_frames(
                stream, file.name, sheet, self._options(), keep_text=context.keep_text, wanted=wanted, seen=seen
            )
            yield from filter(_has_rows, map(batch, blocks))  # holds none of them while it waits to be asked

    def _header_of(self, file: FoundFile) -> str:
        from ..formats.csv_file import read_header

        with open_bytes(file) as stream:
            end = read_header(stream, file.name, self._options().dialect, self.max_record, keep=False).offset
        with open_bytes(file) as stream:
            return stream.read(end).decode("utf-8-sig").strip("\r\n")

    def _options(self) -> CsvOptions:
        from ..formats.csv_block import Dialect
        from ..formats.csv_options import CsvOptions

        return CsvOptions(
            dialect=Dialect(ord(self.delimiter), ord(self.quote) if self.quote else None),
            header=not self.column_names if self.header is None else self.header,
            columns=self.column_names,
            schema=dict(self.schema),
            nulls=self.null,
            max_record=self.max_record,
            sample=self.sample,
            block=self.block,
            timestamp=self.timestamp,
            times=self.event_times(),
        )


def _dead_letter(lost: LostRecord, file: FoundFile, context: Context) -> DeadLetter:
    text = lost.excerpt.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
    if lost.size > len(lost.excerpt):
        text += f"... ({lost.size} bytes in all)"
    return DeadLetter(
        stage=context.stage,
        kind="dead",
        reason=lost.reason,
        origin=file.name,
        line=lost.line,
        offset=lost.offset,
        text=text,
    )


def _has_rows(batch: Batch) -> bool:
    return len(batch.frame) > 0
