"""The rows that a join holds of one side, and how results are made of the rows of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..formats.arrow_series import column_of
from ..formats.direct import instants, kept
from ..record import TEXT, TIMESTAMP
from ..windows.keys import keys_of
from .shape import LEFT_TIME, RIGHT_TIME, JoinError, Shape, output_columns

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]

__all__ = ["NOBODY", "Codes", "Results", "Rows", "ranges", "within"]

NOBODY = -1
"""Instead of the place of a row: there is none. As a code: a key with a null in it, which belongs to no other."""


class Codes:
    """Numbers for keys, the same on both sides."""

    def __init__(self, by: tuple[str, ...]) -> None:
        self._by = by
        self._known: dict[tuple[Any, ...], int] = {}

    def of(self, frame: pl.DataFrame) -> Ints:
        """Return the code of the key of each row."""
        keys = keys_of(frame, self._by)
        known = self._known
        found = [NOBODY if None in key else known.setdefault(key, len(known)) for key in keys.values]
        codes: Ints = np.array(found, dtype=np.int64)[keys.codes]
        return codes

    def key(self, code: int) -> str:
        """Return the key of a code in words."""
        key = next(key for key, known in self._known.items() if known == code)
        return ", ".join(f"{name}={value!r}" for name, value in zip(self._by, key, strict=True))

    def prune(self, *sides: Rows) -> None:
        """Forget the keys of which no row is held, if they are most."""
        if len(self._known) < 1024 or len(self._known) < 2 * sum(len(rows) for rows in sides):
            return
        alive = np.unique(np.concatenate([rows.codes for rows in sides]))
        alive = alive[alive != NOBODY]
        new = np.full(len(self._known), NOBODY)
        new[alive] = np.arange(len(alive))
        names = list(self._known)
        self._known = {names[old]: place for place, old in enumerate(alive.tolist())}
        for rows in sides:
            rows.codes = np.where(rows.codes == NOBODY, NOBODY, new[rows.codes])


class Rows:
    """Rows of one side, in the order of their stream.

    Attributes:
        frame: the rows.
        times: in microseconds.
        codes: of their keys.
        numbers: by which results are ordered: how many rows of this side came before.
        matched: which have found a partner.
    """

    def __init__(self) -> None:
        self.frame: pl.DataFrame | None = None
        self.times, self.codes, self.numbers = (np.zeros(0, np.int64) for _ in range(3))
        self.matched = np.zeros(0, np.bool_)
        self._seen = 0

    def __len__(self) -> int:
        return len(self.times)

    def add(self, frame: pl.DataFrame, codes: Ints) -> None:
        """Put rows behind the others."""
        self.frame = frame if self.frame is None or not self.frame.height else self.frame.vstack(frame)
        self.times = np.concatenate([self.times, instants(frame.get_column(TIMESTAMP))])
        self.codes = np.concatenate([self.codes, codes])
        self.numbers = np.concatenate([self.numbers, np.arange(self._seen, self._seen + frame.height)])
        self.matched = np.concatenate([self.matched, np.zeros(frame.height, np.bool_)])
        self._seen += frame.height

    def keep(self, wanted: npt.NDArray[np.bool_]) -> None:
        """Let go of all other rows."""
        if self.frame is not None and not wanted.all():
            self.frame = kept(self.frame, column_of(wanted))
            self.times, self.codes, self.numbers = self.times[wanted], self.codes[wanted], self.numbers[wanted]
            self.matched = self.matched[wanted]


class Results:
    """Makes results of pairs of rows, and holds them until they may go out."""

    _TIME, _LEFT, _RIGHT = "\x1ftime", "\x1fleft", "\x1fright"

    def __init__(self, shape: Shape, left: Mapping[str, Any], right: Mapping[str, Any]) -> None:
        self._shape = shape
        self._outputs = pl.Schema(output_columns(shape, left, right))
        self._names = shape.names(left, right)
        self._schemas = (pl.Schema(left), pl.Schema(right))
        self._waiting: list[pl.DataFrame] = []

    def __len__(self) -> int:
        return sum(frame.height for frame in self._waiting)

    def add(
        self, left: Rows, right: Rows, lefts: Ints, rights: Ints, more: Mapping[str, pl.Series] | None = None
    ) -> None:
        """Add results: the places of their rows; NOBODY where there is none."""
        if not len(lefts):
            return
        one, other = (
            _gathered(rows.frame, places, schema)
            for rows, places, schema in zip((left, right), (lefts, rights), self._schemas, strict=True)
        )
        times = [one[TIMESTAMP], other[TIMESTAMP]]
        later = pl.select(pl.max_horizontal(*times)).to_series()
        columns: dict[str, Any] = {TIMESTAMP: later}
        for name in self._shape.by:
            keys = [side[name].cast(self._outputs[name]) for side in (one, other)]  # a side may have nothing but nulls
            columns[name] = keys[0].zip_with(pl.Series(lefts != NOBODY), keys[1])
        columns |= more or {}
        for side, names in ((one, self._names[0]), (other, self._names[1])):
            columns |= {new: side[old] for old, new in names.items()}
        columns |= {LEFT_TIME: times[0], RIGHT_TIME: times[1]}
        made = pl.DataFrame(columns).cast(self._outputs)
        self._waiting.append(
            made.with_columns(
                later.cast(pl.Int64).alias(self._TIME),
                _numbers(left, lefts).alias(self._LEFT),
                _numbers(right, rights).alias(self._RIGHT),
            )
        )

    def take(self, before: int | None) -> pl.DataFrame | None:
        """Return the results whose time is less, in order; all of them, if None."""
        if not self._waiting:
            return None
        whole = pl.concat(self._waiting)
        ready = whole if before is None else whole.filter(pl.col(self._TIME) < before)
        rest = whole.filter(pl.col(self._TIME) >= before) if before is not None else whole.clear()
        self._waiting = [rest] if rest.height else []
        if not ready.height:
            return None
        more = [name for name, _ in self._shape.more]
        ordered = ready.sort(self._TIME, self._LEFT, self._RIGHT, *more, nulls_last=True, maintain_order=True)
        return ordered.select(self._outputs.names())


def _gathered(frame: pl.DataFrame | None, places: Ints, schema: pl.Schema) -> pl.DataFrame:
    if frame is None:
        frame = pl.DataFrame(schema=schema)
    index = pl.Series(places)
    if (places == NOBODY).any():
        index = index.set(pl.Series(places == NOBODY), None)
    return frame.drop(TEXT, strict=False).select(pl.all().gather(pl.lit(index.cast(pl.UInt32))))


def _numbers(rows: Rows, places: Ints) -> pl.Series:
    if not len(rows):
        return pl.Series([None] * len(places), dtype=pl.Int64)
    nobody = places == NOBODY
    return pl.Series(rows.numbers[places]).set(pl.Series(nobody), None)


def ranges(starts: Ints, counts: Ints) -> Ints:
    """Return start, start + 1, ... for each, as many as its count.

    >>> ranges(np.array([5, 0]), np.array([2, 3]))
    array([5, 6, 0, 1, 2])
    """
    ends = counts.cumsum()
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) - np.repeat(ends - counts, counts) + np.repeat(starts, counts)


def within(
    codes: Ints, low: Ints, high: Ints, others: Ints, times: Ints, check: Callable[[Ints], None]
) -> tuple[Ints, Ints]:
    """Return all pairs of the same code whose time lies in a range: the place of the range, and of the time.

    Args:
        codes, low, high: the ranges, both ends included.
        others, times: what is looked for, with their codes.
        check: called with how many pairs each range has, before they are made: there may be more than memory holds.
    """
    there = np.flatnonzero(others != NOBODY)
    if not len(there) or not len(codes):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    moments, ranks = np.unique(times[there], return_inverse=True)
    width = len(moments) + 1
    # Code and time in one number: times become their rank, so that it always has room.
    places = others[there] * width + ranks
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    least = codes * width + np.searchsorted(moments, low, side="left")
    most = codes * width + np.searchsorted(moments, high, side="right")
    first = np.searchsorted(ordered, least, side="left")
    counts = np.where(codes == NOBODY, 0, np.maximum(np.searchsorted(ordered, most, side="left") - first, 0))
    check(counts)
    return np.repeat(np.arange(len(codes)), counts), there[order[ranges(first, counts)]]


def check_pairs(most: int, codes: Codes, of: Ints, counts: Ints) -> None:
    """Raise JoinError if there are more pairs to make at once than may be held: with the key that has the most.

    Args:
        most: how many may be held.
        codes: what the codes mean.
        of, counts: codes of keys, and how many pairs each has; a code may be there several times.
    """
    total = int(counts.sum())
    if total > most:
        of_each = np.bincount(of[of != NOBODY], counts[of != NOBODY]).astype(np.int64)
        raise JoinError(
            f"rows that came together make {total:,} pairs, and max_state allows {most:,}{_named(of_each, codes)}"
        )


def _named(counts: Ints, codes: Codes) -> str:
    """Say how many are of the key that has the most: counts by code. Without keys there is nothing to say."""
    key = codes.key(int(counts.argmax())) if counts.any() else ""
    return f"; {counts.max():,} of them are of {key}" if key else ""


def check_room(most: int, codes: Codes, results: Results, *sides: Rows) -> None:
    """Raise JoinError if more rows and results are held than may be: with the key that has the most of the rows."""
    held = sum(map(len, sides))
    if held + len(results) > most:
        keys = np.concatenate([rows.codes for rows in sides])
        counts = np.bincount(keys[keys != NOBODY]) if (keys != NOBODY).any() else np.zeros(1, np.int64)
        named = _named(counts, codes)
        waiting = f" and {len(results):,} results that wait for what goes before them" if len(results) else ""
        raise JoinError(
            f"it holds {held:,} rows that may still find a partner{waiting}, and max_state allows {most:,}{named}"
        )
