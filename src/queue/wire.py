"""Messages between the process that owns a queue and those that use it, over a Unix stream socket.

A message is a header of 24 bytes (kind, flags, length, number) and what it says. A user of the queue sends any length,
as the owner always reads. The owner waits for nobody: it sends up to 128 KiB, and only what was asked for, so that it
fits into an empty socket buffer; what is longer goes into memory of its own, whose descriptor travels with the header
(SCM_RIGHTS). That costs several times as much, as the kernel has fresh memory to find, to clear and to map. A stream is
cut off nowhere but at its end: half a message from a process that was killed is recognised and dropped.
"""

from __future__ import annotations

import array
import contextlib
import mmap
import os
import socket
import struct
import sys
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .memory import POOL, Memory, mapped
from .segments import Borrowed, Segment

__all__ = [
    "ASK",
    "CANCEL",
    "EMPTY",
    "ESTATE",
    "GONE",
    "GRANT",
    "HELLO",
    "NOW",
    "RELEASE",
    "REQUEST",
    "RESERVE",
    "SOME",
    "TELL",
    "UNREAD",
    "WELCOME",
    "Message",
    "Wire",
    "packed",
    "unpacked",
]

# Kinds 1, 2, 15 and 16 are the blocks: blocks.OBJECTS, FRAME, COPIES, ROWS.
HELLO, WELCOME, GONE = 3, 4, 5  # a user of the queue introduces itself; the owner accepts, or knows of no such queue
RESERVE, GRANT = 6, 7  # room for n items, please (0: ahead of the need); here is room for n (0: there is none)
REQUEST, EMPTY = 8, 9  # up to n items, please (answered with a block); there are none
RELEASE = 14  # n of what was granted will not be used
CANCEL = 10  # forget my RESERVE or REQUEST if it is still waiting; it is answered in any case, once
ASK, TELL = 11, 12  # how many items are waiting; so many
ESTATE = 13  # the owner ends: all that was waiting, as messages within one message

NOW = 1  # flag: answer at once, do not wait
SOME = 2  # flag of RESERVE: more than asked for is welcome
UNREAD = 4  # flag of a block: from a consumer that ends, back to the head of the queue
_ATTACHED = 8
_SHARED = 16

_HEADER = struct.Struct("<BBxxxxxxQQ")
_WHERE = struct.Struct("<QQ")
_INLINE = 128 * 1024
_BUFFER = 256 * 1024
_FIRST = 4096
"""Bytes that a message may have before its sender is known."""
_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
_ANCILLARY = socket.CMSG_SPACE(16 * array.array("i").itemsize)


@dataclass(slots=True)  # if it were frozen, it would take three times as long to make
class Message:
    """One message; `data` is empty, bytes, or another buffer."""

    kind: int
    flags: int
    number: int
    data: Any


def packed(kind: int, number: int, data: Any, flags: int = 0) -> bytes:
    """Return a message as the bytes that stand for it, whatever its size."""
    return b"".join((_HEADER.pack(kind, flags, memoryview(data).nbytes, number), data))


def unpacked(data: Any) -> Iterator[Message]:
    """Yield the messages that stand one behind the other in `data`."""
    start = 0
    while start < len(data):
        kind, flags, length, number = _HEADER.unpack_from(data, start)
        start += _HEADER.size + length
        yield Message(kind, flags, number, bytes(data[start - length : start]))


class _Large:
    """A message that is read into its place piece by piece."""

    def __init__(self, kind: int, flags: int, number: int, length: int, begun: bytes) -> None:
        self.kind, self.flags, self.number = kind, flags, number
        self.data = POOL.get(length)
        self.data[: len(begun)] = begun
        self._left = self.data[len(begun) :]

    def read(self, sock: socket.socket) -> bool:
        """Read what is there, waiting for something; tell whether it is all. Raises EOFError when nobody is there."""
        try:
            count = sock.recv_into(self._left)
        except ConnectionError as error:
            raise EOFError("the other side is gone") from error
        if not count:
            raise EOFError("the other side is gone")
        self._left = self._left[count:]
        return not len(self._left)


class _Part:
    """A piece of a message on its way, and what its descriptor belongs to, if it has one.

    A signal's handler may raise in the middle of sending (Ctrl-C), and half a message must never be followed by another
    one. So what is left is sent later. `sendall` does not tell how much that is, and the result of `send` may be lost
    between two instructions; what C code puts into a list is there before any handler runs.
    """

    def __init__(self, data: Any, attached: Memory | Segment | None = None) -> None:
        self._data = memoryview(data).cast("B")
        self._attached = attached
        self._sent: list[int] = []

    def send(self, sock: socket.socket) -> bool:
        """Send some of what is left, waiting for room; tell whether all has been sent now. Raises OSError."""
        left = self._data[sum(self._sent) :]
        if self._attached is None or self._sent:
            self._sent.extend(map(sock.send, (left,)) if left else ())
        else:
            rights = array.array("i", [self._attached.descriptor or 0])
            control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)]
            self._sent.extend(map(sock.sendmsg, ([left],), (control,)))
        if sum(self._sent) < len(self._data):
            return False
        self.let_go()
        return True

    def let_go(self) -> None:
        """Close the descriptor: it has been sent, or never will be."""
        if self._attached is not None:
            self._attached.let_go()


