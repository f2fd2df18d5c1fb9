"""Maps of rooms whose names are imported when they are first used.

A pipeline needs four components of twenty, a program that wants a queue needs no reader: each pays for what it uses.
So a room's `__init__.py` says in which module each of its names lives, and importing the room imports none of them.
(PEP 562; that a map of names is enough is an idea of Scientific Python's SPEC 1.)
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["lazily"]


def lazily(room: str, modules: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the `__getattr__` and the `__dir__` of a room.

    Args:
        room: its `__name__`.
        modules: for each name of its `__all__`, the module of the room that has it.
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        found = getattr(import_module(f"{room}.{modules[name]}"), name)
        setattr(sys.modules[room], name, found)  # the next time nobody asks here
        return found

    def names() -> list[str]:
        return sorted({*vars(sys.modules[room]), *modules})

    return get, names
