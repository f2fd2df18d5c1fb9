"""What all writers share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..fields import Component
from ..running import Context, Sink

__all__ = ["Writer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer(Component):
    """The base of all writers: a place where a stream ends."""

    family: ClassVar[str] = "writer"

    @property
    def wants_text(self) -> bool:
        """True if the rows are to be written with the very text they came in with (`record.TEXT`)."""
        return False

    def open(self, context: Context) -> Sink:
        """Return the running writer. Raises SinkError if the place cannot be written to."""
        raise NotImplementedError
