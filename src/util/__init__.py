"""Small things with original names: `MultiProcessing` (the owner of pools), `IterableQueue`, `AttrDict`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazily import lazily

if TYPE_CHECKING:
    from .attr_dict import AttrDict
    from .iterable_queue import IterableQueue
    from .multi_processing import MultiProcessing

__all__ = ["AttrDict", "IterableQueue", "MultiProcessing"]

__getattr__, __dir__ = lazily(
    __name__,
    {"AttrDict": "attr_dict", "IterableQueue": "iterable_queue", "MultiProcessing": "multi_processing"},
)
