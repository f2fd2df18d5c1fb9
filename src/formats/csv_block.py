"""A block of CSV bytes as numpy sees it, and how fields are told apart in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..frozen import frozen

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]
    Bytes = npt.NDArray[np.uint8]

__all__ = ["CR", "LF", "Block", "Bounds", "Dialect", "has_odd_bytes", "keep_freed_memory"]

LF, CR = 10, 13
_KEPT = 4 << 20


def keep_freed_memory() -> None:
    """Have the C library keep some megabytes of what is freed, for the next block to use.

    glibc gives each array of 128 KiB and more pages of its own, and gives them back when it is freed; to take them
    anew for every block costs more than what is done to them. It learns from the largest that was freed how much to
    keep (mallopt(3), M_MMAP_THRESHOLD): one that nobody has touched costs nothing. Elsewhere this does nothing.
    """
    np.empty(_KEPT, dtype=np.uint8)


@frozen
class Dialect:
    """How fields are told apart: the code of the delimiter, and that of the quote (None: there are no quotes)."""

    delimiter: int = ord(",")
    quote: int | None = ord('"')


def has_odd_bytes(data: bytes, dialect: Dialect) -> bool:
    """Tell whether a block may hold what takes care whatever its columns are: quotes, CR, NUL."""
    return (dialect.quote is not None and dialect.quote in data) or b"\r" in data or 0 in data


@frozen
class Bounds:
    """What a record must keep to: how many fields it has, and how many bytes it may take."""

    width: int
    max_record: int


class Block:
    """The bytes of a block as numpy sees them, and the places of everything that may be structure.

    Attributes:
        candidates: places of delimiters and line ends, quoted or not. A CRLF ends its line at the LF.
        line_ends: how many of them are line ends.
        quotes: places of quotes.
    """

    def __init__(self, data: bytes, dialect: Dialect, *, final: bool, ended: bool = False) -> None:
        """Look at a block; `ended` says that its last line end was put there because the file has none."""
        self.data = data
        self.ended = ended
        self.dialect = dialect
        self.final = final
        self.bytes: Bytes = np.frombuffer(data, dtype=np.uint8)
        self.has_cr = b"\r" in data
        self.quotes: Ints = self._quotes()
        wanted = self.bytes == LF
        if self.has_cr:
            wanted |= self._lone_cr()
        self.line_ends = int(np.count_nonzero(wanted))
        wanted |= self.bytes == dialect.delimiter
        self.candidates: Ints = np.flatnonzero(wanted)

    def _quotes(self) -> Ints:
        quote = self.dialect.quote
        if quote is None or quote not in self.data:
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(self.bytes == quote)

    def _lone_cr(self) -> Flags:
        """Tell which CR end a line by themselves; one at the very end may be half of a CRLF."""
        lone: Flags = self.bytes == CR
        lone[:-1] &= self.bytes[1:] != LF
        lone[-1] &= self.final
        return lone

    def is_line_end(self, places: Ints) -> Flags:
        """Tell which of the candidates are line ends."""
        found: Flags = self.bytes[places] != self.dialect.delimiter
        return found

    def size_of(self, start: int, end: int) -> int:
        """Return how many bytes a record has that starts and ends there, without the CR of a CRLF."""
        return end - start - (end > start and self.data[end : end + 1] != b"\r" and self.data[end - 1] == CR)

    def complete(self, places: Ints) -> Ints:
        """Leave out what follows the last line end."""
        back = places[::-1]
        ends = self.is_line_end(back[:4096])
        if not ends.any():
            ends = self.is_line_end(back)
        return places[: len(places) - int(ends.argmax())] if ends.any() else places[:0]
