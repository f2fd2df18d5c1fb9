"""What travels: records in blocks, and the marks that travel among them, in order with the data.

A record is a mapping with a `timestamp`, or any picklable object. A frame is a `polars.DataFrame`. A block is what a
queue ships: a frame, or a list of Python objects. A mark says something about the stream itself.
"""

from __future__ import annotations

import queue
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from .frozen import frozen

__all__ = [
    "END",
    "TEXT",
    "TIMESTAMP",
    "DeadLetter",
    "Failure",
    "Frontier",
    "Idle",
    "LateFollows",
    "Mark",
    "is_mark",
    "lookup",
]

END: Final = queue.Empty
"""The end of a stream: the class `queue.Empty` itself, which producers put and consumers get."""

TIMESTAMP: Final = "timestamp"
"""The column of a frame that holds the event time: `Datetime("us", "UTC")`."""

TEXT: Final = "\x1ftext"
"""A column that only the engine sees: the very text of each row, for writers that print rows `as_read`."""


@frozen
class Frontier:
    """No record before `timestamp` will follow in this stream (the watermark of the field)."""

    timestamp: Any


@frozen
class Idle:
    """The source has been silent since `since` (seconds of the clock that was passed in): go on without it.

    `until` is when that was told. The engine fills it in where the mark enters: nobody behind reads the clock again.
    `reached` is how far the silent stream has come, with what the clock has added: nothing before that will follow. A
    `Frontier` says the same of a stream that is awake.
    """

    since: float
    until: float | None = None
    reached: Any = None


@frozen
class Failure:
    """The producer of this stream cannot go on. What follows is END."""

    error: BaseException


@frozen
class LateFollows:
    """The next block is of late rows of the source, which are a stream of their own."""


Mark: TypeAlias = "Frontier | Idle | Failure | LateFollows | type[queue.Empty]"


def is_mark(item: Any) -> bool:
    """Tell a mark from a record."""
    return item is END or isinstance(item, Frontier | Idle | Failure | LateFollows)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A record that was not delivered, and why. Never lost: it is counted, and written to the dead-letter file.

    Attributes:
        stage: name of the stage that could not use it.
        kind: the column of the ledger it is counted in: "dead" (cannot be read or written) or "late".
        reason: one sentence that names what is wrong and, where there is one, the option that mends it.
        origin: the file or the address that it came from.
        line: 1-based line of a file on which the record starts, or the number of a message.
        offset: byte at which the record starts (in the decompressed text, if the file is compressed).
        text: the record as it stood in the source, if it could not be parsed (bytes are shown with backslash escapes).
        record: the record itself, if it could.
    """

    stage: str
    kind: str
    reason: str
    origin: str | None = None
    line: int | None = None
    offset: int | None = None
    text: str | None = None
    record: Mapping[str, Any] | None = None


def lookup(item: Any, path: Sequence[str], default: Any = None) -> Any:
    """Follow `path` through mappings, then attributes, and return what stands there, else `default`."""
    for key in path:
        if isinstance(item, Mapping):
            if key not in item:
                return default
            item = item[key]
        elif hasattr(item, key):
            item = getattr(item, key)
        else:
            return default
    return item
