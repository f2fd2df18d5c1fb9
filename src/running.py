"""What a running component is given by the engine, and what it gives back: the one interface between the two.

    reader.open(context)   -> an iterator of Batch (and Idle marks); it ends when the source ends
    operator.open(context) -> an Operator: frames in, frames out
    writer.open(context)   -> a Sink: frames in, nothing out

Components know no engine. The clock, the dead-letter office and the request to stop are passed in.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import StateError
from .record import DeadLetter

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Batch", "Context", "Operator", "Sink"]


def _forget(letter: DeadLetter) -> None:
    """Drop a dead letter: nobody keeps them unless somebody asks for them."""


def _go_on() -> None:
    """Do nothing before a wait: nobody shows rows in the thread that reads."""


def _forget_count(count: int) -> None:
    """Keep no ledger: nobody does unless somebody asks for it."""


def _stay(rows: int) -> bool:
    """Go on: nobody asks for the end."""
    return False


def _lacks_none() -> bool:
    """All rows come: nobody says that an input was cut off."""
    return False


def _no_state(path: str | None) -> Any:
    """Keep no state: a run does, which sees to it that it is committed and closed."""
    raise StateError(f"{path or 'a state'}: whoever opened this stage keeps no state; pass Context(keyed_state=...)")


def _write_line(line: str) -> None:
    """Write to the standard output of now (a test or a caller may have put another in its place)."""
    sys.stdout.write(f"{line}\n")


@dataclass(slots=True, kw_only=True)
class Context:
    """What a component may know of the run that it is part of.

    Attributes:
        stage: name of the stage, for messages and dead letters.
        dead: call it with each record that is not delivered. Never blocks for long, never raises.
        repeated: call it with a number of rows that go out although their row has gone out already: a row that several
            rules match goes out once for each.
        absorbed: call it with a number of rows that came in and went into results of several rows: they do not go on.
        made: call it with a number of results that go out: rows that never came in.
        stopping: something that `multiprocessing.connection.wait` and a zmq poller can wait for (it has `fileno`); it
            becomes readable when the run is to stop. A live source waits for it together with its sockets. None: never.
        leaves: whoever takes long for a block calls it in between, with how many of its rows are left: True if the run
            is to stop now. They are counted as held back then, and the stage lets them be.
        lacks_rows: true after a finite source was stopped before its end: what is not complete must not go out.
        before_waiting: a live source calls it when it has nothing more for now, before it blocks. Where it is read in
            the thread of those who show rows, they show then what they have got.
        clock: seconds, monotonic; the only clock a component may look at.
        base: folder that relative paths are relative to.
        imports: folder from which `module:function` may be imported, besides what is installed.
        header: the header line of the source, as it came and without line end, for a writer that prints rows as read;
            None where there is none. The engine sets it before the first frame is written.
        keep_text: a reader shall add the column `record.TEXT`, the text of each row as it came, without line end.
        wanted: with `keep_text`, the columns that some stage reads, besides `timestamp`: a reader may leave out all
            others, and does not look at what they hold. For an operator, the columns that anybody behind it looks at:
            it may leave out others. None: all of them.
        keyed_state: call it with the path of a file, or None for memory: it returns the `KeyedState` there, which the
            run commits after each block and closes at its end. All stages that name the file share it, each with a
            clock of its own. Raises StateError.
        digits: fractional digits of times, 0, 3 or 6: a reader that knows them says so here in `columns`, and writers
            give times at least as many as the sources of their stream have.
        zone: name of the zone whose calendar days, weeks and months follow.
        learnt: what a reader found out about its source in `columns` and need not find out again in `open`. It is
            handed on as it is, perhaps to another process; the reader has to see to it that it still holds.
        counts: numbers for the run's report, by name, beyond the ledger ("gaps", "callback errors", ...).
        say: call it with each line (without line end) that a person is to read now, on the console of the run.
        notes: sentences for the run's report, each said once ("naive times are taken as UTC").
    """

    stage: str = "stage"
    dead: Callable[[DeadLetter], None] = _forget
    repeated: Callable[[int], None] = _forget_count
    absorbed: Callable[[int], None] = _forget_count
    made: Callable[[int], None] = _forget_count
    stopping: Any = None
    leaves: Callable[[int], bool] = _stay
    lacks_rows: Callable[[], bool] = _lacks_none
    before_waiting: Callable[[], None] = _go_on
    clock: Callable[[], float] = time.monotonic
    base: Path = field(default_factory=Path.cwd)
    imports: Path | None = None
    header: str | None = None
    keep_text: bool = False
    wanted: frozenset[str] | None = None
    keyed_state: Callable[[str | None], Any] = _no_state
    digits: int = 0
    zone: str = "UTC"
    learnt: Any = None
    counts: Counter[str] = field(default_factory=Counter)
    say: Callable[[str], None] = _write_line
    notes: dict[str, None] = field(default_factory=dict)

    def holds(self, number: int, what: str) -> None:
        """Say how many groups or rows the stage holds just now: the run's report has how many there were at most."""
        name = f"{what} held at most"
        if number > self.counts[name]:
            self.counts[name] = number

    def note(self, sentence: str) -> None:
        """Say something in the run's report, once however often it is said."""
        self.notes.setdefault(sentence)


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows that a source delivers in one go, in the order of the source.

    Attributes:
        frame: the rows; `timestamp` is `Datetime("us", "UTC")` without nulls, if the source has times at all.
        origin: the file or address that they came from; one batch never spans two.
        lines: the 1-based line (or message number) on which each row starts; None where there is no such thing.
    """

    frame: pl.DataFrame
    origin: str
    lines: Sequence[int] | pl.Series | None = None


class Operator:
    """A running operator: frames in, frames out, no I/O. Override the hooks you need; the rest pass things on.

    The engine calls the hooks from one thread, in the order of the stream, and counts what goes in and out: what
    `on_frame` and the others do not return counts as filtered, unless it was given to `context.dead`.
    """

    def on_frame(self, frame: pl.DataFrame) -> Iterable[pl.DataFrame]:
        """Called with each frame of the input. Frames are immutable: return a new one or the same."""
        return (frame,)

    def on_frontier(self, timestamp: Any) -> Iterable[pl.DataFrame]:
        """Called when nothing before `timestamp` will follow, before the mark is passed on."""
        return ()

    def on_idle(self, since: float, until: float | None = None) -> Iterable[pl.DataFrame]:
        """Called when all sources have been silent since then (seconds of the clock), and again while they are.

        `until` is when that was told, the engine always says it; None: now.
        """
        return ()

    def gone_on_to(self) -> Any:
        """Called after `on_idle`: return the time before which nothing will follow, if the clock has moved it on."""
        return None

    def on_end(self) -> Iterable[pl.DataFrame]:
        """Called once, when the input has ended, before END is passed on; not when a finite source was cut off."""
        return ()

    def close(self) -> None:
        """Called once, whatever happened, to let go of what was opened."""


class Sink:
    """A running writer. `write` any number of times, then exactly one of `close` and `abort`."""

    def write(self, frame: pl.DataFrame) -> None:
        """Take all rows of the frame, in order. Raises SinkError if that cannot be done."""
        raise NotImplementedError

    def flush(self) -> None:
        """Called when the input has nothing more for now: whoever watches should see what was written."""

    def close(self) -> None:
        """Called once at the end of a good run: make the output complete and visible."""

    def abort(self) -> None:
        """Called once instead of `close` when the run failed: leave nothing that looks complete."""
