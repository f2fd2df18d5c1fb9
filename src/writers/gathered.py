"""Small frames that are written as one: to print a frame has a fixed cost, however few rows it has."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Gathered"]

_ROWS = 8_192
_FRAMES = 64  # a small frame may be a slice that keeps a large one in memory


class Gathered:
    """Frames that wait to be written, until they are worth it. The order stays.

    >>> import polars as pl
    >>> waiting = Gathered()
    >>> [list(waiting.add(pl.DataFrame({"a": [number]}))) for number in (1, 2)]
    [[], []]
    >>> [frame["a"].to_list() for frame in waiting.rest()]
    [[1, 2]]
    """

    def __init__(self) -> None:
        self._frames: list[pl.DataFrame] = []
        self._rows = 0

    def add(self, frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Take a frame, and yield what is to be written now."""
        if frame.height >= _ROWS or (self._frames and frame.schema != self._frames[0].schema):
            yield from self.rest()
        self._frames.append(frame)
        self._rows += frame.height
        if self._rows >= _ROWS or len(self._frames) >= _FRAMES:
            yield from self.rest()

    def rest(self) -> Iterator[pl.DataFrame]:
        """Yield all that waits."""
        frames, self._frames, self._rows = self._frames, [], 0
        if frames:
            yield reduce(lambda above, below: above.vstack(below), frames)
