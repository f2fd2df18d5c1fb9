"""What the columns of CSV files are called and of which types they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import polars as pl

from ..errors import SourceError
from ..frozen import frozen
from ..record import TIMESTAMP
from .csv_file import Header
from .csv_options import CsvOptions
from .csv_types import ColumnType
from .schema import polars_type

__all__ = ["Sheet", "names_in"]


@frozen
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
