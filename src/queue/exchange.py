"""One listener and one thread per process: through them other processes reach the queues that this process made.

Theory of operation. A handle that is pickled says where its owner listens (a Unix socket), a secret, and a number.
Whoever uses the handle elsewhere connects, once to put and once to get, and says which it wants. The thread here reads
all connections; it never waits for anybody in particular: a message is at most 64 KiB, is sent only to somebody who has
asked for it, and so always fits into the socket's buffer. A connection that ends gives back what it had set aside.

Other users of the machine are kept out three times: by the kernel's word on who is at the other end (Linux) or a folder
that only this user can enter (elsewhere), and by the secret, without which nothing is read or unpickled.
"""

from __future__ import annotations

import functools
import hmac
import itertools
import logging
import os
import secrets
import selectors
import shutil
import socket
import struct
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .blocks import FRAME, OBJECTS, Arrow, Block, Packed
from .depot import Depot
from .endings import at_end
from .wire import (
    ASK,
    CANCEL,
    EMPTY,
    ESTATE,
    GONE,
    GRANT,
    HELLO,
    NOW,
    RELEASE,
    REQUEST,
    RESERVE,
    SOME,
    TELL,
    UNREAD,
    WELCOME,
    Message,
    Wire,
    packed,
)

__all__ = ["GETS", "PUTS", "Exchange", "Place", "arrived", "call"]

PUTS, GETS = 1, 2
_CREDENTIALS = struct.Struct("3i")
_SECRET_SIZE = 16
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a queue lives, as its pickled handle says.

    Attributes:
        address: of the owner's listener.
        secret: what a caller must know.
        number: which of the owner's queues.
        owner: process id of the owner, for messages.
        ticket: which pickling this is: the owner keeps the queue until somebody has come with it.
    """

    address: str
    secret: bytes = field(repr=False)
    number: int
    owner: int
    ticket: int


def arrived(message: Message) -> Block:
    """Return the block that a message brings."""
    return (Arrow if message.kind == FRAME else Packed)(message.number, message.data)


def call(place: Place, purpose: int) -> Wire:
    """Connect to the owner of a queue, to put or to get. Raises EOFError if it has ended or dropped the queue."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    wire = Wire(sock)
    try:
        sock.connect(place.address)
        _check_user(sock)
        wire.send(HELLO, place.number, place.secret + struct.pack("<QB", place.ticket, purpose))
        if wire.next().kind == WELCOME:
            return wire
    except (OSError, EOFError) as error:
        wire.close()
        raise EOFError(f"process {place.owner}, which made the queue, has ended") from error
    wire.close()
    raise EOFError(f"process {place.owner}, which made the queue, has dropped it")


def _check_user(sock: socket.socket) -> None:
    """Refuse to talk to another user; where the kernel does not tell, the folder of the address keeps them out."""
    if hasattr(socket, "SO_PEERCRED"):
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        if _CREDENTIALS.unpack(credentials)[1] != os.geteuid():
            raise PermissionError("the socket belongs to another user")


class _Putter:
    """A process that puts, as the owner sees it. Also what stands in line for room on its behalf."""

    def __init__(self, wire: Wire, shared: _Shared) -> None:
        self.wire = wire
        self.depot = shared.depot
        self.need = 0
        self.some = self.alone = False
        self._peers = shared.peers
        self._held = 0

    def grant(self, count: int) -> None:
        self._held += count
        _send(self.wire, GRANT, count)

    def handle(self, message: Message) -> None:
        if message.kind in (OBJECTS, FRAME):
            self._add(arrived(message))
        elif message.kind == RESERVE:
            self._reserve(message)
        elif message.kind == CANCEL:
            self._refuse()
        elif message.kind == RELEASE:
            self._held -= message.number
            self.depot.unreserve(message.number)
        else:
            assert message.kind == ASK
            _send(self.wire, TELL, len(self.depot))

    def _add(self, block: Block) -> None:
        with self.depot.lock:
            reserved = min(block.count, self._held)
            self._held -= reserved
            self.depot.add(block, reserved)

    def _reserve(self, message: Message) -> None:
        self.need, self.some = message.number, bool(message.flags & SOME)
        self.alone = not any(isinstance(peer, _Putter) and peer is not self for peer in self._peers)
        self.depot.ask_room(self)
        if message.flags & NOW:
            self._refuse()

    def _refuse(self) -> None:
        if self.depot.withdraw(self):
            _send(self.wire, GRANT, 0)

    def end(self) -> None:
        with self.depot.lock:
            self.depot.withdraw(self)
            self.depot.unreserve(self._held)


