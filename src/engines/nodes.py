"""The running stages of one process, joined: each node pushes what it has into the next.

A node is told of four things, always in the order of its stream and always from one thread: a frame, a frontier
(nothing earlier follows), that a source is idle, and the end. It tells its targets the same four. What a gate releases,
a frame and a frontier, comes in one. Frames are handed on by reference; nothing here waits.

    source -> operator -> merge -> operator -> writer
                 ^ each arrow is an Edge: the node, and which of its inputs (port) the arrow is
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..formats.direct import with_only
from ..formats.few_frames import records_of
from ..frozen import frozen
from ..record import TIMESTAMP, DeadLetter, Frontier, Idle, LateFollows
from ..running import Context, Operator, Sink
from .dead_letters import DeadLetterPart
from .report import EXAMPLES, Counts

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from ..queue.gate import Gated

__all__ = [
    "Bounds",
    "Edge",
    "LateOutletNode",
    "Node",
    "OperatorNode",
    "OutletNode",
    "SinkNode",
    "StageState",
    "blame",
]

_logger = logging.getLogger(__name__)


class blame:  # noqa: N801 - a context manager that reads as a word; a generator would take 1 us, ten times a block
    """Add the name of the stage to an error that passes, unless a stage nearer to it has done so."""

    __slots__ = ("_stage",)

    def __init__(self, stage: str) -> None:
        self._stage = stage

    def __enter__(self) -> None:
        """Do nothing yet."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not any(_names_stage(note) for note in getattr(error, "__notes__", ())):
            error.add_note(f"in stage {self._stage}")


def _names_stage(note: str) -> bool:
    return note.startswith("in stage ")


class Bounds:
    """The smallest and the largest time of frames. That of the latest is kept: most stages hand on what they got."""

    def __init__(self) -> None:
        self._latest: tuple[Any, Any, Any] = (None, None, None)

    def of(self, frame: pl.DataFrame) -> tuple[Any, Any]:
        """Return both; None if the rows have no times, or there are none."""
        known, first, last = self._latest
        if known is not frame:
            first, last = _bounds(frame)
            self._latest = (frame, first, last)
        return first, last

    def know(self, frame: pl.DataFrame, first: Any, last: Any) -> None:
        """Note what is known of a frame: nobody needs to look."""
        self._latest = (frame, first, last)


def _bounds(frame: pl.DataFrame) -> tuple[Any, Any]:
    if TIMESTAMP not in frame.columns:
        return None, None
    records = records_of(frame)
    if records:
        times = [record[TIMESTAMP] for record in records]
        return min(times), max(times)
    column = frame.get_column(TIMESTAMP)
    if len(column) and column.flags["SORTED_ASC"] and not column.has_nulls():  # asks without letting go of the lock
        return column.item(0), column.item(-1)
    return column.min(), column.max()


@dataclass(slots=True)
class StageState:
    """What a stage has to show for itself: its counts, its dead letters, what it is given to run with."""

    name: str
    context: Context
    letters: DeadLetterPart
    counts: Counts = field(default_factory=Counts)
    examples: list[dict[str, Any]] = field(default_factory=list)
    bounds: Bounds = field(default_factory=Bounds)

    def __post_init__(self) -> None:
        self.context.dead = self.bury
        self.context.repeated = self.repeat
        self.context.absorbed = self.absorb
        self.context.made = self.make

    def bury(self, letter: DeadLetter) -> None:
        """Count a dead letter where the ledger has it, and keep it."""
        if letter.kind == "late":
            self.counts.late += 1
        else:
            self.counts.dead += 1
        self.letters(letter)

    def repeat(self, count: int) -> None:
        """Count rows that go out again."""
        self.counts.repeated += count

    def absorb(self, count: int) -> None:
        """Count rows that went into results."""
        self.counts.absorbed += count

    def make(self, count: int) -> None:
        """Count results that go out."""
        self.counts.made += count

    def saw(self, frame: pl.DataFrame) -> None:
        """Count rows that go out."""
        counts = self.counts
        counts.delivered += frame.height
        first, last = self.bounds.of(frame)
        if first is not None and (counts.first is None or first < counts.first):
            counts.first = first
        if last is not None and (counts.last is None or last > counts.last):
            counts.last = last


class Node:
    """The base: passes everything on. `port` says which input of the node it came from."""

    def __init__(self, state: StageState) -> None:
        self.state = state
        self.name = state.name
        self.targets: list[Edge] = []
        self.ended = False
        self.cut = False  # a finite source was stopped before its end: what is not complete does not go out

    def lacks_rows(self) -> bool:
        """Tell whether it was cut off."""
        return self.cut

    def frame(self, port: int, frame: pl.DataFrame) -> None:
        """Take rows."""
        self.emit(frame)

    def frontier(self, port: int, timestamp: Any) -> None:
        """Take note that nothing before `timestamp` will follow on this input."""
        for edge in self.targets:
            edge.node.frontier(edge.port, timestamp)

    def gated(self, port: int, gated: Gated) -> None:
        """Take what a gate has released: rows, and that nothing before its frontier will follow."""
        if gated.run is not None:
            self.frame(port, gated.block)
        if gated.frontier is not None:
            self.frontier(port, gated.frontier)

    def idle(self, port: int, since: float, until: float, reached: Any = None) -> None:
        """Take note that this input has been silent from `since` to `until`: now, when it entered the graph.

        Nothing before `reached` will follow, as far as that is known. It comes with the silence, not as a frontier
        before it: a frontier is a sign of life, also where no row is (a filter, a window that is open, a gate).
        """
        for edge in self.targets:
            edge.node.idle(edge.port, since, until, reached)

    def end(self, port: int) -> None:
        """Take note that this input has ended."""
        self.ended = True
        for edge in self.targets:
            edge.node.end(edge.port)

    def emit(self, frame: pl.DataFrame) -> None:
        """Count rows and hand them to all who read from this stage."""
        if frame.height:
            self.state.saw(frame)
            for edge in self.targets:
                edge.node.frame(edge.port, frame)

    def close(self) -> None:
        """Let go of what was opened, whatever happened."""


