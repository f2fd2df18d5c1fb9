"""Items as a queue keeps them: sealed when they are put, opened when they are got.

What arrives is what was put, whatever becomes of the object afterwards; what cannot be pickled is refused at once. A
dict of plain values (most records) is sealed by a copy, all else by its pickle. A block of copies is pickled as a whole
when it travels: that costs a third of so many pickles to write and half to read, and where there are times in it a
tenth, because names and types are said once.

Single items are pickled by protocol 3, which numbers its memo explicitly, from zero in each: so the pickles of a block
may be strung together into that of one list. That costs half of reading them one by one. No two items share an object.
What protocol 3 has no word for is that a time is the second of its name in the hour that clocks repeat (`fold`), which
changes the moment it means: such items are packed whole, by a newer protocol, into a pickle by protocol 3.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from gc import is_tracked
from pickle import PicklingError, dumps, loads
from reprlib import repr as brief
from typing import TYPE_CHECKING, Any

from ..errors import WorkerError
from ..record import Failure
from .plain_rows import KEPT

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "PLAIN",
    "has_containers",
    "opened",
    "packed",
    "portable",
    "portable_part",
    "sealed",
    "sealed_frame",
    "sealed_or_refused",
    "unpacked",
]

_SEAL = 3
_HEAD, _TAIL = b"\x80\x03](", b"e."
_DATETIME, _TIME = b"C\n", b"C\x06"
"""How the state of a datetime and of a time begin in a pickle: what follows is ten bytes, or six."""
_FOLDED = re.compile(rb"C(?:\n..[\x81-\x8c]|\x06[\x80-\x97])", re.DOTALL)
"""The same where `fold` is 1: it is the highest bit of the month, or of the hour."""
PLAIN = KEPT | {date, timedelta}
"""Types whose values never change and can always be pickled. Their subclasses may be anything."""


def sealed(item: Any) -> Any:
    """Return what is kept of an item: a copy that later changes do not reach, or a tuple with its pickle.

    Raises:
        pickle.PicklingError: it cannot be pickled; the message shows the item.
    """
    if type(item) is dict and not has_containers(item):
        for value in item.values():
            if type(value) not in PLAIN and not _is_plain_time(value):
                break
        else:
            return item.copy()
    elif type(item) in PLAIN:
        return item
    return (_pickled(item),)


def _is_plain_time(value: Any) -> bool:
    if type(value) is not datetime:
        return False
    zone = value.tzinfo
    if zone is None or type(zone) is timezone:
        return True
    return type(zone).__module__ == "zoneinfo" and _is_portable_zone(zone)  # others may have no hash


@lru_cache(maxsize=64)
def _is_portable_zone(zone: tzinfo) -> bool:  # the key alone does not tell: a zone read from a file may have any
    try:
        dumps(zone, _SEAL)
    except PicklingError:  # it was read from a file
        return False
    return True


def _has_odd_keys(row: dict[Any, Any]) -> bool:
    return any(type(key) is not str for key in row)


has_containers = _has_odd_keys if is_tracked({"": 0}) else is_tracked
"""What a dict holds is known to the garbage collector, quickly; from Python 3.14 on it does not look any more."""


def _pickled(item: Any) -> bytes:
    try:
        data = dumps(item, _SEAL)
        if (_DATETIME in data or _TIME in data) and _FOLDED.search(newer := dumps(item, 5)):
            return dumps(_Newer(newer), _SEAL)
        return data
    except Exception as error:
        if isinstance(item, Failure):
            return dumps(_plain(item), _SEAL)
        raise PicklingError(f"cannot put {brief(item)}: {error}") from error


class _Newer:
    """Stands for an item in the pickle of a newer protocol, and is read as the item itself."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __reduce__(self) -> tuple[Any, ...]:
        return loads, (self.data,)


def sealed_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame, which nobody can change. Raises PicklingError for a column of a type that Arrow has not."""
    for name, kind in frame.schema.items():
        if (found := _beyond_arrow(kind)) is not None:
            raise PicklingError(f"cannot put a frame: its column {name!r} is of {found}; put rows instead")
    return frame


def _beyond_arrow(kind: Any) -> str | None:
    """Say what a type, or a part of it, is that Arrow does not have; None if there is nothing of the sort."""
    if kind.is_object():
        return "Python objects"
    if kind.is_integer() and str(kind).endswith("128"):
        return f"{kind}, which does not travel"
    parts = [field.dtype for field in getattr(kind, "fields", ())] + [getattr(kind, "inner", None)]
    return next((found for part in parts if part is not None and (found := _beyond_arrow(part))), None)


def portable(failure: Failure) -> Failure:
    """Return the failure itself if it survives the journey, else one that says the same in words."""
    try:
        loads(dumps(failure, _SEAL))  # noqa: S301 - what this process has just pickled
    except Exception:
        return _plain(failure)
    return failure


def _plain(failure: Failure) -> Failure:
    return Failure(WorkerError(f"{type(failure.error).__name__}: {failure.error}"))


def opened(parts: list[Any]) -> list[Any]:
    """Return the items of a list of sealed ones. Raises whatever unpickling one of them raises."""
    if tuple not in set(map(type, parts)):
        return parts
    pickles = [part[0][:-1] for part in parts if type(part) is tuple]
    items = iter(loads(b"".join([_HEAD, *pickles, _TAIL])))  # noqa: S301 - from a process that knew the secret
    return [next(items) if type(part) is tuple else part for part in parts]


class _Unportable:
    """Stands for an item that turned out too late to be one that cannot be pickled: whoever gets it learns that."""

    def __init__(self, item: Any, error: Exception) -> None:
        self.text = f"cannot put {brief(item)}: {error}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _refuse, (self.text,)


def sealed_or_refused(item: Any) -> Any:
    """Seal an item; one that cannot be pickled becomes one that raises PicklingError where it is opened."""
    try:
        return sealed(item)
    except PicklingError as error:
        return (dumps(_Unportable(item, error), _SEAL),)


def _refuse(text: str) -> None:
    raise PicklingError(text)


def portable_part(part: Any) -> Any:
    """Return a sealed item itself if it can be pickled, else one that raises PicklingError where it is opened."""
    try:
        dumps(part, 5)
    except Exception as error:
        return (dumps(_Unportable(part, error), _SEAL),)
    return part


def packed(parts: list[Any]) -> bytes:
    """Return the pickle of a list of sealed items."""
    return dumps(parts, 5)


def unpacked(data: Any) -> list[Any]:
    """Return the list of sealed items that was packed."""
    parts: list[Any] = loads(data)  # noqa: S301 - from a process that knew the secret
    return parts
