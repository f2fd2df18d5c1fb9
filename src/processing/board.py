"""All streams with what hangs on them: what happens to an event, without any thought of threads or processors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..errors import SinkError
from ..record import DeadLetter
from .event import Event, dead_letter, free, known, micros, time_like
from .joining import Joining
from .stream import Processor, Stream
from .windows import Gathering, Window

__all__ = ["Board"]


class Board:
    """Streams, processors, windows and joins by their ids, and the dead letters. Whoever calls it holds the lock.

    Args:
        max_held: how much each of them may hold.
    """

    def __init__(self, max_held: int) -> None:
        self._max_held = max_held
        self.streams: dict[str, Stream] = {}
        self.processors: dict[str, Processor] = {}
        self.gatherings: dict[str, Gathering] = {}
        self.joinings: dict[str, Joining] = {}
        self.dead_letters: list[DeadLetter] = []

    def stream(self, stream_id: str) -> Stream:
        """Return a stream. Raises SpecError that names the nearest."""
        stream: Stream = known("stream", self.streams, stream_id)
        return stream

    def add_stream(self, stream_id: str, config: dict[str, Any]) -> Stream:
        """Begin a stream."""
        free("stream", self.streams, stream_id)
        stream = self.streams[stream_id] = Stream(stream_id, config)
        return stream

    def add_processor(self, processor_id: str, stream_id: str, process_fn: Callable[[Event], Any]) -> Processor:
        """Add a function to a stream, behind those that it has."""
        stream = self.stream(stream_id)
        free("processor", self.processors, processor_id)
        processor = self.processors[processor_id] = Processor(processor_id, stream_id, process_fn)
        stream.processors.append(processor)
        return processor

    def add_gathering(self, config: dict[str, Any], make: Callable[[dict[str, Any]], Gathering]) -> None:
        """Add windows of one kind to a stream."""
        self.stream(config["stream_id"])
        window_id = free("window", self.gatherings, config["window_id"])
        self.gatherings[window_id] = make(config)

    def add_joining(self, config: dict[str, Any], apart: int) -> None:
        """Join two streams."""
        for side in ("stream1_id", "stream2_id"):
            known("stream", self.streams, config[side])
        join_id = free("join", self.joinings, config["join_id"])
        self.joinings[join_id] = Joining(config, apart)

    def publish(self, stream: Stream, event: Event) -> bool:
        """Let an event wait, or refuse it as late. Raises SinkError."""
        self._check_room(stream)
        stream.total += 1
        if stream.is_late(event):
            stream.late += 1
            self._bury_late(stream, event)
            return False
        stream.accept(self._own(stream, event))
        self.advance(stream)
        return True

    def _own(self, stream: Stream, event: Event) -> Event:
        """Return the event; another like it if this one was published before: each time is an event of its own."""
        gatherings = self._gatherings_of(stream)
        is_known = stream.accepted(event) or any(g.holds(event) and id(event) not in g.by_hand for g in gatherings)
        for gathering in gatherings:
            gathering.by_hand.pop(id(event), None)
        return replace(event) if is_known else event

    def assign(self, window_id: str, event: Event) -> list[Window]:
        """Put an event into its windows, or refuse it as late, and return those that are open. Raises SinkError."""
        gathering: Gathering = known("window", self.gatherings, window_id)
        if not gathering.holds(event):
            stream = self.stream(gathering.config["stream_id"])
            self._check_room(stream)
            if stream.is_late(event) and not stream.accepted(event):
                gathering.config["late_events"] += 1
                self._bury_late(stream, event)
                return []
            gathering.put([event])
            if not stream.accepted(event):
                gathering.by_hand[id(event)] = event
        return gathering.windows_of(event)

    def settle(self, stream: Stream, taken: list[Event], done: int, failed: int) -> None:
        """Put what is done of a batch into windows and joins; what is behind those that failed waits again."""
        for gathering in self._gatherings_of(stream):
            gathering.settle(taken[:done], taken[done : done + failed])
        for joining, side in self._sides_of(stream):
            joining.put(side, taken[:done])
        stream.settle(taken, done, failed)
        self.advance(stream)

    def advance(self, stream: Stream, time: datetime | None = None) -> None:
        """Move the watermark, hand over the windows that are complete, forget what will find no partner any more."""
        if time is not None:
            stream.advance(time)
        if stream.watermark is None:
            return
        mark = micros(stream.watermark)
        for gathering in self._gatherings_of(stream):
            if gathering.closes(mark):
                frontier, passed = stream.frontier(gathering.holds)
                assert frontier is not None, "there is a watermark"
                if gathering.closes(frontier):
                    gathering.close(frontier, passed)
        for joining, side in self._sides_of(stream):
            frontier, _ = stream.frontier(lambda event: False)
            assert frontier is not None, "there is a watermark"
            joining.forget(1 - side, frontier)

    def reached(self) -> datetime | None:
        """Return the time that all streams have reached, in UTC without a zone; None: not known of each.

        A watermark beyond all events, which closes windows, is no time that has been reached.
        """
        frontiers = [stream.frontier(lambda event: False)[0] for stream in self.streams.values()]
        latest = max((stream.latest for stream in self.streams.values() if stream.latest is not None), default=None)
        known = [time for time in (*frontiers, latest) if time is not None]
        return time_like(min(known), datetime.min) if len(known) == len(frontiers) + 1 else None

    def bury(self, stream: Stream, event: Event, kind: str, reason: str) -> None:
        """Keep an event that could not be delivered, and why."""
        self.dead_letters.append(dead_letter(stream.stream_id, event, kind, reason))

    def _bury_late(self, stream: Stream, event: Event) -> None:
        assert stream.watermark is not None, "nothing is late without one"
        times = f"{event.event_time.isoformat()} is before the watermark, {stream.watermark.isoformat()}"
        self.bury(stream, event, "late", times)

    def _gatherings_of(self, stream: Stream) -> list[Gathering]:
        return [g for g in self.gatherings.values() if g.config["stream_id"] == stream.stream_id]

    def _sides_of(self, stream: Stream) -> list[tuple[Joining, int]]:
        return [(joining, side) for joining in self.joinings.values() for side in joining.sides(stream.stream_id)]

    def _check_room(self, stream: Stream) -> None:
        """Refuse an event if something is full that it may come to."""
        held = {f"the buffer of {stream.stream_id!r}": stream.waiting, "dead_letters": len(self.dead_letters)}
        held |= {f"the window {g.config['window_id']!r}": g.held for g in self._gatherings_of(stream)}
        held |= {f"the join {j.config['join_id']!r}": j.held for j, _ in self._sides_of(stream)}
        for what, count in held.items():
            if count >= self._max_held:
                raise SinkError(
                    f"{what}: holds {count:,}, and max_held allows no more; "
                    "process batches, set the watermark, take the results or clear dead_letters"
                )
