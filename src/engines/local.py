"""The local engine: each source is read beside what joins the streams, in a thread or in a worker of the pool.

    threads:   reader - gate - filter ---------+
               reader - gate ------------------+-- merge - window - writers     (the thread that was started)
    worker 1:  reader - gate - filter --queue--+
    worker 2:  reader - gate ----------queue---+

A chain (a reader and what can stay with it) that does its work outside the interpreter runs in a few threads with all
others of its kind (`chain_pool`): threads then share the cores as well as processes do, hand their frames on by
reference, and cost neither a start nor the memory of an interpreter. What is written behind a merge works ahead of it,
in the chains, where that changes nothing (`pipeline.ahead`). A chain that holds the interpreter's lock goes to a worker
process. Queues and buffers are bounded, so a slow merge holds its readers back. Whoever waits for a worker's rows waits
for its death, too.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import WorkerError
from ..pipeline.ahead import work_ahead
from ..pipeline.plan import Chain, Plan
from ..record import END, Failure
from .as_written import as_written
from .assembly import Assembly, abandon
from .chain import ChainRun, ChainThread
from .chain_pool import ChainPool, PooledInlet
from .flow import Flow
from .inlets import BufferedInlet, Inlet, PumpedInlet
from .report import StageReport
from .stop import Stop

__all__ = ["LocalRun"]

_ROWS_IN_QUEUE = 50_000
_READ_AT_ONCE = 2


class LocalRun:
    """Run the chains of the plan in threads and worker processes, and everything behind them here."""

    engine = "local"

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        assembly.plan = work_ahead(assembly.plan)
        self._queues: dict[str, Any] = {}
        self._tasks: list[Any] = []
        self._chains: list[ChainRun] = []
        self._reading = ChainPool(_READ_AT_ONCE, assembly.bell)

    def open(self) -> Flow:
        """Open the stages of this process, then start the workers. Raises what the components raise."""
        plan = self._assembly.plan
        here = [chain for chain in plan.chains() if chain.native]
        pool, groups = self._groups()
        inlets: list[Inlet] = [self._thread(chain) for chain in here]
        inlets += [self._inlet(chain, number) for number, group in enumerate(groups) for chain in group]
        away = {stage.name for chain in plan.chains() for stage in chain.steps}
        flow = self._assembly.flow(inlets, [stage for stage in plan.spec if stage.name not in away])
        try:
            for group in groups:
                queues = {chain.name: self._queues[chain.name] for chain in group}
                self._tasks.append(pool.submit(run_chains, plan, group, queues, self._assembly.stop.path))
        except Exception:
            abandon(flow.nodes)
            raise
        return flow

    def _groups(self) -> tuple[Any, list[list[Chain]]]:
        """Return the pool and what each of its workers is to run; no pool if there is nothing for it."""
        from ..util.cores import cores

        plan = self._assembly.plan
        if all(chain.native for chain in plan.chains()):
            return None, []
        from ..util.multi_processing import MultiProcessing

        pool = MultiProcessing().GlobalProcessPool()
        # All groups must run at once, for a merge waits for each of them: so no more than the pool has workers.
        return pool, plan.workers(min(cores(), pool.ncpus + 1))

    def _thread(self, chain: Chain) -> Inlet:
        assembly = self._assembly
        if _is_live(chain):
            inlet: BufferedInlet = BufferedInlet(chain.last, finite=False, bell=assembly.bell)
        else:
            inlet = PooledInlet(chain.last, self._reading, bell=assembly.bell)
        running = ChainRun(assembly.plan, chain, inlet, assembly.stop)
        inlet.feeder = ChainThread(running) if _is_live(chain) else self._reading.add(running, inlet)
        inlet.source, inlet.rows_read = chain.name, running.rows_read
        self._chains.append(running)
        return inlet

    def _inlet(self, chain: Chain, worker: int) -> PumpedInlet:
        from ..queue import Queue

        queue = self._queues[chain.name] = Queue(_ROWS_IN_QUEUE)
        items = arrivals(queue, self._tasks, worker, chain.name)
        inlet = PumpedInlet(chain.last, items, finite=not _is_live(chain), bell=self._assembly.bell)
        inlet.source = chain.name
        return inlet

    def finish(self, reports: list[StageReport]) -> None:
        """Add the lines of the ledger to `reports`: those of the workers, and those of this process.

        Raises:
            WorkerError: a worker died before it could give its part.
        """
        plan, states = self._assembly.plan, self._assembly.states
        lines = self._assembly.reports(stage for stage in plan.spec if stage.name in states)
        for chain in self._chains:
            lines += chain.reports
        for task in self._tasks:
            lines += task.result()
        reports += as_written(plan, lines)

    def close(self) -> None:
        """Close the queues. The pool of processes stays: the next run finds its workers warm."""
        self._reading.close()
        for queue in self._queues.values():
            queue.close()


def _is_live(chain: Chain) -> bool:
    live: bool = chain.stages[0].component.live  # type: ignore[attr-defined]
    return live


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
        if not task.ready():
            wait([queue], [task])
        if task.ready() and not wait([queue], timeout=0):  # not only while waiting may it have died
            _raise_if_it_failed(task, name)
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
    running = [ChainRun(plan, chain, queues[chain.name], stop, turns) for chain in chains]
    threads = [ChainThread(chain) for chain in running]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        stop.close()
        signal.signal(signal.SIGTERM, before)
    return [report for chain in running for report in chain.reports]
