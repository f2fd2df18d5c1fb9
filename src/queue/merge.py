"""Merge sources that are each in order into one stream in order, as far as their frontiers allow.

    input 0:   1   4   6   7 ]            frontier 7: nothing before 7 will follow
    input 1:     2   5 ]                  frontier 5
    goes out:  1 2 4 5                    6 and 7 wait: input 1 may still bring 5, 5.5, 6
    holds the merge back: input 1

The order is by time, then by input, then by arrival. With F(i) the frontier of input i (infinite when it has ended or
is idle), a record with time t of input j may go out if and only if (t, j) <= min over i of (F(i), i), compared as
pairs. So the output never depends on when or in which pieces the inputs came. The frontier is the watermark of
Akidau et al., "The Dataflow Model" (VLDB 2015).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import OrderError, SpecError
from .columns import unite
from .gate import Diverted
from .lateness import EARLIER
from .ordering import Block, Order, plain, shown
from .runs import Backlog, FrameRun, Run, braid

__all__ = ["Merge"]


@dataclass(slots=True)
class _Input:
    """What the merge knows of one input."""

    name: str
    waiting: Backlog = field(default_factory=Backlog)
    frontier: Any = None
    open: bool = True
    idle: bool = False
    was_idle: bool = False

    def reach(self, time: Any) -> bool:
        """Note that nothing before `time` will follow; return whether that is new."""
        if self.frontier is not None and not self.frontier < time:
            return False
        self.frontier = time
        return True


class Merge:
    """Merge N inputs, each in order, into one. Does no I/O: push what has come, take what may go.

    Memory is bounded if only the inputs that `holding` names are read: all others already have what they need.

    Args:
        names: the names of the inputs, for messages and the tag; their number is the number of inputs.
        order: what records are ordered by.
        tag: add a column (to mappings: a key) of this name with the name of the input.
        least: how many records are worth it to go out while an input is waited for: to lay a few into one costs as much
            as to lay some thousand. For streams of which nobody waits for the next record, such as files.

    Columns of frames are united by name, in the order of first appearance by input; missing ones are null, integers
    become floats where another input has floats.

    >>> merge = Merge(["a", "b"], Order(None))
    >>> merge.push(0, [1, 4, 6, 7]), merge.push(1, [2, 5])
    ([], [])
    >>> merge.take(), merge.holding()
    ([1, 2, 4, 5], [1])
    """

    def __init__(
        self, names: Sequence[str], order: Order | None = None, *, tag: str | None = None, least: int = 1
    ) -> None:
        self._order = order or Order()
        self._tag = tag
        self._least = least
        self._inputs = [_Input(name) for name in names]
        self._schemas: list[Mapping[str, Any]] = [{} for _ in names]
        self._columns: dict[str, Any] | None = None
        self._sample: tuple[str, Any] | None = None
        self._changed = False
        self._passed: Any = None
        self._last_index = EARLIER

    @property
    def frontier(self) -> Any:
        """No record before this will go out any more, as of the last `take`; None while nothing is known."""
        return plain(self._passed)

    def add(self, name: str) -> None:
        """Add one more input behind the others. What has gone out without it stays as it is."""
        self._inputs.append(_Input(name))
        self._schemas.append({})
        self._columns = None

    def declare(self, index: int, columns: Mapping[str, Any]) -> None:
        """Say which columns (name and polars type) the frames of an input have, before the first of them comes.

        Without, an input's columns are known from its first frame; all that goes out later has them.
        """
        name, known = self._inputs[index].name, self._schemas[index]
        united = unite([(name, known), (name, columns)])
        if united != known:
            self._schemas[index] = united
            self._columns = None

    def push(self, index: int, block: Block | Run) -> list[Diverted]:
        """Take records of one input, in order among themselves and not before its frontier; wakes it if it is idle.

        Returns:
            The records for which it is too late, as others have gone out while this input was idle; else nothing.

        Raises:
            OrderError: the records are not in order, one has no time, or one that does not compare with those of the
                other inputs.
        """
        source = self._inputs[index]
        run = self._order.run(block, source=source.name)
        if not len(run):
            return []
        self._check(source, run)
        source.idle = False
        if isinstance(run, FrameRun):
            run = run.sharing(self._schemas[index])
            if run.columns is not self._schemas[index]:
                self.declare(index, run.columns)
        overtaken = self._overtaken(index, run)
        if overtaken < len(run):
            source.waiting.add(run.part(overtaken, len(run)) if overtaken else run)
        source.reach(run.last)
        self._changed = True
        return [self._divert(source, run, i) for i in range(overtaken)]

    def advance(self, index: int, frontier: Any) -> None:
        """Note that no record of this input before `frontier` will follow (None says nothing)."""
        if frontier is not None:
            time = self._order.time(frontier)
            self._compare(self._inputs[index], time)
            self._changed = self._inputs[index].reach(time) or self._changed

    def idle(self, index: int) -> None:
        """Go on without this input until it brings something: what is then too late for it is diverted."""
        self._inputs[index].idle = self._inputs[index].was_idle = self._changed = True

    def reached(self, index: int) -> Any:
        """Return the frontier of an input; None while it is not known."""
        return plain(self._inputs[index].frontier)

    def go_on(self, frontier: Any) -> None:
        """Note that who reads has gone on to `frontier`, as all inputs are idle: what comes before it is diverted."""
        time = self._order.time(frontier)
        if self._passed is None or self._passed < time:
            self._passed, self._last_index = time, EARLIER

    def wake(self, index: int) -> None:
        """Wait for this input again."""
        self._inputs[index].idle = False

    def end(self, index: int) -> None:
        """Note that nothing more will come from this input."""
        self._inputs[index].open = False
        self._changed = True

    def take(self) -> Any:
        """Return all records that may go out now, in order, as a block (a frame if all are frames).

        None if there are none, or fewer than `least` and more may follow: they wait.
        """
        parts = [self._dress(index, run) for index, run in self._taken()]
        return braid(parts).block if parts else None

    def take_apart(self) -> list[tuple[int, Any]]:
        """Return what may go out now, not laid into one: the index of the input and a block, in order within each."""
        return [(index, run.block) for index, run in self._taken()]

    def _taken(self) -> list[tuple[int, Run]]:
        if not self._changed:
            return []
        self._changed = False
        awaited = self._awaited()
        if any(frontier is None for frontier, _ in awaited):
            return []
        bound = min(awaited, default=None)
        if bound is not None and self._least > 1 and not self._is_worth_it(bound):
            return []
        parts = [(index, run) for index in range(len(self._inputs)) for run in self._take_from(index, bound)]
        if bound is not None and (self._passed is None or self._passed < bound[0]):
            self._passed, self._last_index = bound[0], EARLIER
        return parts

    def _is_worth_it(self, bound: tuple[Any, int]) -> bool:
        numbered = enumerate(self._inputs)
        return sum(s.waiting.count(bound[0], inclusive=i <= bound[1]) for i, s in numbered) >= self._least

    def holding(self) -> list[int]:
        """Return the inputs that hold the merge back: the ones to read next. Empty when all have ended or are idle."""
        awaited = self._awaited()
        unknown = [index for frontier, index in awaited if frontier is None]
        return unknown or ([min(awaited)[1]] if awaited else [])

    def asleep(self) -> list[int]:
        """Return the inputs that are idle and have not ended."""
        return [index for index, source in enumerate(self._inputs) if source.open and source.idle]

    def buffered(self, index: int) -> int:
        """Return how many records of this input wait to go out."""
        return len(self._inputs[index].waiting)

    def _awaited(self) -> list[tuple[Any, int]]:
        """Return the frontiers of the inputs that the merge waits for, each with the input's index."""
        return [(s.frontier, index) for index, s in enumerate(self._inputs) if s.open and not s.idle]

    def _take_from(self, index: int, bound: tuple[Any, int] | None) -> list[Run]:
        source = self._inputs[index]
        runs = source.waiting.all() if bound is None else source.waiting.until(bound[0], inclusive=index <= bound[1])
        if runs and (self._passed is None or self._passed <= runs[-1].last):
            self._passed, self._last_index = runs[-1].last, index
        return runs

    def _overtaken(self, index: int, run: Run) -> int:
        """Return how many records of the run come too late: something behind them has gone out."""
        if self._passed is None or self._passed < run.first:
            return 0
        return run.count(self._passed, inclusive=index < self._last_index)

    def _divert(self, source: _Input, run: Run, index: int) -> Diverted:
        time, passed = run.time(index), shown(self._passed)
        why = f"{source.name} had been silent, and the merge had gone on without it to {passed}"
        if not source.was_idle:
            why = f"the merge had gone on to {passed}, as {source.name} had said that nothing before that would follow"
        return Diverted(index, "late", plain(time), f"{shown(time)} comes too late: {why}")

    def _dress(self, index: int, run: Run) -> Run:
        """Give a run the columns that all have, and the tag."""
        if isinstance(run, FrameRun):
            run = run.conformed(self._united())
        return run if self._tag is None else run.tagged(self._tag, self._inputs[index].name)

    def _united(self) -> dict[str, Any]:
        if self._columns is None:
            self._columns = unite(zip((source.name for source in self._inputs), self._schemas, strict=True))
            if self._tag in self._columns:
                raise SpecError("merge=sorted", "an input has a column of this name", option="tag", value=self._tag)
            wanted = list(self._columns.items())
            self._schemas = [self._columns if list(known.items()) == wanted else known for known in self._schemas]
        return self._columns

    def _check(self, source: _Input, run: Run) -> None:
        try:
            in_order = run.is_sorted()
        except TypeError as error:
            raise OrderError(f"{source.name}: times that cannot be compared, by {self._order}: {error}") from error
        if not in_order:
            raise OrderError(f"a block of {source.name} is not in order by {self._order}; pass it through a Gate")
        self._compare(source, run.first)

    def _compare(self, source: _Input, time: Any) -> None:
        """Raise OrderError if a time does not compare with those of the other inputs."""
        name, sample = self._sample = self._sample or (source.name, time)
        try:
            time < sample  # noqa: B015
        except TypeError as error:
            message = f"{shown(time)} of {source.name} and {shown(sample)} of {name} are not to be compared ({error})"
            raise OrderError(f"by {self._order}: {message}") from error
