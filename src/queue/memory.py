"""Memory for large messages: some that is used again and again, and some that can be handed to another process."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections import deque
from typing import Any, Protocol

__all__ = ["POOL", "Buffers", "Memory", "Room", "mapped", "nameless"]


class Room(Protocol):
    """Where to find memory for a message."""

    def get(self, size: int) -> Any:
        """Return a buffer of that size, or of more, to write to."""


class Buffers:
    """Memory that is used again when nobody holds it any more.

    To get fresh memory from the kernel costs several times as much as to fill it.

    Args:
        most_bytes: what is kept beyond its use at most.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._kept: deque[bytearray] = deque()

    def get(self, size: int) -> memoryview:
        """Return memory to write to; it is free again when this view and all that was made of it are gone."""
        for _ in range(len(self._kept)):
            try:
                buffer = self._kept.popleft()  # so no other thread sees it
            except IndexError:
                break
            view = memoryview(buffer)[:size] if len(buffer) >= size and _is_free(buffer) else None
            self._kept.append(buffer)
            if view is not None:
                return view
        return memoryview(self._fresh(size))

    def _fresh(self, size: int) -> bytearray:
        buffer = bytearray(size)
        self._kept.append(buffer)
        while sum(map(len, tuple(self._kept))) > self._most:
            self._kept.popleft()  # whoever holds it keeps it alive
        return buffer


def _is_free(buffer: bytearray) -> bool:
    try:
        buffer.append(0)  # refused while there are views
    except BufferError:
        return False
    del buffer[-1]
    return True


POOL = Buffers(32 * 1024 * 1024)
"""What this process uses for the large messages that it writes and reads."""


class Memory:
    """A copy of some data in a file without a name: nothing is left behind, whoever is killed.

    Its descriptor is sent over a Unix socket, and then closed; whoever receives it maps the file.
    """

    def __init__(self, data: Any) -> None:
        descriptor = nameless()
        self.descriptor: int | None = descriptor
        left = memoryview(data).cast("B")
        while left:
            left = left[os.write(descriptor, left) :]

    def let_go(self) -> None:
        """Let go of it; what others have mapped stays."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


def nameless() -> int:
    """Return the descriptor of a new file without a name: in memory only (Linux), or a temporary one."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("plait")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def mapped(descriptor: int) -> mmap.mmap:
    """Map what another process wrote, for reading, and close the descriptor: the mapping does not need it."""
    try:
        return mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)
    finally:
        os.close(descriptor)
