"""The types of values as they come out of messages, and how a column's type takes in one more value.

A type only ever becomes more exact: null becomes the type of the first value, an object gains fields, an empty list
learns what it holds. Beyond that only integer -> float is possible, and only where the caller allows it. All else is
a `MisfitError`. So the type of a column follows from the order of its values alone, never from the size of blocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ..frozen import frozen

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "NULL",
    "ListOf",
    "MisfitError",
    "ObjectOf",
    "ValueType",
    "absorb",
    "fits_all",
    "make_series",
    "polars_types",
    "say",
]

NULL: Final = "null"
_MOST: Final = 2**63 - 1
_SHOWN = 60
_DEEPEST = 64


@frozen
class ListOf:
    """A list; all elements are of one type."""

    inner: ValueType


@frozen
class ObjectOf:
    """An object with the fields (name, type) seen so far; what an object lacks is null."""

    fields: tuple[tuple[str, ValueType], ...]


ValueType: TypeAlias = "str | ListOf | ObjectOf"
"""One of null, boolean, integer, float, text, binary; or a list or an object of such."""

_SCALARS: Final[Mapping[type, str]] = {bool: "boolean", int: "integer", float: "float", str: "text", bytes: "binary"}
_TAKEN_AS_IT_IS: Final[Mapping[Any, frozenset[type]]] = {
    NULL: frozenset({type(None)}),
    "boolean": frozenset({bool, type(None)}),
    "integer": frozenset({int, type(None)}),
    "float": frozenset({float, int, type(None)}),
    "text": frozenset({str, type(None)}),
    "binary": frozenset({bytes, type(None)}),
}
_RANGES: Final = {"integer": (-_MOST - 1, _MOST), "float": (-(2**53), 2**53)}
"""Between which whole numbers fit: in 64 bits; in a float, without losing digits."""
_NOTHING: Final[frozenset[type]] = frozenset()


class MisfitError(ValueError):
    """A value does not go with the type of its column; the text says why, without the column's name."""


def fits_all(known: ValueType, values: Sequence[Any]) -> bool:
    """Tell quickly that all values are of the type as they are. False means only: look closer."""
    kinds = set(map(type, values))
    if not kinds <= _TAKEN_AS_IT_IS.get(known, _NOTHING):
        return False
    if int not in kinds:
        return True
    whole = [value for value in values if type(value) is int]
    least, most = _RANGES[str(known)]
    return least <= min(whole) and max(whole) <= most


def absorb(known: ValueType, value: Any, *, widen: bool, depth: int = 0) -> ValueType:
    """Return the type of a column that was `known` and now also holds `value`.

    Args:
        widen: may integer become float?
        depth: how many lists and objects are around the value.

    Raises:
        MisfitError: the two do not go together.
    """
    if value is None:
        return known
    if depth > _DEEPEST:
        raise MisfitError(f"lists and objects are nested more than {_DEEPEST} deep")
    if type(value) is list:
        return _absorb_list(known, value, widen, depth + 1)
    if type(value) is dict:
        return _absorb_object(known, value, widen, depth + 1)
    return _absorb_scalar(known, value, widen)


def _absorb_scalar(known: ValueType, value: Any, widen: bool) -> ValueType:
    kind = _SCALARS.get(type(value))
    if kind is None:
        raise MisfitError(f"{_shown(value)} is a {type(value).__name__}, which a frame cannot hold")
    if kind == "integer":
        return _absorb_integer(known, value)
    if known in (kind, NULL):
        return kind
    if known == "integer" and kind == "float" and widen:
        return kind
    raise _misfit(known, value)


def _absorb_integer(known: ValueType, value: int) -> ValueType:
    if known == "float":
        if not _is_exact_as_float(value):
            raise MisfitError(f"{_shown(value)} has more digits than a float can hold")
        return known
    if known not in ("integer", NULL):
        raise _misfit(known, value)
    if not -_MOST - 1 <= value <= _MOST:
        raise MisfitError(f"{_shown(value)} does not fit in 64 bits")
    return "integer"


def _is_exact_as_float(value: int) -> bool:
    try:
        return int(float(value)) == value
    except OverflowError:
        return False


def _absorb_list(known: ValueType, value: list[Any], widen: bool, depth: int) -> ValueType:
    if isinstance(known, ListOf):
        inner = known.inner
    elif known == NULL:
        inner = NULL
    else:
        raise _misfit(known, value)
    widen = widen or inner == NULL  # the first list that holds anything shows all of it at once
    for element in value:
        inner = absorb(inner, element, widen=widen, depth=depth)
    return ListOf(inner)


def _absorb_object(known: ValueType, value: dict[str, Any], widen: bool, depth: int) -> ValueType:
    if isinstance(known, ObjectOf):
        fields = dict(known.fields)
    elif known == NULL:
        fields = {}
    else:
        raise _misfit(known, value)
    for name, inner in value.items():
        try:
            fields[name] = absorb(fields.get(name, NULL), inner, widen=widen, depth=depth)
        except MisfitError as error:
            raise MisfitError(f"in {name!r}: {error}") from None
    return ObjectOf(tuple(fields.items()))


def _misfit(known: ValueType, value: Any) -> MisfitError:
    return MisfitError(f"{_shown(value)} is not {say(known)}")


def _shown(value: Any) -> str:
    """Show a value briefly. An integer too long to be printed is not printed."""
    if type(value) is int and value.bit_length() > 256:
        return f"an integer of {value.bit_length()} bits"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def say(known: ValueType) -> str:
    """Say a type in words."""
    if isinstance(known, ListOf):
        return "a list" if known.inner == NULL else f"a list, each element of which is {say(known.inner)}"
    if isinstance(known, ObjectOf):
        return "an object"
    return {"boolean": "true or false", "integer": "a whole number", "float": "a number"}.get(known, known)


def make_series(name: str, values: Sequence[Any], known: ValueType) -> pl.Series:
    """Return values of a type, all of which it has absorbed, as a column: objects are structs, arrays are lists."""
    import polars as pl

    if isinstance(known, str):
        return pl.Series(name, values, dtype=polars_types()[known], strict=True)
    import pyarrow as pa

    # Polars guesses the types of what is nested anew, value by value, and trips over 1 beside 2.5; Arrow is told them.
    return pl.Series(name, pl.from_arrow(pa.array(values, type=_to_arrow(known))))


@cache
def polars_types() -> Mapping[str, Any]:
    """Return the polars types by name: as classes, which polars takes in a third less time than objects of them."""
    import polars as pl

    return {
        NULL: pl.Null,
        "boolean": pl.Boolean,
        "integer": pl.Int64,
        "float": pl.Float64,
        "text": pl.String,
        "binary": pl.Binary,
    }


@lru_cache(maxsize=1024)
def _to_arrow(known: ValueType) -> Any:
    import pyarrow as pa

    if isinstance(known, ListOf):
        return pa.large_list(_to_arrow(known.inner))
    if isinstance(known, ObjectOf):
        return pa.struct([(name, _to_arrow(inner)) for name, inner in known.fields])
    return {
        NULL: pa.null(),
        "boolean": pa.bool_(),
        "integer": pa.int64(),
        "float": pa.float64(),
        "text": pa.large_string(),
        "binary": pa.large_binary(),
    }[known]
