"""One input of a multiplexer: what `select` sees of it, and what is counted about it."""

from __future__ import annotations

import queue
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ..errors import WorkerError
from ..record import END, Failure, Frontier, Idle
from .blocks import is_frame

__all__ = ["Input", "InputStatistics", "whole_blocks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputStatistics:
    """What became of the records of one input, at one moment: received = delivered + late + ahead + dead + waiting.

    Attributes:
        name: name of the input.
        received: records (rows of frames counted one by one) that have come in.
        delivered: records that took their place in the outgoing stream.
        late: records that came too late for their place in the order.
        ahead: records that were further ahead than `max_ahead`.
        dead: records that could not be used, such as those without the sort key.
        waiting: records that have come in and wait for their turn.
        idle: whether the multiplexer goes on without this input, as it is silent.
        ended: whether its END has come (or a Failure, or the death of its producer).
        failed: whether it ended by a Failure or the death of its producer.
    """

    name: str
    received: int
    delivered: int
    late: int
    ahead: int
    dead: int
    waiting: int
    idle: bool
    ended: bool
    failed: bool


class Input:
    """One input as `select` sees it: records that have arrived, in order, and what is known of those to come.

    Attributes:
        name: its name, for messages.
        pending: how many records have arrived that `select` has not taken yet (a frame counts as its rows).
        frontier: the producer has said that no record before this will follow; None if it has said nothing.
        idle: it is silent, and the others need not wait for it.
        reached: a `select` that keeps records may say that none of this input before this will go out any more.
        held: how many records `select` has taken and keeps for later. A `select` that keeps any says so here.
        holds_back: `select` keeps records because of this input. Only such an input can become idle.
    """

    def __init__(self, name: str, source: Any, process: Any = None) -> None:
        self.name = name
        self.queue = source
        self.process = process
        self.pending = 0
        self.frontier: Any = None
        self.idle = False
        self.reached: Any = None
        self.held = 0
        self.holds_back = False
        self.received = 0
        self.counts: Counter[str] = Counter()
        self.closed = False
        self.failure: Failure | None = None
        self._failure_told = False
        self._blocks: deque[Any] = deque()
        self._head: list[Any] = []

    @property
    def ended(self) -> bool:
        """Whether everything has been taken and nothing more will come."""
        return self.closed and not self.pending

    @property
    def promise(self) -> Any:
        """No record of this input before this will go out any more; None if nothing is known."""
        if self.reached is not None:
            return self.reached
        return None if self.held else self.frontier

    def take(self) -> Any:
        """Take the next item: a record, or a frame as a whole. There must be one: look at `pending`."""
        if not self._head:
            block = self.take_block()
            if is_frame(block):
                return block
            block.reverse()
            self._head = block
            self.pending += len(block)
        self.pending -= 1
        item = self._head.pop()
        if not self._head:
            self._settle()
        return item

    def take_block(self) -> Any:
        """Take as many items as there are in one piece: a frame, or a list of records. There must be some."""
        if self._head:
            block: Any = self._head[::-1]
            self._head = []
        else:
            block = self._blocks.popleft()
        self.pending -= len(block)
        self._settle()
        return block

    def fetch(self) -> None:
        """Receive what the queue has, if anything; does not block.

        Raises:
            Exception: what unpickling an item raised; that item is gone, and counted as received.
        """
        try:
            block = self.queue.get_block(block=False)
        except queue.Empty:
            return
        except Exception as error:
            # Either nothing more can come: the process that made the queue has ended, or somebody here has closed it.
            if not isinstance(error, EOFError) and not getattr(self.queue, "closed", False):
                self.received += 1
                raise
            block = Failure(error)
        self.receive(block)

    def receive(self, block: Any) -> None:
        """Note what has arrived: a mark, a frame, or a list of records."""
        if block is END:
            self.closed = True
        elif isinstance(block, Failure):
            self.fail(block)
        elif isinstance(block, Idle):
            self.idle = True
        elif isinstance(block, Frontier):
            self._blocks.append(block)
            self._settle()
        else:
            for part in whole_blocks(block):
                self._blocks.append(part)
                self.pending += len(part)
                self.received += len(part)
            self.idle = False

    def fail(self, failure: Failure) -> None:
        """End the input with a failure."""
        self.failure = failure
        self.closed = True

    def last_words(self) -> Failure | None:
        """Return the failure once, when all that came before it has been taken."""
        if not self.ended or self._failure_told:
            return None
        self._failure_told = True
        return self.failure

    def bury(self) -> None:
        """End the input, as its producer has died without END and nothing of it is left."""
        code = getattr(self.process, "exitcode", None)
        what = f"process {getattr(self.process, 'name', self.process)} (exit code {code})"
        self.fail(Failure(WorkerError(f"{self.name}: {what} ended without END")))

    def statistics(self) -> InputStatistics:
        """Return the counts of this moment."""
        waiting = self.pending + self.held
        lost = self.counts["late"] + self.counts["ahead"] + self.counts["dead"]
        return InputStatistics(
            name=self.name,
            received=self.received,
            delivered=self.received - waiting - lost,
            late=self.counts["late"],
            ahead=self.counts["ahead"],
            dead=self.counts["dead"],
            waiting=waiting,
            idle=self.idle,
            ended=self.ended,
            failed=self.failure is not None,
        )

    def _settle(self) -> None:
        """Note the frontiers that stand before the next records."""
        while self._blocks and isinstance(self._blocks[0], Frontier):
            if self._head:
                return
            self.frontier = self._blocks.popleft().timestamp


def whole_blocks(items: Any) -> Iterator[Any]:
    """Yield what is a frame, or a list of records with frames among them, as frames and lists; none is empty."""
    kinds = {} if is_frame(items) else {type(item): item for item in items}
    if not any(map(is_frame, kinds.values())):
        yield from (items,) if len(items) else ()
        return
    for framed, group in groupby(items, is_frame):
        some = list(group)
        yield from (frame for frame in some if frame.height) if framed else (some,)
