"""Many rows of plain values, all at once: as MessagePack, at half the cost of pickle to write and less to read.

MessagePack keeps fewer types apart than Python has: a date would come back as text, a bytearray as bytes. So the type
of each value is looked at when a row is put (see `sealing`), and those of the keys here. What passes both comes back
exactly as it was, or is refused in writing: large integers, lone surrogates.

Not every key is looked at. CPython stores no hashes in a dict whose keys have all been of type str, so it needs less
memory than a dict with any other key, however many keys. So of rows that need the same memory one tells for all: if all
its keys are of type str, and a fresh dict with these needs as much, then there are no others in the rows like it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import chain
from typing import Any

__all__ = ["KEPT", "read_rows", "written_rows"]

KEPT = frozenset({int, float, str, bytes, bool, type(None)})
"""Types that MessagePack keeps apart. What is written as another than it is must not come in."""

Row = dict[Any, Any]


class _Word(str):
    __slots__ = ()


_SIZE_TELLS = {"": 0}.__sizeof__() != {_Word(): 0}.__sizeof__()


def _has_str_keys_only(rows: list[Row]) -> bool:
    one_of_each = _one_of_each_size(rows)
    alike = _SIZE_TELLS and all(_fresh(row).__sizeof__() == row.__sizeof__() for row in one_of_each)
    telling = one_of_each if alike else rows
    return {str}.issuperset(map(type, chain.from_iterable(telling)))


def _one_of_each_size(rows: list[Row]) -> list[Row]:
    if len(set(map(dict.__sizeof__, rows))) == 1:  # mostly so, and seen in half the time
        return rows[:1]
    return list(dict(zip(map(dict.__sizeof__, rows), rows, strict=True)).values())


def _fresh(row: Row) -> Row:
    return dict(zip(row, row, strict=True))  # `fromkeys` would make it of the sort of the row


def written_rows(rows: list[Row]) -> bytes | None:
    """Return what stands for rows whose values are of the types `KEPT`; None if MessagePack has no word for something.

    Nobody else may change the rows meanwhile.
    """
    if not _has_str_keys_only(rows):
        return None
    try:
        return _codec()[0](rows)
    except (OverflowError, ValueError):
        return None


def read_rows(data: Any) -> list[dict[str, Any]]:
    """Return the rows that were written. Rows that have keys in common share them."""
    rows: list[dict[str, Any]] = _codec()[1](data)
    return rows


@functools.cache
def _codec() -> tuple[Callable[[Any], bytes], Callable[[Any], Any]]:
    from msgspec.msgpack import Decoder, Encoder  # 15 ms: not before there are many rows

    return Encoder().encode, Decoder().decode
