"""Events published to streams, processed in batches, gathered in windows, joined: a small interface for Python.

* What is called: `StreamProcessing`; its table has all methods. What is published: `Event`.
* What comes back: `Window` (a stretch of time with its events), `Pair` (two events that a join brought together).

Which windows an event lies in, what a session is and which events are a pair is decided by `plait.windows` and
`plait.joins`, as in pipelines; what is kept by key is in a `plait.state.KeyedState`.
"""

from __future__ import annotations

from .event import Event
from .joining import Pair
from .processing import StreamProcessing
from .windows import Window

__all__ = ["Event", "Pair", "StreamProcessing", "Window"]
