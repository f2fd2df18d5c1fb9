"""Records of CSV -> typed frames, and the rows whose texts do not fit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import polars as pl

from ..frozen import frozen
from ..record import TEXT, TIMESTAMP
from .csv_block import Bounds
from .csv_clean import CleanReader
from .csv_fields import fields_of
from .csv_file import EXCERPT, Found, LostRecord, read_header, read_records
from .csv_options import CsvOptions
from .csv_scan import Records
from .csv_sheet import Sheet, names_in
from .csv_texts import column_texts, row_texts, with_nulls
from .csv_times import read_fields
from .csv_types import convert

if TYPE_CHECKING:
    from .timestamps import ReadTimes

__all__ = ["CsvBlock", "read_frames"]


@frozen
class CsvBlock:
    """What a block became: the rows, the 1-based line on which each starts, and what is lost, in the file's order."""

    frame: pl.DataFrame
    lines: Sequence[int] | pl.Series
    lost: list[LostRecord]


def read_frames(
    stream: BinaryIO,
    name: str,
    sheet: Sheet,
    options: CsvOptions,
    *,
    keep_text: bool,
    wanted: Collection[str] | None = None,
    seen: Callable[[ReadTimes], None],
) -> Iterator[CsvBlock]:
    """Yield the rows of one file, block by block.

    Args:
        stream: at the beginning of the file.
        name: what messages call the file.
        sheet: the columns, as `examine` found them.
        options: how the file is to be read.
        keep_text: add the column `record.TEXT`.
        wanted: columns to deliver besides it and the event time, and not even to look at others whose type nobody has
            said; None: all.
        seen: called with each column of times of each block.
    """
    header = read_header(stream, name, options.dialect, options.max_record, keep=not options.header)
    names = names_in(header, options, name, lambda _: None)
    if names is None:
        return
    places = sheet.places(names, name)
    maker = _Maker(sheet, places, options, keep_text, wanted, seen)
    bounds = Bounds(len(names), options.max_record)
    quick = CleanReader(sheet, places, options, seen, wanted, keep_text)
    yield from map(maker.make, read_records(stream, header, options.dialect, bounds, options.block, quick.read))


@frozen
class _Maker:
    sheet: Sheet
    places: list[int]
    options: CsvOptions
    keep_text: bool
    wanted: Collection[str] | None
    seen: Callable[[ReadTimes], None]

    def make(self, found: Found) -> CsvBlock:
        """Build the frame of a block, and leave out the rows whose texts are not of the columns' types."""
        records = found.records
        if found.frame is not None:
            return CsvBlock(found.frame, range(found.line, found.line + found.frame.height), [])
        if records is None:
            return CsvBlock(pl.DataFrame(schema=self.sheet.columns()), pl.Series(dtype=pl.Int64), list(found.lost))
        columns, reasons = self._columns(records)
        frame, lines = pl.DataFrame(columns), pl.Series(records.lines)
        if not reasons:
            return CsvBlock(frame, lines, list(found.lost))
        keep = np.ones(len(lines), dtype=np.bool_)
        keep[list(reasons)] = False
        lost = sorted([*found.lost, *_misfits(records, found.offset, reasons)], key=lambda record: record.offset)
        return CsvBlock(frame.filter(keep), lines.filter(pl.Series(keep)), lost)

    def _columns(self, records: Records) -> tuple[list[pl.Series], dict[int, str]]:
        """Return the columns of the frame, and the first reason for each row that does not fit."""
        reasons: dict[int, str] = {}
        columns: list[pl.Series] = []
        for name, place in zip(self.sheet.types, self.places, strict=True):
            delivered = self.wanted is None or self.sheet.name_of(name) in (TIMESTAMP, *self.wanted)
            if delivered or self.sheet.types[name].is_checked:
                column, misfits = self._column(records, name, place)
                columns += [column] if delivered else []
                reasons |= dict(misfits) | reasons
        if self.keep_text:
            columns.append(row_texts(records).alias(TEXT))
        return columns, reasons

    def _column(self, records: Records, name: str, place: int) -> tuple[pl.Series, Mapping[int, str]]:
        options = self.options
        fields = fields_of(records, place, options.dialect.quote)
        if name != self.sheet.time:
            return convert(name, fields, self.sheet.types[name], options, self.seen)
        read = None if options.nulls else read_fields(options.times, fields)
        if read is None:
            read = options.times.read(with_nulls(column_texts(fields, options.dialect.quote).values, options.nulls))
        self.seen(read)
        return read.values.alias(TIMESTAMP), read.reasons


def _misfits(records: Records, offset: int, reasons: Mapping[int, str]) -> Iterator[LostRecord]:
    for row, reason in reasons.items():
        start, end = int(records.row_starts[row]), int(records.row_ends[row])
        excerpt = records.data[start : min(end, start + EXCERPT)]
        yield LostRecord(int(records.lines[row]), offset + start, reason, excerpt, end - start)
