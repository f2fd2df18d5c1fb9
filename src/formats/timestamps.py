"""Event times: how they are written in a source, what they mean, and whole columns of them read at once.

One rule for all sources (CSV, payloads of messages, rows from Python):

| written as | read as |
|---|---|
| text, nothing said | ISO 8601: `2010-01-31`, `2010-01-31 13:00`, `20100131T130000Z`, `2010-01-31T13:00:00.5+01:00` |
| text, `format=` | as strptime reads it (`timestamp_patterns.Pattern` lists the directives) |
| number or its text, `unit=` | that many s, ms, us or ns since 1970, whole or fractional |
| `datetime`, `date` of Python | itself |

A date alone is its midnight. What is finer than a microsecond is cut off, towards the past; nothing is rounded up.
Times must lie in the years 1 to 9999. A time that names no zone is in `zone`, UTC if none is given. The hour that a
zone repeats in autumn is read as its first pass, and counted; the hour that it skips in spring is no time at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any, NamedTuple

from ..frozen import frozen
from .timestamp_patterns import UNITS, Pattern

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

__all__ = ["EventTimes", "FewTimes", "ReadTimes"]

_UNZONED = "times that name no zone were taken as UTC; zone= says otherwise"


@frozen
class ReadTimes:
    """A column of event times.

    Attributes:
        values: `Datetime("us", "UTC")`; null where there is no time.
        reasons: for each null, by its place in the column (0-based), one sentence that says why.
        unzoned: how many named no zone, where no `zone` was given: they were taken as UTC.
        ambiguous: how many fell into an hour that their zone repeats: they were taken as its first pass.
    """

    values: pl.Series
    reasons: Mapping[int, str] = field(default_factory=dict)
    unzoned: int = 0
    ambiguous: int = 0

    def notes(self, zone: str | None) -> Iterator[str]:
        """Yield what the run's report should say of these times, once (`Context.note`)."""
        if self.unzoned:
            yield _UNZONED
        if self.ambiguous:
            yield f"times in the hour that {zone} repeats in autumn were taken as its first pass"


class FewTimes(NamedTuple):
    """Some event times as numbers: microseconds since 1970, None where there is none; the rest as in `ReadTimes`."""

    moments: list[int | None]
    reasons: Mapping[int, str]
    unzoned: int

    def notes(self) -> Iterator[str]:
        """Yield what the run's report should say of these times, once."""
        if self.unzoned:
            yield _UNZONED


@frozen
class EventTimes:
    """How the event times of one source are written: the reader's options `format`, `unit` and `zone`.

    Raises:
        ValueError: one sentence: the format, unit or zone is not known, or they do not fit together.
    """

    format: str | None = None
    unit: str | None = None
    zone: str | None = None
    pattern: Pattern | None = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.format is not None and self.unit is not None:
            raise ValueError("give either format (for text) or unit (for numbers), not both")
        if self.unit is not None and self.unit not in UNITS:
            raise ValueError(f"{self.unit!r} is not one of {', '.join(UNITS)}")
        object.__setattr__(self, "pattern", None if self.format is None else Pattern(self.format))
        if self.zone is not None:
            _check_zone(self.zone)

    def read(self, values: pl.Series | Sequence[Any]) -> ReadTimes:
        """Read a whole column: a series of text, numbers or times, or Python objects of any kind.

        Null (None) and empty text are no times; their reason says that the event time is empty.
        """
        from .timestamp_columns import read_column

        return read_column(values, self)

    def read_values(self, values: Sequence[Any]) -> tuple[list[datetime | None], FewTimes] | None:
        """Read a few Python objects one by one; return the datetimes that polars would, and what else there is to say.

        None: some are local times of a `zone`; `read` takes them.
        """
        from .timestamp_columns import read_values

        return read_values(values, self)

    def looks_like_times(self, values: pl.Series) -> bool:
        """Tell whether most texts of a sample are times; False if there is none."""
        texts = values.filter(values.is_not_null())
        return len(texts) > 0 and 2 * len(self.read(texts).reasons) <= len(texts)


def _check_zone(name: str) -> None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

    from ..errors import nearest

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = available_timezones()
        if not known:  # a machine without a zone database: polars brings its own, and refuses what it does not know
            return
        near = nearest(name, known)
        hint = f"; did you mean {near!r}?" if near else ""
        raise ValueError(f"{name!r} is not a zone such as Europe/Berlin{hint}") from None
