"""A descriptor that can be read while there is something to fetch: what `wait` waits for in the kernel."""

from __future__ import annotations

import os

__all__ = ["Bell"]


class Bell:
    """Rung or not; whoever rings and mutes it holds the lock of what it stands for."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        self._rung = False

    def fileno(self) -> int:
        return self._reader

    def ring(self) -> None:
        """Make the descriptor readable, until `mute`."""
        if not self._rung:
            self._rung = True
            os.write(self._writer, b"\0")

    def mute(self) -> None:
        """Make it unreadable again."""
        if self._rung:
            self._rung = False
            os.read(self._reader, 1)

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)
