"""What readers of files share in which each line is a record."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import InitVar, dataclass, field, replace
from typing import Any, BinaryIO

from ..errors import SourceError
from ..fields import Size, Value, option
from ..formats.files import FoundFile, find_files, open_bytes, size_on_disk
from ..formats.lines import LineBlock, read_lines
from ..formats.payload import Payload
from ..formats.schema import polars_type
from ..record import TIMESTAMP, DeadLetter
from ..running import Batch, Context
from .record_reader import RawBlock, RecordReader

__all__ = ["LineReader"]

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True, kw_only=True)
class LineReader(RecordReader):
    """The base of readers of files in which each line is a record.

    The path may be a glob: its files are read in the order of their names, as one stream. What is gzip is
    decompressed. LF, CRLF and CR end a line; a byte order mark is skipped.
    """

    path: str = field(
        default_factory=str,  # no default: `filename` may stand in for it, but a script must give it
        kw_only=False,
        metadata=option("file to read, or files as a glob such as logs/*.log.gz").metadata,
    )
    queue: Any = option("where `run` puts the records", Value(), default=None, kw_only=False, runtime=True)
    wrapper: Any = option(
        "called with each record; what it returns is put", Value(), default=None, kw_only=False, runtime=True
    )
    filename: InitVar[str | None] = None
    max_record: int = option("longest line, with its line end; longer ones are dead letters", Size(), default=16 << 20)

    def __post_init__(self, filename: str | None) -> None:
        if filename is not None:
            if self.path:
                raise self.wrong("path", "is given twice: filename is another name of it")
            object.__setattr__(self, "path", filename)
        RecordReader.__post_init__(self)

    def check(self) -> None:
        if not self.path:
            raise self.wrong("path", "is missing: which file is to be read?")
        RecordReader.check(self)

    def columns(self, context: Context) -> dict[str, Any] | None:
        """Return the columns as the first block of the first file has them.

        If there is no record at all: those of `schema`, if the event time is among them; else none.
        """
        if not all(file.path.is_file() for file in self._files(context)):
            return None  # a pipe can be read only once
        quiet = replace(context, dead=_forget, counts=Counter(), notes={})
        first = next((batch for batch in self.open(quiet) if isinstance(batch, Batch)), None)
        return self._declared() if first is None else dict(first.frame.schema)

    def _declared(self) -> dict[str, Any]:
        time = self.timestamp or TIMESTAMP
        declared = {TIMESTAMP if name == time else name: polars_type(kind) for name, kind in self.schema}
        return declared | {TIMESTAMP: polars_type("time")} if self.timestamp or TIMESTAMP in declared else {}

    def size(self, context: Context) -> int:
        """Return how many bytes the files have on disk; nothing is known of a pipe."""
        return size_on_disk(self._files(context))

    def raw_blocks(self, context: Context) -> Iterator[RawBlock]:
        payload = self.make_payload()
        for file in self._files(context):
            with open_bytes(file) as stream:
                self._check_encoding(stream, file)
                for block in read_lines(stream, self.max_record):
                    self._drop_long(block, file, context)
                    yield _without_blanks(block, payload, file, context)

    def _files(self, context: Context) -> list[FoundFile]:
        return find_files(self.path, context.base)

    def _check_encoding(self, stream: BinaryIO, file: FoundFile) -> None:
        if stream.peek(2)[:2] in _UTF_16:  # type: ignore[attr-defined]
            raise SourceError(f"{file.name}: this is UTF-16; convert it to UTF-8 first")

    def _drop_long(self, block: LineBlock, file: FoundFile, context: Context) -> None:
        for long in block.too_long:
            reason = f"a line of {long.size} bytes; max_record={self.max_record} says how long one may be"
            text = long.beginning.decode("utf-8", "backslashreplace") + "..."
            context.dead(
                DeadLetter(
                    stage=context.stage,
                    kind="dead",
                    reason=reason,
                    origin=file.name,
                    line=long.number,
                    offset=long.offset,
                    text=text,
                )
            )


def _without_blanks(block: LineBlock, payload: Payload, file: FoundFile, context: Context) -> RawBlock:
    """Return the lines that are to be records, and count those that are not."""
    if payload.blank_lines:
        return RawBlock(block.lines, block.numbers, file.name, block.offsets)
    says_something = [_says_something(line.strip(), payload.comment) for line in block.lines]
    blanks = says_something.count(False)
    if blanks:
        context.counts["blank lines"] += blanks
    return RawBlock(
        list(itertools.compress(block.lines, says_something)),
        list(itertools.compress(block.numbers, says_something)),
        file.name,
        list(itertools.compress(block.offsets, says_something)),
    )


def _says_something(line: bytes, comment: bytes) -> bool:
    return bool(line) and not (comment and line.startswith(comment))


def _forget(letter: DeadLetter) -> None:
    """Drop a dead letter of a first look: the run itself reads the line again, and reports it."""
