"""The quick way through a block of CSV in which nothing is odd: Arrow splits and types it in one pass.

Arrow's CSV reader is as fast as reading gets (and works outside the interpreter), but takes liberties that plait does
not: `007`, ` 5` and `0x1F` are numbers to it, `nan(7)` too, and it neither says on which line nor why a row is bad. So
a block is read here only if it is certain that the careful way (`csv_scan`, `csv_types`) would read the same; any
doubt, any error, and the careful way takes the block. What makes sure:

| where the two differ | what is looked at |
|---|---|
| quotes, CR, NUL, records that are too long | the block has no such bytes, and is not that long |
| a byte order mark, which Arrow drops wherever its input begins | how the block begins |
| empty lines | line ends that follow another |
| wrong number of fields, no UTF-8, no number | Arrow raises |
| `007`, `+5`, `-0` in inferred numbers; `0x1F`; blanks around | how fields begin and end (`_suspects`) |
| `nan`, `inf`, numbers too large | whether all are finite |
| times outside of the years 1 to 9999, empty event times | the smallest and the largest; nulls |

Where nobody looks at anything but the event time, Arrow is not asked, either: `csv_lines` finds the lines.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as arrow_csv

from ..frozen import frozen
from ..record import TEXT, TIMESTAMP
from .arrow_series import columns_of
from .csv_block import LF, has_odd_bytes
from .csv_options import CsvOptions
from .csv_sheet import Sheet
from .csv_texts import line_texts
from .csv_times import arrow_type, numbers_of, read_arrow
from .csv_types import ColumnType
from .text_types import BOOLEANS
from .timestamps import ReadTimes

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]
    Bytes = npt.NDArray[np.uint8]

__all__ = ["Clean", "CleanReader", "Split"]

_ARROW: Final = {"integer": pa.int64(), "float": pa.float64(), "boolean": pa.bool_()}
_TRUE: Final = [text for text, value in BOOLEANS.items() if value]
_FALSE: Final = [text for text, value in BOOLEANS.items() if not value]
_LONGEST: Final = 1 << 30
_ZERO, _NINE, _PLUS, _MINUS, _POINT, _SPACE, _TAB = b"09+-. \t"
_LETTERS: Final = ord("A")


class _Whole(NamedTuple):
    """A block, the bytes of the records that are complete in it, and how many of these are in the file."""

    data: bytes
    block: Bytes
    consumed: int


class Clean(NamedTuple):
    """What a clean block holds: its rows, the bytes that they take, and how many lines that is."""

    frame: pl.DataFrame
    consumed: int
    lines: int


class Column(NamedTuple):
    """A column that is looked at: what it is called in frames, its type, at which place of a row it stands."""

    name: str
    type: ColumnType
    place: int
    delivered: bool
    is_event_time: bool


class Split(NamedTuple):
    """A clean block as Arrow sees it.

    Attributes:
        data: the block; block: the bytes of its records.
        table: their columns, called as in frames; columns: what they are.
        consumed: bytes of the block that they take.
    """

    data: bytes
    block: Bytes
    table: pa.Table
    columns: Sequence[Column]
    consumed: int


@frozen
class CleanReader:
    """Reads clean blocks of one file.

    Attributes:
        sheet: the columns.
        places: at which place the file has each of them.
        options: how the file is to be read.
        seen: called with each column of times.
        wanted: columns to deliver besides the event time, and not to look at others whose type nobody has said;
            None: all.
        keep_text: add the column `record.TEXT`.
    """

    sheet: Sheet
    places: Sequence[int]
    options: CsvOptions
    seen: Callable[[ReadTimes], None]
    wanted: Collection[str] | None = None
    keep_text: bool = False

    def read(self, data: bytes, *, final: bool) -> Clean | None:
        """Read the records that are complete in a block; None if anything in it is odd."""
        whole = self._whole(data, final=final)
        if whole is None:
            return None
        columns = list(self._columns())
        return self._read_lines(whole, columns) or self._read_fields(whole, columns)

    def split(self, data: bytes, *, final: bool) -> Split | None:
        """Split the records that are complete in a block, and have Arrow type them; None if anything in it is odd.

        It is left to look at floats (are all finite?) and times (are all in the years 1 to 9999?).
        """
        whole = self._whole(data, final=final)
        return None if whole is None else self._split(whole, list(self._columns()))

    def _whole(self, data: bytes, *, final: bool) -> _Whole | None:
        """Return the records that are complete in a block; None if some bytes of it are odd."""
        unfinished = final and data[-1] != LF
        if unfinished:
            data += b"\n"
        end = data.rfind(b"\n") + 1
        if not end or data.startswith(codecs.BOM_UTF8) or self._is_odd(data):
            return None
        return _Whole(data, np.frombuffer(data, dtype=np.uint8)[:end], end - unfinished)

    def _read_lines(self, whole: _Whole, columns: Sequence[Column]) -> Clean | None:
        """Read lines of which nobody looks at anything but the event time, in front; None if that will not do."""
        options = self.options
        if len(columns) != 1 or not columns[0].is_event_time or columns[0].place or options.nulls:
            return None
        from .csv_lines import read_lines

        lines = read_lines(whole.block, len(self.places), options.dialect.delimiter, options.times)
        if lines is None or not (len(self.places) == 1 or whole.data.isascii()):
            return None
        self.seen(lines.times)
        made = {columns[0].name: lines.times.values}
        if self.keep_text:
            made[TEXT] = line_texts(whole.data, lines.ends)
        return Clean(pl.DataFrame(made), whole.consumed, len(lines.ends))

    def _read_fields(self, whole: _Whole, columns: Sequence[Column]) -> Clean | None:
        split = self._split(whole, columns)
        made = self._made(split.table, columns) if split is not None else None
        if split is None or made is None:
            return None
        if self.keep_text:
            made[TEXT] = line_texts(split.data, np.flatnonzero(split.block == LF))
        return Clean(pl.DataFrame(made), split.consumed, split.table.num_rows)

    def _split(self, whole: _Whole, columns: Sequence[Column]) -> Split | None:
        data, block, consumed = whole
        if len(columns) < len(self.places) and not data.isascii():
            return None  # Arrow looks for UTF-8 in the columns that it is asked for
        numbers = {column.place: column.type.inferred for column in columns if column.type.kind in ("integer", "float")}
        if numbers and self._has_odd_fields(data, block, numbers):  # before Arrow's table takes memory, too
            return None
        table = self._parsed(block, self._types(columns, data[: data.find(b"\n")]))
        if table is None or (not numbers and np.count_nonzero(block == LF) != table.num_rows):
            return None
        return Split(data, block, table, columns, consumed)

    def _is_odd(self, data: bytes) -> bool:
        return len(data) > min(self.options.max_record, _LONGEST) or has_odd_bytes(data, self.options.dialect)

    def _columns(self) -> Iterator[Column]:
        """Yield what is to be looked at."""
        for (name, column), place in zip(self.sheet.types.items(), self.places, strict=True):
            called = self.sheet.name_of(name)
            delivered = self.wanted is None or called in (TIMESTAMP, *self.wanted)
            if delivered or column.is_checked:
                yield Column(called, column, place, delivered, name == self.sheet.time)

    def _types(self, columns: Sequence[Column], first: bytes) -> dict[str, pa.DataType]:
        """Return what Arrow shall make of each column; times as the first line has them."""
        fields = first.split(bytes([self.options.dialect.delimiter]))
        return {
            column.name: arrow_type(self.options.times, fields[column.place] if column.place < len(fields) else b"")
            if column.type.kind == "time"
            else _ARROW.get(column.type.kind, pa.string())
            for column in columns
        }

    def _parsed(self, block: Bytes, types: dict[str, pa.DataType]) -> pa.Table | None:
        names = [""] * len(self.places)
        for name, place in zip(self.sheet.types, self.places, strict=True):
            names[place] = self.sheet.name_of(name)
        nulls = ["", *self.options.nulls]
        try:
            return arrow_csv.read_csv(
                pa.BufferReader(pa.py_buffer(block)),
                arrow_csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=names),
                arrow_csv.ParseOptions(delimiter=chr(self.options.dialect.delimiter), quote_char=False),
                arrow_csv.ConvertOptions(
                    column_types=types,
                    include_columns=list(types),
                    strings_can_be_null=True,
                    null_values=nulls,
                    true_values=_TRUE,
                    false_values=_FALSE,
                ),
                memory_pool=pa.system_memory_pool(),  # Arrow's own keeps what is freed: 60 MB for eight files
            )
        except (pa.ArrowInvalid, pa.ArrowCancelled):  # cancelled by a signal, whose handler has been called by now
            return None

    def _made(self, table: pa.Table, columns: Sequence[Column]) -> dict[str, pl.Series] | None:
        """Return the columns to deliver; None if one holds what has to be looked at value by value.

        The columns go through numpy and Arrow, not through polars, whose every call may wake its threads.
        """
        made: dict[str, pl.Series] = {}
        series = columns_of(table) if columns else {}  # asked for no column, Arrow makes all
        for column in columns:
            values = series[column.name]
            if column.type.kind == "float" and not _are_finite(numbers_of(table[column.name].chunk(0), "f8")):
                return None
            read = read_arrow(self.options.times, values) if column.type.kind == "time" else None
            if read is not None:
                if read.reasons and (column.is_event_time or len(read.reasons) > values.null_count()):
                    return None
                self.seen(read)
            if column.delivered:
                made[column.name] = values if read is None else read.values
        return made

    def _has_odd_fields(self, data: bytes, block: Bytes, numbers: Mapping[int, bool]) -> bool:
        """Tell whether there are empty lines, or numbers that begin or end as only Arrow would accept them.

        Args:
            data: the block; block: the bytes of its records.
            numbers: at which places of a row numbers stand, and whether their type was inferred.
        """
        suspects = _suspects(data, block, self.options.dialect.delimiter)
        if suspects is None:
            return True
        if not len(suspects.codes) and not len(suspects.others):
            return False
        structure = np.flatnonzero((block == self.options.dialect.delimiter) | (block == LF))
        inferred = [place for place, is_inferred in numbers.items() if is_inferred]
        columns = [(structure.searchsorted(suspects.codes), inferred)]
        columns.append((structure.searchsorted(suspects.others), [*numbers]))
        return any(bool(np.isin(found % len(self.places), wanted).any()) for found, wanted in columns)


def _are_finite(numbers: npt.NDArray[np.float64]) -> bool:
    """Tell whether no number is infinite or NaN: then the sum is neither, unless it is too large."""
    with np.errstate(all="ignore"):
        return bool(np.isfinite(np.add.reduce(numbers)) or np.isfinite(numbers).all())


class Suspects(NamedTuple):
    """Places of fields that begin like a code (007, -0, +5), and of such as have blanks around or begin like 0x1F."""

    codes: Ints
    others: Ints


def _suspects(data: bytes, block: Bytes, delimiter: int) -> Suspects | None:
    """Return a place in each field that may be no number to the careful way; None if there is an empty line."""
    starts = _low_starts(block, delimiter)
    last = len(block) - 1
    first, second, third = (block[np.minimum(starts + further, last)] for further in range(3))
    if ((first == LF) & (block[starts - 1] == LF)).any():  # what is before the first byte is the last, an LF
        return None
    zero, minus_zero = first == _ZERO, (first == _MINUS) & (second == _ZERO)
    goes_on = (third == _POINT) | _is_letter(third, delimiter)
    codes = (first == _PLUS) | (zero & _is_digit(second)) | (minus_zero & ~goes_on)
    others = (zero & _is_letter(second, delimiter)) | (_is_blank(first) & (first != delimiter))
    padded = [_padded(block, delimiter)] if _SPACE in data or _TAB in data else []
    return Suspects(starts[codes], np.concatenate([starts[others], *padded]))


def _low_starts(block: Bytes, delimiter: int) -> Ints:
    """Return where the block begins, and all fields that begin with 0 or what is before it in ASCII: signs, blanks.

    All bytes are looked at as few times as can be: each time lets go of the interpreter's lock.
    """
    ends = block[:-1]
    if delimiter < _ZERO:  # as a comma: what is not above it is the end of a field, and little else
        low = ends <= max(delimiter, LF)
    else:
        low = ends == LF
        low |= ends == delimiter
    low &= block[1:] <= _ZERO
    places = np.flatnonzero(low)
    ends = ends[places]
    return np.append(0, places[(ends == LF) | (ends == delimiter)] + 1)


def _padded(block: Bytes, delimiter: int) -> Ints:
    """Return the ends of fields that end in a blank."""
    blank = np.flatnonzero(_is_blank(block[:-1]))
    places = blank[block[blank] != delimiter] + 1
    ends = block[places]
    padded: Ints = places[(ends == delimiter) | (ends == LF)]
    return padded


def _is_digit(codes: Bytes) -> Flags:
    found: Flags = (codes >= _ZERO) & (codes <= _NINE)
    return found


def _is_letter(codes: Bytes, delimiter: int) -> Flags:
    """Tell which are letters, or stand behind them in ASCII, as some delimiters do."""
    found: Flags = (codes >= _LETTERS) & (codes != delimiter)
    return found


def _is_blank(codes: Bytes) -> Flags:
    found: Flags = (codes == _SPACE) | (codes == _TAB)
    return found
