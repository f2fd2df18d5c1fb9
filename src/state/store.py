"""The table of a state, and the cache before it.

    read:   cache, else the table               a miss costs a query
    write:  cache and `changed`                  no SQL at all
    flush:  `changed` -> the table, in the open transaction: at a commit, and when the cache is full
    commit: flush, what has expired deleted, COMMIT

An entry that is not yet in the table is in the cache: so the cache lets go of entries only after a flush, and the
memory is that of the cache, however large the table is. Any error of SQLite breaks the store: what has been committed
stays in the file, and nobody goes on with what is in doubt.
"""

from __future__ import annotations

import pickle
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn, TypeAlias

from ..errors import StateError
from .file import open_file, said
from .keys import decode, encode

__all__ = ["Clock", "Entry", "Slot", "Store"]

Slot: TypeAlias = tuple[str, str, Any]
"""Where an entry is: its namespace, its scope as text, its canonical key."""

Entry: TypeAlias = tuple[Any, bool, "int | None", "int | None"]
"""What is there, whether that is pickled (else it cannot change), `expires` and `waits` as in the table."""

_OVERHEAD: Final = 400
"""Bytes that an entry takes in the cache besides what it holds (measured)."""

_PLACE: Final = "namespace = ? AND scope = ? AND key = ?"
_READ: Final = f"SELECT value, expires, waits FROM entry WHERE {_PLACE}"  # noqa: S608 - of constants only
_DELETE: Final = f"DELETE FROM entry WHERE {_PLACE}"  # noqa: S608
_WRITE: Final = """
INSERT INTO entry (namespace, scope, key, value, expires, waits) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (namespace, scope, key) DO UPDATE
SET value = excluded.value, expires = excluded.expires, waits = excluded.waits
"""
_LIVE: Final = "(expires IS NULL OR expires >= ?)"
_BEFORE_ALL: Final = -(2**63)


@dataclass(slots=True)
class Clock:
    """The event time that one of those who use a store has reached, in microseconds since 1970 UTC; None: none yet."""

    now: int | None = None

    @property
    def limit(self) -> int:
        """What expires before this is gone."""
        return _BEFORE_ALL if self.now is None else self.now