class _Shared:
    """A depot that others may reach, and why it is kept.

    Attributes:
        tickets: pickled handles with which nobody has come yet.
        peers: those who are connected.
        handled: whether this process has a handle itself.
    """

    def __init__(self, depot: Depot) -> None:
        self.depot = depot
        self.tickets: set[int] = set()
        self.peers: set[_Putter | _Getter] = set()
        self.handled = True

    def unreachable(self) -> bool:
        return not (self.handled or self.tickets or self.peers)


class _Getter:
    """A process that gets, as the owner sees it. Also what stands in line for items on its behalf."""

    def __init__(self, wire: Wire, shared: _Shared) -> None:
        self.wire = wire
        self.depot = shared.depot
        self.want = 1
        self._peers = shared.peers

    def take(self, block: Block) -> bool:
        return _send(self.wire, block.kind, block.count, block.payload())

    def handle(self, message: Message) -> None:
        if message.kind == REQUEST:
            self._request(message)
        elif message.kind == CANCEL:
            self._refuse()
        else:
            assert message.flags & UNREAD
            self.depot.put_back(arrived(message))

    def _request(self, message: Message) -> None:
        rivals = sum(isinstance(peer, _Getter) for peer in self._peers)
        self.want = message.number if rivals < 2 or message.flags & SOME else 1
        self.depot.ask_items(self)
        if message.flags & NOW:
            self._refuse()

    def _refuse(self) -> None:
        if self._withdraw():
            _send(self.wire, EMPTY)

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
            _send(self.wire, ESTATE, 0, b"".join(packed(b.kind, b.count, b.payload()) for b in blocks))


