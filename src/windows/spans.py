"""Where the windows of a stream begin and end: numbered in order of time, each `[start, end)`.

    slide 2, size 3, offset 0         t = 5 lies in the windows that start at 4 and, earlier, no other: 2 ends at 5

    0  1  2  3  4  5  6  7
    [ number 0 )
          [ number 1 )
                [ number 2 )

A span of a fixed length counts from 1970-01-01T00:00:00Z, before it too: starts are multiples of the slide, plus the
offset. Spans of days, weeks and months follow the calendar of a zone: a day begins at its midnight there (or where the
clocks skip it, when it would have been), and lasts 23 or 25 hours when they are changed; weeks begin on Monday, months
on the first. Times are microseconds since 1970 in UTC, in arrays of int64.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol
from zoneinfo import ZoneInfo

from ..fields import ALL_TIME, format_duration, parse_duration
from ..frozen import frozen

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[Any]

__all__ = ["Span", "Spans", "last_by", "last_moments", "make_spans", "within_time"]

_CALENDAR: Final = re.compile(r"(\d+)(d|w|mo|y)\Z")
_DAYS: Final = {"d": 1, "w": 7}
_MONTHS: Final = {"mo": 1, "y": 12}
_MONDAY: Final = -3  # the day 1969-12-29, counted from 1970-01-01
_MICROSECOND: Final = timedelta(microseconds=1)
_HOUR: Final = 3_600_000_000
_UNITS: Final = {"M8[D]": (-800_000, 3_000_000), "M8[M]": (-25_000, 100_000)}
"""Days and months that are surely beyond the years 1 and 9999, and whose microseconds are still numbers of 64 bits."""
_EPOCH: Final = datetime(1970, 1, 1)
_DEEPEST: Final = 10_000
"""Windows that a row may be in: each of them costs a nanosecond and more for every row."""
_FIRST: Final = (datetime.min - _EPOCH) // _MICROSECOND
_LAST: Final = (datetime.max - _EPOCH) // _MICROSECOND


@frozen
class Span:
    """A length of time: fixed, or so many days or months of a calendar.

    >>> Span.parse("90s"), Span.parse("2w")
    (Span(microseconds=90000000, days=0, months=0, weekly=False), Span(microseconds=0, days=14, months=0, weekly=True))
    """

    microseconds: int = 0
    days: int = 0
    months: int = 0
    weekly: bool = False

    @classmethod
    def parse(cls, text: str) -> Span:
        """Read a span such as `90s`, `1h30m` (fixed), `1d`, `2w`, `1mo`, `1y` (of the calendar).

        Raises:
            ValueError: it is none, or it is nothing.
        """
        match = _CALENDAR.match(text)
        if match is None:
            span = cls(microseconds=parse_duration(text) // _MICROSECOND)
        elif match[2] in _DAYS:
            span = cls(days=int(match[1]) * _DAYS[match[2]], weekly=match[2] == "w")
        else:
            span = cls(months=int(match[1]) * _MONTHS[match[2]])
        if not span.microseconds + span.days + span.months:
            raise ValueError(f"{text!r} is no time at all")
        if max(span.days, span.months * 30) > ALL_TIME.days:
            raise ValueError(f"{text!r} is longer than all time from year 1 to 9999")
        return span

    def __str__(self) -> str:
        if self.months:
            return f"{self.months}mo"
        if self.days:
            return f"{self.days // 7}w" if self.weekly else f"{self.days}d"
        hours, rest = divmod(self.microseconds, _HOUR)
        return "".join(
            [f"{hours}h" if hours else "", format_duration(rest * _MICROSECOND) if rest or not hours else ""]
        )

    @property
    def unit(self) -> str:
        """What it is counted in: "months", "days" or "microseconds"."""
        return "months" if self.months else "days" if self.days else "microseconds"

    def in_hours(self) -> Span:
        """Return days and weeks as the hours that they have in UTC."""
        return Span(microseconds=24 * self.days * _HOUR) if self.days else self


class Spans(Protocol):
    """The windows of a stream. `deepest` is how many of them cover one time at most."""

    deepest: int

    def numbers(self, times: Ints) -> Ints:
        """Return the number of the last window that starts at or before each time."""

    def starts(self, numbers: Ints) -> Ints:
        """Return where windows start."""

    def ends(self, numbers: Ints) -> Ints:
        """Return where windows end; that time itself is not in them."""

    def over(self, numbers: Ints, times: Ints) -> Ints:
        """Tell of each window whether a time lies behind it."""

    def covering(self, times: Ints) -> Iterator[tuple[Ints | None, Ints]]:
        """Yield the windows that each time lies in: the last one of each first, then the one before, and so on.

        Yields:
            Which of the times have a window here (None: all), and the number of the window of each of these.
        """


class _Covering:
    """What spans of both kinds share."""

    deepest: int
    surely: int = 0
    """How many windows cover any time: what these are need not be compared with the times."""

    def covering(self: Any, times: Ints) -> Iterator[tuple[Ints | None, Ints]]:
        latest = self.numbers(times)
        for back in range(self.deepest):
            numbers = latest - back
            if back < self.surely:
                yield None, numbers
                continue
            covered = ~self.over(numbers, times)
            if covered.all():
                yield None, numbers
            elif covered.any():
                yield covered.nonzero()[0], numbers[covered]

    def over(self: Any, numbers: Ints, times: Ints) -> Ints:
        ends = self.ends(numbers)
        over: Ints = (ends <= times) & (ends != _LAST)  # the last microsecond that there is lies in the last window
        return over


class _Fixed(_Covering):
    def __init__(self, size: int, slide: int, offset: int) -> None:
        self.deepest, self.surely = -(-size // slide), size // slide
        self._size, self._slide, self._offset = size, slide, offset

    def numbers(self, times: Ints) -> Ints:
        return (times - self._offset) // self._slide

    def starts(self, numbers: Ints) -> Ints:
        return within_time(numbers * self._slide + self._offset)

    def ends(self, numbers: Ints) -> Ints:
        return within_time(numbers * self._slide + (self._offset + self._size))


class _Calendar(_Covering):
    """Spans of days or of months in a zone. A window's number counts slides of wall time."""

    def __init__(self, size: Span, slide: Span, offset: int, zone: ZoneInfo) -> None:
        self._unit = "M8[M]" if slide.months else "M8[D]"
        self._size, self._slide = (size.months, slide.months) if slide.months else (size.days, slide.days)
        self._first = _MONDAY if slide.weekly else 0
        self._offset, self._zone = offset, zone
        self.deepest = -(-self._size // self._slide)

    def numbers(self, times: Ints) -> Ints:
        wall = (_wall(times, self._zone) - self._offset).view("M8[us]")
        numbers = (wall.astype(self._unit).astype("i8") - self._first) // self._slide
        # Where clocks are changed, they show a time again, or one that has not come: the instants decide.
        numbers += self._begun(numbers + 1, times)
        numbers -= ~self._begun(numbers, times)
        return numbers

    def _begun(self, numbers: Ints, times: Ints) -> Ints:
        starts = self.starts(numbers)
        begun: Ints = (starts <= times) & (starts < _LAST)  # those that start beyond the end of time start at it
        return begun

    def starts(self, numbers: Ints) -> Ints:
        return self._instants(numbers * self._slide)

    def ends(self, numbers: Ints) -> Ints:
        return self._instants(numbers * self._slide + self._size)

    def _instants(self, counts: Ints) -> Ints:
        """Return when the days or months begin. Few of them are different: each is looked up once."""
        import numpy as np

        from .keys import dense

        places, different = dense(counts)
        units = (different + self._first).clip(*_UNITS[self._unit])
        walls = units.astype(self._unit).astype("M8[us]").astype("i8") + self._offset
        found = [_instant(wall, self._zone) for wall in within_time(walls).tolist()]
        instants = within_time(np.array(found, dtype=np.int64))
        instants[walls > _LAST], instants[walls < _FIRST] = _LAST, _FIRST
        return instants[places]


def make_spans(size: Span, slide: Span | None = None, offset: timedelta = timedelta(0), zone: str = "UTC") -> Spans:
    """Return the windows of a size that begin every slide (every size, if not given).

    Args:
        size: how long each is.
        slide: from the start of one to the start of the next.
        offset: moves all of them; in a zone it is wall time: `1d` with 6h are days from six to six.
        zone: whose calendar days, weeks and months follow; its name in the IANA database.

    Raises:
        ValueError: one of the two is of fixed length and the other not (but in UTC a day is 24 hours), or they count in
            days and months; or a row would be in more than 10,000 windows.
    """
    slide = slide or size
    if {size.unit, slide.unit} <= {"days", "microseconds"} and zone == "UTC" and not slide.weekly:
        size, slide = size.in_hours(), slide.in_hours()  # weeks are none: they begin on Monday
    if size.unit != slide.unit or (slide.weekly and not size.weekly):
        raise ValueError(f"a window of {size} cannot begin every {slide}: give both in hours, days, weeks or months")
    micros = offset // _MICROSECOND
    found: Spans
    if size.unit == "microseconds":
        found = _Fixed(size.microseconds, slide.microseconds, micros)
    else:
        found = _Calendar(size, slide, micros, ZoneInfo(zone))
    if found.deepest > _DEEPEST:
        raise ValueError(f"each row would be in {found.deepest:,} windows; {_DEEPEST:,} are allowed")
    return found


def last_by(spans: Spans, frontier: int) -> int:
    """Return the number of the last window that ends by the frontier."""
    import numpy as np

    latest = int(spans.numbers(np.array([frontier]))[0])
    numbers = np.arange(latest - spans.deepest, latest + 1)
    return int(numbers[0]) - 1 + int(np.searchsorted(spans.ends(numbers), frontier, side="right"))


def last_moments(spans: Spans, numbers: Ints) -> Ints:
    """Return the last microsecond that lies in each window."""
    ends = spans.ends(numbers)
    moments: Ints = ends - (ends != _LAST)
    return moments


def within_time(times: Ints) -> Ints:
    """Keep times within the years 1 to 9999."""
    clipped: Ints = times.clip(_FIRST, _LAST)
    return clipped


def _wall(times: Ints, zone: ZoneInfo) -> Ints:
    """Return what the clocks of a zone show, as microseconds."""
    if zone.key == "UTC":
        return times
    import polars as pl

    from ..formats.arrow_series import column_of

    there = column_of(times).cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(zone.key)
    return there.dt.replace_time_zone(None).to_physical().to_numpy()


@lru_cache(maxsize=4096)
def _instant(wall: int, zone: ZoneInfo) -> int:
    """Return when clocks first show a wall time; when they would have, where they skip it."""
    shown = (_EPOCH + wall * _MICROSECOND).replace(tzinfo=zone)
    return (shown - datetime(1970, 1, 1, tzinfo=UTC)) // _MICROSECOND
