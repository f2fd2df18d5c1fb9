"""State by key that outlives rows and, with a path, the process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..errors import StateError
from .keys import canonical, encode
from .scope import Scope, Session, lifetime, microseconds
from .store import Store

__all__ = ["CACHE_BYTES", "KeyedState", "StateStatistics"]

CACHE_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class StateStatistics:
    """What a state holds and has done.

    Attributes:
        entries: values that are there, in all namespaces and scopes.
        cached: of them (and of those that have expired lately) in memory; the others are in the file alone.
        reads: lookups so far.
        misses: lookups that had to ask the table.
        writes: values set so far.
        purged: values deleted because their time had passed.
        time: event time that the stream has reached, UTC; None: none yet.
    """

    entries: int
    cached: int
    reads: int
    misses: int
    writes: int
    purged: int
    time: datetime | None


class KeyedState(Scope):
    """Values by key, in namespaces, with a time to live in event time; in memory or, given a path, in a file.

    >>> state = KeyedState()
    >>> state.update("sf", lambda count: count + 1, 0)
    1
    >>> state.set("sf", [41.0], namespace="readings")
    >>> state.get("sf"), state.get("sf", namespace="readings"), state.get("oakland", "none")
    (1, [41.0], 'none')

    | keys | str, int, float, bool, None, bytes, datetime and tuples of them; equal as in a dict: 1 is True, not "1" |
    | values | anything that can be pickled; what goes in and what comes out are copies |
    | scopes | the state itself; `of(key)`: names that belong to a key; `of_window(start, end, key)`: to a window |
    | time | event time alone, as `advance` says; what was written longer ago than its `ttl` is gone |
    | durable? | with a path: what was committed, whenever the process is killed (SQLite's write-ahead log) |
    | memory | `cache_bytes`, however much it holds; without a path, what it holds |
    | who | one process at a time; its threads may share it |

    **Time to live.** An entry written when the stream had reached t, with a ttl of d, is there until the stream has
    passed t + d (at t + d it is still there); what is written before there is any time lives from the first time on.
    To set a key again begins anew. State of a window is there until the stream has passed its end plus the ttl.

    ```
    ttl=10   advance    3      9      13     14
             set("k")   [-- 3 + 10 = 13 --]         get("k") -> None
    ```

    **Commits.** Each change is committed as it is made, which is right for use by hand; without `autocommit` changes
    are gathered until `commit()` (a pipeline commits after each block), and lost if that never comes. As a context
    manager it commits at a good end, and closes.

    **Speed.** A core does about 1,100,000 `get`, 570,000 `set` or 370,000 `update` of small values a second while they
    are in the cache and changes are gathered; 160,000 `set` of keys that are new each time, commit and all; 95,000
    `get` of what has to be asked of the table (of 500,000 keys, a seventh of them in the cache); 60,000 `set` if each
    is committed. With a file or without is the same.

    Args:
        path: the file, made with its folder if it is not there; None: memory.
        ttl: time to live of what is set without one: a timedelta or a text such as "30m"; None: for ever.
        autocommit: commit each change as it is made.
        cache_bytes: how much is kept in memory besides the file.

    Raises:
        StateError: the file is no state, of a newer version, open in another process, or cannot be made or written.
        ValueError: the ttl is no time to live.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        ttl: timedelta | str | None = None,
        autocommit: bool = True,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        length = lifetime(ttl)
        store = Store(None if path is None else Path(path), cache_bytes)
        self._begin(Session(store, store.clock(), length, autocommit))

    @classmethod
    def on(cls, store: Store) -> Self:
        """Return a further state on a store, with a clock of its own, whose changes are committed with the store."""
        state = cls.__new__(cls)
        state._begin(Session(store, store.clock(), None, autocommit=False))
        return state

    def _begin(self, session: Session) -> None:
        super().__init__(session, "")
        self._latest: datetime | None = None

    def of(self, key: Any) -> Scope:
        """Return the state that belongs to a key: the names in it are its own."""
        return Scope(self._session, encode(("key", canonical(key))))

    def of_window(self, start: datetime, end: datetime, key: Any = None) -> Scope:
        """Return the state that belongs to the window [start, end), or to a key in it; it is gone after its end.

        Raises:
            ValueError: the window is empty.
        """
        first, last = microseconds(start), microseconds(end)
        if last <= first:
            raise ValueError(f"a window from {start} to {end} holds nothing")
        return Scope(self._session, encode(("window", first, last, canonical(key))), last)

    def advance(self, timestamp: datetime) -> None:
        """Say which time the stream has reached (without a zone: UTC). Earlier than before is ignored."""
        if timestamp == self._latest:
            return
        now, session = microseconds(timestamp), self._session
        with session.store.lock:
            if session.clock.now is None or now > session.clock.now:
                session.clock.now = now
                session.store.begin(now)
        self._latest = timestamp

    @property
    def time(self) -> datetime | None:
        """The time that the stream has reached, UTC; a file keeps it from one run to the next. None: none yet."""
        now = self._session.clock.now
        return None if now is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=now)

    def namespaces(self) -> list[str]:
        """Return the names of the namespaces that hold something, in any scope, sorted."""
        with self._session.store.lock:
            return self._session.store.namespaces(self._session.clock.limit)

    def __len__(self) -> int:
        """How many values there are, in all namespaces and scopes: they are counted, which takes its time."""
        with self._session.store.lock:
            return self._session.store.count(self._session.clock.limit)

    def __bool__(self) -> bool:
        """A state is there, even if it holds nothing."""
        return True

    def statistics(self) -> StateStatistics:
        """Return what it holds and has done so far."""
        store = self._session.store
        with store.lock:
            return StateStatistics(
                len(self), store.cached, store.reads, store.misses, store.writes, store.purged, self.time
            )

    def commit(self) -> None:
        """Make safe what was changed since the last commit; delete what has expired."""
        with self._session.store.lock:
            self._session.store.commit()

    def close(self, *, keep: bool = True) -> None:
        """Commit (unless `keep` is false), and let go of the file. To close it again does nothing."""
        with self._session.store.lock:
            self._session.store.close(keep=keep)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(keep=error is None)

    def __reduce__(self) -> Any:
        raise StateError("a state cannot be sent to another process: it belongs to one at a time")
