"""Any queue as an iterable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..record import END, Failure

__all__ = ["IterableQueue"]


class IterableQueue:
    """Iterates over any queue that has `get`, until END: the class `queue.Empty`, which a producer puts last.

    Blocks in the queue's own `get` while nothing is there. `END` is taken and not yielded; what comes after it stays.
    A `Failure` raises its error: a producer that cannot go on looks like no producer that is done.

    | | |
    |---|---|
    | buffered, full, writers, killed | as the queue itself |
    | several readers | each item goes to one of them, and each needs an END of its own |
    | order | that of the queue |

    Example:
        >>> import queue
        >>> source = queue.Queue()
        >>> for item in ("a", "b", END):
        ...     source.put(item)
        >>> list(IterableQueue(source))
        ['a', 'b']

    Args:
        source_queue: `plait.queue.Queue`, `multiprocessing.Queue`, `Manager().Queue()`, `queue.Queue`, ...
    """

    def __init__(self, source_queue: Any) -> None:
        self.source_queue = source_queue

    def __iter__(self) -> Iterator[Any]:
        while (item := self.source_queue.get()) is not END:
            if isinstance(item, Failure):
                raise item.error
            yield item
