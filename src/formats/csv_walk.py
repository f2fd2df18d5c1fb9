"""The careful way through a block of CSV: record by record where there are quotes, with a reason for each dead line."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .csv_block import CR, LF, Block, Bounds, Dialect

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]

__all__ = ["Broken", "find_record", "walk"]


class Broken(NamedTuple):
    """A record that is not well formed: why, and at which byte that shows (None: more data could still mend it)."""

    reason: str
    place: int | None = None


@lru_cache(maxsize=16)
def _patterns(dialect: Dialect) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Return what matches a quoted field, and one without quotes. Possessive: linear in the length of the field."""
    quote, delimiter = (re.escape(bytes([code or 0])) for code in (dialect.quote, dialect.delimiter))
    quoted = b"Q[^Q]*+(?:QQ[^Q]*+)*+Q".replace(b"Q", quote)
    return re.compile(quoted), re.compile(b"[^" + delimiter + rb"\r\n]*+")


def find_record(data: bytes, start: int, dialect: Dialect, *, final: bool) -> list[int] | Broken:
    """Return the places of the delimiters and, last, of the line end of the record that begins at `start`.

    Args:
        data: the block; if it is `final`, it ends with a line end.
        start: where the record begins.
        dialect: how fields are told apart.
        final: no more data follow.
    """
    quoted, plain = _patterns(dialect)
    places: list[int] = []
    place = start
    while True:
        in_quotes = dialect.quote is not None and place < len(data) and data[place] == dialect.quote
        match = (quoted if in_quotes else plain).match(data, place)
        if match is None:
            return Broken("a quote opens in this line and is never closed")
        end = _line_end(data, match.end())
        if end >= len(data) - (not final and end == len(data) - 1 and data[end] == CR):
            return Broken("the record does not end")
        places.append(end)
        if data[end] in (LF, CR):
            return places
        if data[end] != dialect.delimiter:
            return Broken("text follows a closing quote (a quote inside a quoted field is written twice)", end)
        place = end + 1


def _line_end(data: bytes, place: int) -> int:
    """Return the place of the LF, if a CRLF stands here."""
    return place + 1 if data[place : place + 2] == b"\r\n" else place


def walk(block: Block, bounds: Bounds) -> tuple[Ints, dict[int, str]]:
    """Find the structure of a block whose quotes cannot be trusted. Lines without quotes cost next to nothing.

    Returns:
        The delimiters and line ends that are not quoted, in order, and why lines are dead, by the place of their start
        (of a dead line only its line end is structure). Ends before a record that is not complete.
    """
    line_ends = block.candidates[block.is_line_end(block.candidates)]
    opening = _possibly_opening(block)
    pieces: list[Ints] = []
    dead: dict[int, str] = {}
    done = 0
    while True:
        start = _next_start(done, opening, line_ends, len(block.data))
        pieces.append(_between(block.candidates, done, start))
        places = None if start == len(block.data) else _judge(block, start, bounds, line_ends, dead)
        if places is None:
            return np.concatenate(pieces), dead
        pieces.append(np.array(places, dtype=np.int64))
        done = places[-1] + 1


def _possibly_opening(block: Block) -> Ints:
    """Return the quotes at which a field may begin. Others, in a line without such, stand for themselves."""
    before = block.bytes[np.maximum(block.quotes - 1, 0)]
    begins = (before == block.dialect.delimiter) | (before == LF) | (before == CR) | (block.quotes == 0)
    opening: Ints = block.quotes[begins]
    return opening


def _next_start(done: int, opening: Ints, line_ends: Ints, end: int) -> int:
    """Return where the next record begins that has a field that may be quoted, or the end of the block."""
    number = int(opening.searchsorted(done))
    if number == len(opening):
        return end
    before = int(line_ends.searchsorted(opening[number]))
    return max(done, int(line_ends[before - 1]) + 1 if before else 0)


def _between(places: Ints, start: int, end: int) -> Ints:
    return places[places.searchsorted(start) : places.searchsorted(end)]


def _judge(block: Block, start: int, bounds: Bounds, line_ends: Ints, dead: dict[int, str]) -> list[int] | None:
    """Return the structure of one record or of one dead line; None if it is not complete."""
    found = find_record(block.data, start, block.dialect, final=block.final)
    after = int(line_ends.searchsorted(start))
    first_end = int(line_ends[after]) if after < len(line_ends) else None
    if isinstance(found, list):
        found = _implausible(found, block.size_of(start, found[-1]), first_end, bounds) or found
    elif _seen(block, start, found) > bounds.max_record:
        found = _closed_too_late(bounds)
    elif found.place is None and not block.final:
        return None
    if isinstance(found, list):
        return found
    if first_end is None:
        return None
    dead[start] = found.reason
    return [first_end]


def _seen(block: Block, start: int, found: Broken) -> int:
    """Return how many bytes of a record had to be looked at to find it broken."""
    if found.place is not None:
        return found.place - start
    return block.size_of(start, len(block.data) - block.ended)


def _closed_too_late(bounds: Bounds) -> Broken:
    return Broken(f"a quote opens in this line and is not closed within max_record={bounds.max_record} bytes")


def _implausible(places: list[int], size: int, first_end: int | None, bounds: Bounds) -> Broken | None:
    """Say why a record of several lines is not believed."""
    if first_end == places[-1]:
        return None
    if size > bounds.max_record:
        return _closed_too_late(bounds)
    if len(places) != bounds.width:
        return Broken(
            f"a quote opens in this line and closes in another, with {len(places)} fields where {bounds.width} are "
            "expected: it was most likely never closed"
        )
    return None
