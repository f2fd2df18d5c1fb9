"""The local engine: sources are read in worker processes of the pool, and joined in the process that was started.

    worker 1:  reader - gate - filter --queue--+
    worker 1:  reader - gate ----------queue---+-- merge - derive - writers     (main process)
    worker 2:  reader - gate ----------queue---+

Each chain (a reader and what can stay with it) runs in a thread of its worker. Queues are bounded, so a slow merge
holds its readers back. Whoever waits for a worker's rows waits for its death, too.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import WorkerError
from ..pipeline.plan import Chain, Plan
from ..record import END, Failure
from .assembly import Assembly, abandon
from .flow import Flow
from .inlets import PumpedInlet
from .nodes import OutletNode
from .report import StageReport
from .stop import Stop

__all__ = ["LocalRun"]

_ROWS_IN_QUEUE = 50_000
_READ_AT_ONCE = 2


class LocalRun:
    """Run the chains of the plan on worker processes, and everything behind them here."""

    engine = "local"

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._queues: dict[str, Any] = {}
        self._tasks: list[Any] = []

    def open(self) -> Flow:
        """Open the stages of this process, then start the workers. Raises what the components raise."""
        from ..util.multi_processing import MultiProcessing
        from ..util.pools import cores

        plan, pool = self._assembly.plan, MultiProcessing().GlobalProcessPool()
        # All groups must run at once, for a merge waits for each of them: so no more than the pool has workers.
        groups = plan.workers(min(cores(), pool.ncpus + 1))
        away = {stage.name for group in groups for chain in group for stage in chain.stages}
        inlets = [self._inlet(chain, number) for number, group in enumerate(groups) for chain in group]
        flow = self._assembly.flow(inlets, [stage for stage in plan.spec if stage.name not in away])
        try:
            for group in groups:
                queues = {chain.name: self._queues[chain.name] for chain in group}
                self._tasks.append(pool.submit(run_chains, plan, group, queues, self._assembly.stop.path))
        except Exception:
            abandon(flow.nodes)
            raise
        return flow

    def _inlet(self, chain: Chain, worker: int) -> PumpedInlet:
        from ..queue import Queue

        queue = self._queues[chain.name] = Queue(_ROWS_IN_QUEUE)
        return PumpedInlet(
            chain.last,
            arrivals(queue, self._tasks, worker, chain.name),
            [],
            finite=not chain.stages[0].component.live,  # type: ignore[attr-defined]
            bell=self._assembly.bell,
        )

    def finish(self, reports: list[StageReport]) -> None:
        """Add the lines of the ledger to `reports`: those of the workers, and those of this process.

        Raises:
            WorkerError: a worker died before it could give its part.
        """
        reports += self._assembly.reports(
            stage for stage in self._assembly.plan.spec if stage.name in self._assembly.states
        )
        for task in self._tasks:
            reports += task.result()

    def close(self) -> None:
        """Close the queues. The pool stays: the next run finds its workers warm."""
        for queue in self._queues.values():
            queue.close()


def arrivals(queue: Any, tasks: Sequence[Any], worker: int, name: str) -> Iterator[Any]:
    """Yield what a worker sends, until END.

    Args:
        queue: where it arrives.
        tasks: the running tasks; that of the worker is there when the first item is asked for.
        worker: which of them reads the source.
        name: the source, for messages.

    Raises:
        WorkerError: the worker died before END; it names the process and the source.
        Exception: what the stage in the worker raised.
    """
    from ..queue import wait

    task = tasks[worker]
    while True:
        if queue not in wait([queue], [] if task.ready() else [task]) and task.ready():
            _raise_if_it_failed(task, name)
            continue
        item = queue.get_block()
        if item is END:
            return
        if isinstance(item, Failure):
            raise item.error
        yield item


def _raise_if_it_failed(task: Any, name: str) -> None:
    """Raise WorkerError unless the task has ended well: then what it has put is still under way."""
    try:
        task.result()
    except WorkerError as error:
        raise WorkerError(f"{name} was being read: {error}") from error


def run_chains(plan: Plan, chains: Sequence[Chain], queues: dict[str, Any], stop_path: Path) -> list[StageReport]:
    """Run chains in this worker, a thread each, and return their lines of the ledger. Runs on a pool worker."""
    stop = Stop(stop_path)
    before = signal.signal(
        signal.SIGTERM, signal.SIG_IGN
    )  # to the whole group: the owner drains, and says when to stop
    turns = threading.Semaphore(_READ_AT_ONCE)
    runs = [_ChainRun(plan, chain, queues[chain.name], stop, turns) for chain in chains]
    try:
        for run in runs:
            run.start()
        for run in runs:
            run.join()
    finally:
        stop.close()
        signal.signal(signal.SIGTERM, before)
    return [report for run in runs for report in run.reports]


def in_turn(items: Iterator[Any], turns: threading.Semaphore) -> Iterator[Any]:
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


class _ChainRun(threading.Thread):
    """One chain of a worker: from its source to the queue that leads to the main process."""

    def __init__(self, plan: Plan, chain: Chain, queue: Any, stop: Stop, turns: threading.Semaphore) -> None:
        super().__init__(name=f"plait-{chain.name}", daemon=True)
        self._turns = turns
        self._assembly = Assembly(plan, stop)
        self._chain = chain
        self._queue = queue
        self.reports: list[StageReport] = []

    def run(self) -> None:
        try:
            self._flow()
        except Exception as error:
            self._queue.put(Failure(error))
        finally:
            self.reports = self._assembly.reports(self._chain.stages)
            self._queue.put(END)

    def _flow(self) -> None:
        first, *others = self._chain.stages
        state = self._assembly.state(self._chain.stages[-1])
        outlet = OutletNode(state, self._queue)
        outlet.name = f"{self._chain.last} (outlet)"
        inlet = self._assembly.source(first)
        if inlet.finite:
            inlet.items = in_turn(inlet.items, self._turns)
        flow = self._assembly.flow([inlet], others, [(self._chain.last, outlet)])
        try:
            flow.run()
        finally:
            flow.close()
            for stage in self._chain.stages:
                self._assembly.state(stage).letters.close()
