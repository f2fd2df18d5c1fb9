"""What records are ordered by.

An `Order` turns a block (a frame, or a list of Python objects) into a `Run`: the records with their times. Gates and
merges know runs only, so both forms of block go through the same code. Nothing here waits, reads or writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import OrderError
from ..formats.direct import kept
from ..formats.few_frames import records_of
from ..formats.rows import row_dicts
from ..record import TIMESTAMP
from .few_run import FewRun
from .frame_run import FrameRun
from .run import ObjectRun, Run

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Block", "Descending", "Order", "Unplaced", "plain", "shown"]

Block: TypeAlias = "pl.DataFrame | list[Any]"
Unplaced: TypeAlias = tuple[int, str]
"""A record that has no place in the order: its index in the block, and why."""


class Descending:
    """A time that sorts the other way round: the larger the time, the smaller this.

    Lateness is subtracted and distances are measured in the same direction, so `largest - lateness` means the same.
    """

    __slots__ = ("time",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, time: Any) -> None:
        self.time = time

    def __lt__(self, other: Descending) -> bool:
        return bool(self.time > other.time)

    def __le__(self, other: Descending) -> bool:
        return bool(self.time >= other.time)

    def __gt__(self, other: Descending) -> bool:
        return bool(self.time < other.time)

    def __ge__(self, other: Descending) -> bool:
        return bool(self.time <= other.time)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Descending) and bool(self.time == other.time)

    def __sub__(self, other: Any) -> Any:
        """Return the distance to another `Descending`, or the `Descending` that is `other` earlier in the order."""
        return other.time - self.time if isinstance(other, Descending) else Descending(self.time + other)

    def __repr__(self) -> str:
        return repr(self.time)


def plain(time: Any) -> Any:
    """Return the time as the record has it."""
    return time.time if isinstance(time, Descending) else time


def shown(time: Any) -> str:
    """Write a time for a message.

    >>> from datetime import timezone
    >>> shown(datetime(2010, 1, 1, 12, tzinfo=timezone.utc))
    '2010-01-01T12:00:00Z'
    """
    time = plain(time)
    return time.isoformat().replace("+00:00", "Z") if isinstance(time, datetime) else repr(time)


class _Raised:
    """Stands for the time of a record that has none, because looking for it raised."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


