"""Bytes of CSV -> where its records and fields stand, in numpy: no Python call per row or field.

What is read as CSV (RFC 4180, with the freedoms that Python's `csv` takes):

* A record ends with LF, CRLF or a lone CR; at the end of the file with nothing. Empty lines are no records.
* A field that begins with the quote is quoted: it ends at the next quote that is not doubled, and a delimiter or the
  end of the record must follow. Quotes in a field that does not begin with one stand for themselves.
* A record that breaks these rules is dead as far as the end of its first line, and reading resumes on the next line.
  So is a record of several lines that has the wrong number of fields: its quote was most likely never closed.

A block in which every quote stands where the rules want it is understood by counting quotes: what lies behind an odd
number of them is quoted. Other blocks are walked through record by record, but only where there are quotes
(`csv_walk`). Both ways find the same, which tests hold them to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..frozen import frozen
from .csv_block import CR, LF, Block, Bounds, Dialect
from .csv_walk import walk

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]
    Bytes = npt.NDArray[np.uint8]

__all__ = ["PADDING", "DeadRecord", "Records", "by_counting", "scan", "too_long"]

PADDING = bytes(16)
"""What is put behind a block, so that sixteen bytes may be read from the last place of it."""


@frozen
class DeadRecord:
    """A record that cannot be delivered: its bytes in the block, its line in the file, and why."""

    start: int
    end: int
    line: int
    reason: str


@frozen
class Records:
    """What a block holds. All places are byte places in the block.

    Attributes:
        data: the block, with `PADDING` behind it.
        places: of the delimiter, or of the line end, behind each field of each good record; a matrix of records x
            fields.
        row_starts, row_ends: of each good record, without the end of the line.
        lines: 1-based line of the file on which each good record starts.
        counts: how many fields each record has that is well formed, of any number of fields.
        dead: the records that are not good, in order.
        consumed: bytes that these records take; what follows belongs to the next block.
        lines_consumed: how many lines that is.
        quotes: whether there are any quotes; doubled: whether any of them may be doubled.
    """

    data: bytes
    places: Ints
    row_starts: Ints
    row_ends: Ints
    lines: Ints
    counts: Ints
    dead: list[DeadRecord]
    consumed: int
    lines_consumed: int
    quotes: bool
    doubled: bool

    def fields(self, column: int) -> tuple[Ints, Ints]:
        """Return where the fields of a column start and end, quotes included."""
        last = self.places.shape[1] - 1
        starts = self.row_starts if column == 0 else self.places[:, column - 1] + 1
        return starts, self.row_ends if column == last else self.places[:, column]


def scan(data: bytes, dialect: Dialect, bounds: Bounds, *, final: bool, first_line: int) -> Records:
    """Find the records that are complete in a block.

    Args:
        data: the block; it begins where a record begins.
        dialect: how fields are told apart.
        bounds: what a record must keep to.
        final: the file ends here, so the last record needs no line end.
        first_line: 1-based line of the file on which the block begins.
    """
    unfinished = final and data[-1:] not in (b"\n", b"\r")
    if unfinished:
        data += b"\n"
    block = Block(data, dialect, final=final, ended=unfinished)
    places, dead = _structure(block, bounds)
    return _records(block, places, dead, bounds, first_line, unfinished=unfinished)


def _structure(block: Block, bounds: Bounds) -> tuple[Ints, dict[int, str]]:
    """Return the delimiters and line ends that are not quoted, and why lines are dead, by the place of their start."""
    if not len(block.quotes):
        return block.complete(block.candidates), {}
    counted = by_counting(block, bounds)
    if counted is not None:
        return counted, {}
    places, dead = walk(block, bounds)
    return block.complete(places), dead


def by_counting(block: Block, bounds: Bounds) -> Ints | None:
    """Return the structure as counting quotes finds it, or None where that is not safe."""
    opening, closing = block.quotes[0::2], block.quotes[1::2]
    if (block.final and len(block.quotes) % 2) or not _well_placed(block, opening, closing):
        return None
    quoted = np.searchsorted(block.quotes, block.candidates) % 2 == 1
    places = block.complete(block.candidates[~quoted])
    consumed = int(places[-1]) + 1 if len(places) else 0
    inside = block.candidates[quoted & block.is_line_end(block.candidates)]
    if len(block.data) - consumed > bounds.max_record or not _plausible(block, places, inside, bounds):
        return None
    return places


def _well_placed(block: Block, opening: Ints, closing: Ints) -> bool:
    """Tell whether each quote opens or closes a whole field, or is one of a doubled pair."""
    edge = np.zeros(256, dtype=np.bool_)
    edge[[block.dialect.delimiter, LF, CR, block.dialect.quote or 0]] = True
    before = block.bytes[opening[opening > 0] - 1]
    after = block.bytes[closing[closing < len(block.bytes) - 1] + 1]
    return bool(edge[before].all() and edge[after].all())


def _plausible(block: Block, places: Ints, inside: Ints, bounds: Bounds) -> bool:
    """Tell whether the records with line ends inside have the right number of fields, and are not too long."""
    ends = np.flatnonzero(block.is_line_end(places))
    record = np.searchsorted(places[ends], inside)
    record = record[record < len(ends)]
    counts = np.diff(ends, prepend=-1)[record]
    sizes = np.diff(places[ends], prepend=-1)[record] - 1 - (block.bytes[places[ends][record] - 1] == CR)
    return bool((counts == bounds.width).all() and (sizes <= bounds.max_record).all())


def _records(
    block: Block, places: Ints, reasons: dict[int, str], bounds: Bounds, first_line: int, *, unfinished: bool
) -> Records:
    ends = _ends(block, places, bounds.width)
    row_ends = places[ends]
    row_starts = np.concatenate([[0], row_ends[:-1] + 1])[: len(row_ends)]
    consumed = int(row_ends[-1]) + 1 if len(row_ends) else 0
    lines, lines_consumed = _line_numbers(block, row_starts, consumed, first_line)
    if block.has_cr:
        row_ends = row_ends - ((block.bytes[row_ends] == LF) & (block.bytes[row_ends - 1] == CR) & (row_ends > 0))
    counts = np.full(len(row_ends), bounds.width) if isinstance(ends, slice) else np.diff(ends, prepend=-1)
    dead_rows, sound = _dead_rows(block, reasons, row_starts, row_ends, bounds, consumed)
    sound &= row_ends > row_starts
    good = sound & (counts == bounds.width)
    for row in np.flatnonzero(sound & ~good).tolist():
        last = unfinished and row == len(row_ends) - 1
        dead_rows[row] = _wrong_count(int(counts[row]), bounds.width, cut=last)
    dead = [
        DeadRecord(int(row_starts[row]), int(row_ends[row]), int(lines[row]), reason)
        for row, reason in sorted(dead_rows.items())
    ]
    kept = slice(None) if good.all() else good
    return Records(
        data=block.data + PADDING,
        places=_matrix(places, ends, kept, bounds.width),
        row_starts=row_starts[kept],
        row_ends=row_ends[kept],
        lines=lines[kept],
        counts=counts[sound],
        dead=dead,
        consumed=min(consumed, len(block.data) - unfinished),
        lines_consumed=lines_consumed,
        quotes=len(block.quotes) > 0,
        doubled=bool((np.diff(block.quotes) == 1).any()),
    )


def _ends(block: Block, places: Ints, width: int) -> Ints | slice:
    """Return which of the places are line ends: every so many, if all records have as many fields as they should."""
    last = slice(width - 1, None, width)
    if not len(block.quotes) and len(places) == width * block.line_ends and block.is_line_end(places[last]).all():
        return last
    return np.flatnonzero(block.is_line_end(places))


def _matrix(places: Ints, ends: Ints | slice, kept: Flags | slice, width: int) -> Ints:
    """Return the places behind the fields of the records to keep, which all have the right number of them."""
    if isinstance(kept, slice) or isinstance(ends, slice):
        return places.reshape(-1, width)[kept]
    found: Ints = places[ends[kept][:, None] + np.arange(1 - width, 1)]
    return found


def _line_numbers(block: Block, row_starts: Ints, consumed: int, first_line: int) -> tuple[Ints, int]:
    """Return the line on which each record starts, and how many lines there are in all."""
    if not len(block.quotes):
        return np.arange(first_line, first_line + len(row_starts)), len(row_starts)
    line_ends = block.candidates[block.is_line_end(block.candidates)]
    numbers = np.searchsorted(line_ends, row_starts) + first_line
    return numbers, int(np.searchsorted(line_ends, consumed))


def _dead_rows(
    block: Block, reasons: dict[int, str], row_starts: Ints, row_ends: Ints, bounds: Bounds, consumed: int
) -> tuple[dict[int, str], Flags]:
    """Return the reasons of records that are dead whatever their fields, by number, and which are not."""
    dead: dict[int, str] = {}
    for row in _rows_of(_bad_utf8(block.data, consumed, row_starts), row_starts):
        dead[row] = "it is not valid UTF-8"
    if 0 in block.data:
        for row in _rows_of(np.flatnonzero(block.bytes[:consumed] == 0), row_starts):
            dead[row] = "it holds a NUL byte"
    for start, reason in reasons.items():
        dead[int(np.searchsorted(row_starts, start))] = reason
    for row in np.flatnonzero(row_ends - row_starts > bounds.max_record).tolist():
        dead[row] = too_long(bounds.max_record)
    sound = np.ones(len(row_starts), dtype=np.bool_)
    sound[list(dead)] = False
    return dead, sound


def _rows_of(places: Ints, row_starts: Ints) -> list[int]:
    if not len(places):
        return []  # as nearly always: `unique` imports all of numpy's masked arrays
    rows: list[int] = np.unique(np.searchsorted(row_starts, places, side="right") - 1).tolist()
    return rows


def _bad_utf8(data: bytes, consumed: int, row_starts: Ints) -> Ints:
    """Return one place of invalid UTF-8 in each record that has any."""
    bad: list[int] = []
    start = 0
    if data.isascii():
        return np.array(bad, dtype=np.int64)
    while start < consumed:
        try:
            str(memoryview(data)[start:consumed], "utf-8")
        except UnicodeDecodeError as error:
            bad.append(start + error.start)
            after = int(np.searchsorted(row_starts, bad[-1], side="right"))
            start = int(row_starts[after]) if after < len(row_starts) else consumed
        else:
            break
    return np.array(bad, dtype=np.int64)


def too_long(max_record: int) -> str:
    """Say that a record is longer than allowed."""
    return f"the record is longer than max_record={max_record} bytes"


def _wrong_count(count: int, width: int, *, cut: bool) -> str:
    fields = f"{count} field{'s' if count != 1 else ''}"
    if cut and count < width:
        return f"the file ends in the middle of it: it has {fields}, where {width} are expected"
    return f"it has {fields}, where {width} are expected"
