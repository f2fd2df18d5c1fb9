"""Events of two streams that belong together: equal keys, and times at most so far apart.

Which are a pair is what `plait.joins.pairs` says. An inner pair can never become untrue, so it comes out as soon as
both events were processed. An event is held until the watermark of the other stream has passed all its partners.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ..joins import How, Layout
from ..record import TIMESTAMP
from .event import Event, by_time, key_of

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Joining", "Pair"]


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two events that belong together.

    Attributes:
        key: what both have under the join key.
        event1: that of the first stream.
        event2: that of the second.
        event_time: the later of their times.
    """

    key: Any
    event1: Event
    event2: Event
    event_time: datetime


class _Row(NamedTuple):
    """An event with the number of its key."""

    code: int
    event: Event


class Joining:
    """A running join.

    Args:
        config: what people see of it: `results` and `without_key` are kept up to date in it.
        apart: how far apart times may be, in microseconds.
    """

    def __init__(self, config: dict[str, Any], apart: int) -> None:
        self.config = config
        config |= {"results": [], "without_key": 0}
        self._apart = apart
        self._held: tuple[dict[Any, list[Event]], ...] = ({}, {})
        self._oldest: list[int | None] = [None, None]
        self._counts = [0, 0]

    @property
    def held(self) -> int:
        """How many events may still find a partner; and results that nobody has taken."""
        return sum(self._counts) + len(self.config["results"])

    def sides(self, stream_id: str) -> list[int]:
        """Return which sides a stream is: 0 the first, 1 the second."""
        return [side for side in (0, 1) if self.config[f"stream{side + 1}_id"] == stream_id]

    def put(self, side: int, events: Sequence[Event]) -> None:
        """Take events of one side, and add the pairs that they make with those of the other."""
        fresh: dict[Any, list[Event]] = {}
        for event in events:
            key = key_of(event, self.config["join_key"])
            if key is None:
                self.config["without_key"] += 1
            else:
                fresh.setdefault(key, []).append(event)
        self._add_pairs(side, fresh)
        for key, some in fresh.items():
            self._held[side].setdefault(key, []).extend(some)
            self._counts[side] += len(some)
            first = min(map(by_time, some))
            oldest = self._oldest[side]
            self._oldest[side] = first if oldest is None else min(first, oldest)

    def _add_pairs(self, side: int, fresh: dict[Any, list[Event]]) -> None:
        others = self._held[1 - side]
        keys = [key for key in fresh if key in others]
        if not keys:
            return
        lefts, rights = (fresh, others) if side == 0 else (others, fresh)
        one, two = _rows(lefts, keys), _rows(rights, keys)
        for left, right in _pairs(one, two, self._apart):
            first, second = one[left].event, two[right].event
            later = max(first, second, key=by_time).event_time
            self.config["results"].append(Pair(keys[one[left].code], first, second, later))

    def forget(self, side: int, frontier: int) -> None:
        """Let go of the events of a side whose partners all would be before the frontier of the other."""
        oldest, least = self._oldest[side], frontier - self._apart
        if oldest is None or oldest >= least - self._apart:
            return  # to look at all of them for each that goes would take long: they go many at a time
        by_key = self._held[side]
        for key in list(by_key):
            by_key[key] = [event for event in by_key[key] if by_time(event) >= least]
            if not by_key[key]:
                del by_key[key]
        left = [by_time(event) for events in by_key.values() for event in events]
        self._oldest[side], self._counts[side] = min(left, default=None), len(left)


def _rows(by_key: Mapping[Any, Sequence[Event]], keys: Sequence[Any]) -> list[_Row]:
    """Return the events of some keys in the order of time, as joins expect them."""
    rows = [_Row(code, event) for code, key in enumerate(keys) for event in by_key[key]]
    return sorted(rows, key=lambda row: by_time(row.event))


def _pairs(one: Sequence[_Row], two: Sequence[_Row], apart: int) -> list[tuple[int, int]]:
    """Return the places of events that belong together, by the later time, then the first, then the second event."""
    from ..joins.pairs import Band, PairJoin

    frames = _frame(one), _frame(two)
    join = PairJoin(Band(-apart, apart), How.INNER, Layout(("key",)), frames[0].schema, frames[1].schema)
    for side, frame in enumerate(frames):
        join.push(side, frame)
    results, _ = join.advance(None)
    return [] if results is None else list(results.select("place", "place_right").iter_rows())


def _frame(rows: Sequence[_Row]) -> pl.DataFrame:
    import polars as pl

    columns = {
        TIMESTAMP: [by_time(row.event) for row in rows],
        "key": [row.code for row in rows],
        "place": range(len(rows)),
    }
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Int64)).cast({TIMESTAMP: pl.Datetime("us", "UTC")})
