"""What somebody who puts asks of the owner: for room, ahead of the need, and how many items are waiting.

Theory of operation. Room is granted for many items at once. When a quarter of the queue or less is left of it, more is
asked for, and the answer is looked at when nothing is left: by then it has come, if there is room at all, so that those
who put need not wait for the owner's thread. What is asked ahead is answered at once, out of a half of the queue that
all who ask share, with nothing if need be: whoever asks and then pauses keeps nobody out. One question is open at a
time; it is answered once, also when it is taken back, and the wire has nothing else to say. Nobody asks ahead of a
small queue, whose room is promised one by one.
"""

from __future__ import annotations

import queue
import threading
from itertools import repeat
from multiprocessing.connection import wait
from operator import length_hint
from typing import Protocol

from .deadlines import acquire, left_until
from .depot import EXACT_BELOW
from .place import Place
from .tray import Tray
from .wire import ASK, CANCEL, NOW, RELEASE, RESERVE, SOME, Wire

__all__ = ["Allowance"]


class Say(Protocol):
    """Send a message behind all that was put."""

    def __call__(self, kind: int, number: int, flags: int = 0) -> None: ...


class Allowance:
    """The questions of one outlet. Raises BrokenPipeError when the owner has ended.

    Args:
        place: where the queue lives.
        wire: on which the answers come.
        maxsize: of the queue.
        tray: whose `room` is what is left of what was granted.
        say: sends a question.
    """

    def __init__(self, place: Place, wire: Wire, maxsize: int, tray: Tray, say: Say) -> None:
        self._place = place
        self._wire = wire
        self._low = maxsize // 4 if maxsize >= EXACT_BELOW else -1
        self._tray = tray
        self._say = say
        self._asking = threading.Lock()
        self._speaking = threading.RLock()
        self._open = self._over = False

    def take(self, need: int, flags: int, deadline: float | None) -> None:
        """Take room for `need` items out of what was granted, or ask for it. Raises queue.Full."""
        if not acquire(self._asking, deadline):
            raise queue.Full
        try:
            held = sum(self._tray.room or ())  # which leaves none there
            if held < need and self._open:
                held += self._answered(held, deadline if flags & SOME else 0)
            if held < need:
                held = self._exchange(held, need, flags, deadline)
            self._tray.room = repeat(True, held - need if held >= need else held)
            if held < need:
                raise queue.Full
        finally:
            self._asking.release()

    def _exchange(self, held: int, need: int, flags: int, deadline: float | None) -> int:
        if held:
            self._say(RELEASE, held)
        return self._ask(RESERVE, need, flags, deadline)

    def look_ahead(self) -> None:
        """Ask for more room if little is left (of a bounded queue). Waits for nothing but the sending."""
        little = not self._open and length_hint(self._tray.room) <= self._low
        if not little or not self._asking.acquire(blocking=False):
            return
        try:
            self._say(RESERVE, 0, SOME)
            self._open = True
        finally:
            self._asking.release()

    def qsize(self) -> int:
        """Return how many items wait at the owner, all that were put here among them."""
        with self._asking:
            if self._open:
                held = sum(self._tray.room or ())
                self._tray.room = repeat(True, held + self._answered(held, 0))
            return self._ask(ASK, 0, 0, None)

    def recall(self) -> None:
        """Have a thread that waits for room answered at once, and all that will ask."""
        with self._speaking:
            self._over = True
            self._say(CANCEL, 0)

    def _ask(self, kind: int, number: int, flags: int, deadline: float | None) -> int:
        with self._speaking:
            self._say(kind, number, flags | (NOW if deadline == 0 or self._over else 0))
        return self._answered(0, None if deadline == 0 else deadline)

    def _answered(self, held: int, deadline: float | None) -> int:
        """Return the answer to the question that was asked; at the deadline it is taken back, and that is answered."""
        try:
            answered = wait([self._wire.socket], left_until(deadline))
        except BaseException:  # Ctrl-C: what is granted from now on must not be lost
            self._tray.room = repeat(True, held + self._give_up())
            raise
        return self._answer() if answered else self._give_up()

    def _give_up(self) -> int:
        self._say(CANCEL, 0)
        return self._answer()

    def _answer(self) -> int:
        try:
            number = self._wire.next().number
        except EOFError as error:
            raise BrokenPipeError(f"process {self._place.owner}, which made the queue, has ended") from error
        self._open = False
        return number
