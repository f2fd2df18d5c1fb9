"""How CSV files are to be read, as the code that reads them needs to know it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .csv_block import Dialect
from .timestamps import EventTimes

__all__ = ["CsvOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvOptions:
    """How files are to be read: the options of `CSVReader` as the code below needs them.

    Attributes:
        header: the first record holds names; `columns`: names that hold instead.
        nulls: texts that mean null, besides the empty field.
        sample: bytes to look at before reading, over all files; block: bytes to read at a time.
        timestamp: the event time column, as its file calls it; None: `timestamp`, if it holds times.
    """

    dialect: Dialect = field(default_factory=Dialect)
    header: bool = True
    columns: tuple[str, ...] = ()
    schema: Mapping[str, str] = field(default_factory=dict)
    nulls: tuple[str, ...] = ()
    max_record: int = 1 << 24
    sample: int = 1 << 20
    block: int = 3 << 19
    timestamp: str | None = None
    times: EventTimes = field(default_factory=EventTimes)
