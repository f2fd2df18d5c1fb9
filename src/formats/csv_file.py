"""One file of CSV: its header, and its records block by block, in bounded memory."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final, Protocol

from ..errors import SourceError
from ..frozen import frozen
from .csv_block import Bounds, Dialect
from .csv_scan import DeadRecord, Records, scan, too_long
from .csv_walk import Broken, find_record

__all__ = ["EXCERPT", "Found", "Header", "LostRecord", "Quick", "parse_record", "read_header", "read_records"]

EXCERPT: Final = 4096
"""How many bytes of a record a dead letter shows."""

_FIRST_READ: Final = 1 << 16
_UTF8_BOM: Final = b"\xef\xbb\xbf"
_OTHER_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")


@frozen
class Header:
    """How a file begins.

    Attributes:
        names: the fields of the first record; None if the file has none.
        rest: bytes that were read and follow it.
        offset, line: where they stand in the file (line: 1-based).
    """

    names: tuple[str, ...] | None
    rest: bytes
    offset: int
    line: int


@frozen
class LostRecord:
    """A record that is not delivered: its place in the file, why, how it begins, and how many bytes it has."""

    line: int
    offset: int
    reason: str
    excerpt: bytes
    size: int


@frozen
class Found:
    """What a block brought.

    Attributes:
        records: where its records stand; None if there are none, or if it was read the quick way.
        offset, line: of the block in the file (line: 1-based).
        lost: the records that are not well formed.
        frame: the rows of a block that was read the quick way: one on each line.
    """

    records: Records | None
    offset: int
    line: int
    lost: Sequence[LostRecord] = ()
    frame: Any = None


class Quick(Protocol):
    """The quick way through a block: its frame, the bytes and the lines that it takes; None if it will not do."""

    def __call__(self, data: bytes, *, final: bool) -> tuple[Any, int, int] | None:
        """Read the records that are complete in a block that begins where a record begins."""


def read_header(stream: BinaryIO, name: str, dialect: Dialect, max_record: int, *, keep: bool) -> Header:
    """Read the first record of a file.

    Args:
        stream: at the beginning of the file.
        name: what messages call the file.
        dialect: how fields are told apart.
        max_record: bytes that a record may have.
        keep: the first record is data: leave it in `rest`.

    Raises:
        SourceError: the first record is not well formed, too long, or not in UTF-8.
    """
    data = stream.read(_FIRST_READ)
    if data.startswith(_OTHER_BOMS):
        raise SourceError(f"{name}: it is in UTF-16; plait reads UTF-8 (iconv -f UTF-16 -t UTF-8 mends it)")
    start = len(_UTF8_BOM) if data.startswith(_UTF8_BOM) else 0
    data, places = _first_record(stream, data, start, name, dialect, max_record)
    if not places:
        return Header(None, b"", len(data), 1)
    first = start + _blank_bytes(data, start)
    names = parse_record(data, first, places, dialect, name)
    kept = first if keep else min(places[-1] + 1, len(data))
    return Header(names, data[kept:], kept, 1 + _line_count(data[:kept]))


def _first_record(
    stream: BinaryIO, data: bytes, start: int, name: str, dialect: Dialect, max_record: int
) -> tuple[bytes, list[int]]:
    """Read until the first record is complete; return all that was read, and the structure of the record, if any."""
    final = len(data) < _FIRST_READ
    while True:
        first = start + _blank_bytes(data, start)
        if final and first == len(data):
            return data, []
        found = find_record(data + b"\n" if final else data, first, dialect, final=final)
        if not isinstance(found, Broken):
            return data, found
        if final or found.place is not None:
            raise SourceError(f"{name}: the first record cannot be read: {found.reason}")
        if len(data) - first > max_record:
            raise SourceError(f"{name}: the first record cannot be read: {too_long(max_record)}")
        more = stream.read(len(data))
        final = len(more) < len(data)
        data += more


def _blank_bytes(data: bytes, start: int) -> int:
    return len(data) - start - len(data[start:].lstrip(b"\r\n"))


def _line_count(data: bytes) -> int:
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")


def parse_record(data: bytes, start: int, places: Sequence[int], dialect: Dialect, name: str) -> tuple[str, ...]:
    """Return the texts of the fields of one record."""
    fields = []
    for end in places:
        raw = data[start:end]
        if end == places[-1]:
            raw = raw.removesuffix(b"\r")
        if dialect.quote is not None and raw[:1] == bytes([dialect.quote]):
            mark = raw[:1]
            raw = raw[1:-1].replace(mark * 2, mark)
        fields.append(raw)
        start = end + 1
    try:
        texts = tuple(field.decode() for field in fields)
    except UnicodeDecodeError as error:
        raise SourceError(f"{name}: the first record is not valid UTF-8") from error
    if any("\0" in text for text in texts):
        raise SourceError(f"{name}: the first record holds a NUL byte; this is no text file, or a damaged one")
    return texts


def read_records(
    stream: BinaryIO, header: Header, dialect: Dialect, bounds: Bounds, block: int, quick: Quick | None = None
) -> Iterator[Found]:
    """Yield the records behind the header. Holds one block, or as much as one record takes, up to `max_record`; while
    nobody asks for the next one, no more than what it has of that.

    Args:
        stream: where `read_header` left it.
        header: what it returned.
        dialect: how fields are told apart.
        bounds: what a record must keep to.
        block: bytes to read at a time; the answer does not depend on it.
        quick: tried first on each block, if there is one.
    """
    walk = _Walk(_Joined(header.rest, stream), dialect, bounds, block, quick, header)
    while walk.goes_on():
        while walk.found:
            yield walk.found.popleft()  # not held here: it may be long until the next one is asked for


class _Walk:
    """The way through a file, block by block.

    Attributes:
        offset, line: where the bytes stand in the file that are looked at next.
        left: those of them that have been read.
        final: the file has ended.
        found: what the last block brought.
    """

    def __init__(
        self, source: _Joined, dialect: Dialect, bounds: Bounds, block: int, quick: Quick | None, header: Header
    ) -> None:
        self.source, self.block = source, block
        self.dialect, self.bounds, self.quick = dialect, bounds, quick
        self.offset, self.line = header.offset, header.line
        self.left, self.final = b"", False
        self.found: deque[Found] = deque()

    def goes_on(self) -> bool:
        """Look at the next block; False if there is none."""
        if self.final or not self._read():
            return False
        read = self.quick(self.left, final=self.final) if self.quick is not None else None
        if read is not None:
            frame, consumed, lines = read
            self.found.append(Found(None, self.offset, self.line, frame=frame))
            self._go_on_by(consumed, lines)
        else:
            self._scan()
        if len(self.left) - self.left.endswith(b"\r") > self.bounds.max_record and not self.final:
            self._skip_line()
        return True

    def _read(self) -> bool:
        wanted = max(self.block - len(self.left), len(self.left), 1)
        chunk = self.source.read(wanted)
        self.final = len(chunk) < wanted
        self.left += chunk
        return bool(self.left)

    def _go_on_by(self, size: int, lines: int) -> None:
        self.left = self.left[size:]
        self.offset += size
        self.line += lines

    def _scan(self) -> None:
        records = scan(self.left, self.dialect, self.bounds, final=self.final, first_line=self.line)
        lost = [_lost(self.left, dead, self.offset) for dead in records.dead]
        self.found.append(Found(records, self.offset, self.line, lost))
        self._go_on_by(records.consumed, records.lines_consumed)

    def _skip_line(self) -> None:
        """Leave out a line that is too long to keep."""
        excerpt, size, self.left = _skip_line(self.source, self.left, self.block)
        reason = too_long(self.bounds.max_record)
        self.found.append(
            Found(None, self.offset, self.line, [LostRecord(self.line, self.offset, reason, excerpt, size)])
        )
        self.offset += size
        self.final = self.final or not self.left


class _Joined:
    """A stream with bytes in front of it that were read from it before."""

    def __init__(self, front: bytes, stream: BinaryIO) -> None:
        self._front = io.BytesIO(front)
        self._stream = stream

    def read(self, size: int) -> bytes:
        """Read so many bytes; fewer only at the end."""
        data = self._front.read(size)
        return data if len(data) == size else data + self._stream.read(size - len(data))


def _lost(data: bytes, dead: DeadRecord, offset: int) -> LostRecord:
    excerpt = data[dead.start : min(dead.end, dead.start + EXCERPT)]
    return LostRecord(dead.line, offset + dead.start, dead.reason, excerpt, dead.end - dead.start)


def _skip_line(stream: _Joined, left: bytes, block: int) -> tuple[bytes, int, bytes]:
    """Read to the end of a line that is too long to keep.

    Returns:
        How it begins, how many bytes it has, and what was read from its line end on (nothing: the file has ended).
    """
    excerpt, size = left[:EXCERPT], len(left)
    if left.endswith(b"\r"):
        return excerpt, size - 1, left[-1:]
    while chunk := stream.read(block):
        end = min((place for place in (chunk.find(b"\n"), chunk.find(b"\r")) if place >= 0), default=len(chunk))
        excerpt += chunk[: min(end, EXCERPT - len(excerpt))]
        size += end
        if end < len(chunk):
            return excerpt, size, chunk[end:]
    return excerpt, size, b""
