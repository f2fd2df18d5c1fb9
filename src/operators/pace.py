"""Blocks cut into pieces that take a moment each, so that a run can be stopped while a function takes long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ..running import Context

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Pace"]

_LONG: Final = 0.1
"""Seconds that a piece may take: so much later is a request to stop seen, or when the row is done that takes longer."""
_MOST: Final = 1 << 24


class Pace:
    """Cuts blocks of rows for whoever does something slow with each, and ends when the run is to stop.

    It begins with one row, and doubles the piece while that takes no time: so it costs nothing where nothing is slow.

    Args:
        context: of the stage: its clock, and whom to ask.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._rows = 1

    def pieces(self, frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Yield the rows in pieces, in order; not those that are left when the run is to stop."""
        done = 0
        while done < frame.height and not self._context.leaves(frame.height - done):
            piece = frame if not done and frame.height <= self._rows else frame.slice(done, self._rows)
            began = self._context.clock()
            yield piece
            self._learn(self._context.clock() - began, piece.height)
            done += piece.height

    def _learn(self, seconds: float, rows: int) -> None:
        if seconds > _LONG:
            self._rows = max(1, int(rows * _LONG / seconds))
        elif rows >= self._rows and seconds < _LONG / 4:
            self._rows = min(_MOST, 2 * self._rows)
