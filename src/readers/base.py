"""What all readers share: the options about event time and order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from ..fields import Choice, Component, Duration, option
from ..record import TIMESTAMP, Idle
from ..running import Batch, Context

__all__ = ["Reader"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader(Component):
    """The base of all readers: a source of records with an event time.

    A subclass declares its options and overrides `open`. Times without a zone are taken in `zone`, else as UTC.
    """

    family: ClassVar[str] = "reader"
    live: ClassVar[bool] = False
    """True if the source may fall silent: it is then read in a thread of its own, and has the option `idle`."""

    timestamp: str = option("column that holds the event time", default=TIMESTAMP)
    format: str | None = option("format of the event time, as strptime has it; ISO 8601 if not given", default=None)
    unit: str | None = option(
        "what a numeric event time counts since 1970", Choice(("s", "ms", "us", "ns")), default=None
    )
    zone: str | None = option('zone of times that name none, such as "Europe/Berlin"; UTC if not given', default=None)
    lateness: timedelta | None = option("how far behind the latest record a record may be", Duration(), default=None)
    late: str | None = option(
        "what to do with records that are later than that", Choice(("divert", "drop", "fail")), default=None
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
        """Return the names and polars types of the columns, as far as known before the run (else None).

        `timestamp` is among them under that name. Raises SourceError as `open` does.
        """
        return None
