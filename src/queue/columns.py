"""Unite the columns of frames by name, so that frames of different sources can be laid into one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import SpecError
from ..formats.schema import shown_type

if TYPE_CHECKING:
    import polars as pl

__all__ = ["conform", "unite"]


def unite(named: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Return the columns of all inputs, each with a type that takes the values of all.

    Columns stand in the order in which they first appear. Integers and floats unite to the wider of two types of the
    same family, an integer with a float to Float64; a column that is null throughout takes the type of any other.

    Args:
        named: the name and the columns (name and polars type) of each input.

    Raises:
        SpecError: two inputs have a column of types that do not unite; both inputs and the column are named.
    """
    columns: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for name, schema in named:
        for column, kind in schema.items():
            if column not in columns:
                columns[column], origin[column] = kind, name
            elif columns[column] != kind:
                columns[column] = _common(column, (origin[column], columns[column]), (name, kind))
    return columns


def _common(column: str, one: tuple[str, Any], other: tuple[str, Any]) -> Any:
    import polars as pl

    (one_name, left), (other_name, right) = one, other
    if left == pl.Null or right == pl.Null:
        return right if left == pl.Null else left
    if left.is_numeric() and right.is_numeric() and not left.is_decimal() and not right.is_decimal():
        kind = _common_number(left, right)
        if kind is not None:
            return kind
    raise SpecError(
        "merge=sorted",
        f"column {column!r} is {shown_type(left)} in {one_name!r} and {shown_type(right)} in {other_name!r}; "
        f"rename one of them, or say in its reader what it is: schema=({column}=...)",
        value=column,
    )


def _common_number(left: Any, right: Any) -> Any:
    import polars as pl

    if left.is_float() or right.is_float():
        return pl.Float64
    if left.is_signed_integer() == right.is_signed_integer():
        return max(left, right, key=lambda kind: int(str(kind).lstrip("UInt")))
    return None if pl.UInt64 in (left, right) else pl.Int64


def conform(frame: pl.DataFrame, columns: Mapping[str, Any]) -> pl.DataFrame:
    """Return the frame with exactly these columns, in this order: missing ones are null, others are cast."""
    import polars as pl

    if list(frame.schema.items()) == list(columns.items()):
        return frame
    return frame.select(
        pl.col(name).cast(kind) if name in frame.columns else pl.lit(None, dtype=kind).alias(name)
        for name, kind in columns.items()
    )