@frozen
class Edge:
    """An arrow of the graph: to which node, and which of its inputs this is."""

    node: Node
    port: int = 0


class OperatorNode(Node):
    """A stage with one input and one output."""

    def __init__(self, state: StageState, operator: Operator, *, drops_rows: bool, examples: bool = False) -> None:
        super().__init__(state)
        self._operator = operator
        self._minds_frontiers = type(operator).on_frontier is not Operator.on_frontier
        self._minds_silence = type(operator).on_idle is not Operator.on_idle
        self._gone_on_to: Any = None
        self._drops_rows = drops_rows
        self._wants_examples = examples

    def frame(self, port: int, frame: pl.DataFrame) -> None:
        counts = self.state.counts
        counts.received += frame.height
        self._pass_on(lambda: self._operator.on_frame(frame))
        if self._drops_rows:
            counts.filtered += counts.missing

    def frontier(self, port: int, timestamp: Any) -> None:
        if self._minds_frontiers and not self.cut:  # a merge goes on without an input that was cut off
            self._pass_on(lambda: self._operator.on_frontier(timestamp))
        super().frontier(port, timestamp if self._gone_on_to is None else max(timestamp, self._gone_on_to))

    def idle(self, port: int, since: float, until: float, reached: Any = None) -> None:
        """Let the operator go on by the clock. What is behind hears how far it went: the silence counts only once."""
        if self._minds_frontiers and reached is not None and not self.cut:
            self._pass_on(lambda: self._operator.on_frontier(reached))
        if self._minds_silence and not self.cut:
            self._pass_on(lambda: self._operator.on_idle(since, until))
            self._gone_on_to = self._operator.gone_on_to()
        if self._gone_on_to is not None:
            super().idle(port, until, until, self._gone_on_to)
        else:
            super().idle(port, since, until, reached)

    def end(self, port: int) -> None:
        if not self.cut:
            self._pass_on(self._operator.on_end)
        super().end(port)

    def _pass_on(self, hook: Callable[[], Iterable[pl.DataFrame]]) -> None:
        with blame(self.name):
            frames = iter(hook())
        while (frame := self._next(frames)) is not None:
            if self._wants_examples and len(self.state.examples) < EXAMPLES:
                self.state.examples += frame.head(EXAMPLES - len(self.state.examples)).to_dicts()
            self.emit(frame)

    def _next(self, frames: Iterator[pl.DataFrame]) -> pl.DataFrame | None:
        """Return the next frame of the operator: one at a time, as a few rows that come in may be many that go out."""
        with blame(self.name):
            return next(frames, None)

    def close(self) -> None:
        with blame(self.name):
            self._operator.close()


class SinkNode(Node):
    """A stage where the stream ends.

    Args:
        state: its state.
        sink: the running writer.
        empty: a frame without rows that is written if no rows came, so that the output has its columns all the same.
    """

    def __init__(self, state: StageState, sink: Sink, empty: pl.DataFrame | None = None) -> None:
        super().__init__(state)
        self.sink = sink
        self._empty = empty

    def frame(self, port: int, frame: pl.DataFrame) -> None:
        counts = self.state.counts
        counts.received += frame.height
        dead = counts.dead
        with blame(self.name):
            self.sink.write(frame)
        written = frame.height - (counts.dead - dead)
        self.state.saw(frame)
        counts.delivered -= frame.height - written

    def flush(self) -> None:
        """Show what was written: nothing more is there for now."""
        with blame(self.name):
            self.sink.flush()

    def finish(self, *, good: bool) -> None:
        """Complete the output after a good run, or leave nothing that looks complete."""
        with blame(self.name):
            if good:
                if self._empty is not None and not self.state.counts.received:
                    self.sink.write(self._empty)
                self.sink.close()
            else:
                self.sink.abort()


class LateOutletNode(Node):
    """Where late rows leave a process: through the queue of the others, marked as what they are."""

    def __init__(self, state: StageState, queue: Any) -> None:
        super().__init__(state)
        self._queue = queue

    def frame(self, port: int, frame: pl.DataFrame) -> None:
        self._queue.put(LateFollows())
        self._queue.put_block(frame)


class OutletNode(Node):
    """The end of what runs in this thread: everything goes on to another, perhaps through a queue to its process.

    Args:
        state: that of the last stage here.
        queue: where it goes.
        columns: the columns that go on; None: all.
    """

    def __init__(self, state: StageState, queue: Any, columns: Collection[str] | None = None) -> None:
        super().__init__(state)
        self._queue = queue
        self._columns = columns

    def frame(self, port: int, frame: pl.DataFrame) -> None:
        if self._columns is not None and len(self._columns) < frame.width:
            frame = with_only(frame, [name for name in frame.columns if name in self._columns])
        self._queue.put_block(frame)

    def frontier(self, port: int, timestamp: Any) -> None:
        self._queue.put(Frontier(timestamp))

    def idle(self, port: int, since: float, until: float, reached: Any = None) -> None:
        self._queue.put(Idle(since, until, reached))

    def end(self, port: int) -> None:
        """Whoever runs the flow puts END, when all is told: after a good end and after a bad one."""
        self.ended = True
