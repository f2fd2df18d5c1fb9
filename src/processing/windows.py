"""Windows with the events that lie in them, until the watermark has passed them.

Which windows an event lies in is what `plait.windows.spans` says, which events are a session what
`plait.windows.sessions` says; here they are only kept.

An event lies in a window once, however often it is assigned. A window waits for the watermark, and for every event
before the watermark that was accepted and has not been assigned yet: then it goes to the results, and never changes.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from ..record import TIMESTAMP
from ..windows import Aggregate, Span, make_spans
from .event import Event, by_time, key_of, micros, time_like

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[Any]

__all__ = ["Gathering", "SessionGathering", "TimeGathering", "Window"]


@dataclass(slots=True, eq=False)
class Window:
    """A stretch of time with the events in it. It grows until it goes to the results; then it never changes.

    Attributes:
        window_id: the id of its kind.
        start: when it begins: that time is in it. Times are in UTC; without a zone if the events have none.
        end: when it ends: that time is not in it. Of a session: the time of its last event plus the gap.
        key: of a session with `by`: what its events have in common.
        events: in event-time order; those of one time as they were assigned.
    """

    window_id: str
    start: datetime
    end: datetime
    key: Any = None
    events: list[Event] = field(default_factory=list)

    def rank(self) -> tuple[int, int, str, Any]:
        """Return what windows are ordered by: end, start, key (keys of one type among themselves)."""
        key = self.key if isinstance(self.key, int | float | str) else repr(self.key)
        return micros(self.end), micros(self.start), type(self.key).__name__, key


class Gathering:
    """The open windows of one kind.

    Args:
        config: what people see of it: `current_window`, `results` and `late_events` are kept up to date in it.

    Attributes:
        by_hand: by id(event), the events in open windows that were assigned without having been published.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        config |= {"current_window": None, "results": [], "late_events": 0}
        self._open: dict[int, Window] = {}
        self._lies_in: dict[int, list[Window]] = {}  # by id(event): the windows hold the event, so it stays its own
        self._passed: dict[int, Event] = {}  # they still wait, but windows in which they lie may be complete
        self.by_hand: dict[int, Event] = {}
        self._ends: list[tuple[int, int, Window]] = []  # a heap: when windows end, as far as they have not changed
        self._entered = 0

    @property
    def held(self) -> int:
        """How many events are in open windows; and results that nobody has taken."""
        return len(self._lies_in) + len(self.config["results"])

    @property
    def open(self) -> int:
        """How many windows are open."""
        return len(self._open)

    def holds(self, event: Event) -> bool:
        """Tell whether an event has been assigned to its windows, as far as that is to be known."""
        return id(event) in self._lies_in or id(event) in self._passed

    def windows_of(self, event: Event) -> list[Window]:
        """Return the open windows in which an event lies, in the order of their starts."""
        return sorted(self._lies_in.get(id(event), ()), key=Window.rank)

    def put(self, events: Iterable[Event]) -> None:
        """Assign events to their windows, those that are there already left out."""
        fresh = [event for event in {id(e): e for e in events}.values() if not self.holds(event)]
        if fresh:
            self._put(fresh)

    def _put(self, events: list[Event]) -> None:
        raise NotImplementedError

    def settle(self, done: Sequence[Event], failed: Sequence[Event]) -> None:
        """Assign events that have been processed, and forget those that a processor failed on."""
        self.put(done)
        for event in (*done, *failed):
            self._passed.pop(id(event), None)

    def closes(self, frontier: int) -> bool:
        """Tell whether a window may be complete by then, without looking at all of them."""
        return bool(self._ends) and self._ends[0][0] <= frontier

    def close(self, frontier: int, passed: Iterable[Event] = ()) -> None:
        """Hand the windows over that are complete if no event before the frontier follows.

        Args:
            frontier: microseconds.
            passed: events before it that have been assigned, but still wait to be processed: when they are, their
                windows are not opened again.
        """
        self._passed |= {id(event): event for event in passed}
        complete: list[Window] = []
        while self._ends and self._is_complete(self._ends[0][0], frontier):
            end, _, window = heappop(self._ends)
            if id(window) in self._open and micros(window.end) == end:  # else it has changed since
                self._leave(window)
                complete.append(window)
        self.by_hand = {key: event for key, event in self.by_hand.items() if key in self._lies_in}
        self.config["results"] += sorted(complete, key=Window.rank)
        current = self.config["current_window"]
        if current is not None and id(current) not in self._open:
            self.config["current_window"] = max(self._open.values(), key=Window.rank, default=None)

    def _is_complete(self, end: int, frontier: int) -> bool:
        return end <= frontier

    def _enter(self, window: Window) -> None:
        """Note that a window is open, or has another end than before."""
        self._open[id(window)] = window
        self._entered += 1
        heappush(self._ends, (micros(window.end), self._entered, window))
        current = self.config["current_window"]
        if current is None or id(current) not in self._open or current.rank() < window.rank():
            self.config["current_window"] = window

    def _leave(self, window: Window) -> None:
        del self._open[id(window)]
        for event in window.events:
            left = [other for other in self._lies_in[id(event)] if other is not window]
            if left:
                self._lies_in[id(event)] = left
            else:
                del self._lies_in[id(event)]