class _Caller:
    """A connection; before it has introduced itself there is no peer."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.peer: _Putter | _Getter | None = None
        self.shared: _Shared | None = None


def _send(wire: Wire, kind: int, number: int = 0, data: Any = b"") -> bool:
    try:
        wire.send(kind, number, data)
    except OSError:
        wire.hang_up()
        return False
    return True


class Exchange:
    """The queues of this process that others may reach. Use `Exchange.here()`: there is one per process."""

    _here: ClassVar[Exchange | None] = None
    _making: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(_SECRET_SIZE)
        self._numbers = itertools.count(1)
        self._tickets = itertools.count(1)
        self._shared: dict[int, _Shared] = {}
        self._lock = threading.RLock()  # reentrant: the end of a handle may come with any garbage collection
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._callers: dict[socket.socket, _Caller] = {}

    @classmethod
    def here(cls) -> Exchange:
        """Return the exchange of this process."""
        with cls._making:
            if cls._here is None:
                cls._here = cls()
                at_end(cls._here.leave_estates)
            return cls._here

    @classmethod
    def forget(cls) -> None:
        """In a process that was forked: close the parent's connections and start anew when asked."""
        inherited, cls._here, cls._making = cls._here, None, threading.Lock()
        if inherited is not None:
            inherited._abandon()

    def _abandon(self) -> None:
        if self._listener is not None:
            self._listener.close()
        for caller in self._callers.values():
            caller.wire.close()

    # What the handles in this process ask for.

    def share(self, depot: Depot, *, forking: bool = False) -> Place:
        """Return a place by which another process can reach the depot; it is kept until somebody has come.

        While the process is forking no thread is started: `start` follows.
        """
        with self._lock:
            address = self._listen()
            if not forking:
                self.start()
            number = next((n for n, shared in self._shared.items() if shared.depot is depot), None)
            if number is None:
                number = next(self._numbers)
                self._shared[number] = _Shared(depot)
            ticket = next(self._tickets)
            self._shared[number].tickets.add(ticket)
            return Place(address, self._secret, number, os.getpid(), ticket)

    def find(self, place: Place) -> Depot | None:
        """Return the depot that a place names if it belongs to this process."""
        with self._lock:
            shared = self._shared.get(place.number)
            if shared is None or not hmac.compare_digest(place.secret, self._secret):
                return None
            shared.tickets.discard(place.ticket)
            return shared.depot

    def drop(self, depot: Depot) -> None:
        """Be told that this process has no handle of the depot any more: it lives on while others use it."""
        with self._lock:
            for shared in self._shared.values():
                if shared.depot is depot:
                    shared.handled = False
            self._sweep()

    def keep(self, depot: Depot) -> None:
        """Be told that this process has a handle of the depot again."""
        with self._lock:
            for shared in self._shared.values():
                if shared.depot is depot:
                    shared.handled = True

    def _sweep(self) -> None:
        for number in [n for n, shared in self._shared.items() if shared.unreachable()]:
            self._shared.pop(number).depot.close()

    def leave_estates(self) -> None:
        """When this process ends: send what is still waiting to those who have come to get it."""
        with self._lock:
            for shared in self._shared.values():
                heir = next((peer for peer in shared.peers if isinstance(peer, _Getter)), None)
                if heir is not None:
                    heir.inherit()

    # The thread.

    def _listen(self) -> str:
        if self._listener is None:
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._listener.bind(_address())
            self._listener.listen(512)
        return _text(self._listener.getsockname())

    def start(self) -> None:
        """Start to serve those who call."""
        with self._lock:
            if self._thread is None and self._listener is not None:
                self._thread = threading.Thread(target=self._serve, name="plait-exchange", daemon=True)
                self._thread.start()

    def _serve(self) -> None:
        assert self._listener is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._listener:
                        self._admit(selector)
                    else:
                        self._hear(selector, self._callers[key.fileobj])  # type: ignore[index]

    def _admit(self, selector: selectors.BaseSelector) -> None:
        assert self._listener is not None
        try:
            sock, _ = self._listener.accept()
            _check_user(sock)
        except OSError as error:  # the caller has gone again, or may not come, or there are too many open files
            _log.warning("a caller was not admitted to the queues of process %d: %s", os.getpid(), error)
            return
        self._callers[sock] = _Caller(Wire(sock))
        selector.register(sock, selectors.EVENT_READ)

    def _hear(self, selector: selectors.BaseSelector, caller: _Caller) -> None:
        try:
            for message in caller.wire.receive():
                if caller.peer is None:
                    self._welcome(caller, message)
                else:
                    caller.peer.handle(message)
        except Exception as error:
            if not isinstance(error, EOFError):
                _log.exception("a connection to a queue of process %d broke", os.getpid())
            selector.unregister(caller.wire.socket)
            self._dismiss(caller)

    def _welcome(self, caller: _Caller, message: Message) -> None:
        """Make out what a caller wants. Raises EOFError if it is none of ours."""
        secret, rest = message.data[:_SECRET_SIZE], message.data[_SECRET_SIZE:]
        if message.kind != HELLO or not hmac.compare_digest(secret, self._secret):
            raise EOFError("a caller does not know the secret")
        ticket, purpose = struct.unpack("<QB", rest)
        with self._lock:
            shared = self._shared.get(message.number)
            if shared is None:
                _send(caller.wire, GONE)
                raise EOFError("a caller asks for a queue that is no more")
            peer = _Putter(caller.wire, shared) if purpose == PUTS else _Getter(caller.wire, shared)
            caller.peer, caller.shared = peer, shared
            shared.peers.add(peer)
            shared.tickets.discard(ticket)
        _send(caller.wire, WELCOME)

    def _dismiss(self, caller: _Caller) -> None:
        del self._callers[caller.wire.socket]
        caller.wire.close()
        if caller.peer is not None and caller.shared is not None:
            caller.peer.end()
            with self._lock:
                caller.shared.peers.discard(caller.peer)
                self._sweep()


def _address() -> str:
    """Return a fresh address: an abstract one, which leaves nothing behind, or (not Linux) in a private folder."""
    name = f"plait-{os.getpid()}-{secrets.token_hex(8)}"
    if sys.platform == "linux":
        return f"\0{name}"
    folder = tempfile.mkdtemp(prefix="plait-")
    at_end(functools.partial(shutil.rmtree, folder, ignore_errors=True))
    return f"{folder}/{name}"


def _text(address: str | bytes) -> str:
    return address if isinstance(address, str) else address.decode()
