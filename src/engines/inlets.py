"""Where streams enter a process: a source that is read here, or a queue from another process."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeAlias

from ..record import END, Failure
from .nodes import Edge, StageState, blame

__all__ = ["Bell", "BufferedInlet", "Feeder", "Inlet", "Item", "PumpedInlet", "ReadInlet"]

Item: TypeAlias = Any
"""A frame, a Frontier, or both as a gate released them (`Gated`), perhaps with late rows (`Sifted`); Idle, or END.

From another thread or process late rows come as a frame behind the mark `LateFollows`.
"""

_DEPTH = 2


class Bell:
    """What the one thread of a flow waits on, and whoever fills its inlets rings."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.changed = threading.Condition(self.lock)


class Inlet:
    """Where a stream enters.

    Args:
        name: the stage that the stream is the output of.
        finite: False for a live source: stopping it cuts nothing off.
        state: the stage's, if it is read in this process by the flow itself.

    Attributes:
        source: the reader that the stream began at.
        late: who reads the late rows of that reader.
        late_follows: the next frame is of such rows.
        rows: how many rows have come.
        rows_read: call it to learn how many have been read for this stream, as far as is known here.
    """

    def __init__(self, name: str, *, finite: bool, state: StageState | None = None) -> None:
        self.name = self.source = name
        self.targets: list[Edge] = []
        self.late: list[Edge] = []
        self.late_follows = False
        self.finite = finite
        self.state = state
        self.idle = False
        self.ended = False
        self.failed: Failure | None = None
        self.rows = 0
        self.rows_read: Callable[[], int] = lambda: self.rows

    @property
    def ready(self) -> bool:
        """True if `take` would not wait for another thread."""
        return True

    def start(self) -> None:
        """Begin to read, if that happens in a thread of its own."""

    def take(self) -> Item:
        """Return the next item; END when there are no more. Raises what the source raises."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop reading, and let go of the source."""


class ReadInlet(Inlet):
    """A stream that is read when its rows are wanted, in the thread of the flow.

    Args:
        items: frames, frontiers and idle marks; the end of the iterator is the end of the stream.
    """

    def __init__(self, name: str, items: Iterator[Any], *, finite: bool, state: StageState | None = None) -> None:
        super().__init__(name, finite=finite, state=state)
        self.items = items

    def take(self) -> Item:
        with blame(self.name):
            return next(self.items, END)

    def close(self) -> None:
        close = getattr(self.items, "close", None)
        if close is not None:
            close()


class Feeder(Protocol):
    """Who fills an inlet: it begins with the flow, and ends soon after the inlet is closed, or at the end of all."""

    def start(self) -> None:
        """Begin."""

    def is_alive(self) -> bool:
        """Tell whether it has begun and not ended."""

    def join(self) -> None:
        """Wait for its end."""


class BufferedInlet(Inlet):
    """A stream that another thread reads ahead, two items at most, and puts here.

    Attributes:
        feeder: whoever does so.
    """

    feeder: Feeder

    def __init__(self, name: str, *, finite: bool, bell: Bell, state: StageState | None = None) -> None:
        super().__init__(name, finite=finite, state=state)
        self._bell = bell
        self._room = threading.Condition(bell.lock)
        self._buffer: deque[Item] = deque()
        self._closed = False

    @property
    def ready(self) -> bool:
        return bool(self._buffer)

    @property
    def waiting(self) -> int:
        """How many items are there that have not been taken."""
        return len(self._buffer)

    @property
    def has_room(self) -> bool:
        """True if `put` would not wait. After `close` there is room for all that still comes."""
        return self._closed or len(self._buffer) < _DEPTH

    def start(self) -> None:
        self.feeder.start()

    def take(self) -> Item:
        with self._bell.lock:
            item = self._buffer.popleft()
            self._room.notify_all()
            return item

    def put(self, item: Item) -> None:
        """Take the next item; blocks while there is no room. Called by the feeder.

        `Failure` is told at once, ahead of what is waiting: the run is over. After `close`, items are dropped.
        """
        with self._bell.lock:
            if isinstance(item, Failure):
                self.failed = item
            else:
                self._wait_for_room()
                if not self._closed:
                    self._buffer.append(item)
            self._bell.changed.notify_all()

    put_block = put

    def _wait_for_room(self) -> None:
        self._room.wait_for(lambda: self.has_room)

    def close(self) -> None:
        """Let the feeder come to its end: what it still reads is not kept."""
        with self._bell.lock:
            self._closed = True
            self._buffer.clear()
            self._room.notify_all()
        if self.feeder.is_alive():
            self.feeder.join()


class PumpedInlet(BufferedInlet):
    """A stream whose items are waited for in a thread of its own: a live source, or another process.

    Args:
        items: frames, frontiers and idle marks. After `close` what is left of them is read without keeping it, so that
            whoever sends it can end.
    """

    def __init__(
        self, name: str, items: Iterator[Any], *, finite: bool, bell: Bell, state: StageState | None = None
    ) -> None:
        super().__init__(name, finite=finite, bell=bell, state=state)
        self.items = items
        self.feeder = threading.Thread(target=self._pump, name=f"plait-{name}", daemon=True)

    def _pump(self) -> None:
        try:
            with blame(self.name):
                for item in self.items:
                    self.put(item)
            self.put(END)
        except BaseException as error:  # one that ends this thread, too, must be heard of
            self.put(Failure(error))
        finally:
            close = getattr(self.items, "close", None)
            if close is not None:
                close()
