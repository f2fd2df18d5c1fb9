"""A queue as seen from a process that did not make it: one connection to put, one to get, each made when first used."""

from __future__ import annotations

import os
import queue
import select
import threading
from collections import deque
from multiprocessing.connection import wait
from time import monotonic
from typing import Any, ClassVar

from .blocks import FRAME, OBJECTS, Block, Loose, Plain, drained, leading, unload
from .endings import after_fork, at_end
from .exchange import GETS, PUTS, Place, arrived, call
from .wire import ASK, CANCEL, EMPTY, ESTATE, NOW, RELEASE, REQUEST, RESERVE, SOME, UNREAD, Message, Wire, unpacked

__all__ = ["Inlet", "Outlet"]

_SHIP_AT = 1000
"""Items gathered at which the thread that puts ships them itself."""
_ANY = 2**62
_MOST = 4096


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - monotonic())


def _deadline(block: bool, timeout: float | None) -> float | None:
    if not block:
        return 0.0
    return None if timeout is None else monotonic() + timeout


def _acquire(lock: threading.Lock, deadline: float | None) -> bool:
    left = _left(deadline)
    return lock.acquire(timeout=-1 if left is None else left)


class _Open:
    """The ends that are open in this process."""

    _ends: ClassVar[set[Outlet | Inlet]] = set()
    _pid: ClassVar[int] = 0

    @classmethod
    def add(cls, end: Outlet | Inlet) -> None:
        if cls._pid != os.getpid():
            cls._pid = os.getpid()
            at_end(cls._end)
            after_fork(cls._forget)
        cls._ends.add(end)

    @classmethod
    def remove(cls, end: Outlet | Inlet) -> None:
        cls._ends.discard(end)

    @classmethod
    def _end(cls) -> None:
        for end in list(cls._ends):
            end.end()

    @classmethod
    def _forget(cls) -> None:
        for end in list(cls._ends):
            end.abandon()


