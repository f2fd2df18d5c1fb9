"""`StreamProcessing`: what the parts of this room are together.

Two locks, always taken in this order. `_turn` is held while a batch is processed: the functions of processors run one
at a time, so what they read and write of the state is theirs. `_lock` guards everything else for a moment at a time;
no function of the user's is called under it, so publishing never waits for a processor.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from ..errors import CallbackError, SpecError
from ..record import DeadLetter
from ..state import KeyedState
from .board import Board
from .event import ROOM, Event, callable_, known, seconds, whole
from .joining import Pair
from .report import metrics_of, report_of
from .stream import Processor, Stream
from .windows import Gathering, SessionGathering, TimeGathering, Window

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
    `state` is the `KeyedState` itself, for its scopes of one key or one window: what is changed there outside a batch
    is safe after `state.commit()`. Its time, by which values expire, moves on when a watermark is set or
    a batch is over: to the least of the watermarks of all streams and of what waits before them, but not beyond the
    latest event.

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
        self._board = Board(whole("max_held", max_held))
        self.state = KeyedState(path, autocommit=False)
        self._turn, self._lock = threading.RLock(), threading.RLock()
        self._worker: int | None = None
        self.streams: dict[str, dict[str, Any]] = {}
        self.windows: dict[str, dict[str, Any]] = {}
        self.joins: dict[str, dict[str, Any]] = {}
        self.event_buffer: dict[str, list[Event]] = {}
        self.dead_letters: list[DeadLetter] = self._board.dead_letters

    # Streams and events

    def create_stream(self, stream_id: str, config: dict[str, Any] | None = None) -> dict[str, Any]:
        """Begin a stream, and return its config.

        Args:
            stream_id: its name.
            config: what is to be known of it. With `lateness_seconds` the watermark follows the largest time
                published at this distance; without, `set_watermark` alone moves it.
        """
        with self._lock:
            shown = {**(config or {}), "stream_id": stream_id}
            self.event_buffer[stream_id] = self._board.add_stream(stream_id, shown).buffer
            self.streams[stream_id] = shown
            return shown

    def publish_event(self, stream_id: str, event: Event) -> bool:
        """Let an event wait to be processed. Return False if it is late: it becomes a dead letter, and is counted.

        Raises:
            SinkError: `max_held` allows no more; process batches, or take results.
        """
        with self._lock:
            stream = self._board.stream(stream_id)
            return self._board.publish(stream, _checked(event))

    def set_watermark(self, stream_id: str, watermark_time: datetime) -> datetime:
        """Say that events before a time are late from now on, and hand over the windows that are complete by it.

        Return the watermark, which never goes back: a time before it changes nothing. Events that wait already are not
        late; the windows in which they lie wait for them.
        """
        with self._lock:
            stream = self._board.stream(stream_id)
            if not isinstance(watermark_time, datetime):
                raise SpecError(ROOM, f"takes a datetime, not {watermark_time!r}", option="watermark_time")
            self._board.advance(stream, watermark_time)
            self._advance_state()
            self._commit()
            assert stream.watermark is not None, "it has just been set"
            return stream.watermark

    # Processors

    def register_processor(
        self, processor_id: str, stream_id: str, process_fn: Callable[[Event], Any]
    ) -> dict[str, Any]:
        """Let each event of a stream go through a function when it is processed; in the order of registration."""
        with self._lock:
            callable_("process_fn", process_fn)
            return self._board.add_processor(processor_id, stream_id, process_fn).shown()

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
                stream = self._board.stream(stream_id)
                taken = stream.take(whole("batch_size", batch_size))
            before, self._worker = self._worker, threading.get_ident()
            try:
                results = self._process(stream, taken)
            finally:
                self._worker = before
            remaining = len(stream.buffer)
        counts = {"processed_count": len(taken), "remaining_count": remaining}
        return {"stream_id": stream_id, **counts, "results": results}

    def _process(self, stream: Stream, taken: list[Event]) -> list[dict[str, Any]]:
        """Let events go through the processors, and then into windows and joins, however that ends."""
        done = failed = 0
        results: list[dict[str, Any]] = []
        try:
            for event in taken:
                results += [self._processed(processor, event) for processor in tuple(stream.processors)]
                done += 1
        except CallbackError as error:
            failed = 1
            with self._lock:
                self._board.bury(stream, taken[done], "failed", str(error))
            raise
        finally:
            with self._lock:
                self._board.settle(stream, taken, done, failed)
                self._advance_state()
                self.state.commit()
        return results

    def _processed(self, processor: Processor, event: Event) -> dict[str, Any]:
        name = processor.processor_id
        try:
            result = processor.process_fn(event)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise CallbackError(f"the processor {name!r} raised at event {event.event_id!r}: {reason}") from error
        processor.processed_count += 1
        return {"event_id": event.event_id, "processor_id": name, "result": result}

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
            shown = {"window_id": window_id, "stream_id": stream_id, **config}
            self._board.add_gathering(shown, make)
            self.windows[window_id] = shown
            return shown

    def assign_to_window(self, window_id: str, event: Event) -> list[Window]:
        """Put an event into its windows now, and return them in the order of their starts.

        It lies in each once: it is not put there again when it is processed. An event that is late becomes a dead
        letter, is counted as `late_events` in the window's config, and lies in none.
        """
        with self._lock:
            return self._board.assign(window_id, _checked(event))

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

        It gets what is processed from now on.

        Args:
            join_id: its name.
            stream1_id, stream2_id: the two streams.
            join_key: a name in the data of the events; those without it, or with None, have no partner, and are counted
                in the config as `without_key`.
            window_seconds: how far apart the times of the two may be, in either direction, inclusive.
        """
        apart = seconds("window_seconds", window_seconds)
        with self._lock:
            if stream1_id == stream2_id:
                raise SpecError(ROOM, f"{stream1_id!r} is joined with itself; name another stream", option="stream2_id")
            streams = {"join_id": join_id, "stream1_id": stream1_id, "stream2_id": stream2_id}
            shown = {**streams, "join_key": join_key, "window_seconds": window_seconds}
            self._board.add_joining(shown, apart)
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
            self.state.set(key, value, namespace=namespace)
            self._commit()

    def get_state(self, key: str, namespace: str = "default", default: Any = None) -> Any:
        """Return what is kept under a key, else the default."""
        with self._lock:
            return self.state.get(key, default, namespace=namespace)

    def delete_state(self, key: str, namespace: str = "default") -> None:
        """Forget what is kept under a key, if anything is."""
        with self._lock:
            self.state.delete(key, namespace=namespace)
            self._commit()

    def _advance_state(self) -> None:
        reached = self._board.reached()
        if reached is not None:
            self.state.advance(reached)

    def _commit(self) -> None:
        if self._worker != threading.get_ident():
            self.state.commit()

    def close(self) -> None:
        """Write the state, and close it. Waits for a batch that is being processed."""
        with self._turn, self._lock:
            self.state.close()

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
            return metrics_of(self._board.stream(stream_id))

    def generate_processing_report(self) -> dict[str, Any]:
        """Return `summary` (counts of all), `streams` (their metrics), `windows` and `joins`."""
        with self._lock:
            board = self._board
            streams, windows, joins = board.streams.values(), board.gatherings.values(), board.joinings.values()
            return report_of(streams, windows, joins, len(board.dead_letters))


def _taken(config: dict[str, Any]) -> list[Any]:
    results: list[Any] = config["results"]
    taken = results[:]
    results.clear()
    return taken


def _checked(event: Any) -> Event:
    if isinstance(event, Event):
        return event
    message = f"takes an Event(event_id, event_type, data, event_time), not {event!r}"
    raise SpecError(ROOM, message, option="event", value=event)
