"""Events, their times, and the checks of what is given with them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ..errors import SpecError, nearest
from ..record import DeadLetter

__all__ = [
    "ROOM",
    "Event",
    "by_time",
    "callable_",
    "dead_letter",
    "free",
    "key_of",
    "known",
    "micros",
    "seconds",
    "time_like",
    "whole",
]

ROOM: Final = "StreamProcessing"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH: Final = datetime(1970, 1, 1)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at a time.

    An id is a name only: two events with one id are two events. A time without a zone is taken as UTC.

    Attributes:
        event_id: its name.
        event_type: what kind of event it is.
        data: what is known of it, by name.
        event_time: when it happened, which is not when it was published.

    Raises:
        SpecError: the data is no mapping, or the time no datetime.
    """

    event_id: str
    event_type: str
    data: Mapping[str, Any]
    event_time: datetime

    def __post_init__(self) -> None:
        if not isinstance(self.data, Mapping):
            raise SpecError("Event", f"takes a mapping such as a dict, not {self.data!r}", option="data")
        if not isinstance(self.event_time, datetime):
            raise SpecError("Event", f"takes a datetime, not {self.event_time!r}", option="event_time")

    def __hash__(self) -> int:
        return hash((self.event_id, self.event_type))  # the data cannot be hashed


def micros(time: datetime) -> int:
    """Return a time as microseconds since 1970 in UTC; one without a zone is taken as UTC."""
    if time.utcoffset() is not None:
        return (time - _EPOCH) // _MICROSECOND
    return ((time if time.tzinfo is None else time.replace(tzinfo=None)) - _NAIVE_EPOCH) // _MICROSECOND


_FIRST: Final = micros(datetime.min)
_LAST: Final = micros(datetime.max)


def by_time(event: Event) -> int:
    """Return what events are ordered by."""
    return micros(event.event_time)


def time_like(instant: int, model: datetime) -> datetime:
    """Return microseconds since 1970 as a time: without a zone if the model has none, else in UTC.

    What lies beyond the years 1 to 9999 becomes the first or the last time in them.
    """
    time = _EPOCH + min(max(instant, _FIRST), _LAST) * _MICROSECOND
    return time.replace(tzinfo=None) if model.utcoffset() is None else time


def key_of(event: Event, name: str) -> Any:
    """Return the key of an event; None if it has none. What cannot be hashed, such as a list, counts by its repr."""
    value = event.data.get(name)
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return math.nan if isinstance(value, float) and math.isnan(value) else value  # the same one finds itself in dicts


def dead_letter(stream_id: str, event: Event, kind: str, reason: str) -> DeadLetter:
    """Return the dead letter of an event."""
    record = {
        "event_id": event.event_id,
        "event_type": event.event_type,
        "data": event.data,
        "event_time": event.event_time,
    }
    return DeadLetter(stage=stream_id, kind=kind, reason=reason, record=record)


def seconds(option: str, value: float, *, positive: bool = True) -> int:
    """Return seconds as microseconds. Raises SpecError: they are none, not finite, or too few."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        count = round(value * 1_000_000)
        if count > 0 or (count == value == 0 and not positive):
            return count
    least = "more than 0, to the microsecond" if positive else "0 or more"
    raise SpecError(ROOM, f"takes a number of seconds, {least}; not {value!r}", option=option, value=value)


def whole(option: str, value: int) -> int:
    """Return a count of 1 or more. Raises SpecError."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise SpecError(ROOM, f"takes a whole number of at least 1, not {value!r}", option=option, value=value)


def known(kind: str, table: Mapping[str, Any], name: str) -> Any:
    """Return what a table has under a name. Raises SpecError that names the nearest."""
    if isinstance(name, str) and name in table:
        return table[name]
    near = nearest(str(name), table)
    allowed = () if near else tuple(table)
    hint = "" if table else "; none has been created yet"
    message = f"there is no {kind} {name!r}{hint}"
    raise SpecError(ROOM, message, option=f"{kind}_id", value=name, allowed=allowed, suggestion=near)


def free(kind: str, table: Iterable[str], name: str) -> str:
    """Return a new name. Raises SpecError: it is no text, or is taken."""
    if not isinstance(name, str) or not name:
        raise SpecError(ROOM, f"takes a name, not {name!r}", option=f"{kind}_id", value=name)
    if name in table:
        raise SpecError(ROOM, f"there is a {kind} {name!r} already", option=f"{kind}_id", value=name)
    return name


def callable_(option: str, function: Any) -> Callable[..., Any]:
    """Return a function. Raises SpecError: it is none."""
    if not callable(function):
        raise SpecError(ROOM, f"takes a function, not {function!r}", option=option, value=function)
    found: Callable[..., Any] = function
    return found
