"""Processes that use a queue, as its owner sees them: what they say, and what is told to them."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from .blocks import COPIES, FRAME, OBJECTS, ROWS, Block, arrived
from .depot import Depot
from .wire import (
    ASK,
    CANCEL,
    EMPTY,
    ESTATE,
    GRANT,
    NOW,
    RELEASE,
    REQUEST,
    RESERVE,
    SOME,
    TELL,
    UNREAD,
    Message,
    Wire,
    packed,
)

__all__ = ["Getter", "Putter", "send"]


def send(wire: Wire, kind: int, number: int = 0, data: Any = b"") -> bool:
    try:
        wire.hand_over(kind, number, data)
    except OSError:
        wire.hang_up()
        return False
    return True


class Putter:
    """A process that puts, as the owner sees it. Also what stands in line for room on its behalf."""

    def __init__(self, wire: Wire, depot: Depot, peers: Set[Putter | Getter]) -> None:
        self.wire = wire
        self.depot = depot
        self.need = 0
        self.some = self.alone = False
        self._peers = peers
        self._held = self._ahead = 0

    def grant(self, ahead: int) -> None:
        self._held += self.need
        self._ahead += ahead
        send(self.wire, GRANT, self.need + ahead)

    def handle(self, message: Message) -> None:
        if message.kind in (OBJECTS, FRAME, COPIES, ROWS):
            self._add(arrived(message.kind, message.number, message.data))
        elif message.kind == RESERVE:
            self._reserve(message)
        elif message.kind == CANCEL:
            self._refuse()
        elif message.kind == RELEASE:
            with self.depot.lock:
                self.depot.unreserve(*self._used(message.number))
        else:
            assert message.kind == ASK
            send(self.wire, TELL, len(self.depot))

    def _add(self, block: Block) -> None:
        with self.depot.lock:
            self.depot.add(block, *self._used(block.count))

    def _used(self, count: int) -> tuple[int, int]:
        """Return how much of the room for so many items was needed when it was granted, and how much was ahead."""
        held = min(count, self._held)
        ahead = min(count - held, self._ahead)
        self._held -= held
        self._ahead -= ahead
        return held, ahead

    def _reserve(self, message: Message) -> None:
        self.need, self.some = message.number, bool(message.flags & SOME)
        self.alone = not any(isinstance(peer, Putter) and peer is not self for peer in self._peers)
        if not self.need:
            self.depot.ask_ahead(self)
            return
        self.depot.ask_room(self)
        if message.flags & NOW:
            self._refuse()

    def _refuse(self) -> None:
        if self.depot.withdraw(self):
            send(self.wire, GRANT, 0)

    def end(self) -> None:
        with self.depot.lock:
            self.depot.withdraw(self)
            self.depot.unreserve(self._held, self._ahead)


class Getter:
    """A process that gets, as the owner sees it. Also what stands in line for items on its behalf."""

    def __init__(self, wire: Wire, depot: Depot, peers: Set[Putter | Getter]) -> None:
        self.wire = wire
        self.depot = depot
        self.want = 1
        self._peers = peers

    def take(self, block: Block) -> bool:
        return send(self.wire, *block.message())

    def handle(self, message: Message) -> None:
        if message.kind == REQUEST:
            self._request(message)
        elif message.kind == CANCEL:
            self._refuse()
        else:
            assert message.flags & UNREAD
            self.depot.put_back(arrived(message.kind, message.number, message.data))

    def _request(self, message: Message) -> None:
        rivals = sum(isinstance(peer, Getter) for peer in self._peers)
        self.want = message.number if rivals < 2 or message.flags & SOME else 1
        self.depot.ask_items(self)
        if message.flags & NOW:
            self._refuse()

    def _refuse(self) -> None:
        if self._withdraw():
            send(self.wire, EMPTY)

    def _withdraw(self) -> bool:
        with self.depot.lock:
            waiting = self in self.depot.takers
            if waiting:
                self.depot.takers.remove(self)
            return waiting

    def end(self) -> None:
        self._withdraw()

    def inherit(self) -> None:
        """Send all that is waiting: the owner ends, and what the kernel holds outlives it."""
        blocks = self.depot.drain()
        if blocks:
            send(self.wire, ESTATE, 0, b"".join(packed(*block.message()) for block in blocks))
