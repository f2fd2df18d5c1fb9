"""One output of a multiplexer: a queue of ours, or anything else that has `put`."""

from __future__ import annotations

from typing import Any

from ..formats.rows import row_dicts
from ..record import END, Failure
from .blocks import is_frame

__all__ = ["Output"]


class Output:
    """Puts blocks and marks on a queue; blocks while it is full."""

    def __init__(self, queue: Any) -> None:
        self.queue = queue
        self._takes_blocks = hasattr(queue, "put_block")

    def deliver(self, block: Any) -> None:
        """Put a frame or a list of records. Queues that are not ours get them one by one, rows as dicts."""
        if self._takes_blocks:
            self.queue.put_block(block)
            return
        for record in row_dicts(block) if is_frame(block) else block:
            self.queue.put(record)

    def tell(self, mark: Any) -> None:
        """Put a mark. Queues that are not ours get only those that every consumer must know: Failure and END."""
        if self._takes_blocks or mark is END or isinstance(mark, Failure):
            self.queue.put(mark)
