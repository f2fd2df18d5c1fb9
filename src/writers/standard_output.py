"""Standard output, for what is read by others."""

from __future__ import annotations

import os
import sys

from ..errors import SinkError

__all__ = ["leave_stdout", "write_stdout"]


def write_stdout(data: bytes) -> None:
    """Write to standard output, whatever stands in its place, and see it out.

    Raises:
        SinkError: nobody reads it any more, or it cannot be written.
    """
    out = sys.stdout
    try:
        if hasattr(out, "buffer"):
            out.flush()
            out.buffer.write(data)
        else:
            out.write(data.decode())
        out.flush()
    except BrokenPipeError as error:
        leave_stdout()
        raise SinkError("stdout was closed by its reader") from error
    except OSError as error:
        leave_stdout()
        raise SinkError(f"stdout cannot be written: {error.strerror or error}") from error


def leave_stdout() -> None:
    """Let all that goes there from now on go nowhere, or Python tries to write it, and complains, at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
