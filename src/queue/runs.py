"""Runs: records with their times, as a view into two lists or as a frame; and what is done with them.

A run is cut without copying, so a long one may wait while little by little of it goes out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Any

from .few_run import FewRun
from .frame_run import FrameRun
from .run import ObjectRun, Run

__all__ = ["Backlog", "FrameRun", "ObjectRun", "Run", "braid"]


def braid(runs: Sequence[Run]) -> Run:
    """Merge runs, each in order, into one; records of the same time go by the order of the runs, then as they were.

    Frames stay frames if all are. Runs that do not overlap are laid end to end, which copies nothing of a frame.
    """
    if len(runs) == 1:
        return runs[0]
    in_sequence = _in_sequence(runs)
    runs = _with_rows_joined(in_sequence or runs)
    if len(runs) == 1:
        return runs[0] if in_sequence else runs[0].sorted()
    frames = [run for run in runs if isinstance(run, FrameRun)]
    if len(frames) == len(runs):
        return FrameRun.chained(frames) if in_sequence else FrameRun.braided(frames)
    joined = ObjectRun.chained([run.as_objects() for run in runs])
    return joined if in_sequence else joined.sorted()


def _with_rows_joined(runs: Sequence[Run]) -> Sequence[Run]:
    """Join neighbours whose rows are at hand: what has waited row by row is then one block."""
    found: list[Run] = []
    for _, group in groupby(enumerate(runs), lambda each: _kind(*each)):
        members = [run for _, run in group]
        few = [run for run in members if isinstance(run, FewRun)]
        found += members if len(few) < 2 else [FewRun.joined(few)]
    return found


def _kind(place: int, run: Run) -> tuple[str, int]:
    """Return what runs have in common that can be joined; a frame has it with no other."""
    return ("rows", id(run.columns)) if isinstance(run, FewRun) else ("frame", place)


def _in_sequence(runs: Sequence[Run]) -> list[Run] | None:
    """Return the runs in an order in which they need only be laid end to end, or None if they overlap."""
    numbered = sorted(enumerate(runs), key=lambda numbered: numbered[1].first)
    for (i, run), (j, following) in pairwise(numbered):
        if following.first < run.last or (j < i and not run.last < following.first):
            return None
    return [run for _, run in numbered]


class Backlog:
    """Records that wait for their turn: runs that follow each other in time."""

    __slots__ = ("_runs", "_size")

    def __init__(self) -> None:
        self._runs: deque[Run] = deque()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, run: Run) -> None:
        """Put the records of a run in their places, behind those of the same time."""
        self._size += len(run)
        overlapping: list[Run] = []
        while self._runs and run.first < self._runs[-1].last:
            stays, moves = self._runs.pop().cut(run.first, inclusive=True)
            if moves:
                overlapping.insert(0, moves)
            if stays:
                self._runs.append(stays)
                break
        self._runs.append(braid([*overlapping, run]))

    def count(self, limit: Any, *, inclusive: bool) -> int:
        """Return how many records are before `limit` (or at it, if inclusive)."""
        found = 0
        for run in self._runs:
            head = run.count(limit, inclusive=inclusive)
            found += head
            if head < len(run):
                break
        return found

    def until(self, limit: Any, *, inclusive: bool) -> list[Run]:
        """Take out what is before `limit` (or at it, if inclusive), in order."""
        taken: list[Run] = []
        while self._runs:
            goes, stays = self._runs.popleft().cut(limit, inclusive=inclusive)
            if goes:
                taken.append(goes)
            if stays:
                self._runs.appendleft(stays)
                break
        self._size -= sum(map(len, taken))
        return taken

    def all(self) -> list[Run]:
        """Take out everything, in order."""
        taken = list(self._runs)
        self._runs.clear()
        self._size = 0
        return taken
