"""One listener and one thread per process: through them other processes reach the queues that this process made.

Theory of operation. A handle that is pickled says where its owner listens (a Unix socket), a secret, and a number.
Whoever uses the handle elsewhere connects, once to put and once to get, and says which it wants. The thread here reads
all connections and waits for nobody in particular: it reads what is there, however long the message; what it sends is
at most 128 KiB, goes only to somebody who has asked for it, and so always fits into the socket's buffer. A connection
that ends gives back what it had set aside.

Other users of the machine are kept out three times: by the kernel's word on who is at the other end (Linux) or a folder
that only this user can enter (elsewhere), and by the secret, without which nothing is read or unpickled.
"""

from __future__ import annotations

import errno
import functools
import hmac
import itertools
import logging
import os
import secrets
import selectors
import shutil
import socket
import sys
import tempfile
import threading
from typing import ClassVar

from .depot import Depot
from .endings import at_end
from .peers import Getter, Putter, send
from .place import PUTS, SECRET_SIZE, Place, check_user, introduced
from .wire import GONE, HELLO, WELCOME, Message, Wire

__all__ = ["Exchange"]

_TOO_MUCH = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_log = logging.getLogger(__name__)


class _Shared:
    """A depot that others may reach, and why it is kept.

    Attributes:
        tickets: pickled handles with which nobody has come yet.
        peers: those who are connected.
    """

    def __init__(self, depot: Depot) -> None:
        self.depot = depot
        self.tickets: set[int] = set()
        self.peers: set[Putter | Getter] = set()

    def unreachable(self) -> bool:
        return not (self.depot.handles or self.tickets or self.peers)


class _Caller:
    """A connection; before it has introduced itself there is no peer."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.peer: Putter | Getter | None = None
        self.shared: _Shared | None = None


class Exchange:
    """The queues of this process that others may reach. Use `Exchange.here()`: there is one per process."""

    _here: ClassVar[Exchange | None] = None
    _making: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(SECRET_SIZE)
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
        """Be told that this process has one handle less: the depot lives on while anybody has one."""
        with self._lock:
            depot.handles -= 1
            self._sweep()

    def keep(self, depot: Depot) -> None:
        """Be told that this process has one handle of the depot more."""
        with self._lock:
            depot.handles += 1

    def _sweep(self) -> None:
        for number in [n for n, shared in self._shared.items() if shared.unreachable()]:
            del self._shared[number]

    def leave_estates(self) -> None:
        """When this process ends: send what is still waiting to those who have come to get it."""
        with self._lock:
            for shared in self._shared.values():
                heir = next((peer for peer in shared.peers if isinstance(peer, Getter)), None)
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
            check_user(sock)
        except OSError as error:  # the caller has gone again, or may not come, or there are too many open files
            _log.warning("a caller was not admitted to the queues of process %d: %s", os.getpid(), error)
            if error.errno in _TOO_MUCH:
                selector.unregister(self._listener)  # until somebody leaves
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
            if self._listener is not None and self._listener not in selector.get_map():
                selector.register(self._listener, selectors.EVENT_READ)

    def _welcome(self, caller: _Caller, message: Message) -> None:
        """Make out what a caller wants. Raises EOFError if it is none of ours."""
        secret, ticket, purpose = introduced(message.data)
        if message.kind != HELLO or not hmac.compare_digest(secret, self._secret):
            raise EOFError("a caller does not know the secret")
        with self._lock:
            shared = self._shared.get(message.number)
            if shared is None:
                send(caller.wire, GONE)
                raise EOFError("a caller asks for a queue that is no more")
            peer = (Putter if purpose == PUTS else Getter)(caller.wire, shared.depot, shared.peers)
            caller.peer, caller.shared = peer, shared
            shared.peers.add(peer)
            shared.tickets.discard(ticket)
        caller.wire.trust()
        send(caller.wire, WELCOME)

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
