"""Which keys are the same, and how they stand in the table.

Keys are equal as they are in a `dict`: `1`, `1.0` and `True` are one key, `"1"` is another, and so is `b"1"`; times
with a zone are equal if they are the same moment, and never equal to one without. Each key has one canonical form, and
only that is kept: so `1.0` and `True` come back as `1`, and times with a zone in UTC.

In the table a key is JSON, which anything can read: what JSON lacks is an object (`{"bytes": "00ff"}`,
`{"time": "..."}`).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii
from math import isnan
from typing import Any, Final

__all__ = ["canonical", "decode", "encode"]

_PLAIN: Final = frozenset({str, bytes, type(None)})
_MOST_BITS: Final = 8192
"""Python refuses to print longer integers, so that nobody can keep it busy with them."""


def canonical(key: Any) -> Any:
    """Return the one form that all keys have which equal this one.

    Raises:
        TypeError: it is none of str, int, float, bool, None, bytes, datetime and tuples of them.
        ValueError: it is nan, which equals nothing, an integer of thousands of digits, or a time beyond all years.

    >>> canonical((True, 2.0, "2", 2.5))
    (1, 2, '2', 2.5)
    """
    if type(key) in _PLAIN:
        return key
    if isinstance(key, int):
        return _integer(key)
    if isinstance(key, float):
        return _float(key)
    if isinstance(key, tuple):
        return tuple(map(canonical, key))
    if isinstance(key, datetime):
        return _time(key)
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, bytes):
        return bytes(key)
    allowed = "str, int, float, bool, None, bytes, datetime and tuples of them"
    raise TypeError(f"{key!r:.80} is a {type(key).__name__}; keys are {allowed}")


def _integer(key: int) -> int:
    if key.bit_length() > _MOST_BITS:
        raise ValueError(f"an integer of {key.bit_length()} bits is too long for a key")
    return int(key)


def _float(key: float) -> float | int:
    if isnan(key):
        raise ValueError("nan is no key: it equals nothing, not even itself")
    return _integer(int(key)) if key.is_integer() else float(key)


def _time(key: datetime) -> datetime:
    if key.utcoffset() is None:
        return key.replace(fold=0)
    try:
        return key.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{key} is no key: in UTC it is beyond the years 1 to 9999") from error


def encode(key: Any) -> str:
    """Write a canonical key as JSON: equal keys give the same text, others another."""
    if type(key) is str:
        return encode_basestring_ascii(key)
    return repr(key) if type(key) is int else _ENCODER.encode(key)


def _tagged(value: Any) -> dict[str, str]:
    return {"bytes": value.hex()} if isinstance(value, bytes) else {"time": value.isoformat()}


_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), default=_tagged)


def decode(text: str) -> Any:
    """Return the canonical key that `encode` has written."""
    return _with_tuples(json.loads(text, object_hook=_untagged))


def _untagged(found: dict[str, str]) -> bytes | datetime:
    return bytes.fromhex(found["bytes"]) if "bytes" in found else datetime.fromisoformat(found["time"])


def _with_tuples(found: Any) -> Any:
    return tuple(map(_with_tuples, found)) if isinstance(found, list) else found
