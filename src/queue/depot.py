"""The heart of a queue: what is waiting, who waits for it, and who waits for room. It lives in one process.

The process that made a queue owns its depot. Threads of that process use it directly; other processes have a
connection each, and the thread that serves them (`exchange`) speaks for them here. Nobody but the owner ever holds the
lock, so nobody else can die holding it.
"""

from __future__ import annotations

import queue
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from .bell import Bell
from .blocks import FRAME, Block, Loose, Plain, drained, leading, unload
from .deadlines import deadline_of, left_until
from .tray import NEVER, Tray

__all__ = ["EXACT_BELOW", "Depot", "Giver", "Taker"]

EXACT_BELOW = 64
"""Queues smaller than this promise room for one item at a time."""


def _never() -> bool:
    return False


class Taker(Protocol):
    """Somebody in another process who has asked for items."""

    want: int

    def take(self, block: Block) -> bool:
        """Accept the block, or return False if nobody is there any more (the block is then put back)."""


class Giver(Protocol):
    """Somebody who has asked for room."""

    need: int
    some: bool
    alone: bool

    def grant(self, ahead: int) -> None:
        """Be told that there is room for what is needed and for `ahead` items more, which is now set aside."""


class _LocalGiver:
    """A thread of this process that waits for room."""

    some = alone = False

    def __init__(self, need: int) -> None:
        self.need = need
        self.granted = False
        self._gate = threading.Lock()
        self._gate.acquire()

    def grant(self, ahead: int) -> None:
        self.granted = True
        self._gate.release()

    def recall(self) -> None:
        """Wake the thread, without room."""
        self._gate.release()

    def wait(self, timeout: float | None) -> None:
        self._gate.acquire(timeout=-1 if timeout is None else max(0.0, timeout))


