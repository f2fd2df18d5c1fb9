"""What all joins share: the rows that come, the codes of their keys, how much may be held."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..formats.direct import distinct, instants, with_only
from ..record import TIMESTAMP
from ..windows.aggregates import AggregateError
from ..windows.held import NOBODY, Held, Rows, codes_held
from ..windows.keys import KeyTable
from .layout import How, JoinError, Layout, output_columns
from .results import Results

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[Any]

__all__ = ["JoinCore"]

_FEW_KEYS = 1024


class JoinCore(ABC):
    """The base: rows of either side are pushed, the frontier of both is advanced, results come out.

    Args:
        how: what becomes of rows without a partner.
        layout: keys and names.
        left, right: names and types of the columns of either side.
        most: how many rows may be held.
    """

    def __init__(
        self, how: How, layout: Layout, left: Mapping[str, Any], right: Mapping[str, Any], *, most: int
    ) -> None:
        outputs = output_columns(layout, left, right)
        self._layout = layout
        self._first_of_right = frozenset(right)
        self._by = layout.by
        self._keys = KeyTable(layout.by, {name: outputs[name] for name in layout.by})
        self._results = Results(layout, left, right)
        self._wants = how.sides
        self._most = most
        self._coming = (Held(), Held())
        self._seen = [0, 0]

    @abstractmethod
    def advance(self, frontier: int | None) -> tuple[pl.DataFrame | None, int | None]:
        """Note that nothing before it will follow on either side; None: nothing at all.

        Returns:
            The results that may go out, and the time before which none will follow.
        """

    @abstractmethod
    def _store(self, side: int) -> Held | None:
        """Return where rows of a side are held, besides those that have just come."""

    def _all_held(self, side: int) -> list[Held]:
        """Return where rows of a side are held."""
        store = self._store(side)
        return [self._coming[side], *([] if store is None else [store])]

    def _runs(self) -> list[Rows]:
        """Return all rows that are held."""
        return [run for side in (0, 1) for held in self._all_held(side) for run in held.runs]

    def take_over(self, left: Mapping[str, Any], right: Mapping[str, Any]) -> None:
        """Go on with other columns: with more of them, with types for those that were null, or with wider ones.

        Raises:
            JoinError: as `output_columns` does; or a key, or the name of a column in the results, would be another one.
        """
        layout = replace(self._layout, late=frozenset(right) - self._first_of_right)
        outputs = output_columns(layout, left, right)
        try:
            self._keys.take_over({name: outputs[name] for name in self._by})
        except AggregateError as error:
            raise JoinError(str(error)) from error
        self._results.take_over(layout, left, right)
        for side, columns in enumerate((left, right)):
            needed = {name: columns[name] for name in self._results.columns(side)}
            for held in self._all_held(side):
                for run in held.runs:
                    run.conform(needed)

    def _recode(self, new: Ints) -> None:
        """Give keys their new codes. What else goes by code is to be put in order, too."""
        for run in self._runs():
            run.recode(new)

    def _rows_held(self) -> int:
        """Return how many rows are held."""
        return sum(map(len, self._runs()))

    def _codes_held(self) -> Ints:
        """Return the codes of the rows that are held and have a key."""
        return codes_held(self._runs())

    @property
    def held(self) -> int:
        """How many rows are held, and results that may not go out yet."""
        return self._rows_held() + len(self._results)

    def push(self, side: int, frame: pl.DataFrame) -> None:
        """Take rows: 0 left, 1 right."""
        first = self._seen[side]
        self._seen[side] += frame.height
        numbers = np.arange(first, self._seen[side])
        times = instants(frame.get_column(TIMESTAMP))
        needed = with_only(frame, self._results.columns(side))
        self._coming[side].add(Rows(needed, self._codes(frame), times, numbers))

    def _codes(self, frame: pl.DataFrame) -> Ints:
        """Return the code of the key of each row, the same on both sides. A null in a key equals nothing."""
        keys = [frame.get_column(name) for name in self._by]
        if any(key.null_count() == frame.height for key in keys):  # such a column may have no type
            return np.full(frame.height, NOBODY)
        codes = self._keys.codes(frame)
        for key in keys:
            if key.null_count():
                codes = np.where(key.is_null().to_numpy(), NOBODY, codes)
        return codes

    def _forget_keys(self) -> None:
        """Forget the keys of which no row is held, if they are most."""
        if self._keys.count < _FEW_KEYS or self._keys.count < 2 * self._rows_held():
            return
        alive = distinct(self._codes_held())
        new = np.full(self._keys.count, NOBODY)
        new[alive] = self._keys.forget(alive)
        self._recode(new)

    def _check_room(self) -> None:
        """Raise JoinError if more rows and results are held than may be: with the key that has the most of the rows."""
        held, waiting = self._rows_held(), len(self._results)
        if held + waiting <= self._most:
            return
        of = self._most_are_of(np.bincount(self._codes_held()))
        results = f" and {waiting:,} results that wait for what goes before them" if waiting else ""
        raise JoinError(
            f"it holds {held:,} rows that may still find a partner{results}, and max_state allows {self._most:,}{of}"
        )

    def _check_pairs(self, codes: Ints, counts: Ints) -> None:
        """Raise JoinError if there are more pairs to make at once than may be held: with the key that has the most.

        Args:
            codes, counts: keys, and how many pairs each has; a key may be there several times.
        """
        total = int(counts.sum()) + len(self._results)
        if total > self._most:
            keyed = codes != NOBODY
            of = self._most_are_of(np.bincount(codes[keyed], counts[keyed]).astype(np.int64))
            raise JoinError(f"rows that came together make {total:,} pairs, and max_state allows {self._most:,}{of}")

    def _most_are_of(self, counts: Ints) -> str:
        """Say how many are of the key that has the most. Without keys there is nothing to say."""
        named = self._keys.words(int(counts.argmax())) if len(counts) and self._by else ""
        return f"; {counts.max():,} of them are of {named}" if named else ""
