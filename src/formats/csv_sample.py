"""A look at a CSV file before it is read: bytes from its start and, if it can be searched, from all over it."""

from __future__ import annotations

import io
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import BinaryIO, Final

from ..errors import SourceError
from ..frozen import frozen
from .csv_block import LF, Block, Bounds, has_odd_bytes
from .csv_file import Header
from .csv_options import CsvOptions
from .csv_scan import Records, by_counting, scan
from .delimiter import unsplit
from .files import FoundFile

__all__ = ["Drawn", "Sampled", "draw"]

_SLICES: Final = 8
_TRIES: Final = 16
_MEND: Final = "name them all with columns=[ ] (and header=yes, if the first line holds names), or look at delimiter="


@frozen
class Sampled:
    """Records of a sample, and where they stand.

    Attributes:
        records: the records.
        file: what messages call their file.
        pieces: where their block was put together: the place in it at which each piece begins, and the byte of the file
            that this is; none if it is the start of the file: then its lines are known.
    """

    records: Records
    file: str
    pieces: Sequence[tuple[int, int]]

    def place(self, row: int) -> str:
        """Return the file and the line of a record, or, where that is not known, its first byte."""
        if not self.pieces:
            return f"{self.file}:{int(self.records.lines[row])}"
        start = int(self.records.row_starts[row])
        place, byte = self.pieces[bisect(self.pieces, start, key=itemgetter(0)) - 1]
        return f"{self.file}, byte {byte + start - place}"


@dataclass(frozen=True)
class Drawn:
    """The bytes that were drawn from a file.

    Attributes:
        file: what messages call it.
        names: of its columns.
        options: how it is to be read.
        line: the line on which the head begins (1-based).
        head: what stands behind the header.
        complete: the head is all that there is.
        slices: what stands in other places, put together, with its pieces as in `Sampled`.
    """

    file: str
    names: Sequence[str]
    options: CsvOptions
    line: int
    head: bytes
    complete: bool
    slices: Sequence[tuple[Sequence[tuple[int, int]], bytes]] = ()

    def check_width(self) -> None:
        """Raise SourceError if all records of the head have another number of fields than there are names."""
        _check_width(self._of_head, self.names, self.file, self.options)

    @cached_property
    def sampled(self) -> Sequence[Sampled]:
        """The records. Raises as `check_width` does."""
        self.check_width()
        return [Sampled(self._of_head, self.file, ()), *self._from_slices()]

    @property
    def _bounds(self) -> Bounds:
        return Bounds(len(self.names), self.options.max_record)

    @cached_property
    def _of_head(self) -> Records:
        return scan(self.head, self.options.dialect, self._bounds, final=self.complete, first_line=self.line)

    def _from_slices(self) -> Iterator[Sampled]:
        for pieces, part in self.slices:
            found = _sound(part, self._bounds, self.options)
            if found is not None:
                records, left_out = found
                yield Sampled(records, self.file, [(place - left_out, byte) for place, byte in pieces])


