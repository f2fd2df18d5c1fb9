"""The request to stop, in a form that a process can wait for."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path

__all__ = ["Stop"]


class Stop:
    """A request to stop the run that every process of it can wait for together with its sockets.

    It is a FIFO that holds one byte, which nobody reads, once the request was made: readable for all from then on. When
    the process that made it dies it is readable too (its last writer is gone), so no worker outlives the run.

    Args:
        path: where the FIFO stands, or shall be made.
        make: True for the process that may make the request.
    """

    def __init__(self, path: Path, *, make: bool = False) -> None:
        self.path = path
        if make:
            os.mkfifo(path, 0o600)
        self._read = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self._write = os.open(path, os.O_WRONLY | os.O_NONBLOCK) if make else None
        self._is_maker, self._asked = make, False
        self.asked_at: float | None = None
        """When this process made the request, on the monotonic clock."""

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when the run is to stop."""
        return self._read

    @property
    def requested(self) -> bool:
        """True once somebody asked for the end, or the process that could is gone."""
        if self._is_maker:  # nobody else asks; and to ask the kernel is to let go of the interpreter, for each block
            return self._asked
        watch = select.poll()
        watch.register(self._read, select.POLLIN)
        return bool(watch.poll(0))

    def request(self) -> None:
        """Ask every process of the run to stop. Safe in a signal handler; asking twice changes nothing."""
        if self._write is not None and not self._asked:
            self._asked, self.asked_at = True, time.monotonic()
            os.write(self._write, b"x")

    def close(self) -> None:
        """Close the descriptors."""
        for descriptor in (self._read, self._write):
            if descriptor is not None:
                os.close(descriptor)
        self._write = None
