"""`StreamProcessing`: what the parts of this room are together.

Two locks, always taken in this order. `_turn` is held while a batch is processed: the functions of processors run one
at a time, so what they read and write of the state is theirs. `_lock` guards everything else for a moment at a time;
no function of the user's is called under it, so publishing never waits for a processor.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..errors import CallbackError, SinkError, SpecError
from ..record import DeadLetter
from .event import ROOM, Event, callable_, dead_letter, free, known, micros, seconds, whole
from .joining import Joining, Pair
from .report import metrics_of, report_of
from .stream import Processor, Stream
from .windows import Gathering, SessionGathering, TimeGathering, Window

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["StreamProcessing"]


class StreamProcessing:
    """Streams of events with processors, windows, joins and state, driven by event time.

    An event is published, waits in the buffer of its stream, and is processed in a batch: it goes through the
    processors of its stream, and then into its windows and joins.

    | method | does |
    |---|---|
    | `create_stream(stream_id, config)` | begin a stream; `lateness_seconds` in config moves the watermark by itself |
    | `publish_event(stream_id, event)` | let an event wait; True, or False if it is late |
    | `register_processor(processor_id, stream_id, process_fn)` | each event goes through it when it is processed |
    | `process_stream_batch(stream_id, batch_size)` | process the earliest events that wait, in event-time order |
    | `create_tumbling_window(window_id, stream_id, window_size_seconds)` | windows end to end |
    | `create_sliding_window(..., window_size_seconds, slide_size_seconds)` | a new window every slide |
    | `create_session_window(window_id, stream_id, gap_seconds, by)` | events at most a gap apart, of one key |
    | `assign_to_window(window_id, event)` | put one event into its windows now; the windows |
    | `aggregate_window(window, aggregate_fn)` | what a function makes of the list of events of a window |
    | `window_results(window_id)` | take the windows that are complete: each goes out once |
    | `set_watermark(stream_id, watermark_time)` | say that events before this are late; the watermark |
    | `join_streams(join_id, stream1_id, stream2_id, join_key, window_seconds)` | pairs near in time with one key |
    | `join_results(join_id)` | take the pairs found: each goes out once |
    | `update_state(key, value, namespace)`, `get_state`, `delete_state` | what is kept by namespace and key |
    | `get_stream_metrics(stream_id)`, `generate_processing_report()` | counts |
    | `close()` | close the state; also at the end of a `with` block |

    `streams`, `windows` and `joins` hold the configs by id, `event_buffer` the waiting events by stream, in event-time
    order, and `dead_letters` what could not be delivered (late, or a processor raised), counted in the metrics too.

    All methods may be called from several threads. Processors run one at a time, and may call any method.

    Args:
        path: a file that state is kept in; None: in memory. What was written outside a batch, or in a batch that is
            over, survives a crash. Events that wait do not: publish them again.
        max_held: how many events may wait in a stream, and be held by each of its windows and joins; and how many dead
            letters may lie there. What would exceed it is refused with a SinkError, and nothing is lost.

    Raises:
        SpecError: (a ValueError; all methods) an unknown id, with the nearest; one that is there already; a value that
            cannot be.
    """

    def __init__(self, path: str | Path | None = None, *, max_held: int = 1_000_000) -> None:
        from ..state import KeyedState

        self._state = KeyedState(path)
        self._max_held = whole("max_held", max_held)
        self._turn, self._lock = threading.RLock(), threading.RLock()
        self._worker: int | None = None
        self._streams: dict[str, Stream] = {}
        self._processors: dict[str, Processor] = {}
        self._gatherings: dict[str, Gathering] = {}
        self._joinings: dict[str, Joining] = {}
        self.streams: dict[str, dict[str, Any]] = {}
        self.windows: dict[str, dict[str, Any]] = {}
        self.joins: dict[str, dict[str, Any]] = {}
        self.event_buffer: dict[str, list[Event]] = {}
        self.dead_letters: list[DeadLetter] = []

    # Streams and events

    def create_stream(self, stream_id: str, config: dict[str, Any] | None = None) -> dict[str, Any]:
        """Begin a stream, and return its config.

        Args:
            stream_id: its name.
            config: what is to be known of it. With `lateness_seconds` the watermark follows the largest time
                published at this distance; without, `set_watermark` alone moves it.
        """
        with self._lock:
            free("stream", self._streams, stream_id)
            shown = {**(config or {}), "stream_id": stream_id}
            stream = self._streams[stream_id] = Stream(stream_id, shown)
            self.streams[stream_id] = shown
            self.event_buffer[stream_id] = stream.buffer
            return shown

    def publish_event(self, stream_id: str, event: Event) -> bool:
        """Let an event wait to be processed. Return False if it is late: it becomes a dead letter, and is counted.

        Raises:
            SinkError: `max_held` allows no more; process batches, or take results.
        """
        with self._lock:
            stream = self._stream(stream_id)
            _check_event(event)
            self._check_room(stream)
            if stream.is_late(event):
                self._refuse_late(stream, event)
                return False
            stream.accept(event)
            self._close_windows(stream)
            return True

    def set_watermark(self, stream_id: str, watermark_time: datetime) -> datetime:
        """Say that events before a time are late from now on, and hand over the windows that are complete by it.

        Return the watermark, which never goes back: a time before it changes nothing. Events that wait already are not
        late; the windows in which they lie wait for them.
        """
        with self._lock:
            stream = self._stream(stream_id)
            if not hasattr(watermark_time, "utcoffset") or not hasattr(watermark_time, "year"):
                raise SpecError(ROOM, f"takes a datetime, not {watermark_time!r}", option="watermark_time")
            stream.advance(watermark_time)
            self._close_windows(stream)
            assert stream.watermark is not None, "it has just been set"
            return stream.watermark

    # Processors

    def register_processor(
        self, processor_id: str, stream_id: str, process_fn: Callable[[Event], Any]
    ) -> dict[str, Any]:
        """Let each event of a stream go through a function when it is processed; in the order of registration."""
        with self._lock:
            stream = self._stream(stream_id)
            free("processor", self._processors, processor_id)
            processor = Processor(processor_id, stream_id, callable_("process_fn", process_fn))
            self._processors[processor_id] = processor
            stream.processors.append(processor)
            return processor.shown()

    def process_stream_batch(self, stream_id: str, batch_size: int = 100) -> dict[str, Any]:
        """Process the earliest events that wait, in event-time order; those of one time as they were published.

        Return `stream_id`, `processed_count`, `remaining_count`, and `results`: what the processors returned, a dict
        with `event_id`, `processor_id` and `result` each. Blocks while another thread processes a batch.

        Raises:
            CallbackError: a processor raised. Its event is a dead letter; those before it are processed, those behind
                it still wait.
        """
        with self._turn:
            with self._lock:
                stream = self._stream(stream_id)
                taken = stream.take(whole("batch_size", batch_size))
                processors = list(stream.processors)
            before, self._worker = self._worker, threading.get_ident()
            try:
                done, results = self._process(stream, processors, taken)
            finally:
                self._worker = before
            return {
                "stream_id": stream_id,
                "processed_count": done,
                "remaining_count": len(stream.buffer),
                "results": results,
            }

    def _process(
        self, stream: Stream, processors: Sequence[Processor], taken: list[Event]
    ) -> tuple[int, list[dict[str, Any]]]:
        done = failed = 0
        results: list[dict[str, Any]] = []
        try:
            for event in taken:
                for processor in processors:
                    try:
                        result = processor.process_fn(event)
                    except Exception as error:
                        failed = 1
                        raise self._failed(stream, processor, event, error) from error
                    processor.processed_count += 1
                    results.append(
                        {"event_id": event.event_id, "processor_id": processor.processor_id, "result": result}
                    )
                done += 1
        finally:
            self._settle(stream, taken, done, failed)
        return done, results

    def _failed(self, stream: Stream, processor: Processor, event: Event, error: Exception) -> CallbackError:
        reason = f"the processor {processor.processor_id!r} raised {type(error).__name__}: {error}"
        with self._lock:
            self.dead_letters.append(dead_letter(stream.stream_id, event, "failed", reason))
        return CallbackError(f"{stream.stream_id}: event {event.event_id!r}: {reason}")

    def _settle(self, stream: Stream, taken: list[Event], done: int, failed: int) -> None:
        """Put what is done into windows and joins, and let the rest wait again."""
        with self._lock:
            for gathering in self._gatherings_of(stream):
                gathering.put(taken[:done])
            for joining, side in self._sides_of(stream):
                joining.put(side, taken[:done])
            stream.settle(taken, done, failed)
            self._close_windows(stream)
            self._state.commit()

    # Windows

    def create_tumbling_window(self, window_id: str, stream_id: str, window_size_seconds: float) -> dict[str, Any]:
        """Gather the events of a stream in windows end to end, counted from 1970-01-01T00:00Z. Return the config."""
        size = seconds("window_size_seconds", window_size_seconds)
        config = {"type": "tumbling", "window_size_seconds": window_size_seconds}
        return self._create_window(window_id, stream_id, config, lambda config: TimeGathering(config, size, size))

    def create_sliding_window(
        self, window_id: str, stream_id: str, window_size_seconds: float, slide_size_seconds: float
    ) -> dict[str, Any]:
        """Gather the events of a stream in windows, a new one of which begins every slide. Return the config.

        With a slide longer than the size, events between windows lie in none.
        """
        size = seconds("window_size_seconds", window_size_seconds)
        slide = seconds("slide_size_seconds", slide_size_seconds)
        config = {
            "type": "sliding",
            "window_size_seconds": window_size_seconds,
            "slide_size_seconds": slide_size_seconds,
        }
        return self._create_window(window_id, stream_id, config, lambda config: TimeGathering(config, size, slide))

    def create_session_window(
        self, window_id: str, stream_id: str, gap_seconds: float, by: str | None = None
    ) -> dict[str, Any]:
        """Gather the events of a stream in sessions: those at most a gap apart belong together. Return the config.

        Args:
            window_id, stream_id: its name, and whose events it gathers.
            gap_seconds: inclusive. An event between two sessions may make one of them.
            by: a name in the events' data: each value has sessions of its own. None: all events have them together.
        """
        gap = seconds("gap_seconds", gap_seconds)
        config = {"type": "session", "gap_seconds": gap_seconds, "by": by}
        return self._create_window(window_id, stream_id, config, lambda config: SessionGathering(config, gap, by))

    def _create_window(
        self, window_id: str, stream_id: str, config: dict[str, Any], make: Callable[[dict[str, Any]], Gathering]
    ) -> dict[str, Any]:
        with self._lock:
            self._stream(stream_id)
            free("window", self._gatherings, window_id)
            shown = {"window_id": window_id, "stream_id": stream_id, **config}
            self._gatherings[window_id] = make(shown)
            self.windows[window_id] = shown
            return shown

    def assign_to_window(self, window_id: str, event: Event) -> list[Window]:
        """Put an event into its windows now, and return them in the order of their starts.

        It lies in each once: it is not put there again when it is processed. An event that is late becomes a dead
        letter, and lies in none.
        """
        with self._lock:
            gathering: Gathering = known("window", self._gatherings, window_id)
            _check_event(event)
            if not gathering.holds(event):
                stream = self._stream(gathering.config["stream_id"])
                self._check_room(stream)
                if stream.is_late(event) and not stream.accepted(event):
                    self._refuse_late(stream, event, published=False)
                    return []
                gathering.put([event])
                self._close_windows(stream)
            return gathering.windows_of(event)

    def aggregate_window(self, window: Window, aggregate_fn: Callable[[list[Event]], Any]) -> Any:
        """Return what a function makes of the events of a window: a list of its own, in event-time order."""
        if not isinstance(window, Window):
            raise SpecError(ROOM, f"takes a Window such as assign_to_window returns, not {window!r}", option="window")
        callable_("aggregate_fn", aggregate_fn)
        with self._lock:
            events = list(window.events)
        return aggregate_fn(events)

    def window_results(self, window_id: str) -> list[Window]:
        """Take the windows that are complete, in the order of end, start and key; each goes out once."""
        with self._lock:
            return _taken(known("window", self.windows, window_id))

    # Joins

    def join_streams(
        self, join_id: str, stream1_id: str, stream2_id: str, join_key: str, window_seconds: float
    ) -> dict[str, Any]:
        """Join the events of two streams whose data have one value under a key. Return the config.

        Args:
            join_id: its name.
            stream1_id, stream2_id: the two streams.
            join_key: a name in the data of the events; those without it, or with None, have no partner, and are counted
                in the config as `without_key`.
            window_seconds: how far apart the times of the two may be, in either direction, inclusive.
        """
        apart = seconds("window_seconds", window_seconds, positive=True)
        with self._lock:
            for stream_id in (stream1_id, stream2_id):
                self._stream(stream_id)
            if stream1_id == stream2_id:
                raise SpecError(ROOM, f"{stream1_id!r} is joined with itself; name another stream", option="stream2_id")
            free("join", self._joinings, join_id)
            shown = {
                "join_id": join_id,
                "stream1_id": stream1_id,
                "stream2_id": stream2_id,
                "join_key": join_key,
                "window_seconds": window_seconds,
            }
            self._joinings[join_id] = Joining(shown, apart)
            self.joins[join_id] = shown
            return shown

    def join_results(self, join_id: str) -> list[Pair]:
        """Take the pairs found so far; each goes out once, as soon as both its events were processed.

        Those that a batch finds are in the order of the later of the two times, then of the first stream's events.
        """
        with self._lock:
            return _taken(known("join", self.joins, join_id))

    # State

    def update_state(self, key: str, value: Any, namespace: str = "default") -> None:
        """Keep a value under a key. In a processor it is written to the file when the batch is over, else at once."""
        with self._lock:
            self._state.set(key, value, namespace=namespace)
            self._commit()

    def get_state(self, key: str, namespace: str = "default", default: Any = None) -> Any:
        """Return what is kept under a key, else the default."""
        with self._lock:
            return self._state.get(key, default, namespace=namespace)

    def delete_state(self, key: str, namespace: str = "default") -> None:
        """Forget what is kept under a key, if anything is."""
        with self._lock:
            self._state.delete(key, namespace=namespace)
            self._commit()

    def _commit(self) -> None:
        if self._worker != threading.get_ident():
            self._state.commit()

    def close(self) -> None:
        """Write the state, and close it. Waits for a batch that is being processed."""
        with self._turn, self._lock:
            self._state.close()

    def __enter__(self) -> StreamProcessing:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Accounts

    def get_stream_metrics(self, stream_id: str) -> dict[str, Any]:
        """Return the counts of a stream.

        `total_events` (all that were published) is the sum of `processed_events`, `late_events`, `failed_events` and
        `buffer_size`, but for the batch that is being processed. Also `stream_id`, `watermark`, `processor_count` and
        `processors`: a dict with `processor_id` and `processed_count` each.
        """
        with self._lock:
            return metrics_of(self._stream(stream_id))

    def generate_processing_report(self) -> dict[str, Any]:
        """Return `summary` (counts of all), `streams` (their metrics), `windows` and `joins`."""
        with self._lock:
            return report_of(
                self._streams.values(), self._gatherings.values(), self._joinings.values(), len(self.dead_letters)
            )

    # What several of these need

    def _stream(self, stream_id: str) -> Stream:
        stream: Stream = known("stream", self._streams, stream_id)
        return stream

    def _gatherings_of(self, stream: Stream) -> list[Gathering]:
        return [g for g in self._gatherings.values() if g.config["stream_id"] == stream.stream_id]

    def _sides_of(self, stream: Stream) -> Iterable[tuple[Joining, int]]:
        return [(joining, side) for joining in self._joinings.values() for side in joining.sides(stream.stream_id)]

    def _close_windows(self, stream: Stream) -> None:
        """Hand over the windows that are complete, and forget the events that will find no partner any more."""
        mark = None if stream.watermark is None else micros(stream.watermark)
        if mark is None:
            return
        for gathering in self._gatherings_of(stream):
            if gathering.closes(mark):
                frontier = stream.frontier(gathering.holds)
                assert frontier is not None, "there is a watermark"
                gathering.close(frontier)
        for joining, side in self._sides_of(stream):
            frontier = stream.frontier(_never)
            assert frontier is not None, "there is a watermark"
            joining.forget(1 - side, frontier)

    def _refuse_late(self, stream: Stream, event: Event, *, published: bool = True) -> None:
        assert stream.watermark is not None, "nothing is late without one"
        reason = f"{event.event_time.isoformat()} is before the watermark, {stream.watermark.isoformat()}"
        self.dead_letters.append(dead_letter(stream.stream_id, event, "late", reason))
        if published:
            stream.total += 1
            stream.late += 1

    def _check_room(self, stream: Stream) -> None:
        """Refuse an event if something is full that it may come to."""
        held = {f"the buffer of {stream.stream_id!r}": stream.waiting, "dead_letters": len(self.dead_letters)}
        held |= {f"the window {g.config['window_id']!r}": g.held for g in self._gatherings_of(stream)}
        held |= {f"the join {j.config['join_id']!r}": j.held for j, _ in self._sides_of(stream)}
        for what, count in held.items():
            if count >= self._max_held:
                raise SinkError(
                    f"{what} holds {count:,}, and max_held allows no more; "
                    "process batches, set the watermark, take the results or clear dead_letters"
                )


def _never(event: Event) -> bool:
    return False


def _taken(config: dict[str, Any]) -> list[Any]:
    results: list[Any] = config["results"]
    taken = results[:]
    results.clear()
    return taken


def _check_event(event: Any) -> None:
    if not isinstance(event, Event):
        message = f"takes an Event(event_id, event_type, data, event_time), not {event!r}"
        raise SpecError(ROOM, message, option="event", value=event)
