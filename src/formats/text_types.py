"""Texts to values: what a field of CSV, a group of a pattern or a declared column means."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from .value_types import NULL, ValueType

__all__ = ["convert", "parse_text", "type_texts"]

_INTEGER: Final = re.compile(r"\s*[+-]?(0|[1-9][0-9]*)\s*\Z")
_NUMBER: Final = re.compile(r"\s*[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\s*\Z")
_DECLARED_INTEGER: Final = re.compile(r"\s*[+-]?[0-9]{1,19}\s*\Z")
_DECLARED_NUMBER: Final = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*\Z")
_BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False, "yes": True, "no": False}


def parse_text(text: str) -> Any:
    """Return the number or the truth value that a text looks like, else the text itself: ids such as 007 stay text.

    >>> [parse_text(text) for text in ("17", "2.5", "true", "17 km", "007")]
    [17, 2.5, True, '17 km', '007']
    """
    if _INTEGER.match(text):
        number = int(text) if _DECLARED_INTEGER.match(text) else 2**64
        return number if -(2**63) <= number < 2**63 else text
    if _NUMBER.match(text):
        return float(text)
    return {"true": True, "false": False}.get(text.lower(), text)


def type_texts(values: Sequence[str | None], known: ValueType, *, only_first: bool) -> list[Any]:
    """Turn the texts of a column into values of the type that it has, or that they all have.

    Args:
        values: the texts, none of them empty; null stays null.
        known: the type that the column has so far.
        only_first: if it has none, the first text that says something decides; else all must agree, or it is text.
    """
    if known == "text":
        return list(values)
    parsed = [value if value is None else parse_text(value) for value in values]
    if known == NULL and not _agree(parsed, only_first):
        return list(values)
    return parsed


def _agree(parsed: Sequence[Any], only_first: bool) -> bool:
    kinds = [type(value) for value in parsed if value is not None]
    seen = set(kinds[:1] if only_first else kinds)
    return seen <= {int, float} or seen == {bool}


def convert(value: Any, declared: str) -> Any:
    """Turn a value into the type that `schema` gives its column, or return it unchanged if it cannot be that."""
    return _CONVERT[declared](value)


def _as_text(value: Any) -> Any:
    if isinstance(value, str | bytes):
        return value
    import msgspec

    return msgspec.json.encode(value).decode()


def _as_integer(value: Any) -> Any:
    if isinstance(value, str) and _DECLARED_INTEGER.match(value):
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() else _null_if_empty(value)


def _as_float(value: Any) -> Any:
    return float(value) if isinstance(value, str) and _DECLARED_NUMBER.match(value) else _null_if_empty(value)


def _null_if_empty(value: Any) -> Any:
    return None if value == "" else value


def _as_boolean(value: Any) -> Any:
    return _BOOLEANS.get(value.lower(), value) if isinstance(value, str) else value


def _as_it_is(value: Any) -> Any:
    return value


_CONVERT: Final[Mapping[str, Callable[[Any], Any]]] = {
    "text": _as_text,
    "integer": _as_integer,
    "float": _as_float,
    "boolean": _as_boolean,
    "time": _as_it_is,
}
