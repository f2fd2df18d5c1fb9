"""A running chain of stages: a reader, and what can stay with it, up to whoever takes the rows.

Both kinds of overlap are made of it: threads of the process that was started, for chains that work outside the
interpreter (`chain_pool`), and threads of a pool worker, for all others.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any, Protocol

from ..pipeline.plan import Chain, Plan
from ..pipeline.spec import Stage
from ..record import END, Failure
from .assembly import Assembly
from .nodes import Edge, LateOutletNode, OutletNode
from .report import StageReport
from .stop import Stop

__all__ = ["ChainRun", "ChainThread", "Taker"]


class Taker(Protocol):
    """Where the rows of a chain go: a queue to another process, or an inlet of this one."""

    def put_block(self, block: Any) -> None:
        """Take a frame; blocks while there is no room for it."""

    def put(self, item: Any) -> None:
        """Take a mark, in order with the frames."""


class ChainRun:
    """One chain from its source to the end of what is to be done here.

    Args:
        plan: the whole plan.
        chain: the part of it to run.
        taker: where its rows go; an error goes there as `Failure`, before END.
        stop: the request to stop.
        turns: how many chains may read at once, where each has a thread of its own.

    Attributes:
        reports: its lines of the ledger, when it has ended.
    """

    def __init__(
        self, plan: Plan, chain: Chain, taker: Taker, stop: Stop, turns: threading.Semaphore | None = None
    ) -> None:
        self.name = f"plait-{chain.name}"
        self._turns = turns
        self._assembly = Assembly(plan, stop)
        self._chain = chain
        self._taker = taker
        self.reports: list[StageReport] = []

    def rows_read(self) -> int:
        """Return how many rows the reader has given so far; may be asked for from another thread."""
        return self._assembly.state(self._chain.stages[0]).counts.delivered

    def steps(self) -> Iterator[None]:
        """Open the stages, run them, and end them: yield whenever the source has been asked and what it gave is put.

        Nothing is raised, and nothing that has been put is held in between.
        """
        try:
            yield from self._flow()
        except BaseException as error:  # a component that ends its thread does not end its stream
            self._taker.put(Failure(error))
        finally:
            self.reports = self._assembly.reports(self._chain.stages)
            self.reports += self._assembly.reports(self._moved())
            self._taker.put(END)

    def _flow(self) -> Iterator[None]:
        first, last = self._chain.steps[0], self._chain.steps[-1]
        ahead = self._chain.ahead
        outlet = OutletNode(self._assembly.state(last), self._taker, None if ahead is None else ahead.columns)
        if ahead is not None and ahead.steps:
            self._assembly.state(last).context.wanted = frozenset(ahead.columns)
        outlet.name = f"{last.name} (outlet)"
        inlet = self._assembly.source(first, alone=True)
        inlet.late.append(Edge(LateOutletNode(self._assembly.state(first), self._taker)))
        if inlet.finite and self._turns is not None:
            inlet.items = _in_turn(inlet.items, self._turns)
        wired = [replace(stage, inputs=(before.name,)) for before, stage in pairwise(self._chain.steps)]
        flow = self._assembly.flow([inlet], wired, [(last.name, outlet)])
        try:
            yield from flow.steps()
        finally:
            flow.close()
            for stage in self._chain.steps:
                self._assembly.state(stage).letters.close()

    def _moved(self) -> Iterator[Stage]:
        """Yield the stages that work here ahead of the merge, each with the input of the merge that it works for."""
        if self._chain.ahead is not None:
            for stage in self._chain.ahead.steps:
                yield replace(stage, inputs=(self._chain.last,))


class ChainThread(threading.Thread):
    """Runs one chain in a thread of its own."""

    def __init__(self, chain: ChainRun) -> None:
        super().__init__(name=chain.name, daemon=True)
        self._chain = chain

    def run(self) -> None:
        for _ in self._chain.steps():
            pass


def _in_turn(items: Iterator[Any], turns: threading.Semaphore) -> Iterator[Any]:
    """Yield the same items, but make each only in turn: so what a block takes is not held for all files at once.

    Args:
        items: what is read; finite, so nobody waits for a turn behind a source that is silent.
        turns: how many may read at once.
    """
    try:
        while True:
            with turns:
                item = next(items, END)
            if item is END:
                return
            yield item
    finally:
        items.close()  # type: ignore[attr-defined]
