"""Which files a path means, and their bytes: globs in name order, gzip by its magic number, errors that teach."""

from __future__ import annotations

import errno
import glob
import gzip
import io
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from ..errors import MissingSourceError, SourceError, nearest

__all__ = ["FoundFile", "find_files", "no_name", "open_bytes", "size_on_disk"]

_GZIP_MAGIC = b"\x1f\x8b"


class FoundFile(NamedTuple):
    """A file to read: where it is, and how messages and dead letters name it (relative if it was given so)."""

    path: Path
    name: str


def find_files(pattern: str, base: Path) -> list[FoundFile]:
    """Return the files that a path or a glob means, in the order of their names.

    Args:
        pattern: a path or a glob (`*`, `?`, `[...]`, `**`); relative ones are relative to `base`.
        base: folder of the pipeline file.

    Raises:
        SourceError: nothing is there, or it is a folder; it names what was looked for, where, and what is nearest.
    """
    place = base / pattern
    if reason := no_name(place):
        raise SourceError(f"{pattern!r} cannot be the name of a file: {reason}")
    if place.is_dir():
        raise SourceError(f'{pattern!r} is a folder; name a file in it, or all with "{Path(pattern) / "*"}"')
    if place.exists():
        return [FoundFile(place, pattern)]
    if not glob.has_magic(pattern):
        raise MissingSourceError(_missing("there is no file", place))
    names = glob.glob(pattern, root_dir=base, recursive=True)  # noqa: PTH207 - Path.glob refuses absolute patterns
    paths = sorted(base / name for name in names)
    files = [path for path in paths if not path.is_dir()]
    if not files:
        raise MissingSourceError(_missing("no file matches", place))
    return [FoundFile(path, _shown(path, pattern, base)) for path in files]


def no_name(place: Path) -> str | None:
    """Return why no file can have this name, or None: it has a NUL in it, or is too long for where it would be."""
    try:
        os.lstat(place)
    except OSError as error:
        return error.strerror if error.errno == errno.ENAMETOOLONG else None
    except ValueError as error:  # a NUL, half a surrogate pair
        return str(error)
    return None


def _shown(path: Path, pattern: str, base: Path) -> str:
    return str(path) if Path(pattern).is_absolute() else os.path.relpath(path, base)


def _missing(what: str, place: Path) -> str:
    """Say what was looked for, in which folder, and which existing name is nearest."""
    folder = place.parent
    while not folder.is_dir() and not glob.has_magic(folder.name):
        if folder.is_file():
            return f"{what} {place.name!r} in {folder}: that is a file, and no folder"
        if folder.parent.is_dir():
            return _with_nearest(f"there is no folder {folder.name!r} in {folder.parent}", folder)
        folder = folder.parent
    if not folder.is_dir():
        return f"{what} {str(place)!r}"
    return _with_nearest(f"{what} {place.name!r} in {folder}", place)


def _with_nearest(text: str, place: Path) -> str:
    try:
        near = nearest(place.name, [entry.name for entry in place.parent.iterdir()])
    except OSError:  # a folder that may be entered but not listed: there is nothing to suggest
        near = None
    return f"{text}; did you mean {near!r}?" if near else text


def size_on_disk(files: Iterable[FoundFile]) -> int:
    """Return how many bytes files have on disk. What belongs to this process alone, as /dev/stdin does, counts as 0."""
    return sum(path.stat().st_size for path, _ in files if path.parts[1:2] not in (("dev",), ("proc",)))


@contextmanager
def open_bytes(file: FoundFile) -> Iterator[BinaryIO]:
    """Open a file for reading its bytes, decompressed if it begins as gzip does, and close it in the end.

    Raises:
        SourceError: it may not be read, the disk fails, or the compressed data are damaged or cut short.
    """
    try:
        with file.path.open("rb") as raw:
            compressed = raw.peek(2)[:2] == _GZIP_MAGIC
            yield cast("BinaryIO", io.BufferedReader(gzip.GzipFile(fileobj=raw))) if compressed else raw
    except EOFError as error:
        raise SourceError(f"{file.name}: the compressed file is cut short") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise SourceError(f"{file.name}: the compressed data are damaged: {error}") from error
    except PermissionError as error:
        raise SourceError(f"{file.name}: no permission to read it") from error
    except OSError as error:
        raise SourceError(f"{file.name}: {error.strerror or error}") from error
