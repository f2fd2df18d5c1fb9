"""Putting into a queue of another process."""

from __future__ import annotations

import contextlib
import queue
import select
import threading
from collections.abc import Iterator
from multiprocessing.connection import wait
from typing import Any

from .blocks import OBJECTS, Block, Loose
from .deadlines import acquire, deadline_of, left_until
from .open_ends import OpenEnds
from .place import PUTS, Place, call
from .wire import ASK, CANCEL, NOW, RELEASE, RESERVE, SOME

__all__ = ["Outlet"]

_SHIP_AT = 500
"""Items gathered at which the thread that puts ships them itself."""


class Outlet:
    """Puts into a queue of another process.

    Blocks grow with the load, by no timer. A put that finds the outlet cold ships at once, in its own thread, and wakes
    the minder. Until that thread gets to run, further puts gather, and every 500 of them are shipped by the thread
    that puts. The minder ships what was left lying: it lets others run first, and only acts if nobody has shipped in
    the meantime, for a thread that puts without pause ships best by itself. When nothing is left the outlet is cold.
    """

    def __init__(self, place: Place, maxsize: int) -> None:
        self._place = place
        self._maxsize = maxsize
        self._wire = call(place, PUTS)
        self._pending: list[bytes] = []
        self._cold = True
        self._shipping = threading.Lock()
        self._shipped = 0
        self._bell: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._asking = threading.Lock()
        self._room = 0
        self._broken: OSError | None = None
        OpenEnds.add(self)

    # Putting.

    def put(self, body: bytes, block: bool, timeout: float | None) -> None:
        """Put one pickled item. Raises queue.Full, or BrokenPipeError when the owner has ended."""
        if self._maxsize:
            self._take_room(1, SOME, deadline_of(block, timeout))
        self.add(body)

    def add(self, body: bytes) -> None:
        """Put one pickled item for which there is room. Raises BrokenPipeError when the owner has ended."""
        self._pending.append(body)
        if self._cold or len(self._pending) >= _SHIP_AT:
            self._ship_soon()

    def put_block(self, parcel: Block, block: bool, timeout: float | None) -> None:
        """Put a whole block; it has been shipped when this returns."""
        if self._maxsize:
            self._take_room(parcel.count, 0, deadline_of(block, timeout))
        data = parcel.payload()
        with self._alone():
            self._ship()
            self._send(parcel.kind, parcel.count, data)

    def flush(self) -> None:
        """Ship all that was put; blocks while the owner is too busy to read."""
        with self._alone():
            self._ship()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Be the one who sends. The minder does not wait for that one: it is woken afterwards if something was put."""
        try:
            with self._shipping:
                yield
        finally:
            if self._cold and self._pending:
                self._cold = False
                self._wake(False)

    def _ship_soon(self) -> None:
        if self._shipping.acquire(blocking=False):
            try:
                self._ship()
            finally:
                self._shipping.release()
            if self._cold:
                self._cold = False
                self._wake(False)

    def _wake(self, last: bool) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._mind, name="plait-outlet", daemon=True)
            self._thread.start()
        self._bell.put(last)

    def _mind(self) -> None:
        room = select.poll()
        room.register(self._wire, select.POLLOUT)
        while not self._bell.get():
            try:
                self._ship_until_cold(room)
            except OSError:
                self._pending.clear()  # `_broken` says so to the next put; nobody is left to take what was put before
        self.end()
        self._hang_up()

    def _ship_until_cold(self, room: select.poll) -> None:
        while True:
            shipped = self._shipped
            room.poll()  # also lets go of the interpreter: other threads come first
            if shipped == self._shipped and not self._shipping.locked():
                with self._shipping:
                    self._ship()
            if not self._pending or self._shipping.locked():
                self._cold = True  # first this, then a last look: puts append first, and look whether it is cold then
                if not self._pending or self._shipping.locked():
                    return
                self._cold = False

    def _ship(self) -> None:
        count = len(self._pending)
        if count:
            batch = self._pending[:count]
            del self._pending[:count]
            self._shipped += 1
            self._send(OBJECTS, count, Loose(batch).payload())

    def _send(self, kind: int, number: int, data: Any = b"", flags: int = 0) -> None:
        try:
            if self._broken is None:
                self._wire.send(kind, number, data, flags)
        except OSError as error:
            self._broken = error
        if self._broken is not None:
            self._cold = True
            message = f"process {self._place.owner}, which made the queue, has ended"
            raise BrokenPipeError(message) from self._broken

    # Room and numbers: questions that the owner answers.

    def _take_room(self, need: int, flags: int, deadline: float | None) -> None:
        if not acquire(self._asking, deadline):
            raise queue.Full
        try:
            if self._room < need:
                self._give_back_room()
                self._room = self._ask(RESERVE, need, flags, deadline)
            if self._room < need:
                raise queue.Full
            self._room -= need
        finally:
            self._asking.release()

    def _give_back_room(self) -> None:
        spare, self._room = self._room, 0
        if spare:
            with self._alone():
                self._send(RELEASE, spare)

    def _ask(self, kind: int, number: int, flags: int, deadline: float | None) -> int:
        with self._alone():
            self._ship()
            self._send(kind, number, flags=flags | (NOW if deadline == 0 else 0))
        try:
            answered = wait([self._wire.socket], None if deadline == 0 else left_until(deadline))
        except BaseException:  # Ctrl-C: what is granted from now on must not be lost
            self._room = self._give_up()
            raise
        return self._answer() if answered else self._give_up()

    def _give_up(self) -> int:
        with self._alone():
            self._send(CANCEL, 0)
        return self._answer()

    def _answer(self) -> int:
        try:
            return self._wire.next().number
        except EOFError as error:
            raise BrokenPipeError(f"process {self._place.owner}, which made the queue, has ended") from error

    def qsize(self) -> int:
        """Return how many items wait at the owner, all that were put here among them."""
        with self._asking:
            return self._ask(ASK, 0, 0, None)

    # The end.

    def close(self) -> None:
        """Ship all that was put, and hang up when the owner has it."""
        try:
            self.qsize()
        finally:
            self._leave()

    def leave(self) -> None:
        """Have all that was put shipped, and hang up then; never blocks (for the garbage collector)."""
        if self._pending:
            self._wake(True)
        else:
            self._leave()

    def _leave(self) -> None:
        if self._thread is None:
            self._hang_up()
        else:
            self._bell.put(True)

    def _hang_up(self) -> None:
        OpenEnds.remove(self)
        self._wire.close()

    def end(self) -> None:
        """Ship all that was put, until the owner has it: the process ends."""
        try:
            self.qsize()
        except OSError:
            OpenEnds.remove(self)  # the owner ended first, and nobody is left to get what was put

    def abandon(self) -> None:
        """Let go without shipping: what is pending is lost, or belongs to the process that this one was forked off."""
        self._pending.clear()
        self._hang_up()
