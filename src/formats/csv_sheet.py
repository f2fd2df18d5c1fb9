"""What the columns of CSV files are called and of which types they are, as a sample of all the files tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from ..errors import SourceError, nearest
from ..record import TIMESTAMP
from .csv_file import Header, read_header
from .csv_options import CsvOptions
from .csv_sample import Sampled, sample_records, sample_texts
from .csv_types import ColumnType, infer
from .delimiter import unsplit
from .files import FoundFile, open_bytes
from .schema import Schema, polars_type
from .text_types import almost_a_number

__all__ = ["Examined", "Sheet", "examine", "examined", "names_in"]

_LEAST_SAMPLE: Final = 1 << 14
_DIGITS: Final = 2048
"""So many times, spread over the sample, show how many digits times have."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The columns that all files have, in the order of the first file.

    Attributes:
        types: by the name that the files use.
        time: which of them is the event time; None if none is.
        origin: the file that decided, for messages.
        digits: fractional digits of the event times in the sample: 0, 3 or 6.
    """

    types: Mapping[str, ColumnType]
    time: str | None
    origin: str
    digits: int = 0

    def columns(self) -> dict[str, pl.DataType]:
        """Return the columns of the frames: names, the event time as `timestamp`, and polars types.

        Where no file has a row, a column whose type nobody has said is `Null`, which goes with every other type.
        """
        return {
            self.name_of(name): pl.Null() if column.kind == "null" else polars_type(column.kind)
            for name, column in self.types.items()
        }

    def name_of(self, name: str) -> str:
        """Return what a column is called in the frames."""
        return TIMESTAMP if name == self.time else name

    def places(self, names: Sequence[str], file: str) -> list[int]:
        """Return at which place a file has each column. Raises SourceError if it has others."""
        if list(names) == list(self.types):
            return list(range(len(names)))
        missing = [name for name in self.types if name not in names]
        extra = [name for name in names if name not in self.types]
        if missing or extra:
            said = [f"{file} has no column {name!r}, which {self.origin} has" for name in missing]
            said += [f"{file} has a column {name!r}, which {self.origin} has not" for name in extra]
            raise SourceError("; ".join(said))
        return [list(names).index(name) for name in self.types]


@dataclass(frozen=True, slots=True)
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
    stats = [(path, path.stat()) for path, _ in files]
    stamps = tuple((str(path), stat.st_size, stat.st_mtime_ns) for path, stat in stats)
    if isinstance(before, Examined) and before.stamps == stamps:
        return before
    notes: dict[str, None] = {}
    sheet = examine(files, options, notes.setdefault)
    return Examined(sheet, tuple(notes), stamps)


def names_in(header: Header, options: CsvOptions, file: str, note: Callable[[str], None]) -> tuple[str, ...] | None:
    """Return the names of a file's columns; None if it has no record. Raises SourceError if they cannot be used."""
    if header.names is None:
        note(f"{file} is empty")
        return None
    if options.columns:
        return options.columns
    given = header.names if options.header else ("",) * len(header.names)
    names = tuple(name or f"column_{number}" for number, name in enumerate(given, 1))
    if options.header and "" in given:
        unnamed = [name for name, said in zip(names, given, strict=True) if not said]
        note(f"{file}: the header leaves columns without a name; they are called {', '.join(unnamed)}")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        places = [str(number) for number, name in enumerate(names, 1) if name == twice[0]]
        raise SourceError(
            f"{file}: the header has the name {twice[0]!r} more than once (columns {', '.join(places)}); "
            "name the columns yourself with columns=[ ] header=yes"
        )
    return names