class Depot:
    """Blocks in the order in which they arrived.

    Attributes:
        maxsize: how many items may wait (0: any number). Rows of a frame count one by one. A block that is larger than
            that, or than what is not promised ahead, is let in when nothing else is waiting.
        handles: how many handles of the queue the owner has itself.
        shelf: items at the head of the queue, already unpickled, from which threads of this process pop.
        tray: items at the end of the queue, to which threads of this process append.
    """

    def __init__(self, maxsize: int = 0) -> None:
        self.maxsize = maxsize
        self.handles = 0
        self.shelf: deque[Any] = deque()
        self.lock = threading.RLock()  # reentrant: a queue that is collected as garbage may come back here
        self.takers: deque[Taker] = deque()
        self.givers: deque[Giver] = deque()
        self._blocks: deque[Block] = deque()
        self._filled = threading.Condition(self.lock)
        self._sleepers = 0
        self._count = 0
        self._in_hand = 0
        self._reserved = self._ahead = 0
        self._bell: Bell | None = None
        self.tray = Tray(NEVER, self._look_into_tray, bounded=maxsize > 0)

    def __len__(self) -> int:
        return self._count + self._in_hand + len(self.shelf) + len(self.tray)

    # `closed` tells whether the handle that asks has been closed; after that comes `recall`. So it is looked at last
    # before a wait: in line for room, or with the lock, where no recall can be missed.

    # Room. `reserve` comes before `add`, and only if there is a maxsize.

    def reserve(
        self, need: int, block: bool = True, timeout: float | None = None, closed: Callable[[], bool] = _never
    ) -> None:
        """Set room for `need` items aside, waiting for it. Raises queue.Full, before the time is out if recalled."""
        giver = _LocalGiver(need)
        self.ask_room(giver)
        try:
            giver.wait(timeout if block and not closed() else 0)
        except BaseException:  # Ctrl-C: whoever waits behind must not wait for this one
            if not self.withdraw(giver) and giver.granted:
                self.unreserve(need)
            raise
        if not giver.granted and (self.withdraw(giver) or not giver.granted):
            raise queue.Full

    def recall(self) -> None:
        """Send the threads of this process that wait here back to their handles, one of which has been closed."""
        with self.lock:
            self._filled.notify_all()
            if self._bell is not None:
                self._bell.ring()
            for giver in [giver for giver in self.givers if isinstance(giver, _LocalGiver)]:
                self.givers.remove(giver)
                giver.recall()
            self.settle()

    def withdraw(self, giver: Giver) -> bool:
        """Take somebody out of the line for room; False if it has been granted already."""
        with self.lock:
            waiting = giver in self.givers
            if waiting:
                self.givers.remove(giver)
                self.settle()
            return waiting

    def ask_room(self, giver: Giver) -> None:
        """Put somebody in line for room; its `grant` is called now or later, by whichever thread makes room."""
        with self.lock:
            self.givers.append(giver)
            self.settle()

    def ask_ahead(self, giver: Giver) -> None:
        """Give somebody who needs nothing yet what can be spared, at once: nothing while others wait for room."""
        with self.lock:
            if self.givers:
                giver.grant(0)
            else:
                self._grant(giver)

    def settle(self) -> None:
        """Give the room that there is to those who wait for it, first come, first served."""
        with self.lock:
            while self.givers and self._fits(self.givers[0].need):
                self._grant(self.givers.popleft())

    def _grant(self, giver: Giver) -> None:
        ahead = self._to_spare(giver)
        self._reserved += giver.need
        self._ahead += ahead
        giver.grant(ahead)

    def unreserve(self, count: int, ahead: int = 0) -> None:
        """Give back room that was set aside for somebody who will not use it: for a need, and ahead of any."""
        with self.lock:
            self._reserved -= count
            self._ahead -= ahead
            self.settle()

    def _fits(self, need: int) -> bool:
        used = len(self) + self._reserved
        return used + self._ahead + need <= self.maxsize or used == 0

    def _to_spare(self, giver: Giver) -> int:
        """Room beyond the need, so that not every item has to ask; never more than half of it all is promised so."""
        if not giver.some or self.maxsize < EXACT_BELOW:
            return 0
        half = self.maxsize // 2
        free = self.maxsize - len(self) - self._reserved - self._ahead - giver.need
        return max(0, min(half - self._ahead, free if giver.alone else free - half))

    # In.

    def put(self, part: Any, block: bool, timeout: float | None, closed: Callable[[], bool] = _never) -> None:
        """Put one sealed item at the end, waiting for room. Raises queue.Full."""
        with self.lock:
            at_once = not self.maxsize or (not self.givers and self._fits(1))
            if at_once:
                self.tray.lay(part)
                if len(self.tray) >= self.tray.limit:
                    self._serve()
        if not at_once:
            self.reserve(1, block, timeout, closed)
            self.add(Loose([part]), reserved=1)

    def _look_into_tray(self) -> None:
        with self.lock:
            self._serve()

    def _fold(self) -> None:
        if self.tray:
            parts = self.tray.take()
            self._blocks.append(Loose(parts, self.tray.kind(parts)))
            self._count += len(parts)

    def add(self, block: Block, reserved: int = 0, ahead: int = 0) -> None:
        """Put a block at the end, into room that was set aside for it: when it was needed, and ahead of that."""
        with self.lock:
            self._fold()
            self._blocks.append(block)
            self._count += block.count
            self._reserved -= reserved
            self._ahead -= ahead
            self._serve()

    def put_back(self, block: Block) -> None:
        """Put a block at the head: somebody took it and could not use it."""
        with self.lock:
            self._store_shelf()
            self._blocks.appendleft(block)
            self._count += block.count
            self._serve()

    def _serve(self) -> None:
        self.tray.limit = 1
        self._fold()
        while self.takers and (self._blocks or self.shelf):
            self._hand_to(self.takers.popleft())
        filled = bool(self._blocks or self.shelf)
        if filled and self._sleepers:
            self._filled.notify_all()
        if filled and self._bell is not None:
            self._bell.ring()
        awaited = not filled and (self.takers or self._sleepers or self._bell)
        self.tray.limit = 1 if awaited else NEVER
        if self.givers:
            self.settle()

    def _hand_to(self, taker: Taker) -> None:
        block = self._next(taker.want)
        taken = False
        try:
            taken = taker.take(block)
        finally:
            if not taken:
                self._blocks.appendleft(block)
                self._count += block.count

    # Out.

    def ask_items(self, taker: Taker) -> None:
        """Put somebody from another process in line for items; its `take` is called now or later."""
        with self.lock:
            self.takers.append(taker)
            self._serve()

    def _next(self, limit: int) -> Block:
        self._store_shelf()
        block = self._blocks.popleft()
        if block.count > limit:
            block, rest = block.split(limit)
            self._blocks.appendleft(rest)
        self._count -= block.count
        return block

    def _store_shelf(self) -> None:
        """Turn what is on the shelf into a block again: another process is to have it."""
        if self.shelf:
            items = list(drained(self.shelf))
            self._blocks.appendleft(Plain(items))
            self._count += len(items)

    def fill_shelf(self, block: bool, timeout: float | None, closed: Callable[[], bool] = _never) -> None:
        """Wait until something is on the shelf. Raises queue.Empty (early if recalled), or what unpickling raises."""
        with self.lock:
            if self.shelf:
                return
            self._await(block, timeout, closed)
            if self.shelf:
                return
            taken = deque([self._blocks.popleft()])
            self._in_hand += (held := taken[0].count)
            self._count -= held
        items: list[Any] = []
        try:
            items = unload(taken)
        finally:
            with self.lock:
                self._in_hand -= held
                self._restore(items, taken)

    def _restore(self, items: list[Any], rest: deque[Block]) -> None:
        self._blocks.extendleft(reversed(rest))
        self._count += sum(block.count for block in rest)
        self.shelf.extend(items)
        self._serve()

    def _await(self, block: bool, timeout: float | None, closed: Callable[[], bool]) -> None:
        deadline = deadline_of(block, timeout)
        while not self._look():
            if self._bell is not None:
                self._bell.mute()
            left = left_until(deadline)
            if left == 0 or closed():
                raise queue.Empty
            self._sleepers += 1
            try:
                self._filled.wait(left)
            finally:
                self._sleepers -= 1

    def _look(self) -> bool:
        """Tell whether something is there; if not, whoever puts next will take the lock and see who waits."""
        self.tray.limit = 1
        self._fold()
        filled = bool(self._blocks or self.shelf)
        self.tray.limit = NEVER if filled else 1
        return filled

    def take_block(self, block: bool, timeout: float | None, closed: Callable[[], bool] = _never) -> Any:
        """Return a frame, a list of items or a mark, waiting for it. Raises queue.Empty."""
        items: list[Any] = []
        while not items:  # another thread may empty the shelf in between
            with self.lock:
                self._await(block, timeout, closed)
                frame = None if self.shelf or self._blocks[0].kind != FRAME else self._next(self._blocks[0].count)
            if frame is not None:
                return frame.whole()
            self.fill_shelf(block, timeout, closed)
            items = list(drained(self.shelf))
        first, rest = leading(items)
        with self.lock:
            self.shelf.extendleft(reversed(rest))
            self._serve()
        return first

    # For `wait`.

    def ready(self) -> bool:
        """Tell whether there is something to fetch; if not, the bell is mute until there is."""
        with self.lock:
            if self._look():
                return True
            if self._bell is not None:
                self._bell.mute()
            return False

    def bell(self) -> Bell:
        """Return the bell of this depot, which is made when first asked for."""
        with self.lock:
            if self._bell is None:
                self._bell = Bell()
                weakref.finalize(self, self._bell.close).atexit = False
                self._serve()
            return self._bell

    def drain(self) -> list[Block]:
        """Take all that is waiting."""
        with self.lock:
            self._fold()
            self._store_shelf()
            blocks = list(self._blocks)
            self._blocks.clear()
            self._count = 0
            return blocks
