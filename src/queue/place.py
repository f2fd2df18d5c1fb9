"""Where a queue lives, and how another process calls on it."""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import field

from ..frozen import frozen
from .wire import HELLO, WELCOME, Wire

__all__ = ["GETS", "PUTS", "SECRET_SIZE", "Place", "call", "check_user", "introduced"]

PUTS, GETS = 1, 2
SECRET_SIZE = 16
_CREDENTIALS = struct.Struct("3i")
_INTRODUCTION = struct.Struct(f"<{SECRET_SIZE}sQB")


@frozen
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


def call(place: Place, purpose: int) -> Wire:
    """Connect to the owner of a queue, to put or to get. Raises EOFError if it has ended or dropped the queue."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    wire = Wire(sock)
    try:
        sock.connect(place.address)
        check_user(sock)
        wire.send(HELLO, place.number, _INTRODUCTION.pack(place.secret, place.ticket, purpose))
        if wire.next().kind == WELCOME:
            wire.trust()
            return wire
    except (OSError, EOFError) as error:
        wire.close()
        raise EOFError(f"process {place.owner}, which made the queue, has ended") from error
    wire.close()
    raise EOFError(f"process {place.owner}, which made the queue, has dropped it")


def check_user(sock: socket.socket) -> None:
    """Refuse to talk to another user; where the kernel does not tell, the folder of the address keeps them out."""
    if hasattr(socket, "SO_PEERCRED"):
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        if _CREDENTIALS.unpack(credentials)[1] != os.geteuid():
            raise PermissionError("the socket belongs to another user")


def introduced(data: bytes) -> tuple[bytes, int, int]:
    """Return the secret, the ticket and the purpose that a caller has introduced itself with."""
    secret, ticket, purpose = _INTRODUCTION.unpack(data)
    return secret, ticket, purpose