def examine(files: Sequence[FoundFile], options: CsvOptions, note: Callable[[str], None]) -> Sheet | None:
    """Look at the headers of all files and at a sample of their records; None if no file has any.

    Raises:
        SourceError: a header cannot be used, or the files do not go together, or not with the options.
    """
    sheet: Sheet | None = None
    samples: dict[str, list[pl.Series]] = {}
    found: list[Sampled] = []
    budget = max(_LEAST_SAMPLE, options.sample // max(1, len(files)))
    for file in files:
        _check_regular(file)
        with open_bytes(file) as stream:
            header = read_header(stream, file.name, options.dialect, options.max_record, keep=not options.header)
            names = names_in(header, options, file.name, note)
            if names is None:
                continue
            sheet = sheet or Sheet(dict.fromkeys(names, ColumnType("text", inferred=True)), None, file.name)
            sheet.places(names, file.name)
            for sampled in sample_records(stream, file, header, names, options, budget):
                found.append(sampled)
                for place, name in enumerate(names):
                    samples.setdefault(name, []).append(sample_texts(sampled.records, place, options))
    if sheet is None:
        return None
    sample = {name: pl.concat(samples[name]) if name in samples else pl.Series(dtype=pl.String) for name in sheet.types}
    decided = _decide(sheet, sample, options, note)
    for sentence in _doubts(decided, sample, found, options):
        note(sentence)
    return decided


def _check_regular(file: FoundFile) -> None:
    if not file.path.is_file():
        raise SourceError(f"{file.name}: it is no regular file; plait looks into a CSV file before it reads it")


def _decide(sheet: Sheet, sample: Mapping[str, pl.Series], options: CsvOptions, note: Callable[[str], None]) -> Sheet:
    """Settle the types and the event time."""
    for name in options.schema:
        if name not in sheet.types:
            raise SourceError(f"{sheet.origin}: schema=( ) names {name!r}, {_unknown(name, sheet.types, options)}")
    time = _event_time(sheet, sample, options, note)
    declared = dict(options.schema) | ({time: "time"} if time is not None else {})
    types = {name: _type(declared.get(name), sample[name]) for name in sheet.types}
    return Sheet(types, time, sheet.origin, _digits(sample[time], options) if time is not None else 0)


def _digits(sample: pl.Series, options: CsvOptions) -> int:
    """Return how many fractional digits times have, by a sample of their texts: 0, 3 or 6."""
    if options.times.unit in ("ms", "us", "ns"):
        return 3 if options.times.unit == "ms" else 6
    some = sample.gather_every(1 + len(sample) // _DIGITS)
    most = some.str.extract(r"\d[.,](\d+)(?:\D.*)?$").str.len_chars().max()
    if options.times.format is not None and "f" not in options.times.format:
        most = 0
    return 0 if not most else 3 if most <= 3 else 6  # type: ignore[operator]


def _doubts(
    sheet: Sheet, sample: Mapping[str, pl.Series], found: Sequence[Sampled], options: CsvOptions
) -> Iterator[str]:
    """Yield what may not be as it was meant: a header that is not split, numbers that a few values make text."""
    said = unsplit(sheet.types, chr(options.dialect.delimiter)) if options.header and not options.columns else None
    if said:
        yield f"{sheet.origin}: {said}, if that is what stands between its fields"
    for name, column in sheet.types.items():
        if column == ColumnType("text", inferred=True) and (odd := almost_a_number(sample[name])) is not None:
            place = _place(found, int((sample[name] == odd).arg_true()[0]))
            yield (
                f"{place}: column {name!r} is text because of {odd[:40]!r}, although most of its values are numbers; "
                f"schema={Schema().write([(name, 'float')])} would divert such rows instead, null=[ ] make them null"
            )


def _place(found: Sequence[Sampled], row: int) -> str:
    """Return where a row of all that was sampled stands."""
    for sampled in found:
        if row < len(sampled.records.lines):
            return sampled.place(row)
        row -= len(sampled.records.lines)
    raise AssertionError("the row is one of the sample")


def _type(declared: str | None, sample: pl.Series) -> ColumnType:
    if declared is not None:
        return ColumnType(declared, inferred=False)
    return infer(sample) if len(sample) else ColumnType("null", inferred=True)


def _event_time(
    sheet: Sheet, sample: Mapping[str, pl.Series], options: CsvOptions, note: Callable[[str], None]
) -> str | None:
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
        or (declared is None and sample[TIMESTAMP].is_empty())
        or (declared is None and times.looks_like_times(sample[TIMESTAMP]))
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
