"""The thread of a multiplexer: it waits for the inputs, asks `select` what goes out next, and delivers it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from ..record import END, Failure, Frontier
from .inputs import Input, whole_blocks
from .patience import Patience
from .roster import Roster
from .waiting import Adopted, wait

__all__ = ["Pump"]

_log = logging.getLogger(__name__)

_AT_ONCE = 1024
"""Records that are delivered in one block at most."""
_GRACE_SECONDS = 1.0
"""For so long the last words of a producer that has died may be under way."""

_START_SECONDS, _QUIET_SECONDS = 0.1, 0.02
"""At the start, queues that others made hand over what they hold already, until they are quiet, and for so long."""

Select = Callable[[Sequence[Input]], Iterable[Any]]


class Pump:
    """Serve the inputs of a roster until all have ended. `run` is the whole of a thread's work.

    The output never waits for an input that `select` does not wait for; all inputs wait for the slowest output.
    """

    def __init__(
        self,
        name: str,
        roster: Roster,
        select: Select,
        divert: Callable[[Input, Any, str], None],
        *,
        idle: float | None,
        passes_frontiers: bool,
        clock: Callable[[], float],
    ) -> None:
        self._name = name
        self._roster = roster
        self._select = select
        self._divert = divert
        self._passes_frontiers = passes_frontiers
        self._clock = clock
        self._patience = Patience(idle)
        self._frontier: Any = None
        self._doomed: dict[Input, float] = {}
        self.delivered = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        """Serve until all inputs have ended; then put one END on each output, whatever happened."""
        try:
            self._serve()
        except Exception as error:
            _log.exception("%s cannot go on", self._name)
            self.error = error
            self._tell(Failure(error))
        finally:
            self._roster.end()
            self._tell(END)

    def _serve(self) -> None:
        started = False
        while True:
            if not started and self._roster.inputs and self._roster.outputs:
                started = True
                self._collect_first()
            moved = self._deliver()
            self._pass_marks()
            if not moved and self._is_over():
                return
            self._receive(at_once=moved)

    def _collect_first(self) -> None:
        """Let what was put before the start be there at the start, also where a thread or a pipe stands between."""
        deadline = self._clock() + _START_SECONDS
        while (left := deadline - self._clock()) > 0:
            adopted = [source for source in self._roster.inputs if isinstance(source.queue, Adopted)]
            sources = {source.queue: source for source in adopted if not source.closed}
            ready = wait(sources, [], min(left, _QUIET_SECONDS)) if sources else []
            if not ready:
                return
            for filled in ready:
                self._fetch(sources[filled])

    def _is_over(self) -> bool:
        with self._roster.lock:
            inputs, outputs = self._roster.inputs, self._roster.outputs
            over = bool(outputs or self._roster.stopping) and all(source.ended for source in inputs)
            over = over and bool(inputs or self._roster.stopping)
            if over:
                self._roster.closed = f"{self._name} has ended"
            return over

    def _deliver(self) -> bool:
        """Deliver all that `select` lets go; return whether anything has moved."""
        if not (self._roster.inputs and self._roster.outputs):
            return False
        pending = sum(source.pending for source in self._roster.inputs)
        with self._roster.lock:  # whoever registers a queue does so before or after the first record, never amid
            selected = iter(self._select(self._roster.inputs))
            items = list(islice(selected, _AT_ONCE))
            if items and not self._roster.closed:
                self._roster.closed = "the first record has gone out"
        moved = bool(items)
        while items:
            for block in whole_blocks(items):
                self._put(block)
            items = list(islice(selected, _AT_ONCE))
        return moved or pending != sum(source.pending for source in self._roster.inputs)

    def _put(self, block: Any) -> None:
        for output in self._roster.outputs:
            output.deliver(block)
        self.delivered += len(block)

    def _tell(self, mark: Any) -> None:
        for output in self._roster.outputs:
            try:
                output.tell(mark)
            except Exception as error:  # one output that is gone must not keep the others from their END
                _log.warning("%s: an output does not take %r: %s", self._name, mark, error)

    def _pass_marks(self) -> None:
        """Pass on failures, and what all producers together have promised if they promise anything."""
        inputs = self._roster.inputs
        for source in inputs:
            failure = source.last_words()
            if failure:
                _log.error("%s: %s has failed: %s", self._name, source.name, failure.error)
                self._tell(failure)
        if self._passes_frontiers and any(source.frontier is not None for source in inputs):
            self._pass_frontier([source.promise for source in inputs if not source.ended and not source.idle])

    def _pass_frontier(self, promises: Sequence[Any]) -> None:
        if not promises or any(promise is None for promise in promises):
            return
        frontier = min(promises)
        if self._frontier is None or self._frontier < frontier:
            self._frontier = frontier
            self._tell(Frontier(frontier))

    def _receive(self, *, at_once: bool) -> None:
        """Receive what has arrived; unless `at_once`, wait until something does."""
        roster = self._roster
        roster.hear()
        if roster.stopping:
            for source in roster.inputs:
                source.closed = True
            return
        awaited = [source for source in roster.inputs if not source.closed and not source.pending]
        if not roster.outputs:
            awaited = []
        elif not awaited and roster.inputs and not at_once:
            raise RuntimeError(f"{self._name}: select took nothing, though every input has records or has ended")
        self._wait(awaited, at_once=at_once)

    def _wait(self, awaited: Sequence[Input], *, at_once: bool) -> None:
        processes = {source.process.sentinel: source for source in awaited if self._is_watched(source)}
        started = self._clock()
        timeout = 0.0 if at_once else self._timeout(awaited)
        ready = wait([source.queue for source in awaited], [self._roster.bell, *processes], timeout)
        self._patience.spend(awaited, self._clock() - started)
        heard = {id(thing) for thing in ready}
        for source in awaited:
            if id(source.queue) in heard:
                self._fetch(source)
        for sentinel, source in processes.items():
            if sentinel in ready:
                self._doomed[source] = self._clock() + _GRACE_SECONDS
        self._give_up(awaited)

    def _is_watched(self, source: Input) -> bool:
        return source.process is not None and source not in self._doomed

    def _fetch(self, source: Input) -> None:
        try:
            source.fetch()
        except Exception as error:
            self._divert(source, None, f"cannot be unpickled: {type(error).__name__}: {error}")
        self._patience.heard(source)
        if source in self._doomed:
            self._doomed[source] = self._clock() + _GRACE_SECONDS

    def _timeout(self, awaited: Sequence[Input]) -> float | None:
        now = self._clock()
        times = [max(0.0, self._doomed[source] - now) for source in awaited if source in self._doomed]
        patience = self._patience.left(self._candidates(awaited))
        return min(times if patience is None else [*times, patience], default=None)

    def _candidates(self, awaited: Sequence[Input]) -> list[Input]:
        """Return the inputs that become idle if they go on being silent: those that something waits for."""
        if not any(source.pending or source.held for source in self._roster.inputs):
            return []
        return [source for source in awaited if source.holds_back and not source.idle and not source.closed]

    def _give_up(self, awaited: Sequence[Input]) -> None:
        now = self._clock()
        for source in awaited:
            if source in self._doomed and self._doomed[source] <= now and not (source.pending or source.closed):
                source.bury()
        for source in self._patience.exhausted(source for source in self._candidates(awaited) if not source.pending):
            source.idle = True
            waiting = sum(other.pending + other.held for other in self._roster.inputs)
            silent = self._patience.spent(source)
            text = "%s: %s has been silent for %.3g s: going on without it; %d records were waiting"
            _log.warning(text, self._name, source.name, silent, waiting)
