"""Memory that two processes share: frames are written there once, and read where they lie.

Whoever puts has a few segments and writes each frame into one that is free. The first time a segment is used, its
descriptor travels with the message; afterwards the message only says which it is. The last byte of a segment is 1 from
when it is sent until nobody at the other end holds anything of what it contains. When no segment is free, or one that
is free is too small and the sum would be too much, the frame goes through the socket.

Fresh memory is dear: to find, to clear and to map it, the kernel takes several times as long as the copying. So frames
travel 3-6 times as fast in segments that are used again as through a socket or in memory of their own.
"""

from __future__ import annotations

import mmap
import os
import weakref
from typing import Any

from .memory import POOL, nameless

__all__ = ["Borrowed", "Segment", "Segments"]

_MOST = 8
_MOST_BYTES = 64 * 1024 * 1024
_WORTH_IT = 16 * 1024
"""Bytes below which a message goes through the socket."""


class Segment(mmap.mmap):
    """A segment as its maker sees it; that wrote to it.

    Attributes:
        number: by which both sides know it.
        used: how many bytes of it say something.
        descriptor: of the memory, until it has been sent.
    """

    number: int
    used: int
    descriptor: int | None

    @classmethod
    def make(cls, number: int, size: int) -> Segment:
        descriptor = nameless()
        length = 1 << size.bit_length()  # more than the size; what is never touched costs nothing
        os.ftruncate(descriptor, length)
        segment = cls(descriptor, length)
        segment.number, segment.descriptor = number, descriptor
        return segment

    @property
    def lent(self) -> bool:
        """Whether the other side still has it."""
        return self[-1] != 0

    def lend(self) -> None:
        """Leave it to the other side, which is told next."""
        self[-1] = 1

    def let_go(self) -> None:
        """Close the descriptor: it has been sent, or never will be."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


class Segments:
    """The segments of somebody who puts. Used by one thread at a time."""

    def __init__(self) -> None:
        self._segments: dict[int, Segment] = {}

    def get(self, size: int) -> Any:
        """Return memory to write to: a free segment, or if there is none, memory of this process only."""
        if size >= _WORTH_IT:
            for number in range(_MOST):
                segment = self._segments.get(number)
                if segment is None or not segment.lent:
                    return self._fitting(segment, number, size)
        return POOL.get(size)

    def _fitting(self, segment: Segment | None, number: int, size: int) -> Any:
        if segment is None or len(segment) <= size:
            others = sum(len(other) for other in self._segments.values() if other is not segment)
            if others + size > _MOST_BYTES:
                return POOL.get(size)
            if segment is not None:
                segment.let_go()
            segment = self._segments[number] = Segment.make(number, size)
        segment.used = size
        return segment

    def close(self) -> None:
        """Let go of all; what the other side has mapped stays."""
        for segment in self._segments.values():
            segment.let_go()
        self._segments.clear()


class Borrowed:
    """The segments of somebody else, as whoever gets sees them."""

    def __init__(self) -> None:
        self._mapped: dict[int, mmap.mmap] = {}

    def map(self, number: int, descriptor: int) -> None:
        """Get to know a segment, which may replace one of that number, and close the descriptor."""
        try:
            self._mapped[number] = mmap.mmap(descriptor, 0)
        finally:
            os.close(descriptor)

    def view(self, number: int, size: int) -> memoryview:
        """Return what is in a segment; it goes back when nobody holds the view, or a buffer made of it, any more."""
        segment = self._mapped[number]
        view = memoryview(segment)[:size]
        weakref.finalize(view, _give_back, segment, os.getpid()).atexit = False
        return view


def _give_back(segment: mmap.mmap, borrower: int) -> None:
    if os.getpid() == borrower:  # else this process was forked off it, and the borrower may hold it still
        segment[-1] = 0
