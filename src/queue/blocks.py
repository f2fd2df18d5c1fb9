"""What a queue holds and ships: blocks of sealed objects, or of rows."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from ..record import END, Failure, Frontier, Idle, LateFollows, is_mark
from .memory import POOL, Room
from .plain_rows import KEPT, read_rows, written_rows
from .sealing import opened, packed, portable_part, sealed_or_refused, unpacked

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "COPIES",
    "FRAME",
    "OBJECTS",
    "ROWS",
    "Arrow",
    "Block",
    "Loose",
    "Packed",
    "Plain",
    "Rows",
    "arrived",
    "drained",
    "is_frame",
    "kind_of",
    "leading",
    "unload",
]

OBJECTS, FRAME, COPIES, ROWS = 1, 2, 15, 16
"""Kinds: sealed objects of any kind, a frame, nothing but copies, nothing but copies of rows of the plainest values.

What is of several kinds is of the one with the least number.
"""
_MANY = 64
"""Rows from which on MessagePack is worth its import."""
UNLOADED_AT_ONCE = 4096
"""Rows that are made at once for `get`, which hands them out one by one."""

_MARK_TYPES = {type(END), Frontier, Idle, Failure, LateFollows}


def is_frame(item: Any) -> TypeGuard[pl.DataFrame]:
    """Tell a frame from other objects, without importing polars for the purpose."""
    polars = sys.modules.get("polars")
    return polars is not None and isinstance(item, polars.DataFrame)


def kind_of(part: Any) -> int:
    """Return what kind of block a sealed item can stand in."""
    if type(part) is dict and KEPT.issuperset(map(type, part.values())):
        return ROWS
    return OBJECTS if type(part) is tuple else COPIES


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

    def payload(self, room: Room = POOL) -> Any:
        """Return the bytes that stand for the block on the wire; what is large is written to memory from `room`."""
        raise NotImplementedError

    def message(self, room: Room = POOL) -> tuple[int, int, Any]:
        """Return kind, number and content of the message that brings the block."""
        data = self.payload(room)  # first: what turns up then may change the kind
        return self.kind, self.count, data


@dataclass(slots=True)
class Loose(Block):
    """Sealed items, in the process where they were put."""

    parts: list[Any]
    kind: int = OBJECTS

    @property
    def count(self) -> int:  # type: ignore[override]
        return len(self.parts)

    def items(self) -> list[Any]:
        return opened(self.parts) if self.kind == OBJECTS else self.parts

    def split(self, count: int) -> tuple[Block, Block]:
        return Loose(self.parts[:count], self.kind), Loose(self.parts[count:], self.kind)

    def payload(self, room: Room = POOL) -> bytes:
        if self.kind == ROWS:
            data = written_rows(self.parts) if len(self.parts) >= _MANY else None
            if data is not None:
                return data
            self.kind = COPIES
        try:
            return packed(self.parts)
        except Exception:  # a key of a type that neither can be pickled nor is looked into by the garbage collector
            self.kind = OBJECTS
            return packed(list(map(portable_part, self.parts)))


@dataclass(slots=True)
class Plain(Block):
    """Items of this process, not sealed (yet)."""

    values: list[Any]

    @property
    def count(self) -> int:  # type: ignore[override]
        return len(self.values)

    def items(self) -> list[Any]:
        return self.values

    def split(self, count: int) -> tuple[Block, Block]:
        return Plain(self.values[:count]), Plain(self.values[count:])

    def payload(self, room: Room = POOL) -> bytes:
        return Loose(list(map(sealed_or_refused, self.values))).payload()


@dataclass(slots=True)
class Packed(Block):
    """Sealed items as they came over the wire: the pickle of their list, or as MessagePack."""

    count: int
    data: Any
    kind: int = OBJECTS

    def items(self) -> list[Any]:
        return self._loose().items()

    def split(self, count: int) -> tuple[Block, Block]:
        return self._loose().split(count)

    def payload(self, room: Room = POOL) -> Any:
        return self.data

    def _loose(self) -> Loose:
        return Loose(read_rows(self.data) if self.kind == ROWS else unpacked(self.data), self.kind)


@dataclass(slots=True)
class Rows(Block):
    """A frame in the process that owns the queue: frames are immutable, so it is not copied."""

    frame: pl.DataFrame
    kind = FRAME

    @property
    def count(self) -> int:  # type: ignore[override]
        return self.frame.height

    def items(self) -> list[Any]:
        from ..formats.rows import row_dicts

        return list(row_dicts(self.frame))

    def whole(self) -> Any:
        return self.frame

    def split(self, count: int) -> tuple[Block, Block]:
        return Rows(self.frame.head(count)), Rows(self.frame.slice(count))

    def payload(self, room: Room = POOL) -> Any:
        from .arrow import to_ipc

        return to_ipc(self.frame, room)


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

    def payload(self, room: Room = POOL) -> Any:
        return self.data

    def _rows(self) -> Rows:
        from .arrow import from_ipc

        return Rows(from_ipc(self.data))


def arrived(kind: int, count: int, data: Any) -> Block:
    """Return the block that stands on the wire as these."""
    return Arrow(count, data) if kind == FRAME else Packed(count, data, kind)


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
    except BaseException:  # Ctrl-C, which is no fault of the block
        blocks.appendleft(block)
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
