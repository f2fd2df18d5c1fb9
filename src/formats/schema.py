"""The option `schema=( )`: the types of columns, where a person says them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from ..errors import nearest
from ..fields import Kind, quote

__all__ = ["TYPES", "Schema", "polars_type", "shown_type", "type_name"]

TYPES = ("text", "integer", "float", "boolean", "time")
"""The types that a column can be given. A `time` is a `Datetime("us", "UTC")`."""

_OTHER_NAMES: Mapping[str, str] = {
    "str": "text",
    "string": "text",
    "int": "integer",
    "int64": "integer",
    "number": "float",
    "double": "float",
    "float64": "float",
    "bool": "boolean",
    "datetime": "time",
    "timestamp": "time",
}


def polars_type(name: str) -> Any:
    """Return the polars type that a column of this type has."""
    import polars as pl

    return {
        "text": pl.String(),
        "integer": pl.Int64(),
        "float": pl.Float64(),
        "boolean": pl.Boolean(),
        "time": pl.Datetime("us", "UTC"),
    }[name]


def shown_type(dtype: Any) -> str:
    """Name a polars type as schemas do, where they can: what messages call the type of a column."""
    names = {"String": "text", "Int64": "integer", "Float64": "float", "Boolean": "boolean", "Null": "null"}
    text = str(dtype)
    return "time" if text.startswith("Datetime") else names.get(text, text.lower())


def type_name(value: Any) -> str:
    """Return the one of `TYPES` that is meant, or raise ValueError.

    Common names of other systems (`int`, `string`, ...) and Python's own types are understood.
    """
    word = value.__name__ if isinstance(value, type) else value
    if isinstance(word, str):
        known = _OTHER_NAMES.get(word.lower(), word.lower())
        if known in TYPES:
            return known
    near = nearest(word, TYPES) if isinstance(word, str) else None
    hint = f"; did you mean {near!r}?" if near else ""
    raise ValueError(f"{word!r} is not one of {', '.join(TYPES)}{hint}")


_KEY = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
"""Names that certainly can be keys in a script; others are written in a list."""


class Schema(Kind):
    """Types of columns by name, `schema=(temp=float id=text)`; held as a tuple of (column, type) pairs.

    Names that cannot be keys stand in a list, each before its type: `schema=["wind speed" float id text]`.

    Columns that are not named are inferred, so one line mends one column.
    """

    says: ClassVar[str] = "types of columns such as (temp=float id=text)"

    def parse(self, value: Any) -> tuple[tuple[str, str], ...]:
        pairs = list(value.items()) if isinstance(value, Mapping) else value
        if isinstance(pairs, str) or not isinstance(pairs, Sequence):
            raise self._wrong(value)
        if pairs and len(pairs) % 2 == 0 and all(isinstance(word, str | Decimal) for word in pairs):
            pairs = list(zip(pairs[::2], pairs[1::2], strict=True))
        if not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs):
            raise self._wrong(value)
        return tuple((str(column), self._type(str(column), given)) for column, given in pairs)

    def from_nodes(self, nodes: Sequence[Any]) -> tuple[tuple[str, str], ...]:
        for node in nodes:
            if getattr(node, "op", "=") != "=" or node.children is not None:
                raise ValueError(f"{node.key}: takes column=type")
        return self.parse([(node.key, getattr(node.value, "value", node.value)) for node in nodes])

    def write(self, value: Sequence[tuple[str, str]]) -> str:
        if all(_KEY.fullmatch(column) for column, _ in value):
            return "(" + " ".join(f"{column}={name}" for column, name in value) + ")"
        return "[" + " ".join(f"{quote(column)} {name}" for column, name in value) + "]"

    @staticmethod
    def _type(column: str, given: Any) -> str:
        try:
            return type_name(given)
        except ValueError as error:
            raise ValueError(f"{column}: {error}") from None