class Store:
    """Entries by slot, kept in SQLite. Whoever calls it holds its `lock`.

    Args:
        path: the file; None: memory.
        cache_bytes: how much the cache may hold.

    Raises:
        StateError: by all methods, if the file cannot be read or written, or is closed.
    """

    def __init__(self, path: Path | None, cache_bytes: int) -> None:
        self.path = path
        self.lock = threading.RLock()
        self.reads = self.misses = self.writes = self.purged = 0
        self.trouble: str | None = None
        """Why nothing can be done with it any more."""
        self._connection = open_file(path)
        self._most_bytes = cache_bytes
        self._cache: OrderedDict[Slot, Entry] = OrderedDict()
        self._bytes = 0
        self._changed: dict[Slot, Entry] = {}
        self._soonest: int | None = _BEFORE_ALL  # no entry of the table expires before it; None: none does
        self._has_waiting = True
        self._told: int | None = self._first("SELECT time FROM clock")
        self._clocks: list[Clock] = []

    def clock(self) -> Clock:
        """Return a new clock of somebody who uses the store: it begins at the time that the state has reached."""
        self._clocks.append(Clock(self._told))
        return self._clocks[-1]

    # One entry

    def read(self, slot: Slot) -> Entry | None:
        """Return the entry, whether it has expired or not."""
        self.reads += 1
        entry = self._cache.get(slot)
        if entry is not None and self.trouble is None:
            self._cache.move_to_end(slot)
            return entry
        self.misses += 1
        row = self._ask(_READ, _in_table(slot)).fetchone()
        if row is None:
            return None
        entry = (row[0], True, row[1], row[2])
        self._keep(slot, entry)
        return entry

    def write(self, slot: Slot, entry: Entry) -> None:
        """Set an entry. It is in the table after the next flush, and safe after the next commit."""
        if self.trouble is not None:
            self._refuse(self.trouble)
        self.writes += 1
        self._has_waiting = self._has_waiting or entry[3] is not None
        self._changed[slot] = entry
        self._keep(slot, entry)

    def remove(self, slot: Slot) -> None:
        """Forget an entry."""
        self.flush()
        self._change(_DELETE, _in_table(slot))
        old = self._cache.pop(slot, None)
        self._bytes -= 0 if old is None else _size(old)

    def _keep(self, slot: Slot, entry: Entry) -> None:
        old = self._cache.get(slot)
        self._bytes += _size(entry) - (0 if old is None else _size(old))
        self._cache[slot] = entry
        self._cache.move_to_end(slot)
        if self._bytes > self._most_bytes:
            self.flush()
            while self._bytes > self._most_bytes // 2:
                _, oldest = self._cache.popitem(last=False)
                self._bytes -= _size(oldest)

    # Many

    def rows(self, namespace: str, scope: str, limit: int) -> Iterator[tuple[Any, bytes]]:
        """Yield key and pickled value of what has not expired, a thousand at a time, in the order of first setting."""
        ask = f"SELECT id, key, value FROM entry WHERE namespace = ? AND scope = ? AND {_LIVE}"  # noqa: S608
        last = _BEFORE_ALL
        while True:
            with self.lock:
                self.flush()
                asked = f"{ask} AND id > ? ORDER BY id LIMIT 1000"
                found = self._ask(asked, (namespace, scope, limit, last)).fetchall()
            yield from ((decode(key), value) for _, key, value in found)
            if not found:
                return
            last = found[-1][0]

    def namespaces(self, limit: int) -> list[str]:
        """Return the namespaces that hold something, sorted."""
        self.flush()
        asked = f"SELECT DISTINCT namespace FROM entry WHERE {_LIVE} ORDER BY namespace"  # noqa: S608
        return [name for (name,) in self._ask(asked, (limit,))]

    def count(self, limit: int) -> int:
        """Return how many entries have not expired, in all namespaces and scopes."""
        self.flush()
        return int(self._first(f"SELECT count(*) FROM entry WHERE {_LIVE}", (limit,)))  # noqa: S608

    def clear(self, namespace: str, scope: str | None) -> None:
        """Forget a namespace: all of it, or what is in one scope."""
        self.flush()
        self._forget_cache()
        self._change("DELETE FROM entry WHERE namespace = ?1 AND (?2 IS NULL OR scope = ?2)", (namespace, scope))

    @property
    def cached(self) -> int:
        """How many entries the cache holds."""
        return len(self._cache)

    # Time

    def begin(self, now: int) -> None:
        """Let the time to live begin of what was written before the stream had reached a time."""
        if self._has_waiting:
            self.flush()
            self._forget_cache()
            self._change("UPDATE entry SET expires = ? + waits, waits = NULL WHERE waits IS NOT NULL", (now,))
            self._has_waiting, self._soonest = False, _BEFORE_ALL

    def _purge(self, now: int) -> None:
        if self._soonest is not None and self._soonest < now:
            self.purged += self._change("DELETE FROM entry WHERE expires < ?", (now,))
            self._soonest = self._first("SELECT min(expires) FROM entry WHERE expires IS NOT NULL")

    # Transactions

    def flush(self) -> None:
        """Bring what was written into the table."""
        if not self._changed:
            return
        changed, self._changed = self._changed, {}
        for _, _, expires, _ in changed.values():
            if expires is not None and (self._soonest is None or expires < self._soonest):
                self._soonest = expires
        self._begin()
        try:
            self._connection.executemany(_WRITE, map(_row, changed.items()))
        except sqlite3.Error as error:
            self._fail(error)

    def commit(self) -> None:
        """Make safe what was written since the last commit, and delete what has expired for all who use the store."""
        if self.trouble is not None:
            self._refuse(self.trouble)
        self.flush()
        times = [clock.now for clock in self._clocks]
        now = min((time for time in times if time is not None), default=None) if None not in times else None
        if now is not None and now != self._told:
            self._purge(now)
            self._change("UPDATE clock SET time = ?", (now,))
            self._told = now
        if self._connection.in_transaction:
            self._ask("COMMIT")

    def close(self, *, keep: bool) -> None:
        """Let go of the file, having committed first if `keep`. What was not committed is lost otherwise."""
        if self.trouble is None and keep:
            self.commit()
        self.trouble = self.trouble or "the state is closed"
        self._forget_cache()
        self._connection.close()

    def _forget_cache(self) -> None:
        self._cache.clear()
        self._bytes = 0

    def _begin(self) -> None:
        if not self._connection.in_transaction:
            self._ask("BEGIN IMMEDIATE")

    def _change(self, sentence: str, values: Sequence[Any]) -> int:
        self._begin()
        return self._ask(sentence, values).rowcount

    def _first(self, sentence: str, values: Sequence[Any] = ()) -> Any:
        return self._ask(sentence, values).fetchone()[0]

    def _ask(self, sentence: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        if self.trouble is not None:
            self._refuse(self.trouble)
        try:
            return self._connection.execute(sentence, values)
        except sqlite3.Error as error:
            self._fail(error)

    def _fail(self, error: sqlite3.Error) -> NoReturn:
        self.trouble = self.trouble or f"{said(error)}; what was committed before is in the file"
        raise StateError(f"{self.path or 'a state in memory'}: {self.trouble}") from error

    def _refuse(self, trouble: str) -> NoReturn:
        raise StateError(f"{self.path or 'a state in memory'}: {trouble}")


def _size(entry: Entry) -> int:
    content = entry[0]
    return _OVERHEAD + (len(content) if isinstance(content, bytes | str) else 0)


def _in_table(slot: Slot) -> tuple[str, str, str]:
    namespace, scope, key = slot
    return namespace, scope, encode(key)


def _row(item: tuple[Slot, Entry]) -> tuple[Any, ...]:
    slot, (content, is_pickled, expires, waits) = item
    return *_in_table(slot), content if is_pickled else pickle.dumps(content, 5), expires, waits
