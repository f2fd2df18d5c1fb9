"""Rolling aggregates: to each row what its last rows, or the last stretch of time, come to.

    rows 3        value   1  2  4  8  16
                  sum     1  3  7 14  28          itself and the two rows before it

    duration 3    t       1  2  4  5  9
                  count   1  2  2  2  1           rows of its key up to itself, later than t - 3

Each is computed anew from the first of these rows to the last: so a sum is what adding them up gives, and nothing of
what has left the window (a NaN, a large number) stays behind. That costs 1 to 3 ns for each row in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..formats.direct import instants
from ..record import TIMESTAMP
from .aggregates import Aggregate, AggregateError
from .groups import Computing, Values
from .keys import KeyTable

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[Any]

__all__ = ["Rolling"]

_AT_ONCE = 1 << 20
"""Values that are looked up at a time: memory does not grow with the window."""


class Rolling:
    """Adds aggregates of the last rows of its key to each row of a stream in the order of time.

    Args:
        rows: how many rows, itself among them; None: as `duration` says.
        duration: microseconds: rows that are later than the row's time minus it.
        by: names of the key columns.
        aggregates: what is computed, by the name of its column.
        columns: names and types of the rows' columns.
        most: how many rows may be held.
    """

    def __init__(
        self,
        rows: int | None,
        duration: int | None,
        by: Sequence[str],
        aggregates: Mapping[str, Aggregate],
        columns: Mapping[str, Any],
        *,
        most: int = 10_000_000,
    ) -> None:
        self._rows, self._duration = rows, duration
        self._computing = Computing(aggregates, columns)
        self._keys = KeyTable(by, columns)
        self._held = _Held(np.zeros(0, np.int64), np.zeros(0, np.int64), [None] * len(aggregates))
        self._most = most

    @property
    def held(self) -> int:
        """How many rows are held for those to come."""
        return len(self._held)

    def push(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with their new columns."""
        before = len(self._held)
        held = self._held.with_more(*self._read(frame))
        order = np.argsort(held.codes, kind="stable")
        starts = self._starts(held, order)
        places = np.flatnonzero(order >= before)  # where the new rows stand, key by key
        results = self._computed(held, order, starts, places)
        back = np.empty(frame.height, np.int64)
        back[order[places] - before] = np.arange(frame.height)
        self._let_go(held, order)
        return frame.with_columns(column.gather(pl.Series(back)).alias(name) for name, column in results.items())

    def _read(self, frame: pl.DataFrame) -> tuple[Ints, Ints, Values]:
        return (
            self._keys.codes(frame),
            instants(frame.get_column(TIMESTAMP)),
            self._computing.values(frame),
        )

    def _starts(self, held: _Held, order: Ints) -> Ints:
        """Return for each row, key by key, where the first row of its window stands."""
        codes = held.codes[order]
        first = np.flatnonzero(np.diff(codes, prepend=-1))
        group = np.repeat(first, np.diff(first, append=len(codes)))
        if self._rows is not None:
            return np.maximum(group, np.arange(len(codes)) - (self._rows - 1))
        moments, ranks = np.unique(held.times, return_inverse=True)
        width = len(moments) + 1
        since = np.searchsorted(moments, held.times[order] - (self._duration or 0), side="right")
        return np.searchsorted(codes * width + ranks[order], codes * width + since, side="left")

    def _computed(self, held: _Held, order: Ints, starts: Ints, places: Ints) -> dict[str, pl.Series]:
        counts = places - starts[places] + 1
        cuts = np.searchsorted(counts.cumsum(), np.arange(_AT_ONCE, counts.sum() + _AT_ONCE, _AT_ONCE), side="right")
        pieces = np.split(np.arange(len(places)), np.unique(cuts))
        found = [self._piece(held, order, starts[places[piece]], counts[piece]) for piece in pieces if len(piece)]
        return {name: pl.concat([each[name] for each in found]) for name in (found[0] if found else {})}

    def _piece(self, held: _Held, order: Ints, starts: Ints, counts: Ints) -> dict[str, pl.Series]:
        ends = counts.cumsum()
        members = order[np.arange(ends[-1]) - np.repeat(ends - counts - starts, counts)]
        slots = np.repeat(np.arange(len(counts)), counts)
        index = pl.Series(members)
        self._computing.grow(len(counts))
        self._computing.add(slots, [None if column is None else column.gather(index) for column in held.values])
        return self._computing.results(np.arange(len(counts)))

    def _let_go(self, held: _Held, order: Ints) -> None:
        """Keep the rows that may be in a window to come."""
        if self._rows is not None:
            codes = held.codes[order]
            last = np.flatnonzero(np.diff(codes, append=-1))
            behind = np.repeat(last, np.diff(last, prepend=-1)) - np.arange(len(codes))
            kept = np.zeros(len(codes), np.bool_)
            kept[order] = behind < self._rows - 1
        else:
            latest = held.times[-1] if len(held) else 0  # they come in the order of time
            kept = held.times > latest - (self._duration or 0)
        self._held = held.only(kept)
        self._forget_keys()
        if len(self._held) > self._most:
            counts = np.bincount(self._held.codes)
            named = self._keys.words(int(counts.argmax()))
            of = f"; {counts.max():,} of them are of {named}" if named else ""
            raise AggregateError(f"it holds {len(self._held):,} rows, and max_state allows {self._most:,}{of}")

    def _forget_keys(self) -> None:
        """Forget the keys of which no row is held, if they are most."""
        if self._keys.count > 1024 + 2 * len(self._held):
            alive, places = np.unique(self._held.codes, return_inverse=True)
            self._held.codes = self._keys.forget(alive)[places]


class _Held:
    """Rows with their key, their time and what is aggregated of them."""

    def __init__(self, codes: Ints, times: Ints, values: Values) -> None:
        self.codes, self.times, self.values = codes, times, values

    def __len__(self) -> int:
        return len(self.codes)

    def with_more(self, codes: Ints, times: Ints, values: Values) -> _Held:
        both = [
            new if old is None or new is None else _behind(old, new)
            for old, new in zip(self.values, values, strict=True)
        ]
        return _Held(np.concatenate([self.codes, codes]), np.concatenate([self.times, times]), both)

    def only(self, kept: npt.NDArray[np.bool_]) -> _Held:
        some = pl.Series(kept)
        values = [None if column is None else column.filter(some) for column in self.values]
        return _Held(self.codes[kept], self.times[kept], values)


def _behind(old: pl.Series, new: pl.Series) -> pl.Series:
    """Put values behind those held; either may be null in all rows, and so have no type yet."""
    dtype = old.dtype if new.dtype == pl.Null else new.dtype
    return pl.concat([old.cast(dtype), new.cast(dtype)])