def draw(
    stream: BinaryIO, file: FoundFile, header: Header, names: Sequence[str], options: CsvOptions, budget: int
) -> Drawn | None:
    """Draw bytes from the start of a file and, if it can be searched, from places all over it.

    Args:
        stream: where `read_header` left it.
        file: the file.
        header: what `read_header` returned.
        names: of its columns.
        options: how it is to be read.
        budget: bytes to draw, half of them from the start; more if there is no record in so many.

    Returns:
        None: there is nothing behind the header.
    """
    head, size = _head(stream, header, Bounds(len(names), options.max_record), options, budget // 2)
    if not head:
        return None
    complete = size == len(head)
    if complete or not isinstance(getattr(stream, "raw", None), io.FileIO):
        return Drawn(file.name, names, options, header.line, head, complete)
    slices = _slices(stream, header.offset + size, file.path.stat().st_size, budget // 2)
    return Drawn(file.name, names, options, header.line, head, complete, [*_joined(slices, options.dialect.quote)])


def _joined(slices: Iterator[tuple[int, bytes]], quote: int | None) -> Iterator[tuple[list[tuple[int, int]], bytes]]:
    """Put the lines of all slices without quotes together, as one look at them costs as much as one at each.

    Yields:
        Where the pieces begin in it, and which bytes of the file these are; and the bytes.
    """
    pieces: list[tuple[int, int]] = []
    whole: list[bytes] = []
    size = 0
    for end, part in slices:
        if quote is not None and quote in part:
            yield [(0, end - len(part))], part
            continue
        lines = part[: max(part.rfind(b"\n"), part.rfind(b"\r")) + 1]
        pieces.append((size, end - len(part)))
        whole.append(lines)
        size += len(lines)
    yield pieces, b"".join(whole)


def _head(stream: BinaryIO, header: Header, bounds: Bounds, options: CsvOptions, budget: int) -> tuple[bytes, int]:
    """Read the first records, more than the budget if there is none in it.

    Returns:
        What stands behind the header, and how many bytes were read: one more, unless that is all.
    """
    data = header.rest + _read(stream, max(1, budget - len(header.rest)))
    while data:
        more = stream.read(1)
        if not more or len(data) > bounds.max_record or _has_record(data, bounds, options):
            return data, len(data) + len(more)
        data += more + stream.read(len(data))
    return b"", 0


def _read(stream: BinaryIO, most: int) -> bytes:
    """Read so many bytes, or all that there are: `read` itself allocates what it is asked for, however short a file."""
    parts: list[bytes] = []
    while most > 0 and (part := stream.read(min(most, 1 << 20))):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def _has_record(data: bytes, bounds: Bounds, options: CsvOptions) -> bool:
    """Tell whether there is a record in it that is well formed, of any number of fields."""
    if data[0] != LF and b"\n" in data and data.isascii() and not has_odd_bytes(data, options.dialect):
        return True
    return len(scan(data, options.dialect, bounds, final=False, first_line=1).counts) > 0


def _slices(stream: BinaryIO, start: int, end: int, budget: int) -> Iterator[tuple[int, bytes]]:
    """Yield what stands in places spread over a file, from a line end on, and the byte of the file behind it."""
    size = min(budget // _SLICES, max(0, end - start) // _SLICES) + 1
    for number in range(1, _SLICES + 1):
        stream.seek(start + max(0, end - start - size) * number // _SLICES)
        part = stream.read(size)
        yield stream.tell(), _behind_line_end(part)


def _behind_line_end(data: bytes) -> bytes:
    line_end = data.find(b"\n") if b"\n" in data else data.find(b"\r")
    return data[line_end + 1 :] if line_end >= 0 else b""


def _sound(data: bytes, bounds: Bounds, options: CsvOptions) -> tuple[Records, int] | None:
    """Return the records of a slice, and how many bytes from its start they begin; None if it makes no sense.

    It may begin inside quotes: then it makes no sense from there, and the next lines are tried.
    """
    quote, size = options.dialect.quote, len(data)
    for _ in range(_TRIES):
        if not data:
            return None
        found = scan(data, options.dialect, bounds, final=False, first_line=1)
        if quote is None or quote not in data:
            return (found, size - len(data)) if len(found.dead) * 10 <= len(found.counts) else None
        counted = by_counting(Block(data, options.dialect, final=False), bounds)
        if counted is not None and not found.dead:
            return found, size - len(data)
        data = _behind_line_end(data)
    return None


def _check_width(records: Records, names: Sequence[str], file: str, options: CsvOptions) -> None:
    """Raise SourceError if every record has another number of fields than there are names."""
    counts = set(records.counts.tolist())
    if len(counts) != 1 or len(names) in counts or (min(counts) < len(names) and len(records.counts) == 1):
        return
    count = counts.pop()
    who = "columns=[ ]" if options.columns else "the header"
    short = "; the header is one name short" if count == len(names) + 1 and not options.columns else ""
    raise SourceError(
        f"{file}: {who} names {len(names)} column{'s' * (len(names) != 1)}, but every row has "
        f"{count} field{'s' * (count != 1)}{short}; " + (unsplit(names, chr(options.dialect.delimiter)) or _MEND)
    )
