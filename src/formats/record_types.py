"""Values of records -> values of their column's type, where it is declared, or where texts are yet to be typed.

What texts mean is said in `text_types`; this brings lists of Python values there and back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .value_types import NULL, ValueType

if TYPE_CHECKING:
    import polars as pl

__all__ = ["convert", "type_texts"]


def type_texts(values: Sequence[str | None], known: ValueType, *, only_first: bool) -> list[Any]:
    """Turn the texts of a column into values of the type that it has, or that they all have.

    A text that is not of the column's type stays a text; a fraction among integers becomes a float, and in a live
    stream what follows it does too.

    Args:
        values: the texts; null stays null.
        known: the type that the column has so far.
        only_first: if it has none, the first text that says something decides, as it must where there is no first
            block to learn from; else all must agree, or it is text.
    """
    from .text_types import infer_type

    if known == NULL and only_first:
        start = next((row for row, value in enumerate(values) if value), len(values))
        rest = values[start:]
        return [None] * start + (_typed(rest, infer_type(_series(rest[:1])), only_first) if rest else [])
    kind = infer_type(_series(values)) if known == NULL else str(known)
    return _typed(values, kind, only_first)


def _typed(values: Sequence[str | None], kind: str, live: bool) -> list[Any]:
    if kind == "text":
        return list(values)
    if kind == "boolean":
        return _read(values, kind)
    from .text_types import CODE

    plain = _without(values, CODE)
    numbers = _read(plain, "float") if kind == "float" else _whole_or_fractions(plain, live)
    return [value if value and number is None else number for value, number in zip(values, numbers, strict=True)]


def _whole_or_fractions(values: Sequence[str | None], live: bool) -> list[Any]:
    """Read integers; what is none but a float is that, and what comes later too if `live`."""
    from .text_types import LONG, read_texts

    whole = read_texts(_series(values), "integer").to_list()
    odd = [value if number is None else None for value, number in zip(values, whole, strict=True)]
    if not any(odd):
        return whole
    numbers = read_texts(_series(_without(odd, LONG)), "float").to_list()
    mixed = [number if one is None else one for one, number in zip(whole, numbers, strict=True)]
    if not live:
        return mixed
    first = next((row for row, number in enumerate(numbers) if number is not None), len(values))
    return mixed[:first] + _read(values[first:], "float")


def convert(values: Sequence[Any], declared: str) -> list[Any]:
    """Turn values into the type that `schema` gives their column; what cannot be that is returned unchanged."""
    if declared in ("text", "time"):
        return [_as_text(value) for value in values] if declared == "text" else list(values)
    texts = [value if isinstance(value, str) else None for value in values]
    if any(text is not None for text in texts):
        read = _read(texts, declared)
        values = [value if text is None else one for value, text, one in zip(values, texts, read, strict=True)]
    return [_whole(value) for value in values] if declared == "integer" else list(values)


def _as_text(value: Any) -> Any:
    if value is None or isinstance(value, str | bytes):
        return value
    import msgspec

    return msgspec.json.encode(value).decode()


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _read(texts: Sequence[str | None], kind: str) -> list[Any]:
    """Return the values of the texts; the text itself where it is not of the type, null where it is empty."""
    from .text_types import BOOLEANS, read_texts

    if kind == "boolean":
        return [BOOLEANS.get(text, text) if text else None for text in texts]
    read = read_texts(_series(texts), kind).to_list()
    return [(text or None) if value is None else value for text, value in zip(texts, read, strict=True)]


def _without(texts: Sequence[str | None], pattern: str) -> Sequence[str | None]:
    """Return null for the texts of that pattern."""
    search = re.compile(pattern).search  # a message at a time, this costs a hundredth of what polars takes to start
    return [None if text and search(text) else text for text in texts]


def _series(texts: Sequence[str | None]) -> pl.Series:
    import polars as pl

    return pl.Series(texts, dtype=pl.String)
