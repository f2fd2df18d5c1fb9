"""Lines of a byte stream, a block at a time, with their places, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from itertools import accumulate
from typing import BinaryIO, Final

from ..frozen import frozen

__all__ = ["BLOCK_BYTES", "LineBlock", "LongLine", "read_lines"]

BLOCK_BYTES: Final = 1 << 20
_BOM: Final = b"\xef\xbb\xbf"
_SHOWN_BYTES: Final = 200


@frozen
class LongLine:
    """A line longer than allowed: its number, its place, its length in bytes and how it begins."""

    number: int
    offset: int
    size: int
    beginning: bytes


@frozen
class LineBlock:
    """Lines of one stretch of a stream, without their line ends.

    Attributes:
        lines: the bytes of each line.
        numbers: 1-based number of each.
        offsets: byte at which each begins (in the decompressed stream, if it was compressed).
        too_long: lines that stand among them in the stream and are not kept.
    """

    lines: Sequence[bytes]
    numbers: Sequence[int]
    offsets: Sequence[int]
    too_long: Sequence[LongLine] = field(default=())


def read_lines(stream: BinaryIO, longest: int) -> Iterator[LineBlock]:
    """Yield the lines of a stream; LF, CRLF and CR each end one. A byte order mark at the start is skipped.

    The blocks depend on the bytes alone: each is what one megabyte completes.

    Args:
        stream: read in megabytes; blocks as it does.
        longest: bytes that a line may have, with its line end.
    """
    first, offset = 1, 0
    for pieces, missing in _pieces(stream, longest):
        sizes = list(map(len, pieces))
        sizes[0] += missing
        *offsets, end = accumulate(sizes, initial=offset)
        lines = [piece.rstrip(b"\r\n") for piece in pieces]
        if first == 1:
            lines[0] = lines[0].removeprefix(_BOM)
        numbers = range(first, first + len(lines))
        yield (
            LineBlock(lines, numbers, offsets)
            if max(sizes) <= longest
            else _sorted_out(lines, numbers, offsets, sizes, longest)
        )
        first, offset = first + len(lines), end


def _sorted_out(
    lines: Sequence[bytes], numbers: Sequence[int], offsets: Sequence[int], sizes: Sequence[int], longest: int
) -> LineBlock:
    """Return the block with its too long lines set apart."""
    kept = [row for row, size in enumerate(sizes) if size <= longest]
    too_long = [
        LongLine(numbers[row], offsets[row], size, lines[row][:_SHOWN_BYTES])
        for row, size in enumerate(sizes)
        if size > longest
    ]
    return LineBlock(
        [lines[row] for row in kept], [numbers[row] for row in kept], [offsets[row] for row in kept], too_long
    )


def _pieces(stream: BinaryIO, longest: int) -> Iterator[tuple[list[bytes], int]]:
    """Yield complete lines with their line ends, and how many bytes of the first were dropped as too many."""
    rest, missing = b"", 0
    while chunk := _read(stream):
        pieces = (rest + chunk).splitlines(keepends=True)
        rest = b"" if pieces[-1].endswith((b"\n", b"\r")) else pieces.pop()
        if pieces:
            yield pieces, missing
            missing = 0
        if missing + len(rest) > longest:
            missing += max(0, len(rest) - _SHOWN_BYTES)
            rest = rest[:_SHOWN_BYTES]
    if rest:
        yield [rest], missing


def _read(stream: BinaryIO) -> bytes:
    """Read a megabyte, and on behind a CR: it may be the first half of a CRLF."""
    chunk = stream.read(BLOCK_BYTES)
    while chunk.endswith(b"\r") and (more := stream.read(1)):
        chunk += more
    return chunk
