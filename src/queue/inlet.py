"""Getting from a queue of another process."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import deque
from multiprocessing.connection import wait
from typing import Any

from .blocks import FRAME, Block, Plain, arrived, drained, leading, unload
from .deadlines import acquire, deadline_of, left_until
from .endings import is_ending
from .open_ends import OpenEnds
from .place import GETS, Place, call
from .wire import CANCEL, EMPTY, ESTATE, NOW, REQUEST, SOME, UNREAD, Message, Wire, unpacked

__all__ = ["Inlet"]

_ANY = 2**62
_MOST = 4096


class Inlet:
    """Gets from a queue of another process.

    It asks for one item, then for two, four, and so on: a consumer that stops early, or is killed, has fetched little
    more than it used. What is left at the end goes back to the head of the queue; where the process is ending already,
    nothing is left.
    """

    def __init__(self, place: Place, maxsize: int, shelf: deque[Any]) -> None:
        self.shelf = shelf
        self._place = place
        self._want = 1
        self._wire: Wire = call(place, GETS)
        self._blocks: deque[Block] = deque()
        self._asked = self._over = False
        self._lock = threading.RLock()  # reentrant: a signal's handler may close what it has interrupted
        self._speaking = threading.RLock()
        OpenEnds.add(self)
        most = max(1, min(_MOST, maxsize // 2)) if maxsize else _MOST
        self._most = 1 if is_ending() else most

    def fileno(self) -> int:
        return self._wire.fileno()

    def fill_shelf(self, block: bool, timeout: float | None) -> None:
        """Wait until something is on the shelf. Raises queue.Empty; EOFError when the owner has ended."""
        deadline = deadline_of(block, timeout)
        self._take_turn(deadline)
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
        deadline = deadline_of(block, timeout)
        self._take_turn(deadline)
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

    def _take_turn(self, deadline: float | None) -> None:
        """Wait for the lock. Raises queue.Empty at the deadline, or when this end has been closed meanwhile."""
        if not acquire(self._lock, deadline):
            raise queue.Empty
        if self._over:
            self._lock.release()
            raise queue.Empty

    def ready(self) -> bool:
        """Tell whether there is something to fetch (or to learn: that the owner has ended), and ask for it if not."""
        with self._lock:
            if self.shelf or self._blocks or self._over:
                return True
            try:
                self._request(self._want, 0)
                if self._wire.pending() or wait([self._wire.socket], 0):
                    self._accept(self._wire.next())
            except EOFError:
                return True
            return bool(self._blocks)

    def _request(self, want: int, flags: int) -> None:
        with self._speaking:
            if not self._asked:
                self._asked = True
                self._say(REQUEST, want, flags | (NOW if self._over else 0))

    def _say(self, kind: int, number: int = 0, flags: int = 0) -> None:
        with contextlib.suppress(OSError):  # the owner has ended: what it sent before is still to be read, then its end
            self._wire.send(kind, number, flags=flags)

    def _fetch(self, want: int, flags: int, deadline: float | None) -> None:
        try:
            asked_before = self._asked
            self._request(want, flags | (NOW if deadline == 0 else 0))
            if asked_before if deadline == 0 else not self._answers(deadline):
                self._say(CANCEL)
            self._accept(self._wire.next())
        except EOFError as error:
            raise EOFError(f"process {self._place.owner}, which made the queue, has ended") from error
        if not self._blocks:
            raise queue.Empty

    def _answers(self, deadline: float | None) -> bool:
        """Tell whether there is an answer in time; `next` can wait for ever as well as `wait` can."""
        return deadline is None or self._wire.pending() or bool(wait([self._wire.socket], left_until(deadline)))

    def _accept(self, message: Message) -> None:
        if message.kind == ESTATE:  # unasked: an answer may still follow
            self._blocks.extend(arrived(m.kind, m.number, m.data) for m in unpacked(message.data))
            return
        self._asked = False
        if message.kind != EMPTY:
            self._blocks.append(arrived(message.kind, message.number, message.data))

    def close(self) -> None:
        """Give back what was fetched and not used, and hang up; a thread that waits here is told that there is none."""
        self._recall()
        with self._lock:
            try:
                if self._asked:
                    self._accept(self._wire.next())
                self._give_back()
            except (OSError, EOFError):
                self._blocks.clear()  # the owner has ended: there is nobody to give it back to
            finally:
                self._wire.hang_up()  # which ends the wait for the descriptor, too
                self.abandon()

    end = close

    def _recall(self) -> None:
        """Have what was asked answered at once, and all that will be."""
        with self._speaking:
            self._over = True
            if self._asked:
                self._say(CANCEL)

    def _give_back(self) -> None:
        if self.shelf:
            self._blocks.appendleft(Plain(list(drained(self.shelf))))
        for block in reversed(self._blocks):
            self._wire.send(*block.message(), UNREAD)
        self._blocks.clear()

    def abandon(self) -> None:
        """Let go without a word: the connection belongs to the process that this one was forked off."""
        OpenEnds.remove(self)
        self._wire.close()
