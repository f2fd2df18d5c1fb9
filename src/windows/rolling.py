"""Rolling aggregates: to each row what its last rows, or the last stretch of time, come to.

    rows 3        value   1  2  4  8  16
                  sum     1  3  7 14  28          itself and the two rows before it

    duration 3    t       1  2  4  5  9
                  count   1  2  2  2  1           rows of its key up to itself, later than t - 3

Each is computed anew from the first of these rows to the last: so a sum is what adding them up gives, and nothing of
what has left the window (a NaN, a large number) stays behind. That costs 1 to 3 ns for each row in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..formats.arrow_series import column_of
from ..formats.direct import distinct, instants, laid
from ..record import TIMESTAMP
from .aggregates import Aggregate, AggregateError
from .groups import Computing
from .held import NOBODY, Held, Rows, codes_held, gathered, joined, ranges
from .keys import KeyTable, dense

if TYPE_CHECKING:
    import numpy.typing as npt

    from .held import Mask

    Ints = npt.NDArray[Any]

__all__ = ["Rolling"]

_AT_ONCE = 1 << 20
"""Values that are looked up at a time: memory does not grow with the window."""

_FEW_KEYS = 1024


class Rolling:
    """Adds aggregates of the last rows of its key to each row of a stream in the order of time.

    What a block costs goes by its rows and those that are in a window with them, not by what is held of other keys.

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
        self._before = None if rows is None else rows - 1  # so many rows before each are in its window
        self._duration = duration or 0
        self._computing = Computing(aggregates, columns)
        self._keys = KeyTable(by, columns)
        self._held = Held()
        self._counted: list[bool] = []  # of the aggregates: those that rows are counted for, without values
        self._counts = np.zeros(0, np.int64)  # by code: how many rows are held, if windows go by rows
        self._count = self._seen = 0
        self._most = most

    @property
    def held(self) -> int:
        """How many rows are held for those to come."""
        return self._count

    def push(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with their new columns."""
        new = self._read(frame)
        if not len(new):
            return frame
        rows = joined([*self._those_before(new), new])
        first = len(rows) - len(new)
        order = rows.by_key.order
        places = np.flatnonzero(order >= first)  # where the new rows stand, key by key
        results = self._computed(rows, self._starts(rows, places), places)
        back = np.empty(len(new), np.uint32)
        back[order[places] - first] = np.arange(len(new))
        self._hold(new)
        self._check_room()
        index = column_of(back)
        return pl.DataFrame([*frame.get_columns(), *(column[index].alias(name) for name, column in results.items())])

    def _read(self, frame: pl.DataFrame) -> Rows:
        values = self._computing.values(frame)
        packed = pl.DataFrame([column.alias(str(turn)) for turn, column in enumerate(values) if column is not None])
        packed = self._agreed(packed)
        self._counted = [column is None for column in values]
        numbers = np.arange(self._seen, self._seen + frame.height)
        self._seen += frame.height
        return Rows(packed, self._keys.codes(frame), instants(frame.get_column(TIMESTAMP)), numbers)

    def _agreed(self, packed: pl.DataFrame) -> pl.DataFrame:
        """Give what is null in all rows, or an integer, of the new ones or of those held, the type of the others."""
        for run in self._held.runs:
            run.frame = _typed(run.frame, packed.schema)
            packed = _typed(packed, run.frame.schema)
        return packed

    def _those_before(self, new: Rows) -> Iterator[Rows]:
        """Yield the rows that are held and may be in a window with new ones, in the order of the stream."""
        keys, since = dense(new.codes).numbers, new.times[0] - self._duration
        for run in self._held.runs:
            first, last = run.by_key.edges(keys)
            if self._before is None:
                first = np.maximum(first, run.by_key.find(keys, since, side="right"))
            else:
                first = np.maximum(first, last - self._before)
            yield run.at(np.sort(run.by_key.order[ranges(first, last - first)]))

    def _starts(self, rows: Rows, places: Ints) -> Ints:
        """Return, for rows that stand at these places key by key, where the first row of the window of each stands."""
        some = rows.by_key.order[places]
        if self._before is None:
            return rows.by_key.find(rows.codes[some], rows.times[some] - self._duration, side="right")
        starts: Ints = np.maximum(rows.by_key.edges(rows.codes[some])[0], places - self._before)
        return starts

    def _computed(self, rows: Rows, starts: Ints, places: Ints) -> dict[str, pl.Series]:
        counts = places - starts + 1
        cuts = np.searchsorted(counts.cumsum(), np.arange(_AT_ONCE, counts.sum() + _AT_ONCE, _AT_ONCE), side="right")
        pieces = np.split(np.arange(len(places)), distinct(cuts))
        found = [self._piece(rows, starts[piece], counts[piece]) for piece in pieces if len(piece)]
        return {name: laid([each[name].to_frame() for each in found]).to_series() for name in found[0]}

    def _piece(self, rows: Rows, starts: Ints, counts: Ints) -> dict[str, pl.Series]:
        values = iter(gathered(rows.frame, rows.by_key.order[ranges(starts, counts)]).get_columns())
        self._computing.grow(len(counts))
        slots = np.repeat(np.arange(len(counts)), counts)
        self._computing.add(slots, [None if counted else next(values) for counted in self._counted])
        return self._computing.results(np.arange(len(counts)))

    def _hold(self, new: Rows) -> None:
        """Hold new rows, and let go of those that are in no window to come."""
        if self._before is None:
            self._held.add(new)
            self._held.compact()
            self._held.let_go(int(new.times[-1]) - self._duration + 1)
            self._count = len(self._held)
        elif self._before:
            self._held.add(new)
            self._held.compact(self._among_the_last)
            self._note(new.codes)
        self._forget_keys()

    def _among_the_last(self, run: Rows) -> Mask:
        """Tell which rows of a run have few enough of their key behind them."""
        order = run.by_key.order
        _, ends = run.by_key.edges(run.codes[order])
        wanted = np.zeros(len(order), np.bool_)
        wanted[order] = ends - np.arange(len(order)) <= (self._before or 0)
        return wanted

    def _note(self, codes: Ints) -> None:
        """Note how many rows of these keys are held."""
        more = np.zeros(self._keys.count - len(self._counts), np.int64)
        self._counts = np.concatenate([self._counts, more]) if len(more) else self._counts
        places, keys = dense(codes)
        before = self._counts[keys]
        self._counts[keys] = np.minimum(before + np.bincount(places), self._before or 0)
        self._count += int((self._counts[keys] - before).sum())

    def _forget_keys(self) -> None:
        """Forget the keys of which no row is held, if they are most."""
        if self._keys.count > _FEW_KEYS + 2 * self._count:
            alive = distinct(codes_held(self._held.runs))
            new = np.full(self._keys.count, NOBODY)
            new[alive] = self._keys.forget(alive)
            for run in self._held.runs:
                run.recode(new)

    def _check_room(self) -> None:
        if self._count > self._most:
            counts = np.bincount(codes_held(self._held.runs)) if self._before is None else self._counts
            named = self._keys.words(int(counts.argmax()))
            of = f"; {counts.max():,} of them are of {named}" if named else ""
            raise AggregateError(f"it holds {self._count:,} rows, and max_state allows {self._most:,}{of}")


def _typed(frame: pl.DataFrame, types: Mapping[str, Any]) -> pl.DataFrame:
    """Return the frame; columns without a type, as all their rows are null, get these, and integers become floats."""
    other: Any = {
        name: types[name]
        for name, dtype in frame.schema.items()
        if (dtype == pl.Null and types[name] != pl.Null) or (dtype == pl.Int64 and types[name] == pl.Float64)
    }
    return frame.cast(other) if other else frame
