"""What a queue holds and ships: blocks of pickled objects, or of rows.

Objects are pickled one by one when they are put, so that what arrives is what was put, whatever becomes of the object
afterwards, and so that one that cannot be pickled is refused at once. They are unpickled many at a time: pickles of
protocol 3 number their memo explicitly, from zero in each, so that their bodies may be strung together into the pickle
of one list. That costs half of reading them one by one, and no two items ever share an object.
"""

from __future__ import annotations

import sys
from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pickle import PicklingError, dumps, loads
from reprlib import repr as brief
from typing import TYPE_CHECKING, Any, TypeGuard

from ..errors import WorkerError
from ..record import END, Failure, Frontier, Idle, is_mark

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "FRAME",
    "OBJECTS",
    "PROTOCOL",
    "Arrow",
    "Block",
    "Loose",
    "Packed",
    "Plain",
    "Rows",
    "arrived",
    "drained",
    "is_frame",
    "leading",
    "pickled",
    "portable",
    "unload",
]

PROTOCOL = 3
OBJECTS = 1
FRAME = 2
UNLOADED_AT_ONCE = 4096
"""Rows that are made at once for `get`, which hands them out one by one."""

_HEAD = b"\x80\x03]("
_TAIL = b"e."
_MARK_TYPES = {type(END), Frontier, Idle, Failure}


def is_frame(item: Any) -> TypeGuard[pl.DataFrame]:
    """Tell a frame from other objects, without importing polars for the purpose."""
    polars = sys.modules.get("polars")
    return polars is not None and isinstance(item, polars.DataFrame)


def pickled(item: Any) -> bytes:
    """Pickle one item.

    Raises:
        pickle.PicklingError: it cannot be pickled; the message shows the item.
    """
    try:
        return dumps(item, PROTOCOL)
    except Exception as error:
        if isinstance(item, Failure):
            return dumps(_plain(item), PROTOCOL)
        raise PicklingError(f"cannot put {brief(item)}: {error}") from error


def portable(failure: Failure) -> Failure:
    """Return the failure itself if it survives the journey, else one that says the same in words."""
    try:
        loads(dumps(failure, PROTOCOL))  # noqa: S301 - what this process has just pickled
    except Exception:
        return _plain(failure)
    return failure


def _plain(failure: Failure) -> Failure:
    return Failure(WorkerError(f"{type(failure.error).__name__}: {failure.error}"))


class Block:
    """Some items in order. Blocks are immutable to all but the queue that holds them."""

    kind = OBJECTS
    count: int

    def items(self) -> list[Any]:
        """Return the items one by one; rows of a frame as dicts. Raises whatever unpickling raises."""
        raise NotImplementedError

    def whole(self) -> Any:
        """Return what `get_block` gives: a frame, or the list of items."""
        return self.items()

    def split(self, count: int) -> tuple[Block, Block]:
        """Return the first `count` items and the others; neither is empty."""
        raise NotImplementedError

    def payload(self) -> Any:
        """Return the bytes (or a buffer) that stand for the block on the wire."""
        raise NotImplementedError


@dataclass(slots=True)
class Loose(Block):
    """Pickles as they were put: can be added to until the block is taken."""

    bodies: list[bytes]

    @property
    def count(self) -> int:  # type: ignore[override]
        return len(self.bodies)

    def items(self) -> list[Any]:
        return _unstrung(_strung(self.bodies))

    def split(self, count: int) -> tuple[Block, Block]:
        return Loose(self.bodies[:count]), Loose(self.bodies[count:])

    def payload(self) -> bytes:
        return array("I", map(len, self.bodies)).tobytes() + _strung(self.bodies)


def _strung(bodies: Sequence[bytes]) -> bytes:
    return b"".join([_HEAD, *[body[:-1] for body in bodies], _TAIL])


def _unstrung(data: Any) -> list[Any]:
    items: list[Any] = loads(data)  # noqa: S301 - from a process that knew the secret
    return items


