"""The gate of one source: it holds back what may still be overtaken, and diverts what comes too late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ..errors import OrderError
from ..fields import format_duration
from ..frozen import frozen
from .lateness import EARLIER, Judgement, Refusal, Rule
from .ordering import Block, Order, plain, shown
from .runs import Backlog, Run, braid

__all__ = ["Blame", "Diverted", "Gate", "Gated"]


@frozen
class Diverted:
    """A record that may not go on in the stream.

    Attributes:
        index: where it stands in the block that was pushed, from 0.
        kind: "late", or "ahead" (further ahead of all before it than `max_ahead`).
        timestamp: its time.
        reason: one sentence that says why, for the dead letter.
    """

    index: int
    kind: str
    timestamp: Any
    reason: str


@frozen
class Gated:
    """What came of a push.

    Attributes:
        run: the records that may go on, in order; None if there are none. `Merge.push` takes it as it is.
        frontier: no record before this will be released any more; None while nothing is known.
        diverted: those that may not, in the order of the source (under `late="drop"`: only those too far ahead).
    """

    run: Run | None
    frontier: Any
    diverted: Sequence[Diverted] = ()

    @property
    def block(self) -> Any:
        """The records that may go on, as a block: a frame, or a list; None if there are none."""
        return None if self.run is None else self.run.block


@dataclass(slots=True)
class Blame:
    """The record that made the most others late.

    Attributes:
        place: which one: "line 12" or "record 12", counted from 1.
        timestamp: its time.
        late: how many records were late because of it.
    """

    place: str
    timestamp: Any
    late: int = 0

    def __str__(self) -> str:
        verb = "record is" if self.late == 1 else "records are"
        return f"{self.late:,} {verb} late since {self.place} ran ahead to {shown(self.timestamp)}"


class Gate:
    """Let the records of one source through in order.

    A record is late if and only if its time is less than the largest time seen so far in this source minus the
    lateness (or less than what the source itself has promised by `advance`). Records equal to the frontier are not
    late. Records of the same time keep the order in which they came.

    Args:
        order: what records are ordered by.
        lateness: how far a record may be behind the largest before it: a timedelta where times are datetimes, else a
            number of the same kind as the times. None: not at all.
        late: what becomes of late records: "divert", "drop" (counted only) or "fail" (OrderError).
        max_ahead: divert a record that is further than this ahead of all before it, instead of letting it make all
            that follow late. The first record of a source has nothing before it.
        source: name of the source, for messages.

    Attributes:
        late: how many records were late.
        ahead: how many were too far ahead.
        blame: the record that made the most others late; None if none was late.

    >>> gate = Gate(Order(None), lateness=3)
    >>> gated = gate.push([10, 12, 11, 15, 11, 13, 14])
    >>> gated.block, gated.frontier, len(gate)
    ([10, 11, 12], 12, 3)
    >>> gated.diverted[0].reason
    '11 comes after 15 (record 4), and lateness 3 is allowed'
    """

    def __init__(
        self,
        order: Order | None = None,
        *,
        lateness: Any = None,
        late: str = "divert",
        max_ahead: Any = None,
        source: str = "the source",
    ) -> None:
        self._order = order or Order()
        self._rule = Rule(lateness, max_ahead)
        self._policy = late
        self._source = source
        self._pending = Backlog()
        self._largest: Any = None
        self._promised: Any = None
        self._fell_silent = False
        self._leader = Blame("no record", None)
        self._count = 0
        self.late = self.ahead = 0
        self.blame: Blame | None = None

    def __len__(self) -> int:
        """Return how many records are held back, for one that is before them may still come."""
        return len(self._pending)

    @property
    def frontier(self) -> Any:
        """No record before this will be released any more; None while nothing is known."""
        return plain(self._bound())

    def push(self, block: Block | Run, lines: Sequence[int] | None = None) -> Gated:
        """Take the next records of the source, in the order in which they came.

        Args:
            block: a frame, a list of Python objects, or what `Order.run` made of them.
            lines: the line on which each record starts, for messages; without, records are counted.

        Raises:
            OrderError: a record is late under `late="fail"`; one has no time; or two times cannot be compared.
        """
        run = self._order.run(block, source=self._source)
        if not len(run):
            return Gated(None, self.frontier)
        if self._largest is None:
            self._rule.check(run.first)
        try:
            judgement = self._rule.judge(run, self._largest, self._promised)
            diverted = [self._refuse(run, refusal, lines) for refusal in judgement.refused]
            self._accept(run, judgement, lines)
            return self._release([d for d in diverted if d.kind == "ahead" or self._policy == "divert"])
        except TypeError as error:
            raise OrderError(f"{self._source}: times that cannot be compared, by {self._order}: {error}") from error

    def advance(self, timestamp: Any) -> Gated:
        """Take the source's word that no record before `timestamp` will follow, and release what that allows."""
        promised = self._order.time(timestamp)
        if self._promised is None or self._promised < promised:
            self._promised = promised
        return self._release()

    def flush(self) -> Gated:
        """Release all that is held back: the source has ended or is silent. What is late does not change by it.

        If the source goes on after all, what is released then may be before what is released now.
        """
        runs = self._pending.all()
        return Gated(braid(runs) if runs else None, self.frontier)

    def fall_silent(self) -> Gated:
        """Release all that is held back, as the source is silent: what comes before that is late from now on."""
        gated = self.flush()
        if gated.run is None:
            return gated
        self._promised, self._fell_silent = gated.run.last, True
        return Gated(gated.run, self.frontier)

    def end(self) -> Gated:
        """Release all that is held back, as the source has ended: its time has come as far as its largest."""
        if self._largest is not None and (self._promised is None or self._promised < self._largest):
            self._promised = self._largest
        return self.flush()

    def _bound(self) -> Any:
        if self._largest is None:
            return self._promised
        limit = self._rule.limit(self._largest)
        return limit if self._promised is None or self._promised < limit else self._promised

    def _accept(self, run: Run, judgement: Judgement, lines: Sequence[int] | None) -> None:
        if judgement.leader != EARLIER:
            self._lead(run, judgement.leader, lines)
            self._largest = run.time(judgement.leader)
        self._count += len(run)
        accepted = run.without([refusal.row for refusal in judgement.refused]) if judgement.refused else run
        if len(accepted):
            self._pending.add(accepted if accepted.is_sorted() else accepted.sorted())

    def _release(self, diverted: Sequence[Diverted] = ()) -> Gated:
        bound = self._bound()
        runs = [] if bound is None else self._pending.until(bound, inclusive=True)
        return Gated(braid(runs) if runs else None, plain(bound), diverted)

    def _refuse(self, run: Run, refusal: Refusal, lines: Sequence[int] | None) -> Diverted:
        time = run.time(refusal.row)
        if refusal.leader != EARLIER:
            self._lead(run, refusal.leader, lines)
        if refusal.kind == "ahead":
            self.ahead += 1
            return Diverted(refusal.row, "ahead", plain(time), self._why_ahead(time))
        reason = self._count_late(time)
        if self._policy == "fail":
            message = f"{self._source}: {self._place(refusal.row, lines)} is late: {reason}"
            raise OrderError(message, timestamp=plain(time), frontier=self._limit_at(run, refusal.leader))
        return Diverted(refusal.row, "late", plain(time), reason)

    def _limit_at(self, run: Run, leader: int) -> Any:
        if leader != EARLIER:
            return plain(self._rule.limit(run.time(leader)))
        return self.frontier

    def _lead(self, run: Run, index: int, lines: Sequence[int] | None) -> None:
        """Remember which record has the largest time so far."""
        place, time = self._place(index, lines), plain(run.time(index))
        if (place, time) != (self._leader.place, self._leader.timestamp):
            self._leader = Blame(place, time)

    def _count_late(self, time: Any) -> str:
        self.late += 1
        leader = self._leader
        if leader.timestamp is None or not time < self._rule.limit(self._order.time(leader.timestamp)):
            return f"{shown(time)} comes after {self._promise()}"
        leader.late += 1
        if self.blame is None or leader.late > self.blame.late:
            self.blame = leader
        allowed = f"lateness {_span(self._rule.lateness)}" if self._rule.lateness else "no lateness"
        return f"{shown(time)} comes after {shown(leader.timestamp)} ({leader.place}), and {allowed} is allowed"

    def _promise(self) -> str:
        if self._fell_silent:
            return f"the source had been silent, and what it had held back had gone on to {shown(self._promised)}"
        return f"the source had said that nothing before {shown(self._promised)} would"

    def _why_ahead(self, time: Any) -> str:
        largest = f"{shown(self._leader.timestamp)} ({self._leader.place})"
        return f"{shown(time)} is more than max_ahead {_span(self._rule.max_ahead)} ahead of all before it, {largest}"

    def _place(self, index: int, lines: Sequence[int] | None) -> str:
        return f"record {self._count + index + 1:,}" if lines is None else f"line {lines[index]}"


def _span(distance: Any) -> str:
    return format_duration(distance) if isinstance(distance, timedelta) else str(distance)
