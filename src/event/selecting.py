"""The rows of a frame that a rule holds of: a few are judged as dicts, one by one, many as columns.

For ten rows of a live stream getting the columns ready takes longer than judging the rows, and starting polars' query
engine for `DataFrame.filter` longer still. Both ways give the same answers: see `frame_evaluator`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final

import polars as pl

from ..errors import CallbackError
from ..formats.arrow_series import column_of
from ..formats.direct import kept
from ..formats.few_frames import records_of
from ..formats.few_rows import FewRows
from .dict_evaluator import compile_rule
from .frame_evaluator import FrameTest
from .leaves import Bools
from .rules import Rule, calls, paths

__all__ = ["FEW", "Selector"]

FEW: Final = 16
"""So many rows, or fewer, are judged as dicts, which takes 10 us and 2 more for each; as columns it takes 50."""


class Selector:
    """Picks the rows of frames that a rule holds of.

    Args:
        rule: the rule of a whole condition.
        test: what judges frames by it.
    """

    def __init__(self, rule: Rule, test: FrameTest) -> None:
        self._test = test
        # Functions of the user's are asked of those rows only that all else holds of, which columns find out.
        self._judge = None if calls(rule) else compile_rule(rule, null_is_missing=True)
        self._paths = paths(rule)
        self._needed: tuple[list[str], list[str]] = ([], [])

    def select(
        self,
        frame: pl.DataFrame,
        on_error: Callable[[CallbackError], None] | None = None,
        wanted: Collection[str] | None = None,
    ) -> pl.DataFrame:
        """Return the rows, in order; the frame itself if the rule holds of all. See `Condition.select`."""
        records = records_of(frame)
        if self._judge is None or (records is None and frame.height > FEW):
            return _picked(frame, self._test.mask(frame, on_error), wanted)
        judge = self._judge
        if records is not None:
            kept = [record for record in records if judge(record)]
            return frame if len(kept) == len(records) else FewRows(kept, frame.types)  # type: ignore[attr-defined]
        names = self._columns(frame.columns)
        rows = zip(*(frame.get_column(name).to_list() for name in names), strict=True) if names else [()] * frame.height
        return _picked_few(frame, [bool(judge(dict(zip(names, row, strict=True)))) for row in rows])

    def _columns(self, names: list[str]) -> list[str]:
        """Return the columns that are looked at."""
        known = self._needed  # other threads may replace it
        if known[0] != names:
            looked_at = [name for name in names if any(p == name or p.startswith(f"{name}.") for p in self._paths)]
            known = self._needed = (names, looked_at)
        return known[1]


def _picked(frame: pl.DataFrame, holds: Bools, wanted: Collection[str] | None) -> pl.DataFrame:
    if False not in holds.tobytes():  # bytes keep the interpreter's lock, and stop at the first
        return frame
    return kept(frame, column_of(holds), wanted)


def _picked_few(frame: pl.DataFrame, holds: Sequence[bool]) -> pl.DataFrame:
    if all(holds):
        return frame
    if not any(holds):
        return frame.clear()
    return kept(frame, pl.Series(holds, dtype=pl.Boolean))
