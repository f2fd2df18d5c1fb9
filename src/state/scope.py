"""What keys are looked up in: the whole state, what belongs to one key, what belongs to one window."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ..fields import ALL_TIME, parse_duration
from ..frozen import frozen
from .keys import canonical
from .store import Clock, Entry, Slot, Store

__all__ = ["Scope", "Session", "lifetime", "microseconds"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_CONSTANT: Final = frozenset({int, float, str, bool, bytes, type(None)})
"""Types whose values cannot change: they need no copy."""


def microseconds(moment: datetime) -> int:
    """Return microseconds since 1970 UTC; a time without a zone is in UTC."""
    if not isinstance(moment, datetime):
        raise TypeError(f"{moment!r} is no datetime")
    return ((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


def lifetime(ttl: timedelta | str | None) -> int | None:
    """Return a time to live in microseconds; None: for ever.

    Raises:
        ValueError: it is negative, or no duration such as "30m".
        TypeError: it is neither text nor a timedelta.
    """
    if ttl is None:
        return None
    if not isinstance(ttl, timedelta | str):
        raise TypeError(f'{ttl!r} is no time to live; give a timedelta, or a text such as "30m"')
    length = parse_duration(ttl) if isinstance(ttl, str) else min(ttl, ALL_TIME)
    if length < timedelta(0):
        raise ValueError(f"a time to live cannot be negative, as {ttl} is")
    return length // _MICROSECOND


@frozen
class Session:
    """How somebody uses a store: with which clock, which time to live, and when it commits."""

    store: Store
    clock: Clock
    ttl: int | None
    autocommit: bool

    def live(self, slot: Slot) -> Entry | None:
        """Return the entry unless it is gone."""
        entry = self.store.read(slot)
        if entry is None or (entry[2] is not None and entry[2] < self.clock.limit):
            return None
        return entry

    def expiry(self, ttl: int | None) -> tuple[int | None, int | None]:
        """Return when something written now expires, and for how long it will live from when there is a time."""
        now = self.clock.now
        return (None, ttl) if ttl is None or now is None else (now + ttl, None)

    def settle(self) -> None:
        """Commit, if each change is to be committed."""
        if self.autocommit:
            self.store.commit()


class Scope:
    """Values by key, in namespaces: what `KeyedState.of` and `of_window` return, and the state itself.

    All methods may be called from any thread; each is done as a whole before the next begins. They raise StateError if
    the file cannot be read or written, TypeError or ValueError for what is no key (see `plait.state.keys`) or no name
    of a namespace, which is a text.
    """

    def __init__(self, session: Session, text: str, end: int | None = None) -> None:
        """Made by the state.

        Args:
            session: the store, and how it is used.
            text: which scope it is, as the table has it; empty for the state itself.
            end: when the window ends that it belongs to.
        """
        self._session = session
        self._text = text
        self._end = end

    def get(self, key: Any, default: Any = None, *, namespace: str = "default") -> Any:
        """Return the value of a key, or `default`. It is a copy: to change it changes nothing here until it is set."""
        with self._session.store.lock:
            entry = self._session.live((_name(namespace), self._text, canonical(key)))
        if entry is None:
            return default
        return pickle.loads(entry[0]) if entry[1] else entry[0]  # noqa: S301 - what we have written ourselves

    def set(self, key: Any, value: Any, *, namespace: str = "default", ttl: timedelta | str | None = None) -> None:
        """Set the value of a key: to a copy of it as it is now.

        Args:
            key: see `plait.state.keys`.
            value: anything that can be pickled.
            namespace: a key may have another value in each.
            ttl: it is gone when event time has gone on for longer than that; None: that of the state. In the scope of a
                window it is counted from the window's end.

        Raises:
            TypeError: the value cannot be pickled.
        """
        session, slot = self._session, (_name(namespace), self._text, canonical(key))
        content, is_pickled = (value, False) if type(value) in _CONSTANT else (_pickled(key, value), True)
        length = session.ttl if ttl is None else lifetime(ttl)
        with session.store.lock:
            expires, waits = session.expiry(length) if self._end is None else (self._end + (length or 0), None)
            session.store.write(slot, (content, is_pickled, expires, waits))
            session.settle()

    def update(
        self,
        key: Any,
        change: Callable[[Any], Any],
        default: Any = None,
        *,
        namespace: str = "default",
        ttl: timedelta | str | None = None,
    ) -> Any:
        """Set the value of a key to what `change` makes of the old one (or of `default`), and return that.

        Nobody else comes between. What `change` raises is raised, and nothing is changed.
        """
        with self._session.store.lock:
            new = change(self.get(key, default, namespace=namespace))
            self.set(key, new, namespace=namespace, ttl=ttl)
        return new

    def delete(self, key: Any, *, namespace: str = "default") -> bool:
        """Forget a key, and say whether it was there."""
        session, slot = self._session, (_name(namespace), self._text, canonical(key))
        with session.store.lock:
            was_there = session.live(slot) is not None
            if was_there:
                session.store.remove(slot)
                session.settle()
        return was_there

    def __contains__(self, key: Any) -> bool:
        """Say whether a key has a value in the namespace "default"."""
        with self._session.store.lock:
            return self._session.live(("default", self._text, canonical(key))) is not None

    def keys(self, *, namespace: str = "default") -> Iterator[Any]:
        """Yield the keys of a namespace in the order in which they were first set, in their canonical form.

        A thousand are held at a time; what changes meanwhile may be seen or not.
        """
        return (key for key, _ in self._rows(namespace))

    def items(self, *, namespace: str = "default") -> Iterator[tuple[Any, Any]]:
        """Yield keys with copies of their values, as `keys` does."""
        return ((key, pickle.loads(value)) for key, value in self._rows(namespace))  # noqa: S301

    def _rows(self, namespace: str) -> Iterator[tuple[Any, bytes]]:
        return self._session.store.rows(_name(namespace), self._text, self._session.clock.limit)

    def clear(self, namespace: str = "default") -> None:
        """Forget all that a namespace holds in this scope; for the state itself, in those of keys and windows, too."""
        with self._session.store.lock:
            self._session.store.clear(_name(namespace), self._text or None)
            self._session.settle()


def _name(namespace: Any) -> str:
    if type(namespace) is str and namespace.isascii():
        return namespace
    if not isinstance(namespace, str):
        raise TypeError(f"{namespace!r} is no name of a namespace; give a text")
    name = str.__str__(namespace)
    if any("\ud800" <= letter <= "\udfff" for letter in name):
        raise ValueError(f"{namespace!r} is no name of a namespace: half a character cannot be written to a file")
    return name


def _pickled(key: Any, value: Any) -> bytes:
    try:
        return pickle.dumps(value, 5)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
        raise TypeError(f"the value of {key!r} cannot be pickled: {error}") from error
