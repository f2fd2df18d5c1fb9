"""What a sample of CSV files tells: of which types their columns are, and which of them is the event time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from ..errors import SourceError, nearest
from ..frozen import frozen
from ..record import TIMESTAMP
from .csv_block import keep_freed_memory
from .csv_clean_sample import CleanSample
from .csv_evidence import Evidence, TextEvidence
from .csv_file import read_header
from .csv_options import CsvOptions
from .csv_sample import Drawn, draw
from .csv_sheet import Sheet, names_in
from .csv_types import ColumnType
from .delimiter import unsplit
from .files import FoundFile, open_bytes
from .schema import Schema

__all__ = ["Examined", "examine", "examined"]

_LEAST_SAMPLE: Final = 1 << 14


@frozen
class Examined:
    """What `examine` found, so that the files need not be looked at twice before a run.

    Attributes:
        sheet: the columns; None if no file has any.
        notes: what is to be said of them.
        stamps: path, size and time of change of each file, before it was looked at.
    """

    sheet: Sheet | None
    notes: tuple[str, ...]
    stamps: tuple[tuple[str, int, int], ...]


def examined(files: Sequence[FoundFile], options: CsvOptions, before: Any) -> Examined:
    """Examine the files, unless that was done `before` and none of them has changed since. Raises as `examine` does."""
    keep_freed_memory()
    stats = [(path, path.stat()) for path, _ in files]
    stamps = tuple((str(path), stat.st_size, stat.st_mtime_ns) for path, stat in stats)
    if isinstance(before, Examined) and before.stamps == stamps:
        return before
    notes: dict[str, None] = {}
    sheet = examine(files, options, notes.setdefault)
    return Examined(sheet, tuple(notes), stamps)


def examine(files: Sequence[FoundFile], options: CsvOptions, note: Callable[[str], None]) -> Sheet | None:
    """Look at the headers of all files and at a sample of their records; None if no file has any.

    Raises:
        SourceError: a header cannot be used, or the files do not go together, or not with the options.
    """
    sheet: Sheet | None = None
    drawn: list[Drawn] = []
    clean = CleanSample(options)
    for file in files:
        names, part = _drawn(file, options, max(_LEAST_SAMPLE, options.sample // max(1, len(files))), note, sheet)
        if names is not None and sheet is None:
            sheet = Sheet(dict.fromkeys(names, ColumnType("text", inferred=True)), None, file.name)
        if part is not None:
            drawn.append(part)
            if not clean.look(part):
                part.check_width()  # before the next file is opened
    if sheet is None:
        return None
    evidence = clean if drawn and clean.settle() else TextEvidence(drawn, options)
    decided = _decide(sheet, evidence, options, note)
    for sentence in _doubts(decided, evidence, options):
        note(sentence)
    return decided


def _drawn(
    file: FoundFile, options: CsvOptions, budget: int, note: Callable[[str], None], sheet: Sheet | None
) -> tuple[Sequence[str] | None, Drawn | None]:
    """Return the names of a file's columns, which must be those of the sheet, and what was drawn from it."""
    if not file.path.is_file():
        raise SourceError(f"{file.name}: it is no regular file; plait looks into a CSV file before it reads it")
    with open_bytes(file) as stream:
        header = read_header(stream, file.name, options.dialect, options.max_record, keep=not options.header)
        names = names_in(header, options, file.name, note)
        if names is None:
            return None, None
        if sheet is not None:
            sheet.places(names, file.name)
        return names, draw(stream, file, header, names, options, budget)


def _decide(sheet: Sheet, evidence: Evidence, options: CsvOptions, note: Callable[[str], None]) -> Sheet:
    """Settle the types and the event time."""
    for name in options.schema:
        if name not in sheet.types:
            raise SourceError(f"{sheet.origin}: schema=( ) names {name!r}, {_unknown(name, sheet.types, options)}")
    time = _event_time(sheet, evidence, options, note)
    declared = dict(options.schema) | ({time: "time"} if time is not None else {})
    types = {
        name: ColumnType(declared[name], inferred=False) if name in declared else evidence.type_of(name)
        for name in sheet.types
    }
    return Sheet(types, time, sheet.origin, _digits(time, evidence, options) if time is not None else 0)


def _digits(time: str, evidence: Evidence, options: CsvOptions) -> int:
    """Return how many fractional digits times have, as a sample has them: 0, 3 or 6."""
    if options.times.unit in ("ms", "us", "ns"):
        return 3 if options.times.unit == "ms" else 6
    if options.times.format is not None and "f" not in options.times.format:
        return 0
    most = evidence.digits(time)
    return 0 if not most else 3 if most <= 3 else 6


def _doubts(sheet: Sheet, evidence: Evidence, options: CsvOptions) -> Iterator[str]:
    """Yield what may not be as it was meant: a header that is not split, numbers that a few values make text."""
    said = unsplit(sheet.types, chr(options.dialect.delimiter)) if options.header and not options.columns else None
    if said:
        yield f"{sheet.origin}: {said}, if that is what stands between its fields"
    for name, column in sheet.types.items():
        if column == ColumnType("text", inferred=True) and (found := evidence.odd_text(name)):
            odd, place = found
            yield (
                f"{place}: column {name!r} is text because of {odd[:40]!r}, although most of its values are numbers; "
                f"schema={Schema().write([(name, 'float')])} would divert such rows instead, null=[ ] make them null"
            )


def _event_time(sheet: Sheet, evidence: Evidence, options: CsvOptions, note: Callable[[str], None]) -> str | None:
    """Return the column that holds the event time, if any. Raises SourceError if one is named that is not there."""
    named, times = options.timestamp, options.times
    if named is not None and named not in sheet.types:
        raise SourceError(f"{sheet.origin}: timestamp={named}: {_unknown(named, sheet.types, options)}")
    if named not in (None, TIMESTAMP) and TIMESTAMP in sheet.types:
        raise SourceError(
            f"{sheet.origin}: timestamp={named} would be called 'timestamp', but there is such a column already; "
            "name the columns yourself with columns=[ ] header=yes"
        )
    if named is not None and options.schema.get(named, "time") != "time":
        raise SourceError(f"{sheet.origin}: {named!r} is the event time, but schema=( ) says {options.schema[named]}")
    if named is not None:
        return named
    said = [word for word in ("format", "unit", "zone") if getattr(times, word) is not None]
    if TIMESTAMP not in sheet.types:
        if said:
            raise SourceError(
                f"{sheet.origin}: {said[0]}= is given, but no event time; say which column with timestamp="
            )
        return None
    declared = options.schema.get(TIMESTAMP)
    if (
        times.format
        or times.unit
        or declared == "time"
        or (declared is None and (not len(evidence) or evidence.looks_like_times(TIMESTAMP)))
    ):
        return TIMESTAMP
    if declared is None:
        note(
            f"{sheet.origin}: the column 'timestamp' is not taken as event time; "
            "say how it is written with format= or unit="
        )
    return None


def _unknown(name: str, known: Mapping[str, ColumnType], options: CsvOptions) -> str:
    said = unsplit(known, chr(options.dialect.delimiter))
    if said:
        return f"there is no such column; {said}"
    near = nearest(name, known)
    listed = ", ".join(known)
    return f"there is no such column; there are {listed}" + (f"; did you mean {near!r}?" if near else "")
