"""What the values of a polars column are to conditions."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

__all__ = ["kind_of"]

_KINDS: Final = {pl.Boolean: "truth", pl.Null: "null", pl.Struct: "fields"}


def kind_of(dtype: Any) -> str:
    """Return the kind of a column's values as `values.classify` has it, `fields` of a struct, else `other`."""
    if dtype.is_numeric():
        return "number"
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        return "text"
    if isinstance(dtype, pl.Datetime | pl.Date):
        return "time"
    return _KINDS.get(dtype.base_type(), "other")
