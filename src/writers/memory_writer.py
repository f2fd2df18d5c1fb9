"""Keep rows in memory, for Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..fields import Value, option
from ..formats.direct import without
from ..formats.rows import row_dicts
from ..record import TEXT
from ..running import Context, Sink
from .base import Writer

if TYPE_CHECKING:
    import polars as pl

__all__ = ["MemorySink", "MemoryWriter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryWriter(Writer):
    """Keep the rows in memory, where Python finds them: `frames` as they came, `rows()` as dicts.

    Memory is bounded by the stream only. A writer that was sent to another process fills the list of the copy there.
    """

    variant: ClassVar[str] = "memory"
    in_scl: ClassVar[bool] = False

    frames: list[Any] = option(
        "list that takes the frames; a new one if not given", Value(), default=None, runtime=True
    )

    def check(self) -> None:
        """Make the list, if none was given."""
        if self.frames is None:
            object.__setattr__(self, "frames", [])

    def open(self, context: Context) -> Sink:
        """Return the running writer."""
        return MemorySink(self.frames)

    def rows(self) -> list[dict[str, Any]]:
        """Return all rows so far, in the order of the stream."""
        return MemorySink(self.frames).rows()


class MemorySink(Sink):
    """A running memory writer.

    Attributes:
        frames: what was written, in order.
    """

    def __init__(self, frames: list[Any] | None = None) -> None:
        self.frames: list[Any] = [] if frames is None else frames

    def write(self, frame: pl.DataFrame) -> None:
        self.frames.append(without(frame, TEXT))

    def rows(self) -> list[dict[str, Any]]:
        """Return all rows so far as dicts, in the order of the stream."""
        return [row for frame in self.frames for row in row_dicts(frame)]
