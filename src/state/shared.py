"""The states of one run: stages that name the same file share what is in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .keyed_state import KeyedState
    from .store import Store

__all__ = ["SharedStates"]


@dataclass(slots=True)
class SharedStates:
    """Opens each file once, commits all of them together, closes them.

    Each stage gets a state with a clock of its own: what is gone for it follows from the rows that it has seen itself,
    not from how far another stage has come with a block.

    Attributes:
        base: folder that relative paths are relative to.
    """

    base: Path
    _stores: dict[Path, Store] = field(default_factory=dict)
    _private: list[Store] = field(default_factory=list)

    def open(self, path: str | None) -> KeyedState:
        """Return the state of a file; without one, another in memory each time. Raises StateError."""
        # SQLite is imported by runs that keep a state, and by no other.
        from .keyed_state import CACHE_BYTES, KeyedState
        from .store import Store

        if path is None:
            self._private.append(Store(None, CACHE_BYTES))
            return KeyedState.on(self._private[-1])
        place = (self.base / path).resolve()
        if place not in self._stores:
            self._stores[place] = Store(place, CACHE_BYTES)
        return KeyedState.on(self._stores[place])

    def commit(self) -> None:
        """Make safe what all of them have changed. Raises StateError."""
        for store in (*self._stores.values(), *self._private):
            with store.lock:
                store.commit()

    def close(self) -> None:
        """Let go of all files; what was not committed is lost."""
        for store in (*self._stores.values(), *self._private):
            with store.lock:
                store.close(keep=False)
