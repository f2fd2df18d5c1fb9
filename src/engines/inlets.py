"""Where streams enter a process: a source that is read here, or a queue from another process."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Any, TypeAlias

from ..record import END, Failure
from .nodes import Edge, StageState, blame

__all__ = ["Bell", "Inlet", "Item", "PumpedInlet"]

Item: TypeAlias = Any
"""A frame, a Frontier, Idle, or END."""

_DEPTH = 2


class Bell:
    """What the one thread of a flow waits on, and the pumps of its inlets ring."""

    def __init__(self) -> None:
        self.changed = threading.Condition()


class Inlet:
    """A stream that is read when its rows are wanted, in the thread of the flow.

    Args:
        name: the stage that the stream is the output of.
        items: frames, frontiers and idle marks; the end of the iterator is the end of the stream.
        targets: who is told.
        finite: False for a live source: stopping it cuts nothing off.
        state: the stage's, if it is read in this process.
    """

    def __init__(
        self, name: str, items: Iterator[Any], targets: list[Edge], *, finite: bool, state: StageState | None = None
    ) -> None:
        self.name = name
        self.targets = targets
        self.finite = finite
        self.state = state
        self.idle = False
        self.ended = False
        self.failed: Failure | None = None
        self.rows = 0
        self.items = items

    @property
    def ready(self) -> bool:
        """True if `take` would not wait for another thread."""
        return True

    def start(self) -> None:
        """Begin to read, if that happens in a thread of its own."""

    def take(self) -> Item:
        """Return the next item; END when there are no more. Raises what the source raises."""
        with blame(self.name):
            return next(self.items, END)

    def close(self) -> None:
        """Stop reading, and let go of the source."""
        close = getattr(self.items, "close", None)
        if close is not None:
            close()


class PumpedInlet(Inlet):
    """A stream that is read ahead in a thread of its own, two items at most: a live source, or another process."""

    def __init__(self, *args: Any, bell: Bell, **options: Any) -> None:
        super().__init__(*args, **options)
        self._bell = bell
        self._buffer: deque[Item] = deque()
        self._closed = False
        self._thread = threading.Thread(target=self._pump, name=f"plait-{self.name}", daemon=True)

    @property
    def ready(self) -> bool:
        return bool(self._buffer)

    def start(self) -> None:
        self._thread.start()

    def take(self) -> Item:
        with self._bell.changed:
            item = self._buffer.popleft()
            self._bell.changed.notify_all()
            return item

    def close(self) -> None:
        """Read what is left without keeping it, so that whoever sends it can end; then let go of the source."""
        with self._bell.changed:
            self._closed = True
            self._buffer.clear()
            self._bell.changed.notify_all()
        self._thread.join()

    def _pump(self) -> None:
        try:
            with blame(self.name):
                for item in self.items:
                    self._put(item)
            self._put(END)
        except Exception as error:
            self._fail(Failure(error))
        finally:
            super().close()

    def _fail(self, failure: Failure) -> None:
        """Tell of an error at once, ahead of what is waiting: the run is over."""
        with self._bell.changed:
            self.failed = failure
            self._bell.changed.notify_all()

    def _put(self, item: Item) -> None:
        with self._bell.changed:
            self._bell.changed.wait_for(lambda: self._closed or len(self._buffer) < _DEPTH)
            if not self._closed:
                self._buffer.append(item)
                self._bell.changed.notify_all()
