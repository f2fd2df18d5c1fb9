"""The dead-letter office: what was not delivered is kept, with its place and reason."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..errors import SinkError
from ..queue.gate import Diverted
from ..record import TEXT, DeadLetter

if TYPE_CHECKING:
    import polars as pl

__all__ = ["DeadLetterPart", "diverted_letters", "join_parts", "part_path"]


def part_path(path: Path, stage: str) -> Path:
    """Where the dead letters of one stage stand until the run is over."""
    return path.with_name(f".{path.name}.{stage}.part")


class DeadLetterPart:
    """Write the dead letters of one stage, one JSON object per line, in the order in which they come.

    A stage runs in one thread of one process, so nobody else writes to this file, and the order does not depend on the
    engine. The file is made with the first letter.

    Raises:
        SinkError: from `flush` or `close`, if a letter could not be written; nothing is lost without a word.
    """

    def __init__(self, path: Path | None, stage: str) -> None:
        self.count = 0
        self._path = part_path(path, stage) if path is not None else None
        self._file: IO[bytes] | None = None
        self._error: OSError | None = None

    def __call__(self, letter: DeadLetter) -> None:
        self.count += 1
        if self._path is not None and self._error is None:
            try:
                self._opened(self._path).write(encode(letter))
            except OSError as error:
                self._error = error

    def _opened(self, path: Path) -> IO[bytes]:
        if self._file is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("wb")
        return self._file

    def flush(self) -> None:
        """Make what was written visible to others."""
        try:
            if self._file is not None:
                self._file.flush()
        except OSError as error:
            self._error = self._error or error
        self._check()

    def close(self) -> None:
        """Close the file, if there is one."""
        try:
            if self._file is not None:
                self._file.close()
        except OSError as error:
            self._error = self._error or error
        finally:
            self._file = None
        self._check()

    def _check(self) -> None:
        if self._error is not None:
            raise SinkError(f"dead letters: {self._path}: {self._error.strerror}") from self._error


def encode(letter: DeadLetter) -> bytes:
    """One dead letter as a line of JSON; fields that say nothing are left out."""
    import json

    import msgspec

    fields = {name: getattr(letter, name) for name in DeadLetter.__dataclass_fields__}
    said = {name: value for name, value in fields.items() if value is not None}
    try:
        return msgspec.json.encode(said, enc_hook=_plain) + b"\n"
    except UnicodeEncodeError:  # half a character, which only rows in memory can have, and only an escape can say
        return json.dumps(said, default=_plain, separators=(",", ":")).encode() + b"\n"


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def join_parts(path: Path, stages: Sequence[str]) -> bool:
    """Lay the parts of all stages into the one file, in the order of the stages; say whether there is a file.

    A file that an earlier run left is replaced, or removed when this run has no dead letters.

    Raises:
        SinkError: the file cannot be written; the parts are left where they are.
    """
    parts = [part for part in (part_path(path, stage) for stage in stages) if part.exists()]
    try:
        if not parts:
            path.unlink(missing_ok=True)
            return False
        _concatenate(parts, path)
    except OSError as error:
        raise SinkError(f"dead letters: {path}: {error.strerror}; they are in {parts[0].parent}") from error
    return True


def _concatenate(parts: Iterable[Path], path: Path) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    parts = list(parts)
    try:
        with beside.open("wb") as whole:
            for part in parts:
                with part.open("rb") as one:
                    while block := one.read(1 << 20):
                        whole.write(block)
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    for part in parts:
        part.unlink()


def diverted_letters(
    stage: str,
    frame: pl.DataFrame,
    diverted: Sequence[Diverted],
    origin: str | None = None,
    lines: Sequence[int] | pl.Series | None = None,
) -> Iterator[DeadLetter]:
    """Make a dead letter of each record that a gate or a merge has diverted."""
    for item in diverted:
        row = frame.row(item.index, named=True)
        text = row.pop(TEXT, None)
        line = int(lines[item.index]) if lines is not None else None
        yield DeadLetter(stage=stage, kind="late", reason=item.reason, origin=origin, line=line, text=text, record=row)
