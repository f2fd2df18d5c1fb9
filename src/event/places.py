"""How a user's function is named in messages: by its name, and the file and line where it stands."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

__all__ = ["name_of"]


def name_of(function: Callable[..., Any]) -> str:
    """Return the name of a function and where it stands, as `notify (alerts.py:12)` does."""
    while isinstance(function, functools.partial):
        function = function.func
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else str(name)