class TimeGathering(Gathering):
    """Tumbling and sliding windows; sizes in microseconds."""

    def __init__(self, config: dict[str, Any], size: int, slide: int) -> None:
        super().__init__(config)
        self._spans = make_spans(Span(microseconds=size), Span(microseconds=slide))
        self._by_number: dict[int, Window] = {}
        self._number_of: dict[int, int] = {}  # by id(window)

    def _put(self, events: list[Event]) -> None:
        import numpy as np

        for rows, numbers in self._spans.covering(np.array([by_time(event) for event in events], dtype=np.int64)):
            places: Iterable[int] = range(len(events)) if rows is None else rows.tolist()
            for place, number in zip(places, numbers.tolist(), strict=True):
                event = events[place]
                window = self._by_number.get(number) or self._begin(number, event)
                insort(window.events, event, key=by_time)
                self._lies_in.setdefault(id(event), []).append(window)

    def _begin(self, number: int, event: Event) -> Window:
        import numpy as np

        one = np.array([number])
        start, end = (int(times[0]) for times in (self._spans.starts(one), self._spans.ends(one)))
        window = self._by_number[number] = Window(
            self.config["window_id"], time_like(start, event.event_time), time_like(end, event.event_time)
        )
        self._number_of[id(window)] = number
        self._enter(window)
        return window

    def _leave(self, window: Window) -> None:
        super()._leave(window)
        del self._by_number[self._number_of.pop(id(window))]


class SessionGathering(Gathering):
    """Sessions, of each key if `by` names one; the gap in microseconds."""

    def __init__(self, config: dict[str, Any], gap: int, by: str | None) -> None:
        super().__init__(config)
        self._gap, self._by = gap, by
        self._of_key: dict[Any, list[Window]] = {}

    def _put(self, events: list[Event]) -> None:
        fresh: dict[Any, list[Event]] = {}
        for event in events:
            fresh.setdefault(None if self._by is None else key_of(event, self._by), []).append(event)
        keys = list(fresh)
        near = [self._take_near(key, sorted(fresh[key], key=by_time)) for key in keys]
        whole = [(code, event) for code, windows in enumerate(near) for window in windows for event in window.events]
        whole += [(code, event) for code, key in enumerate(keys) for event in fresh[key]]
        for code, some in _sessions(sorted(whole, key=lambda row: by_time(row[1])), self._gap):
            session = self._session(keys[code], some, near[code])
            self._of_key.setdefault(session.key, []).append(session)

    def _take_near(self, key: Any, fresh: list[Event]) -> list[Window]:
        """Take away the sessions that events may go on with: all others cannot change by them."""
        low, high = by_time(fresh[0]), by_time(fresh[-1]) + self._gap
        near = sorted(
            (w for w in self._of_key.get(key, ()) if low <= micros(w.end) and micros(w.start) <= high), key=Window.rank
        )
        for window in near:
            self._leave(window)
        return near

    def _session(self, key: Any, events: list[Event], near: list[Window]) -> Window:
        """Return the session of these events: the one that has the first of them, if there is one, goes on."""
        first = events[0].event_time
        end = time_like(by_time(events[-1]) + self._gap, first)
        inside = {id(event) for event in events}
        window = next((w for w in near if id(w.events[0]) in inside), None) or Window(
            self.config["window_id"], first, end, key
        )
        window.start, window.end, window.events = time_like(by_time(events[0]), first), end, events
        self._enter(window)
        for event in events:
            self._lies_in[id(event)] = [window]
        return window

    def _is_complete(self, end: int, frontier: int) -> bool:
        return end < frontier  # at the very end an event may still come that belongs to it

    def _leave(self, window: Window) -> None:
        super()._leave(window)
        left = [other for other in self._of_key[window.key] if other is not window]
        if left:
            self._of_key[window.key] = left
        else:
            del self._of_key[window.key]


def _sessions(rows: Sequence[tuple[int, Event]], gap: int) -> list[tuple[int, list[Event]]]:
    """Return the sessions of rows (number of the key, event) in time order, with the number of the key of each."""
    import polars as pl

    from ..windows.sessions import Sessions

    places = Aggregate(function="collect", of="place", most=len(rows))
    columns = {
        TIMESTAMP: [by_time(event) for _, event in rows],
        "key": [code for code, _ in rows],
        "place": range(len(rows)),
    }
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Int64)).cast({TIMESTAMP: pl.Datetime("us", "UTC")})
    sessions = Sessions(gap, ("key",), {"places": places}, frame.schema)
    sessions.push(frame)
    found = [pair for result in sessions.end() for pair in result.select("key", "places").iter_rows()]
    return [(code, [rows[place][1] for place in chosen]) for code, chosen in found]
