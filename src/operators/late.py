"""The late rows of a source, as a stream of their own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

from ..running import Context, Operator
from .base import Transform

__all__ = ["LateRows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LateRows(Transform):
    """Take the late rows of a reader as a stream of their own, instead of dead letters.

    ```
    lateness=2s    t        1   5   4   3   2   6
                   merged   1       3   4   5   6
                   late                     2            2 < 5 - 2
    ```

    Input: a reader that leads to a merge, a window or a join; `from` names it. What is late is decided there.
    Output: its late rows as they were read, with its columns, in the order in which they came.
    Behind it: filters, derive, map, select, rename, drop, events, writers; somebody has to read it. No merge, window or
    join: they need rows in the order of time.
    Late: for this source it stands in place of the `late` of its merge. What is too far ahead (`max_ahead`), and what
    comes after a merge, window or join has gone on by the clock without its silent source, are dead letters all the
    same: nothing in their own source is ahead of them.

    Example:
        late=rows(name=stragglers from=seattle)

    See also: reader options `lateness` and `late`, merge=sorted.
    """

    family: ClassVar[str] = "late"
    variant: ClassVar[str] = "rows"

    def open(self, context: Context) -> Operator:
        """Return an operator that passes everything on: which rows are late is decided where the source is read."""
        return Operator()

    def reads(self, columns: Collection[str]) -> frozenset[str]:
        """Look at none of the columns."""
        return frozenset()
