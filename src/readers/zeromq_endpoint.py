"""What can be known of a ZeroMQ address before anybody has answered there.

ZeroMQ itself connects in the background and tries for ever: a port that cannot exist, or a host that nobody knows,
would look like a publisher that has not come yet.
"""

from __future__ import annotations

import re
import socket
from typing import Final

from ..errors import SourceError

__all__ = ["check_endpoint"]

_TCP: Final = re.compile(r"tcp://(?:[^;]*;)?(?P<host>\[[^\]]*\]|[^:]*):(?P<port>[0-9]+)")
_LAST_PORT: Final = 65_535


def check_endpoint(endpoint: str, *, bind: bool) -> None:
    """Raise SourceError if no socket can ever be bound to, or connected with, this address.

    Only TCP is looked at; an address in another form is left to ZeroMQ, which refuses it. To connect, the name of the
    host is resolved, which blocks as long as the resolver of this machine takes.
    """
    parts = _TCP.fullmatch(endpoint)
    if parts is None:
        return
    host, port = parts["host"].strip("[]"), int(parts["port"])
    if port > _LAST_PORT or (port == 0 and not bind):
        raise SourceError(f"{endpoint}: there is no port {port}; ports are 1 to {_LAST_PORT}")
    if not bind:
        _resolve(endpoint, host, port)


def _resolve(endpoint: str, host: str, port: int) -> None:
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # a label of a name that is empty or too long is a UnicodeError
        why = (isinstance(error, OSError) and error.strerror) or str(error)
        raise SourceError(f"{endpoint}: the host {host!r} is not known here: {why}") from error