@dataclass(slots=True)
class Plain(Block):
    """Items of this process, not pickled (yet)."""

    values: list[Any]

    @property
    def count(self) -> int:  # type: ignore[override]
        return len(self.values)

    def items(self) -> list[Any]:
        return self.values

    def split(self, count: int) -> tuple[Block, Block]:
        return Plain(self.values[:count]), Plain(self.values[count:])

    def payload(self) -> bytes:
        return Loose([pickled(value) for value in self.values]).payload()


@dataclass(slots=True)
class Packed(Block):
    """Pickles as they came over the wire: a table of lengths, then the pickle of one list."""

    count: int
    data: Any

    def items(self) -> list[Any]:
        return _unstrung(memoryview(self.data)[4 * self.count :])

    def split(self, count: int) -> tuple[Block, Block]:
        return self._loose().split(count)

    def payload(self) -> Any:
        return self.data

    def _loose(self) -> Loose:
        view = memoryview(self.data)
        start, bodies = 4 * self.count + len(_HEAD), []
        for length in array("I", bytes(view[: 4 * self.count])):
            bodies.append(bytes(view[start : start + length - 1]) + b".")
            start += length - 1
        return Loose(bodies)


@dataclass(slots=True)
class Rows(Block):
    """A frame in the process that owns the queue: frames are immutable, so it is not copied."""

    frame: pl.DataFrame
    kind = FRAME

    @property
    def count(self) -> int:  # type: ignore[override]
        return self.frame.height

    def items(self) -> list[Any]:
        return self.frame.to_dicts()

    def whole(self) -> Any:
        return self.frame

    def split(self, count: int) -> tuple[Block, Block]:
        return Rows(self.frame.head(count)), Rows(self.frame.slice(count))

    def payload(self) -> Any:
        from .arrow import to_ipc

        return to_ipc(self.frame)


@dataclass(slots=True)
class Arrow(Block):
    """A frame as it came over the wire: an Arrow IPC stream, read in place when somebody asks for the rows."""

    count: int
    data: Any
    kind = FRAME

    def items(self) -> list[Any]:
        return self._rows().items()

    def whole(self) -> Any:
        return self._rows().frame

    def split(self, count: int) -> tuple[Block, Block]:
        return self._rows().split(count)

    def payload(self) -> Any:
        return self.data

    def _rows(self) -> Rows:
        from .arrow import from_ipc

        return Rows(from_ipc(self.data))


def arrived(kind: int, count: int, data: Any) -> Block:
    """Return the block that stands on the wire as these."""
    return (Arrow if kind == FRAME else Packed)(count, data)


def unload(blocks: deque[Block]) -> list[Any]:
    """Take the first items out of the blocks; a bad pickle is dropped alone, with its own error raised.

    Returns one block of objects, or at most `UNLOADED_AT_ONCE` rows of a frame; what is not returned stays in `blocks`.
    """
    block = blocks.popleft()
    if block.count > UNLOADED_AT_ONCE and block.kind == FRAME:
        block, rest = block.split(UNLOADED_AT_ONCE)
        blocks.appendleft(rest)
    try:
        return block.items()
    except Exception:
        if block.count == 1:
            raise
    blocks.extendleft(reversed(_singles(block)))
    return unload(blocks)


def _singles(block: Block) -> list[Block]:
    singles: list[Block] = []
    while block.count > 1:
        single, block = block.split(1)
        singles.append(single)
    return [*singles, block]


def leading(items: list[Any]) -> tuple[Any, list[Any]]:
    """Return what `get_block` gives first, a mark or the list of records before the next mark, and what is left."""
    if not _MARK_TYPES & set(map(type, items)):
        return items, []
    first = next((place for place, item in enumerate(items) if is_mark(item)), len(items))
    return (items[0], items[1:]) if first == 0 else (items[:first], items[first:])


def drained(items: deque[Any]) -> Iterator[Any]:
    """Yield the items and remove them, though others may pop from the same end."""
    while True:
        try:
            yield items.popleft()
        except IndexError:
            return
