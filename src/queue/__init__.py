"""Queues between processes, and multiplexers that join and share them out.

Passing items on: `Queue` (between any processes and threads; iterates until `END`), `wait` (for several queues and
for processes at once), `adopt` (a queue of another make, as one that can be waited for).

Joining and sharing out: `QueueMultiplexer` (in the order of arrival), `SortedQueueMultiplexer` (in the order of a key).

Marks, in band with the data: `END` (the class `queue.Empty`), `Frontier`, `Idle`, `Failure`. Raised as by
`multiprocessing.Queue`: `Empty`, `Full`.
"""

from __future__ import annotations

from queue import Empty, Full
from typing import TYPE_CHECKING

from ..lazily import lazily
from ..record import END, Failure, Frontier, Idle

if TYPE_CHECKING:
    from .channel import Queue
    from .queue_multiplexer import QueueMultiplexer
    from .sorted_queue_multiplexer import SortedQueueMultiplexer
    from .waiting import adopt, wait

__all__ = [
    "END",
    "Empty",
    "Failure",
    "Frontier",
    "Full",
    "Idle",
    "Queue",
    "QueueMultiplexer",
    "SortedQueueMultiplexer",
    "adopt",
    "wait",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Queue": "channel",
        "QueueMultiplexer": "queue_multiplexer",
        "SortedQueueMultiplexer": "sorted_queue_multiplexer",
        "adopt": "waiting",
        "wait": "waiting",
    },
)
