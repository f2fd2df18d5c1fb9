"""The sorted queue multiplexer: inputs that are each in order (or nearly) become one stream in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from ..errors import SpecError, nearest
from ..record import TIMESTAMP
from .blocks import is_frame
from .gate import Diverted, Gate
from .inputs import Input
from .merge import Merge
from .ordering import Order
from .queue_multiplexer import QueueMultiplexer
from .runs import FrameRun, Run

__all__ = ["SortedQueueMultiplexer"]

_REVERSED = {"min": False, "max": True}
_POLICIES = {"divert": "divert", "drop": "drop", "fail": "fail"}


class SortedQueueMultiplexer(QueueMultiplexer):
    """Copy the records of all inputs to every output in one order: by key, then by input, then by arrival.

        input 1:   1010         1020          1030
        input 2:         1019   1020   1021
        output:    1010  1019   1020 1020  1021  1030

    A record is late if and only if its key is less than the largest seen so far in its own input minus `lateness`.
    What is within the lateness is put in order; what is late goes where `late` says. Nothing goes out of order.

    An input that is silent holds the others back, for its next record may be the next of all. With `idle`, they go on
    without it after that time (a warning says so); what it then brings too late is diverted. Being blocked by a slow
    output is not being idle. Frames stay frames if they are ordered by one of their columns, smallest first; among
    Python objects they become dicts.

    | property | |
    |---|---|
    | order | by key, ties by the order in which inputs were registered, then by arrival; however the records came |
    | buffered | of each input one block, and what its lateness or a slower input holds back |
    | otherwise | as `QueueMultiplexer` |

    >>> from plait.record import END
    >>> multiplexer = SortedQueueMultiplexer(sort_key="at", lateness=2)
    >>> a, b = multiplexer.input_queue(), multiplexer.input_queue()
    >>> output = multiplexer.output_queue()
    >>> for queue, times in [(a, [1, 5, 3, 2]), (b, [4, 6])]:
    ...     for at in times:
    ...         queue.put({"at": at})
    ...     queue.put(END)
    >>> _ = multiplexer.run()
    >>> [record["at"] for record in output]
    [1, 3, 4, 5, 6]
    >>> multiplexer.statistics().inputs[0].late
    1

    Args:
        sort_key: a dotted path ("timestamp", "header.time"), a list of keys, a function of the record, or None: the
            record itself. A record without the key, or on which the function raises, is diverted.
        sort_reverse: put the largest first. Frontier marks are then used, but not passed on.
        sort_direction: another spelling: "min" puts the smallest first, "max" the largest.
        lateness: how far a record may be behind the largest before it in its input: a timedelta for datetimes, else a
            number. None: not at all.
        late: what becomes of late records: "divert" (to `dead_letters`), "drop" (counted only), "fail" (a Failure with
            an OrderError, then END).
        max_ahead: divert a record that is further than this ahead of all before it in its input, instead of letting it
            make all that follow late.
        idle: seconds, or a timedelta, after which a silent input no longer holds the others back. None: never.
        maxsize, max_size, dead_letters, name, clock: as in `QueueMultiplexer`.
    """

    def __init__(
        self,
        sort_key: Any = TIMESTAMP,
        sort_reverse: bool | None = None,
        *,
        sort_direction: str | None = None,
        lateness: Any = None,
        late: str = "divert",
        max_ahead: Any = None,
        idle: float | timedelta | None = None,
        maxsize: int | None = None,
        max_size: int | None = None,
        dead_letters: Any = None,
        name: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        reverse = self._chosen("sort_direction", sort_direction, _REVERSED)
        if None not in (reverse, sort_reverse) and reverse != sort_reverse:
            raise self._wrong("sort_reverse", sort_reverse, f"sort_direction={sort_direction!r} says something else")
        reverse = bool(sort_reverse) if reverse is None else reverse
        self._order = Order(sort_key, reverse=reverse)
        policy = self._chosen("late", late, _POLICIES)
        self._gate_options = {"lateness": lateness, "late": policy, "max_ahead": max_ahead}
        self._gates: list[Gate] = []
        self._merge = Merge([], self._order)
        self._promised: dict[Input, Any] = {}
        self._idle_seconds = idle.total_seconds() if isinstance(idle, timedelta) else idle
        self._passes_frontiers = not reverse
        super().__init__(maxsize=maxsize, max_size=max_size, dead_letters=dead_letters, name=name, clock=clock)

    def _chosen(self, option: str, value: Any, allowed: Mapping[str, Any]) -> Any:
        if value is None:
            return None
        if value not in allowed:
            near = nearest(str(value), allowed)
            raise self._wrong(option, value, f"{value!r} is not known", allowed=[*allowed], suggestion=near)
        return allowed[value]

    @classmethod
    def _wrong(cls, option: str, value: Any, message: str, **more: Any) -> SpecError:
        return SpecError(cls.__name__, message, option=option, value=value, **more)

    def select(self, inputs: Sequence[Input]) -> Iterator[Any]:
        """Take what is needed to go on, and yield all that is in order for good."""
        for source in inputs[len(self._gates) :]:
            self._gates.append(Gate(self._order, source=source.name, **self._gate_options))
            self._merge.add(source.name)
        while self._feed_all(inputs):
            pass
        block = self._merge.take()
        self._report(inputs)
        if block is not None:
            yield from (block,) if is_frame(block) else block

    def _feed_all(self, inputs: Sequence[Input]) -> bool:
        fed = [self._feed(index, inputs[index]) for index in self._wanted(inputs)]
        return any(fed)

    def _wanted(self, inputs: Sequence[Input]) -> list[int]:
        """Return the inputs that hold the merge back, and those that have something to say after a silence."""
        woken = [index for index in self._merge.asleep() if not inputs[index].idle or inputs[index].ended]
        return [*self._merge.holding(), *woken]

    def _feed(self, index: int, source: Input) -> bool:
        """Give the merge the next block of an input, or what else is known of it; return whether anything is new."""
        gate = self._gates[index]
        if source.pending:
            self._gate(index, source, source.take_block())
            return True
        if source.ended:
            self._push(index, source, gate.end().run)
            self._merge.end(index)
            return True
        if source.idle:
            self._push(index, source, gate.flush().run)
            self._merge.idle(index)
            return True
        return self._advance(index, source)

    def _gate(self, index: int, source: Input, block: Any) -> None:
        run, unplaced = self._order.sift(block)
        for row, reason in unplaced:
            self.divert(source, _record(block, row), reason)
        self._merge.wake(index)
        gate = self._gates[index]
        late = gate.late
        gated = gate.push(run)
        self._divert(source, run, gated.diverted)
        source.counts["late"] += gate.late - late - sum(diverted.kind == "late" for diverted in gated.diverted)
        if isinstance(run, FrameRun):
            self._merge.declare(index, run.columns)
        self._push(index, source, gated.run)
        self._merge.advance(index, gated.frontier)

    def _advance(self, index: int, source: Input) -> bool:
        """Use what the producer has promised; return whether that is new."""
        gate = self._gates[index]
        if source.frontier is None or source.frontier == self._promised.get(source):
            return False
        self._promised[source] = source.frontier
        gated = gate.advance(source.frontier)
        self._push(index, source, gated.run)
        self._merge.advance(index, gated.frontier)
        return True

    def _push(self, index: int, source: Input, run: Run | None) -> None:
        if run is not None:
            self._divert(source, run, self._merge.push(index, run))

    def _divert(self, source: Input, run: Run, diverted: Sequence[Diverted]) -> None:
        for one in diverted:
            self.divert(source, run.record(one.index), one.reason, one.kind)

    def _report(self, inputs: Sequence[Input]) -> None:
        holding = self._merge.holding()
        for index, source in enumerate(inputs):
            source.held = len(self._gates[index]) + self._merge.buffered(index)
            source.holds_back = index in holding
            source.reached = self._gates[index].frontier


def _record(block: Any, row: int) -> Any:
    return block.row(row, named=True) if is_frame(block) else block[row]
