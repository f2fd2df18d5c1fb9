"""Lines for whoever watches: what events print."""

from __future__ import annotations

from ..writers.standard_output import write_stdout

__all__ = ["Console"]


class Console:
    """Standard output for the events of a run: lines are gathered, and shown frame by frame."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def say(self, line: str) -> None:
        """Take a line."""
        self._lines.append(line)

    def flush(self) -> None:
        """Show what has been said since the last time. Raises SinkError if standard output cannot be written."""
        if self._lines:
            lines, self._lines = self._lines, []
            write_stdout("".join(f"{line}\n" for line in lines).encode())
