"""The running form of a merge: many inputs, laid into one stream."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .dead_letters import diverted_letters
from .nodes import Node, StageState, blame

if TYPE_CHECKING:
    import polars as pl

    from ..queue.gate import Gated
    from ..queue.merge import Merge
    from ..queue.run import Run

__all__ = ["MergeNode"]

_logger = logging.getLogger(__name__)


class MergeNode(Node):
    """A stage with many inputs, laid into one in time order."""

    def __init__(self, state: StageState, merge: Merge, inputs: tuple[str, ...]) -> None:
        super().__init__(state)
        self.merge = merge
        self._inputs = inputs
        self._open = set(range(len(inputs)))
        self._idle: dict[int, tuple[float, float]] = {}
        self._told: Any = None
        self._told_idle = False
        self._began = state.context.clock()

    def frame(self, port: int, frame: pl.DataFrame) -> None:
        self._wake(port)
        self._push(port, frame, frame)
        self._release()

    def gated(self, port: int, gated: Gated) -> None:
        self._wake(port)
        if gated.run is not None:
            self._push(port, gated.run, gated.block)
        self.merge.advance(port, gated.frontier)
        self._release()

    def _push(self, port: int, rows: pl.DataFrame | Run, frame: pl.DataFrame) -> None:
        self.state.counts.received += frame.height
        with blame(self.name):
            overtaken = self.merge.push(port, rows)
        for letter in diverted_letters(self.name, frame, overtaken, origin=self._inputs[port]):
            self.state.bury(letter)

    def frontier(self, port: int, timestamp: Any) -> None:
        self._wake(port)
        self.merge.advance(port, timestamp)
        self._release()

    def _wake(self, port: int) -> None:
        """Wait for an input again: it has given a sign of life, though its rows may still be held back before this."""
        self._idle.pop(port, None)
        self.merge.wake(port)

    def idle(self, port: int, since: float, until: float, reached: Any = None) -> None:
        if len(self._inputs) > 1 and port not in self._idle:
            self._tell(self._inputs[port], max(0.0, since - self._began))
        self.merge.advance(port, reached)
        self.merge.idle(port)
        self._idle[port] = (since, until)
        self._release()

    def end(self, port: int) -> None:
        self.merge.end(port)
        self._open.discard(port)
        self._idle.pop(port, None)
        self._release()
        if not self._open:
            self._go_on_to_the_last()
            self._finish()
            super().end(port)

    def _go_on_to_the_last(self) -> None:
        """Tell how far the inputs have come, though no row may be there: one that was filtered out has had its time."""
        reached = [time for port in range(len(self._inputs)) if (time := self.merge.reached(port)) is not None]
        last = max(reached, default=None)
        if last is not None and not self.cut and (self._told is None or self._told < last):
            self.merge.go_on(last)
            self._told = self.merge.frontier
            self._pass_frontier_on(self._told)

    def _finish(self) -> None:
        """Called when all inputs have ended, and what they had has been merged."""

    def _all_idle(self, since: float, until: float) -> None:
        """Called when all inputs are idle that have not ended."""
        self._told_idle = True
        super().idle(0, since, until, self._told)

    def _silence(self) -> float:
        """Return by how many seconds the clock has moved the inputs past what the merge itself has passed.

        An input may be behind a window: what the clock has moved there is in its frontier, and is not counted again.
        """
        reached = [
            time + timedelta(seconds=max(0.0, until - since))
            for port, (since, until) in self._idle.items()
            if (time := self.merge.reached(port)) is not None
        ]
        passed = self.merge.frontier
        return 0.0 if passed is None else max(0.0, (max(reached, default=passed) - passed).total_seconds())

    def _tell(self, source: str, since: float) -> None:
        """Say that the merge goes on without a source: in full the first time, later by a count."""
        count = f"times that {source!r} was not waited for"
        waiting = self.state.counts.inside
        sentence = (
            f"{self.name} went on without {source!r}, which had been silent since {since:.1f} s into the run; "
            f"{waiting:,} row{'' if waiting == 1 else 's'} had been waiting"
        )
        if not self.state.context.counts[count]:
            self.state.context.note(sentence)
        self.state.context.counts[count] += 1
        _logger.info("%s", sentence)

    def holding(self) -> list[int]:
        """Return the inputs that hold the merge back, and those that are idle and may wake."""
        return [*self.merge.holding(), *self.merge.asleep()]

    def _release(self) -> None:
        self._take()
        self.state.counts.inside = sum(map(self.merge.buffered, range(len(self._inputs))))
        known, self._told = self._told, self.merge.frontier
        if self._idle and self._open == self._idle.keys():
            until = max(until for _, until in self._idle.values())
            self._all_idle(until - self._silence(), until)
        elif self._told is not None and (self._told != known or self._told_idle):
            self._told_idle = False
            self._pass_frontier_on(self._told)

    def _take(self) -> None:
        """Hand on what the inputs allow."""
        with blame(self.name):
            out = self.merge.take()
        if out is not None:
            self.emit(out)

    def _pass_frontier_on(self, timestamp: Any) -> None:
        super().frontier(0, timestamp)