class Outlet:
    """Puts into a queue of another process.

    Blocks grow with the load, by no timer. A put that finds the outlet cold ships at once, in its own thread, and wakes
    the minder. Until that thread gets to run, further puts gather, and every thousand of them are shipped by the thread
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
        _Open.add(self)

    # Putting.

    def put(self, body: bytes, block: bool, timeout: float | None) -> None:
        """Put one pickled item. Raises queue.Full, or BrokenPipeError when the owner has ended."""
        if self._maxsize:
            self._take_room(1, SOME, _deadline(block, timeout))
        self.add(body)

    def add(self, body: bytes) -> None:
        """Put one pickled item for which there is room. Raises BrokenPipeError when the owner has ended."""
        self._pending.append(body)
        if self._cold or len(self._pending) >= _SHIP_AT:
            self._ship_soon()

    def put_block(self, parcel: Block, block: bool, timeout: float | None) -> None:
        """Put a whole block; it has been shipped when this returns."""
        if self._maxsize:
            self._take_room(parcel.count, 0, _deadline(block, timeout))
        data = parcel.payload()
        with self._shipping:
            self._ship()
            self._send(parcel.kind, parcel.count, data)

    def flush(self) -> None:
        """Ship all that was put; blocks while the owner is too busy to read."""
        with self._shipping:
            self._ship()

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
        if not _acquire(self._asking, deadline):
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
            with self._shipping:
                self._send(RELEASE, spare)

    def _ask(self, kind: int, number: int, flags: int, deadline: float | None) -> int:
        with self._shipping:
            self._ship()
            self._send(kind, number, flags=flags | (NOW if deadline == 0 else 0))
        try:
            answered = wait([self._wire.socket], None if deadline == 0 else _left(deadline))
        except BaseException:  # Ctrl-C: what is granted from now on must not be lost
            self._room = self._give_up()
            raise
        return self._answer() if answered else self._give_up()

    def _give_up(self) -> int:
        with self._shipping:
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
        _Open.remove(self)
        self._wire.close()

    def end(self) -> None:
        """Ship all that was put, until the owner has it: the process ends."""
        try:
            self.qsize()
        except OSError:
            _Open.remove(self)  # the owner ended first, and nobody is left to get what was put

    def abandon(self) -> None:
        """Let go without shipping: what is pending is lost, or belongs to the process that this one was forked off."""
        self._pending.clear()
        self._hang_up()


class Inlet:
    """Gets from a queue of another process.

    It asks for one item, then for two, four, and so on: a consumer that stops early, or is killed, has fetched little
    more than it used. What is left at the end goes back to the head of the queue.
    """

    def __init__(self, place: Place, maxsize: int, shelf: deque[Any]) -> None:
        self.shelf = shelf
        self._place = place
        self._most = max(1, min(_MOST, maxsize // 2)) if maxsize else _MOST
        self._want = 1
        self._wire: Wire = call(place, GETS)
        self._blocks: deque[Block] = deque()
        self._asked = False
        self._lock = threading.Lock()
        _Open.add(self)

    def fileno(self) -> int:
        return self._wire.fileno()

    def fill_shelf(self, block: bool, timeout: float | None) -> None:
        """Wait until something is on the shelf. Raises queue.Empty; EOFError when the owner has ended."""
        deadline = _deadline(block, timeout)
        if not _acquire(self._lock, deadline):
            raise queue.Empty
        try:
            if self.shelf:
                return
            if not self._blocks:
                self._fetch(self._want, 0, deadline)
                self._want = min(2 * self._want, self._most)
            self.shelf.extend(unload(self._blocks))
        finally:
            self._lock.release()

    def take_block(self, block: bool, timeout: float | None) -> Any:
        """Return a frame, a list of items or a mark, waiting for it. Raises as `fill_shelf`."""
        deadline = _deadline(block, timeout)
        if not _acquire(self._lock, deadline):
            raise queue.Empty
        try:
            if not self.shelf and not self._blocks:
                self._fetch(_ANY, SOME, deadline)
            if not self.shelf and self._blocks[0].kind == FRAME:
                return self._blocks.popleft().whole()
            if not self.shelf:
                self.shelf.extend(unload(self._blocks))
            first, rest = leading(list(drained(self.shelf)))
            self.shelf.extendleft(reversed(rest))
            return first
        finally:
            self._lock.release()

    def ready(self) -> bool:
        """Tell whether there is something to fetch (or to learn: that the owner has ended), and ask for it if not."""
        with self._lock:
            if self.shelf or self._blocks:
                return True
            try:
                self._request(self._want, 0)
                if self._wire.pending() or wait([self._wire.socket], 0):
                    self._accept(self._wire.next())
            except (OSError, EOFError):
                return True
            return bool(self._blocks)

    def _request(self, want: int, flags: int) -> None:
        if not self._asked:
            self._asked = True
            self._wire.send(REQUEST, want, flags=flags)

    def _fetch(self, want: int, flags: int, deadline: float | None) -> None:
        try:
            asked_before = self._asked
            self._request(want, flags | (NOW if deadline == 0 else 0))
            if asked_before if deadline == 0 else not self._answers(deadline):
                self._wire.send(CANCEL)
            self._accept(self._wire.next())
        except (OSError, EOFError) as error:
            raise EOFError(f"process {self._place.owner}, which made the queue, has ended") from error
        if not self._blocks:
            raise queue.Empty

    def _answers(self, deadline: float | None) -> bool:
        """Tell whether there is an answer in time; `next` can wait for ever as well as `wait` can."""
        return deadline is None or self._wire.pending() or bool(wait([self._wire.socket], _left(deadline)))

    def _accept(self, message: Message) -> None:
        if message.kind == ESTATE:  # unasked: an answer may still follow
            self._blocks.extend(map(arrived, unpacked(message.data)))
            return
        self._asked = False
        if message.kind != EMPTY:
            self._blocks.append(arrived(message))

    def close(self) -> None:
        """Give back what was fetched and not used, and hang up."""
        try:
            if self._asked:
                self._wire.send(CANCEL)
                self._accept(self._wire.next())
            self._give_back()
        except (OSError, EOFError):
            self._blocks.clear()  # the owner has ended: there is nobody to give it back to
        finally:
            self.abandon()

    end = close

    def _give_back(self) -> None:
        if self.shelf:
            self._blocks.appendleft(Plain(list(drained(self.shelf))))
        for block in reversed(self._blocks):
            self._wire.send(block.kind, block.count, block.payload(), UNREAD)
        self._blocks.clear()

    def abandon(self) -> None:
        """Let go without a word: the connection belongs to the process that this one was forked off."""
        _Open.remove(self)
        self._wire.close()