class Wire:
    """One end of a connection. Any threads may send; one at a time receives.

    It reads into one buffer again and again: to get fresh memory takes several times as long as to fill it.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        self._longest = _FIRST
        self._buffer = mmap.mmap(-1, _BUFFER, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)  # costs what is used of it
        self._unparsed = 0
        self._large: _Large | None = None
        self._descriptors: deque[int] = deque()
        self._borrowed = Borrowed()
        self._parts: deque[_Part] = deque()
        self._sending = threading.RLock()  # the answer may be there, and answered, before `send` has returned
        self._inbox: deque[Message] = deque()

    def fileno(self) -> int:
        return self.socket.fileno()

    def trust(self) -> None:
        """Accept messages of any length from now on: the other side has shown who it is."""
        self._longest = sys.maxsize

    def send(self, kind: int, number: int = 0, data: Any = b"", flags: int = 0) -> None:
        """Send one message; blocks while the other side does not read. Raises OSError when there is no other side."""
        if isinstance(data, Segment):
            self._send_segment(kind, number, data)
            return
        size = memoryview(data).nbytes
        if size <= _INLINE:
            self._send_on(_Part(packed(kind, number, data, flags)))
        else:
            self._send_on(_Part(_HEADER.pack(kind, flags, size, number)), _Part(data))

    def send_on(self) -> None:
        """Send what is left of messages whose sending was interrupted. Raises OSError as `send` does."""
        self._send_on()

    def unsent(self) -> bool:
        """Tell whether something is left of a message whose sending was interrupted."""
        return bool(self._parts)

    def _send_on(self, *parts: _Part) -> None:
        with self._sending:
            self._parts.extend(parts)
            while self._parts:
                part = self._parts[0]
                while not part.send(self.socket):
                    pass
                if self._parts and self._parts[0] is part:  # else what interrupted this has sent it
                    self._parts.popleft()

    def hand_over(self, kind: int, number: int = 0, data: Any = b"") -> None:
        """Send one message that the other side has asked for; does not block, if that was so. Raises OSError."""
        if memoryview(data).nbytes <= _INLINE:
            self.send(kind, number, data)
        else:
            self._send_memory(kind, number, Memory(data))

    def _send_memory(self, kind: int, number: int, memory: Memory) -> None:
        self._send_on(_Part(_HEADER.pack(kind, _ATTACHED, 0, number), memory))

    def _send_segment(self, kind: int, number: int, segment: Segment) -> None:
        segment.lend()
        where = _WHERE.pack(segment.number, segment.used)
        if segment.descriptor is None:
            self.send(kind, number, where, _SHARED)
        else:
            header = _HEADER.pack(kind, _SHARED | _ATTACHED, len(where), number)
            self._send_on(_Part(header + where, segment))

    def receive(self) -> list[Message]:
        """Return the messages that have arrived, waiting once for bytes. Raises EOFError when nobody is there."""
        if self._large is not None:
            return self._read_on(self._large)
        self._read()
        return list(self._parsed())

    def next(self) -> Message:
        """Return the next message, waiting for it. Raises EOFError when there is no other side."""
        while not self._inbox:
            self._inbox.extend(self.receive())
        return self._inbox.popleft()

    def pending(self) -> bool:
        """Tell whether `next` has a message at hand, which the descriptor then does not show."""
        return bool(self._inbox)

    def _read(self) -> None:
        free = memoryview(self._buffer)[self._unparsed :]
        try:
            count, ancillary, _, _ = self.socket.recvmsg_into([free], _ANCILLARY, _CLOSE_ON_EXEC)
        except ConnectionError as error:
            raise EOFError("the other side is gone") from error
        for _, _, rights in ancillary:
            self._descriptors.extend(array.array("i", rights[: len(rights) - len(rights) % 4]))
        if not count:
            raise EOFError("the other side is gone")
        self._unparsed += count

    def _read_on(self, large: _Large) -> list[Message]:
        if not large.read(self.socket):
            return []
        self._large = None
        return [Message(large.kind, large.flags, large.number, large.data)]

    def _parsed(self) -> Iterator[Message]:
        start, end = 0, self._unparsed
        while end - start >= _HEADER.size:
            kind, flags, length, number = _HEADER.unpack_from(self._buffer, start)
            if length > self._longest:
                raise EOFError("the other side does not speak as we do")
            inside = start + _HEADER.size
            if inside + length > end:
                if length > _INLINE:
                    self._large = _Large(kind, flags, number, length, self._buffer[inside:end])
                    start = end
                break
            start = inside + length
            yield Message(kind, flags, number, self._content(flags, self._buffer[inside:start]))
        self._buffer[: end - start] = self._buffer[start:end]
        self._unparsed = end - start

    def _content(self, flags: int, data: bytes) -> Any:
        if flags & _SHARED:
            which, size = _WHERE.unpack(data)
            if flags & _ATTACHED:
                self._borrowed.map(which, self._descriptors.popleft())
            return self._borrowed.view(which, size)
        return mapped(self._descriptors.popleft()) if flags & _ATTACHED else data

    def hang_up(self) -> None:
        """Make both sides see the end, from whatever thread; `close` follows in the thread that receives."""
        with contextlib.suppress(OSError):  # the other side may have been quicker
            self.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the connection, and of what came with messages that were never complete."""
        self.socket.close()
        for part in tuple(self._parts):  # another thread may be sending, and learns from the socket
            part.let_go()
        while self._descriptors:
            os.close(self._descriptors.popleft())
