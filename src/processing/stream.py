"""One stream: the events that wait to be processed, how far its time has come, and its accounts."""

from __future__ import annotations

from bisect import insort, insort_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from typing import Any

from .event import Event, by_time, micros, seconds, time_like

__all__ = ["Processor", "Stream"]


@dataclass(slots=True)
class Processor:
    """A function that each event of a stream goes through, and how many have."""

    processor_id: str
    stream_id: str
    process_fn: Callable[[Event], Any]
    processed_count: int = 0

    def shown(self) -> dict[str, Any]:
        """Return what people see of it."""
        return {
            "processor_id": self.processor_id,
            "stream_id": self.stream_id,
            "processed_count": self.processed_count,
        }


class Stream:
    """The state of a stream.

    An event is late if and only if, when it is published, its time is less than the watermark. The watermark is the
    largest time that was set; with `lateness_seconds` in the config, the largest time published less this, if that is
    more. It never goes back.

    Attributes:
        buffer: the events that wait, in event-time order; those of one time as they were published.
        latest: the largest time of those that were not late, in microseconds; None: there was none.
        total, processed, late, failed: counts. total = processed + late + failed + those that wait.
    """

    def __init__(self, stream_id: str, config: dict[str, Any]) -> None:
        self.stream_id = stream_id
        self.config = config
        self.buffer: list[Event] = []
        self.processors: list[Processor] = []
        self.watermark: datetime | None = None
        self._mark: int | None = None
        self.latest: int | None = None
        given = config.get("lateness_seconds")
        self._lateness = None if given is None else seconds("lateness_seconds", given, positive=False)
        self._waits: set[int] = set()  # by id(event): those in the buffer, and those that are being processed
        self._taken: list[list[Event]] = []  # batches that are being processed: a processor may begin another
        self.total = self.processed = self.late = self.failed = 0

    @property
    def waiting(self) -> int:
        """How many events wait, those among them that are being processed now."""
        return len(self.buffer) + sum(map(len, self._taken))

    def is_late(self, event: Event) -> bool:
        """Tell whether the watermark has passed an event."""
        return self._mark is not None and by_time(event) < self._mark

    def accept(self, event: Event) -> None:
        """Let an event wait at its place in time."""
        if self._lateness is not None:
            self.advance(time_like(by_time(event) - self._lateness, event.event_time))
        insort(self.buffer, event, key=by_time)
        self._waits.add(id(event))
        self.latest = by_time(event) if self.latest is None else max(self.latest, by_time(event))

    def advance(self, time: datetime) -> None:
        """Move the watermark on; a time before it changes nothing."""
        instant = micros(time)
        if self._mark is None or self._mark < instant:
            self._mark, self.watermark = instant, time

    def take(self, count: int) -> list[Event]:
        """Take the earliest events that wait; `settle` says what became of them."""
        taken = self.buffer[:count]
        del self.buffer[:count]
        self._taken.append(taken)
        return taken

    def settle(self, taken: list[Event], done: int, failed: int) -> None:
        """Note what became of events that were taken: the first are done, those behind them failed, the rest waits."""
        self._taken = [batch for batch in self._taken if batch is not taken]
        self._waits.difference_update(map(id, taken[: done + failed]))
        self.processed += done
        self.failed += failed
        for event in reversed(taken[done + failed :]):
            insort_left(self.buffer, event, key=by_time)

    def accepted(self, event: Event) -> bool:
        """Tell whether an event is one that waits."""
        return id(event) in self._waits

    def frontier(self, holds: Callable[[Event], bool]) -> tuple[int | None, list[Event]]:
        """Return the time before which nothing more will come out of this stream, in microseconds; None: not known.

        And the events before it that wait although they have come out already, as `holds` tells.
        """
        passed: list[Event] = []
        if self._mark is None:
            return None, passed
        for event in self._waiting():
            if by_time(event) >= self._mark:
                break
            if not holds(event):
                return by_time(event), passed
            passed.append(event)
        return self._mark, passed

    def _waiting(self) -> Iterator[Event]:
        return merge(*self._taken, self.buffer, key=by_time)
