"""Messages between the process that owns a queue and those that use it, over a Unix stream socket.

A message is a header of 24 bytes (kind, flags, length, number) and up to 128 KiB behind it; what is longer travels in
memory of its own, whose descriptor goes with the header (SCM_RIGHTS). So every message fits into an empty socket
buffer, and each side sends only what the other has asked for or is always ready to read. A stream is cut off nowhere
but at its end: half a message from a process that was killed is recognised and dropped.
"""

from __future__ import annotations

import array
import contextlib
import os
import socket
import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .memory import Memory, mapped

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

# Kinds 1 and 2 are the blocks: blocks.OBJECTS, blocks.FRAME.
HELLO, WELCOME, GONE = 3, 4, 5  # a user of the queue introduces itself; the owner accepts, or knows of no such queue
RESERVE, GRANT = 6, 7  # room for n items, please; here is room for n (0: there is none)
REQUEST, EMPTY = 8, 9  # up to n items, please (answered with a block); there are none
RELEASE = 14  # n of what was granted will not be used
CANCEL = 10  # forget my RESERVE or REQUEST if it is still waiting; it is answered in any case, once
ASK, TELL = 11, 12  # how many items are waiting; so many
ESTATE = 13  # the owner ends: all that was waiting, as messages within one message

NOW = 1  # flag: answer at once, do not wait
SOME = 2  # flag of RESERVE: more than asked for is welcome
UNREAD = 4  # flag of a block: from a consumer that ends, back to the head of the queue
_ATTACHED = 8

_HEADER = struct.Struct("<BBxxxxxxQQ")
_INLINE = 128 * 1024
_BUFFER = 256 * 1024
_ANCILLARY = socket.CMSG_SPACE(16 * array.array("i").itemsize)


@dataclass(slots=True, frozen=True)
class Message:
    """One message; `data` is empty, bytes, or a read-only mapping."""

    kind: int
    flags: int
    number: int
    data: Any


def packed(kind: int, number: int, data: Any, flags: int = 0) -> bytes:
    """Return a message as the bytes that stand for it, whatever its size."""
    inline = data.read() if isinstance(data, Memory) else bytes(data)
    return _HEADER.pack(kind, flags, len(inline), number) + inline


def unpacked(data: Any) -> Iterator[Message]:
    """Yield the messages that stand one behind the other in `data`."""
    start = 0
    while start < len(data):
        kind, flags, length, number = _HEADER.unpack_from(data, start)
        start += _HEADER.size + length
        yield Message(kind, flags, number, bytes(data[start - length : start]))


class Wire:
    """One end of a connection. Sending and receiving may happen in two threads, each in one at a time."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        self._unparsed = bytearray()
        self._descriptors: deque[int] = deque()
        self._inbox: deque[Message] = deque()

    def fileno(self) -> int:
        return self.socket.fileno()

    def send(self, kind: int, number: int = 0, data: Any = b"", flags: int = 0) -> None:
        """Send one message; blocks while the other side does not read. Raises OSError when there is no other side."""
        if isinstance(data, Memory) or len(data) > _INLINE:
            self._send_memory(kind, number, data, flags)
        else:
            self.socket.sendall(packed(kind, number, data, flags))

    def _send_memory(self, kind: int, number: int, data: Any, flags: int) -> None:
        memory = data if isinstance(data, Memory) else Memory.of(data)
        header = _HEADER.pack(kind, flags | _ATTACHED, 0, number)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [memory.descriptor]))]
        try:
            sent = self.socket.sendmsg([header], rights)
            self.socket.sendall(header[sent:])
        finally:
            memory.close()

    def receive(self) -> list[Message]:
        """Return the messages that have arrived, waiting once for bytes. Raises EOFError when nobody is there."""
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
        try:
            chunk, ancillary, _, _ = self.socket.recvmsg(_BUFFER, _ANCILLARY, getattr(socket, "MSG_CMSG_CLOEXEC", 0))
        except ConnectionError as error:
            raise EOFError("the other side is gone") from error
        for _, _, rights in ancillary:
            self._descriptors.extend(array.array("i", rights[: len(rights) - len(rights) % 4]))
        if not chunk:
            raise EOFError("the other side is gone")
        self._unparsed += chunk

    def _parsed(self) -> Iterator[Message]:
        start = 0
        while len(self._unparsed) - start >= _HEADER.size:
            kind, flags, length, number = _HEADER.unpack_from(self._unparsed, start)
            if length > _INLINE:
                raise EOFError("the other side does not speak as we do")
            inside = start + _HEADER.size
            if inside + length > len(self._unparsed):
                break
            start = inside + length
            data = mapped(self._descriptors.popleft()) if flags & _ATTACHED else bytes(self._unparsed[inside:start])
            yield Message(kind, flags, number, data)
        del self._unparsed[:start]

    def hang_up(self) -> None:
        """Make both sides see the end, from whatever thread; `close` follows in the thread that receives."""
        with contextlib.suppress(OSError):  # the other side may have been quicker
            self.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the connection, and of what came with messages that were never complete."""
        self.socket.close()
        while self._descriptors:
            os.close(self._descriptors.popleft())
