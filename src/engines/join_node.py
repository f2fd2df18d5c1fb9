"""The running form of a join: a merge of two inputs whose rows are not laid into one stream, but joined."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..record import TIMESTAMP
from .merge_node import MergeNode
from .nodes import StageState, blame

if TYPE_CHECKING:
    import polars as pl

    from ..operators.join import Joining
    from ..queue.merge import Merge
    from ..queue.run import Run

__all__ = ["JoinNode"]

_SIDES = ("left", "right")
_STEP = timedelta(microseconds=1)


class JoinNode(MergeNode):
    """A stage with two inputs whose rows are joined: merged first, so that both sides are known up to the same time.

    While they are merged, the rows of either side are one column of structs each, so their columns do not mix.
    """

    def __init__(self, state: StageState, merge: Merge, inputs: tuple[str, ...], joining: Joining) -> None:
        super().__init__(state, merge, inputs)
        self._joining = joining
        self._bound: Any = None

    def _push(self, port: int, rows: pl.DataFrame | Run, frame: pl.DataFrame) -> None:
        with blame(self.name):
            frame = self._joining.fitted(port, frame)
        super()._push(port, _packed(frame, _SIDES[port]), frame)

    def emit(self, frame: pl.DataFrame) -> None:
        """Hand merged rows to the join; what it has for them goes out when their time has been passed."""
        with blame(self.name):
            for port, side in enumerate(_SIDES):
                if side in frame.columns and (rows := frame.get_column(side).drop_nulls()).len():
                    self._joining.push(port, rows.struct.unnest())

    def _pass_frontier_on(self, timestamp: Any) -> None:
        self._bound = self._advance(timestamp)
        super()._pass_frontier_on(self._bound)

    def _all_idle(self, since: float, until: float) -> None:
        """Go on by the clock, at least past all that has come, and be idle only if no result waits behind that.

        Whoever reads goes on without an idle input: a result that came out later would be late there.
        """
        if self._told is not None:
            self.merge.go_on(self._told + max(_STEP, timedelta(seconds=until - since)))
            self._told = self.merge.frontier
            self._bound = self._advance(self._told)
            since = until
        if self._bound == self._told:
            super()._all_idle(since, until)
        else:
            super()._pass_frontier_on(self._bound)

    def _finish(self) -> None:
        if not self.cut:  # who has no partner is known at the end only
            self._advance(None)

    def _advance(self, timestamp: Any) -> Any:
        with blame(self.name):
            results, bound = self._joining.advance(timestamp)
        if results is not None:
            super().emit(results)
        return bound


def _packed(frame: pl.DataFrame, side: str) -> pl.DataFrame:
    return frame.select(TIMESTAMP, frame.to_struct(side))
