"""The queue multiplexer: any number of inputs, each of whose records is copied to any number of outputs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from ..errors import SpecError
from ..record import DeadLetter
from .channel import Queue
from .inputs import Input, InputStatistics
from .pump import Pump
from .roster import Roster

__all__ = ["MultiplexerStatistics", "QueueMultiplexer"]

_log = logging.getLogger(__name__)

_ROUNDS = 32
"""Records of each input that are served before it is looked whether an input that had none has some by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiplexerStatistics:
    """The counts of a multiplexer at one moment.

    Attributes:
        inputs: what became of the records of each input, in the order of registration.
        outputs: number of outputs.
        delivered: records that were put on every output.
        filtered: records that a subclass's `select` took and did not let out (less than 0 if it made new ones).
        running: whether the thread is at work.
    """

    inputs: tuple[InputStatistics, ...]
    outputs: int
    delivered: int
    filtered: int
    running: bool


class QueueMultiplexer:
    """Copy every record of every input queue to every output queue, in a thread of its own.

    | property | |
    |---|---|
    | order | inputs take turns, one record each; each input's records stay in order; all outputs have the same order |
    | buffered | one block of each input at most; the queues themselves as `maxsize` says |
    | an output is full | everything waits for it: no output is ever ahead of another by more than a block |
    | an input is silent | the others go on |
    | an input ends | with its own END; one END goes out when all have ended |
    | a producer fails | its Failure goes out to all outputs, the others go on; so if its queue is closed here |
    | a producer dies | if `process=` was given: a Failure that names it; without, nobody can know |

    Queues may be registered until the first record has gone out; `run` may be called before: it waits for the first
    input and the first output.

    To choose what goes out, and when, override `select`: processes, back-pressure, marks and counts stay as they are.

    >>> from plait.record import END
    >>> class Distinct(QueueMultiplexer):
    ...     '''Let each id through once, whichever input it comes from.'''
    ...     def __init__(self, **options):
    ...         super().__init__(**options)
    ...         self.seen = set()
    ...     def select(self, inputs):
    ...         for record in super().select(inputs):
    ...             if record["id"] not in self.seen:
    ...                 self.seen.add(record["id"])
    ...                 yield record
    >>> multiplexer = Distinct()
    >>> primary, backup = multiplexer.input_queue(), multiplexer.input_queue()
    >>> output = multiplexer.output_queue()
    >>> for source, ids in [(primary, [1, 2]), (backup, [2, 3])]:
    ...     for id in ids:
    ...         source.put({"id": id})
    ...     source.put(END)
    >>> _ = multiplexer.run()
    >>> sorted(record["id"] for record in output)
    [1, 2, 3]
    >>> multiplexer.join(timeout=10), multiplexer.statistics().filtered
    (True, 1)

    Args:
        maxsize: records that each queue made here holds at most; 0: as many as there is memory for.
        max_size: another spelling of `maxsize`.
        dead_letters: where records go that are not delivered, each in a `DeadLetter`: a function, or a queue. Without,
            they are counted, and the first of each input is logged.
        name: name for messages.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        *,
        maxsize: int | None = None,
        max_size: int | None = None,
        dead_letters: Any = None,
        name: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name or type(self).__name__
        if None not in (maxsize, max_size) and maxsize != max_size:
            raise SpecError(self.name, f"max_size={max_size} says something else", option="maxsize", value=maxsize)
        self._maxsize = maxsize or max_size or 0
        self._dead_letters = dead_letters
        self._roster = Roster(self.name)
        self._thread: threading.Thread | None = None
        self._pump = Pump(
            self.name,
            self._roster,
            self.select,
            self.divert,
            idle=self._idle_seconds,
            passes_frontiers=self._passes_frontiers,
            clock=clock,
        )

    # What a subclass has set before the __init__ above is called:
    _idle_seconds: float | None = None
    _passes_frontiers = True

    def input_queue(self, queue: Any = None, *, name: str | None = None, process: Any = None) -> Any:
        """Make or adopt an input queue, register it and return it.

        Args:
            queue: any queue with `get`: ours, `multiprocessing.Queue()`, `Manager().Queue()`; None: make one.
            name: its name, for messages; by default "input 1" and so on.
            process: the process that produces (it has `sentinel`): if it ends without END, that is a Failure.

        Raises:
            SpecError: the first record has gone out, or the multiplexer has ended.
        """
        queue = self._made() if queue is None else queue
        self._roster.add_input(queue, name, process)
        return queue

    def output_queue(self, queue: Any = None) -> Any:
        """Make or adopt an output queue, register it and return it. Raises SpecError as `input_queue` does."""
        queue = self._made() if queue is None else queue
        self._roster.add_output(queue)
        return queue

    def run(self) -> Self:
        """Start the thread, if it has not been started, and return the multiplexer itself. Does not block."""
        with self._roster.lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._pump.run, name=self.name, daemon=True)
                self._thread.start()
        return self

    def select(self, inputs: Sequence[Input]) -> Iterable[Any]:
        """Take from the inputs what may go out now, and yield it in the order in which it shall go out.

        This is the method to override. It is called in the multiplexer's thread whenever something has arrived or an
        input has ended, and again until it neither takes nor yields anything. It must take from some input that has
        something pending, sooner or later; what it takes and does not yield counts as filtered. An input of which
        something is pending is not read any further, so what is left there is back-pressure.

        Args:
            inputs: all inputs, in the order of registration.

        Yields:
            Records, or whole frames.
        """
        waiting = [source for source in inputs if source.pending]
        rounds = min((source.pending for source in waiting), default=0)
        if any(not (source.pending or source.ended) for source in inputs):
            rounds = min(rounds, _ROUNDS)
        for _ in range(rounds):
            for source in waiting:
                if source.pending:  # a frame is many records, taken at once
                    yield source.take()

    def divert(self, source: Input, record: Any, reason: str, kind: str = "dead") -> None:
        """Give up a record: count it, and hand it to `dead_letters`. For use in `select`.

        Args:
            source: the input that it came from.
            record: the record; it is not delivered.
            reason: one sentence that says what is wrong with it.
            kind: "dead" (it cannot be used), "late" or "ahead" (it has no place in the order any more, or not yet).
        """
        source.counts[kind] += 1
        if self._dead_letters is None:
            if sum(source.counts.values()) == 1:
                _log.warning("%s: a record of %s is not delivered: %s", self.name, source.name, reason)
            return
        mapping = record if isinstance(record, Mapping) else None
        text = None if mapping is not None else repr(record)
        ledger = "dead" if kind == "dead" else "late"
        letter = DeadLetter(stage=self.name, kind=ledger, reason=reason, origin=source.name, record=mapping, text=text)
        getattr(self._dead_letters, "put", self._dead_letters)(letter)

    def statistics(self) -> MultiplexerStatistics:
        """Return the counts of this moment, from any thread."""
        inputs = tuple(source.statistics() for source in self._roster.inputs)
        delivered = self._pump.delivered
        return MultiplexerStatistics(
            inputs=inputs,
            outputs=len(self._roster.outputs),
            delivered=delivered,
            filtered=sum(source.delivered for source in inputs) - delivered,
            running=self._thread is not None and self._thread.is_alive(),
        )

    @property
    def error(self) -> BaseException | None:
        """What ended the multiplexer, if it was not the end of its inputs; the outputs got it as a Failure."""
        return self._pump.error

    def join(self, timeout: float | None = None) -> bool:
        """Wait until all inputs have ended and END has gone out; return whether that is so. Start it first."""
        if self._thread is None:
            raise RuntimeError(f"{self.name} has not been started: call run()")
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def stop(self) -> None:
        """End now, as if every input had ended: what has been read goes out, then END. Does not wait for it."""
        self._roster.stop()

    def close(self, timeout: float | None = None) -> bool:
        """Stop, and wait for it as `join` does. An output that is full and that nobody reads holds it up."""
        self.stop()
        return self._thread is None or self.join(timeout)

    def _made(self) -> Any:
        return Queue(maxsize=self._maxsize)
