"""Small things with original names: `MultiProcessing` (the owner of pools), `IterableQueue`, `AttrDict`."""

from __future__ import annotations

from .attr_dict import AttrDict
from .iterable_queue import IterableQueue
from .multi_processing import MultiProcessing

__all__ = ["AttrDict", "IterableQueue", "MultiProcessing"]
