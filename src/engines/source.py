"""Read one source: count its rows, hold it to its order, bury what is late, or set it aside."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import OrderError
from ..formats.direct import taken
from ..frozen import frozen
from ..pipeline.ordering import STREAM, Ordering
from ..queue.gate import Diverted, Gate, Gated
from ..readers.base import Reader
from ..record import Idle
from ..running import Batch
from .dead_letters import diverted_letters
from .nodes import StageState
from .stop import Stop

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Sifted", "read_source"]


@frozen
class Sifted:
    """What came of a block of which some rows were late, and are a stream of their own.

    Both go on in one step: a run that is stopped between them would have lost the second.

    Attributes:
        late: the late rows, in the order of the source; at least one.
        gated: what the gate has released.
    """

    late: pl.DataFrame
    gated: Gated


def read_source(reader: Reader, state: StageState, ordering: Ordering | None, stop: Stop) -> Iterator[Any]:
    """Yield what the gate of one source releases, late rows with it, and idle marks, until it ends or is to stop.

    Without an ordering (no merge behind it) there is no gate: frames are yielded, in the order of the source.
    """
    gate = _Turnstile(state, ordering) if ordering is not None else _Open(state)
    items = reader.open(state.context)
    try:
        for item in items:
            released = deque(gate.idle(item) if isinstance(item, Idle) else gate.push(item))
            del item  # nothing is held here that has gone on: it may be long until the next block is asked for
            while released:
                yield released.popleft()
            state.letters.flush()
            if not reader.live and stop.requested:
                return
        yield from gate.end()
        state.letters.flush()
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()


class _Open:
    """Let all rows through as they come."""

    def __init__(self, state: StageState) -> None:
        self._state = state
        self._rows = 0

    def push(self, batch: Batch) -> Iterator[Any]:
        self._count(batch.frame.height)
        self._state.saw(batch.frame)
        yield batch.frame

    def idle(self, mark: Idle) -> Iterator[Any]:
        yield Idle(mark.since, self._state.context.clock())

    def end(self) -> Iterator[Any]:
        self._count(0)
        yield from ()

    def _count(self, rows: int) -> None:
        """Count what the source had: the rows that could be read, and those that the reader has buried."""
        self._rows += rows
        self._state.counts.received = self._rows + self._state.counts.dead


class _Turnstile(_Open):
    """Let rows through in order; what is too far ahead goes to the dead letters, and so does what is too late.

    If the late rows are a stream of their own, they are set aside instead.
    """

    def __init__(self, state: StageState, ordering: Ordering) -> None:
        super().__init__(state)
        self._advice = "" if ordering.max_ahead is not None else "; max_ahead= would divert that one instead"
        self._sets_aside = ordering.late == STREAM
        late = "divert" if self._sets_aside else ordering.late
        self._gate = Gate(lateness=ordering.lateness, late=late, max_ahead=ordering.max_ahead, source=state.name)

    def push(self, batch: Batch) -> Iterator[Any]:
        counts, before = self._state.counts, self._gate.late
        self._count(batch.frame.height)
        try:
            gated = self._gate.push(batch.frame, batch.lines)  # type: ignore[arg-type]
        except OrderError:
            counts.late += self._gate.late - before
            raise
        aside, diverted = self._parted(gated.diverted)
        for letter in diverted_letters(self._state.name, batch.frame, diverted, batch.origin, batch.lines):
            self._state.bury(letter)
        buried = sum(item.kind == "late" for item in diverted)
        counts.late += self._gate.late - before - buried
        counts.aside += len(aside)
        released = self._released(gated)
        yield from (Sifted(_rows(batch.frame, aside), item) for item in released) if aside else released

    def _parted(self, diverted: Sequence[Diverted]) -> tuple[list[int], Sequence[Diverted]]:
        """Return which rows are set aside, and what goes to the dead letters."""
        if not self._sets_aside:
            return [], diverted
        ahead = [item for item in diverted if item.kind == "ahead"]
        return [item.index for item in diverted if item.kind == "late"], ahead

    def idle(self, mark: Idle) -> Iterator[Any]:
        if len(self._gate):
            yield from self._released(self._gate.fall_silent())
        yield from super().idle(mark)

    def end(self) -> Iterator[Any]:
        if len(self._gate):
            yield from self._released(self._gate.end())
        self._count(0)
        if self._gate.blame is not None:
            self._state.context.note(f"{self._state.name}: {self._gate.blame}{self._advice}")

    def _released(self, gated: Gated) -> Iterator[Any]:
        counts = self._state.counts
        counts.inside = len(self._gate)
        if gated.run is not None:
            self._state.bounds.know(gated.block, gated.run.first, gated.run.last)
            self._state.saw(gated.block)
        yield gated


def _rows(frame: pl.DataFrame, indices: Sequence[int]) -> pl.DataFrame:
    import polars as pl

    return taken(frame, pl.Series(indices, dtype=pl.UInt32))
