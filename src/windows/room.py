"""How many of the next rows there is room for: what is complete by then goes out before more is opened.

10 s every 1 ms, rows 10 s apart:   each opens 10,000 windows, and all windows of the one before are over by then
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from .groups import Groups

    Ints = npt.NDArray[Any]

__all__ = ["fitting", "latest_of", "opened", "sure"]

_NEVER = -(1 << 62)


def sure(groups: Groups, rows: int, deepest: int) -> bool:
    """Tell whether so many rows have room whatever their keys and times are, each in so many windows at most."""
    return rows * deepest <= min(groups.room, groups.room_for_values)


def fitting(groups: Groups, fresh: Ints, deepest: int) -> int:
    """Return how many rows have room.

    Args:
        groups: where they go.
        fresh: how many groups each of them opens.
        deepest: how many windows each of them is in, at most: so many values are kept of it.
    """
    opening = int(np.searchsorted(np.cumsum(fresh), groups.room, side="right"))
    return min(opening, groups.room_for_values // deepest)


def latest_of(latest: Ints, keys: int) -> Ints:
    """Return the last window of each key, with those that have none as yet."""
    return np.concatenate([latest, np.full(max(0, keys - len(latest)), _NEVER)])


def opened(codes: Ints, first: Ints, last: Ints, latest: Ints) -> Ints:
    """Return how many groups each row opens, of those from its first window to its last.

    Args:
        codes: of each row, its key.
        first, last: numbers of windows.
        latest: by key, the last window that is open.
    """
    order = np.argsort(codes, kind="stable")
    keys, ends = codes[order], last[order]
    before = np.empty_like(ends)
    before[1:] = ends[:-1]
    begins = np.diff(keys, prepend=-1) != 0
    before[begins] = latest[keys[begins]]
    fresh = np.empty_like(ends)
    fresh[order] = ends - np.maximum(before, first[order] - 1)
    return fresh
