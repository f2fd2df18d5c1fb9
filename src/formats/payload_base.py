"""What a payload is, and what it raises."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Payload", "UnreadableError", "to_text"]


class UnreadableError(ValueError):
    """A message or line cannot be read as what it should be; the text says why."""


class Payload(Protocol):
    """What turns the bytes of one message into a record."""

    textual: bool
    """True if all values are texts whose types are yet to be found, as in CSV."""
    blank_lines: bool
    """True if an empty line of a file is a record; else it is skipped."""
    comment: bytes
    """What begins a line of a file that is skipped; empty if there is no such thing."""

    def decode(self, data: bytes) -> dict[str, Any]:
        """Return the record, or raise UnreadableError."""
        ...


def to_text(data: bytes) -> str:
    """Decode UTF-8, or raise UnreadableError and name the byte at fault."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UnreadableError(f"not UTF-8: byte 0x{data[error.start]:02x} at {error.start}") from None
