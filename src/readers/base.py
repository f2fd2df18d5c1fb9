"""What all readers share: the options about event time and order, and their use without an engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, cast

from ..fields import Choice, Component, Duration, option
from ..formats.rows import row_dicts
from ..formats.timestamps import EventTimes
from ..record import END, Failure, Idle
from ..running import Batch, Context
from .alone import context_alone

__all__ = ["Reader"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader(Component):
    """The base of all readers: a source of records with an event time.

    A subclass declares its options and overrides `open`. It may declare `queue` and `wrapper` as fields (runtime
    options), and is then usable without an engine: `run` puts the records on the queue.
    """

    family: ClassVar[str] = "reader"
    live: ClassVar[bool] = False
    """True if the source may fall silent: it is then read in a thread of its own, and has the option `idle`."""
    native: ClassVar[bool] = False
    """True if the reading happens outside the interpreter, so that threads of one process share the cores."""
    settled: ClassVar[bool] = False
    """True if all rows will have the columns and types that `columns` returns."""
    # Not annotated: a ClassVar would keep its place, and come before the subclass's own positional fields.
    queue = cast("Any", None)
    wrapper = cast("Any", None)

    timestamp: str | None = option(
        "column that holds the event time; called `timestamp` from then on; default: `timestamp`, if there is one",
        default=None,
    )
    format: str | None = option("format of the event time, as strptime has it; ISO 8601 if not given", default=None)
    unit: str | None = option(
        "what a numeric event time counts since 1970", Choice(("s", "ms", "us", "ns")), default=None
    )
    zone: str | None = option('zone of times that name none, such as "Europe/Berlin"; UTC if not given', default=None)
    lateness: timedelta | None = option("how far behind the latest record a record may be", Duration(), default=None)
    late: str | None = option(
        "what to do with records that are later than that; late=rows makes a stream of them instead",
        Choice(("divert", "drop", "fail")),
        default=None,
    )
    max_ahead: timedelta | None = option(
        "divert a record that is further than this ahead of all before it", Duration(), default=None
    )

    def open(self, context: Context) -> Iterator[Batch | Idle]:
        """Yield the records in batches, in the order of the source, until it ends.

        Blocks in the kernel while a live source is silent; ends early when `context.stopping` becomes readable.
        What cannot be read goes to `context.dead`. Raises SourceError if the source as a whole cannot be read.
        """
        raise NotImplementedError

    def columns(self, context: Context) -> dict[str, Any] | None:
        """Return the names and polars types of the columns; None if not known before the run, none if no row will come.

        The event time is among them under the name `timestamp`; how many fractional digits it has may be said in
        `context.digits`. Raises SourceError as `open` does.
        """
        return None

    def size(self, context: Context) -> int:
        """Return how many bytes will be read, as far as known; 0 for a live source. Raises SourceError as `open` does.

        The plan weighs by it whether a pool of processes pays.
        """
        return 0

    def header_line(self, context: Context) -> str | None:
        """Return the header of the source as it stands there, without line end, for writers of rows as they were read.

        None if there is none. Raises SourceError as `open` does.
        """
        return None

    def event_times(self) -> EventTimes:
        """Return how the event times are written. Raises SpecError if the options about them do not fit together."""
        try:
            return EventTimes(format=self.format, unit=self.unit, zone=self.zone)
        except ValueError as error:
            said = {"zone": self.zone, "format": self.format}
            named = (name for name, value in said.items() if value is not None and repr(value) in str(error))
            raise self.wrong(next(named, None), str(error)) from error

    def records(self, context: Context | None = None, *, dead_letters: Any = None) -> Iterator[Any]:
        """Yield the records one by one: dicts, or what `wrapper` makes of them.

        Args:
            context: of the run, if there is one: `context.dead` is called with what cannot be read.
            dead_letters: where that goes instead, each record in a `DeadLetter`: a function, or a queue. With neither,
                the first few are logged as warnings with place and reason, and at the end how many there were.
        """
        with context_alone(self.title(), context, dead_letters) as context:
            objects = self.objects(context)
            yield from map(self.wrapper, objects) if self.wrapper else objects

    def objects(self, context: Context) -> Iterator[Any]:
        """Yield what `records` yields, before `wrapper` gets it."""
        for batch in self.open(context):
            if isinstance(batch, Batch):
                yield from row_dicts(batch.frame)

    def run(self, queue: Any = None, *, dead_letters: Any = None) -> int:
        """Put all records on the queue, then END; return how many there were. Blocks while the queue is full.

        An error ends the queue too: `Failure(error)` where the queue knows marks, then END; and it is raised here.
        What cannot be read goes to `dead_letters`, or is logged, as `records` says.
        Meant to be run on a pool worker: `MultiProcessing().ProcessPool().apipe(reader.run)`; a function given as
        `dead_letters` is then called there, a queue of `plait.queue` brings the letters here.
        """
        target = self.queue if queue is None else queue
        if target is None:
            raise self.wrong(None, "there is no queue to put the records on; give queue=")
        count = 0
        try:
            for record in self.records(dead_letters=dead_letters):
                target.put(record)
                count += 1
        except Exception as error:
            if hasattr(target, "put_block"):
                target.put(Failure(error))
            raise
        finally:
            target.put(END)
        return count
