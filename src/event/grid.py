"""Where numbers stand among many bounds, roughly, at 3 ns a number; a search costs 20-90.

    bounds   20.3  20.9        31      32.7
    cells  0 |  1 |  2 |  3 | ...  | 12 | 13

The numbers from the least to the greatest bound are laid on cells of one width, by a subtraction and a multiplication.
Both round, but neither ever turns the order of two numbers round: a larger number is in no lower cell. So a cell
touches only stretches that begin in it or below it and end in it or above it, whatever the rounding. (Search structures
that compute a place instead of searching for it are known as interpolation search, and lately as learned indexes.)
"""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np

from ..frozen import frozen
from .leaves import Array

__all__ = ["Grid", "grid_over"]

_LEAST: Final = 256
_MOST: Final = 2_048
"""Cells: a table of so many words of 64 bits stays in the nearest cache of a core."""
_FOR_EACH_BOUND: Final = 16


@frozen
class Grid:
    """Cells of one width; the first takes all that is below, the last all that is above.

    Attributes:
        below: where the first cell begins, as far as it has a beginning.
        scale: cells per unit.
        size: how many cells there are.
    """

    OF_NAN: ClassVar[int] = 0

    below: float
    scale: float
    size: int

    def cells(self, values: Array) -> Array:
        """Return the cell of each number. NaN is put into the first."""
        with np.errstate(invalid="ignore", over="ignore"):
            places = np.subtract(values, self.below, dtype=np.float64)
            places *= self.scale
            np.minimum(places, self.size - 1, out=places)
            cells = places.astype(np.intp)  # far below, and NaN, there is no telling but that it is negative, or zero
        return np.maximum(cells, 0, out=cells)

    def spread(self, least: Array, bits: Array) -> Array:
        """Return for each cell the bits of all stretches that it may touch.

        Args:
            least: the least value of each stretch, ascending; the first is the least that there is.
            bits: a row for each stretch.
        """
        first = self.cells(least)
        last = np.append(first[1:], self.size - 1)
        cells = np.arange(self.size)
        begin, end = np.searchsorted(last, cells), np.searchsorted(first, cells, side="right")
        padded = np.append(bits, bits[-1:], axis=0)  # where a stretch ends, the next must begin
        return np.bitwise_or.reduceat(padded, np.column_stack([begin, end]).ravel(), axis=0)[::2]


def grid_over(bounds: Array) -> Grid | None:
    """Return a grid that tells bounds apart; None if there is none, as they are too close or too far from each other.

    Args:
        bounds: ascending; infinite ones do not count.
    """
    finite = bounds[np.isfinite(bounds)].astype(np.float64)
    size = max(_LEAST, min(_MOST, _FOR_EACH_BOUND * len(finite)))
    with np.errstate(all="ignore"):
        scale = (size - 3) / (finite[-1:] - finite[:1])
        below = finite[:1] - 1.5 / scale  # however it rounds, the first bound is not in the first cell
    if not len(finite) or not np.isfinite([*scale, *below]).all() or scale[0] <= 0:
        return None
    return Grid(float(below[0]), float(scale[0]), size)
