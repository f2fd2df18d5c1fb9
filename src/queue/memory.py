"""Anonymous memory that can be handed to another process: no name, so nothing is left behind whoever is killed."""

from __future__ import annotations

import mmap
import os
import tempfile
from typing import Any

__all__ = ["Memory", "mapped"]


class Memory:
    """A file that lives in memory only (Linux), or a temporary file without a name (elsewhere).

    It is written once, sent over a Unix socket and closed; whoever receives the descriptor maps it.
    """

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("plait") if hasattr(os, "memfd_create") else _nameless()

    @classmethod
    def of(cls, data: Any) -> Memory:
        """Return a new one that holds a copy of the data."""
        memory = cls()
        left = memoryview(data).cast("B")
        while left:
            left = left[os.write(memory.descriptor, left) :]
        return memory

    def read(self) -> bytes:
        """Return all that was written, and close."""
        with mapped(self.descriptor) as data:
            return bytes(data)

    def close(self) -> None:
        """Let go of it; what others have mapped stays."""
        os.close(self.descriptor)


def _nameless() -> int:
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def mapped(descriptor: int) -> mmap.mmap:
    """Map what another process wrote, for reading, and close the descriptor: the mapping does not need it."""
    try:
        return mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)
    finally:
        os.close(descriptor)
