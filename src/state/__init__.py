"""Keyed state: values that outlive the row that brought them, by key, with a time to live in event time.

* What people hold: `KeyedState`, and the `Scope` that `of` and `of_window` return. `StateStatistics` says how it does.
* What a run holds: `SharedStates`, one store for each path, however many stages name it.
* `problem_of` tells, without opening it, why a file cannot be one of ours.

It needs the standard library alone. Below are `keys` (which keys are the same, and how they are written), `file`
(opening SQLite) and `store` (the table, and the cache before it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazily import lazily

if TYPE_CHECKING:
    from .file import problem_of
    from .keyed_state import KeyedState, StateStatistics
    from .scope import Scope
    from .shared import SharedStates

__all__ = ["KeyedState", "Scope", "SharedStates", "StateStatistics", "problem_of"]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "KeyedState": "keyed_state",
        "Scope": "scope",
        "SharedStates": "shared",
        "StateStatistics": "keyed_state",
        "problem_of": "file",
    },
)