class Order:
    """What records are ordered by, as people give it.

    Args:
        sort_key: a dotted path ("timestamp", "header.time"), a list of keys (["header", "time"]; a key may be an
            index), a function of the record, or None: the record itself.
        reverse: put the largest first.

    Frames stay frames if they are ordered by one of their columns, smallest first; else they count as their rows.
    Times are compared in whole microseconds of UTC.

    >>> Order("a.b").run([{"a": {"b": 1}}, {"a": {"b": 2}}]).times
    [1, 2]
    """

    __slots__ = ("_column", "_key", "_name", "_path", "reverse")

    def __init__(
        self, sort_key: str | Sequence[Any] | Callable[[Any], Any] | None = TIMESTAMP, *, reverse: bool = False
    ) -> None:
        self.reverse = reverse
        self._path = _path_of(sort_key)
        self._key = sort_key if callable(sort_key) else self._follow
        self._name = ".".join(map(str, self._path)) or getattr(sort_key, "__name__", "the record itself")
        single = len(self._path) == 1 and isinstance(self._path[0], str) and not reverse and not callable(sort_key)
        self._column: str | None = self._path[0] if single else None

    def __str__(self) -> str:
        return self._name

    def time(self, value: Any) -> Any:
        """Return a time that was given from outside as one that compares with those of the runs."""
        (time,) = _moments([value])
        return Descending(time) if self.reverse else time

    def run(self, block: Block | Run, *, source: str = "the source") -> Run:
        """Return the records of a block with their times.

        Raises:
            OrderError: a record has no time: it lacks the key, or its value is null or NaN.
        """
        run, unplaced = self.sift(block)
        if unplaced:
            index, reason = unplaced[0]
            raise OrderError(f"record {index + 1} of a block of {source} {reason}")
        return run

    def sift(self, block: Block | Run) -> tuple[Run, list[Unplaced]]:
        """Return the records that have a time, and the index and the reason of each that has none."""
        if isinstance(block, Run):
            return block, []
        if isinstance(block, list):
            return self._sift_objects(block)
        if self._column is None or self._column not in block.columns:
            return self._sift_objects(list(row_dicts(block)))
        return self._sift_frame(block, self._column)

    def _sift_frame(self, frame: pl.DataFrame, column: str) -> tuple[Run, list[Unplaced]]:
        records = records_of(frame)
        if records and all(type(record[column]) is datetime for record in records):
            return FewRun(records, column, frame.types, frame), []  # type: ignore[attr-defined]
        times = frame.get_column(column)
        bad = times.is_null() if times.null_count() else None
        if times.dtype.is_float() and times.is_nan().any():
            bad = times.is_null() | times.is_nan().fill_null(value=False)
        if bad is None:
            return FrameRun(frame, column), []
        return FrameRun(kept(frame, ~bad), column), [(i, self._why(times.item(i))) for i in bad.arg_true()]

    def _sift_objects(self, objects: list[Any]) -> tuple[Run, list[Unplaced]]:
        times = _moments(self._times(objects))
        unplaced: list[Unplaced] = []
        if _may_have_gaps(times):
            unplaced = [(i, self._why(time)) for i, time in enumerate(times) if _is_no_time(time)]
        if self.reverse:
            times = list(map(Descending, times))
        run = ObjectRun(objects, times)
        return (run.without([i for i, _ in unplaced]) if unplaced else run), unplaced

    def _times(self, objects: list[Any]) -> list[Any]:
        if len(self._path) == 1 and not set(map(type, objects)) - {dict}:
            try:
                return list(map(itemgetter(self._path[0]), objects))
            except KeyError:
                pass  # some record lacks it: look record by record
        return [self._time_of(record) for record in objects]

    def _time_of(self, record: Any) -> Any:
        try:
            return self._key(record)
        except Exception as error:
            return _Raised(error)

    def _follow(self, record: Any) -> Any:
        for key in self._path:
            record = _step(record, key)
        return record

    def _why(self, time: Any) -> str:
        if self._path and (time is None or isinstance(time, _Raised)):
            return f"has no {self._name!r} to be ordered by"
        if isinstance(time, _Raised):
            return f"has nothing to be ordered by: {self} raised {type(time.error).__name__}: {time.error}"
        if time is None:
            return f"has nothing to be ordered by ({self})"
        return f"has {time!r} as {self._name!r}, which has no place in any order"


def _path_of(sort_key: Any) -> tuple[Any, ...]:
    if isinstance(sort_key, str):
        return tuple(sort_key.split("."))
    return () if sort_key is None or callable(sort_key) else tuple(sort_key)


def _step(record: Any, key: Any) -> Any:
    if isinstance(record, Mapping):
        return record.get(key)  # not record[key]: a defaultdict would grow
    return getattr(record, key, None) if isinstance(key, str) else record[key]


def _moments(times: list[Any]) -> list[Any]:
    """Return times of zones that change their clocks in UTC, for Python compares those of one zone by the clock.

    What the clock shows goes back in the hour that is repeated, and a distance over it is an hour too short.
    """
    kinds = set(map(type, times))
    if not any(issubclass(kind, datetime) for kind in kinds):
        return times
    zones = {id(zone): zone for time in times if isinstance(time, datetime) and (zone := time.tzinfo) is not None}
    moving = {number for number, zone in zones.items() if type(zone) is not timezone and str(zone) != "UTC"}
    return (
        [_in_utc(time) if id(getattr(time, "tzinfo", None)) in moving else time for time in times] if moving else times
    )


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError:  # the first and the last day of the calendar, in a zone that puts them beyond it
        return time


_ALWAYS_TIMES = frozenset({int, str, bytes, bool, date, datetime, timedelta, tuple})
"""Types of which every value has a place in the order: looked at are floats, and what others have for NaN and NaT."""


def _may_have_gaps(times: Iterable[Any]) -> bool:
    return not _ALWAYS_TIMES.issuperset(map(type, times))


def _is_no_time(time: Any) -> bool:
    if time is None or isinstance(time, _Raised):
        return True
    try:
        return bool(time != time)  # NaN is the one value that differs from itself
    except Exception:
        return False  # it cannot be compared at all, which is told where it is compared with another
