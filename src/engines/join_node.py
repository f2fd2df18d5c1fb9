"""The running form of a join: a merge of two inputs whose rows are not laid into one stream, but joined."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .merge_node import MergeNode
from .nodes import StageState, blame

if TYPE_CHECKING:
    import polars as pl

    from ..operators.running_join import RunningJoin
    from ..queue.merge import Merge
    from ..queue.run import Run

__all__ = ["JoinNode"]

_STEP = timedelta(microseconds=1)


class JoinNode(MergeNode):
    """A stage with two inputs whose rows are joined.

    A merge says which rows of either may go on, so that both sides are known up to the same time; the rows of the two
    are never laid into one stream.
    """

    def __init__(self, state: StageState, merge: Merge, inputs: tuple[str, ...], joining: RunningJoin) -> None:
        super().__init__(state, merge, inputs)
        self._joining = joining
        self._bound: Any = None

    def _push(self, port: int, rows: pl.DataFrame | Run, frame: pl.DataFrame) -> None:
        with blame(self.name):
            fitted = self._joining.fitted(port, frame)
        super()._push(port, rows if fitted is frame else fitted, fitted)

    def _take(self) -> None:
        """Hand the rows to the join; what it has for them goes out when their time has been passed."""
        with blame(self.name):
            for port, rows in self.merge.take_apart():
                self._joining.push(port, rows)

    def _pass_frontier_on(self, timestamp: Any) -> None:
        # An input that was cut off holds nothing back any more: partners may be among what it has not read.
        if self.cut:
            return
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
