"""Results that need all values of a group at once.

Each function takes a frame with `slot` and `value` (no nulls), ordered by slot and then as the values came, and returns
one with `slot` and `value`: a row for each slot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from .aggregates import Aggregate

__all__ = ["RESULTS"]


def _quantile(rows: pl.DataFrame, chosen: Aggregate) -> pl.DataFrame:
    """Return, with values v[0..n-1] in order and h = (n - 1) q: v[i] + (h - i) (v[i + 1] - v[i]), i the floor of h.

    That is the definition of SQL's percentile_cont, and type 7 of Hyndman and Fan, "Sample Quantiles" (1996).
    """
    q = 0.5 if chosen.q is None else chosen.q
    ordered = rows.with_columns(pl.col("value").cast(pl.Float64)).sort("slot", "value")  # NaN last
    values, slots = ordered["value"].to_numpy(), ordered["slot"].to_numpy()
    first = np.flatnonzero(np.diff(slots, prepend=-1))
    counts = np.diff(first, append=len(slots))
    place = (counts - 1) * q
    below = np.floor(place).astype(np.int64)
    low, high = values[first + below], values[first + np.minimum(below + 1, counts - 1)]
    share = place - below
    with np.errstate(invalid="ignore", over="ignore"):
        between = np.where((share == 0) | (low == high), low, low + share * (high - low))
    return pl.DataFrame({"slot": slots[first], "value": between})


def _distinct(rows: pl.DataFrame, chosen: Aggregate) -> pl.DataFrame:
    return rows.unique().group_by("slot").agg(value=pl.len().cast(pl.Int64))


def _collect(rows: pl.DataFrame, chosen: Aggregate) -> pl.DataFrame:
    return rows.group_by("slot", maintain_order=True).agg(pl.col("value").head(chosen.most))


def _count_by(rows: pl.DataFrame, chosen: Aggregate) -> pl.DataFrame:
    counted = rows.group_by("slot", "value", maintain_order=True).agg(count=pl.len().cast(pl.Int64))
    pairs = pl.struct("value", "count").head(chosen.most).alias("value")
    return counted.group_by("slot", maintain_order=True).agg(pairs)


RESULTS: Final[Mapping[str, Callable[..., pl.DataFrame]]] = {
    "median": _quantile,
    "quantile": _quantile,
    "distinct": _distinct,
    "collect": _collect,
    "count_by": _count_by,
}
