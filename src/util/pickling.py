"""Pickling tasks and results: by reference what the other process can import, by value what it cannot."""

from __future__ import annotations

import io
import sys
from typing import Any

from multiprocess.reduction import ForkingPickler

__all__ = ["dumps"]


class _Pickler(ForkingPickler):  # type: ignore[misc]
    """dill, but classes of the program itself go by reference, since workers import the program too.

    dill alone sends such a class by value. The copy in the worker is another class, whose objects no queue can pickle.
    """

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, type) and obj.__module__ == "__main__" and _is_importable(obj):
            return obj.__qualname__
        return NotImplemented


def _is_importable(cls: type) -> bool:
    found: Any = sys.modules["__main__"]
    if not hasattr(found, "__file__"):
        return False
    for name in cls.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is cls


def dumps(obj: Any) -> memoryview:
    """Pickle functions of any make, their arguments, or results. Raises what pickling raises.

    A program that has no file (typed in, or given with -c) cannot be imported by workers: of its functions, what they
    refer to is sent along.
    """
    buffer = io.BytesIO()
    _Pickler(buffer, recurse=not hasattr(sys.modules["__main__"], "__file__")).dump(obj)
    return buffer.getbuffer()
