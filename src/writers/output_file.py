"""A file that appears under its name only when it is complete, or that grows under its name if somebody follows it."""

from __future__ import annotations

import errno
import fcntl
import glob
import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import SinkError

__all__ = ["OutputFile"]

_EFFECTIVE = os.access in os.supports_effective_ids


class OutputFile:
    """A file being written: `write` any number of times, then `close` or `abort`.

    Normally the bytes go to `.NAME.part-PID` in the folder of the file; `close` makes them durable and gives them
    the name in one step, so nobody ever sees half a file and an older one stays until then. With `follow` they go to
    the file itself, which `abort` leaves as it is. So they do if the name is no regular file (a pipe, `/dev/stdout`).

    | characteristic | value |
    |---|---|
    | missing folders | are made |
    | name ends in `.gz` | gzip; the same bytes in give the same bytes out |
    | rights of the file | those of the file that is replaced, else as the umask has it |
    | symbolic link | stays; the file that it names is replaced |
    | the run was killed | its part file stays, and the next run that writes this file removes it |
    | power failure | a file that has its name is whole: it is on the disk before it is named (0.3 s per GB on an SSD) |
    | errors | SinkError with path and reason; the part file is gone then |
    """

    def __init__(self, path: Path, *, follow: bool = False, append: bool = False) -> None:
        """Open the file. Blocks while the path is a named pipe without a reader.

        Args:
            path: the file; complete from the root, or relative to the current folder.
            follow: write under the name from the start, and show whole writes only.
            append: with `follow`, keep what is in the file and write behind it.

        Raises:
            SinkError: the path is a folder, or may not be written to, or its folder cannot be made.
        """
        self.path = path
        self._follow = follow
        self._part: Path | None = None
        self._file: io.BufferedWriter | None = None
        self._out: io.BufferedWriter | gzip.GzipFile | None = None
        with self._failing():
            self._target = self._usable()
            in_place = follow or (self._target.exists() and not self._target.is_file())
            self._part = None if in_place else self._target.with_name(f".{self._target.name}.part-{os.getpid()}")
            self._remove_leftovers()
            self._file = (self._part or self._target).open("ab" if append else "wb")
            self._mark_as_in_use()
            self._keep_rights()
            self.is_new = not self._file.seekable() or self._file.tell() == 0
        if not self.is_new:
            self._check_end()
        self._out = self._packed() if path.suffix == ".gz" else self._file

    def first_line(self) -> bytes:
        """Return the first line of what was in the file before, with its line end."""
        with self._failing(), self._before() as file:
            return file.readline()

    def _check_end(self) -> None:
        """Refuse to write behind half a line, which a run that was killed may have left: two rows would become one."""
        with self._failing(), self._before() as file:
            last = _last_byte(file)
        self.is_new = not last
        if last not in (b"", b"\n"):
            self.abort()
            raise SinkError(f"{self.path}: it ends in the middle of a line; complete or remove that line, then append")

    def _before(self) -> io.BufferedReader | gzip.GzipFile:
        """Open what was in the file before, to read it."""
        return gzip.open(self._target) if self.path.suffix == ".gz" else self._target.open("rb")

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write all of it. Raises SinkError if that cannot be done, and takes the part file away."""
        assert self._out is not None, "written to after an error"
        with self._failing():
            self._out.write(data)
            if self._follow and self._out is self._file:
                self._out.flush()

    def flush(self) -> None:
        """Hand everything to the operating system, so that others who read the file see it, if it is one they see."""
        with self._failing():
            if self._out is not None and self._follow:  # else nobody sees it, and gzip would have other bytes for it
                self._out.flush()

    def close(self) -> None:
        """Complete the file and give it its name. Raises SinkError if that cannot be done."""
        assert self._file is not None, "closed twice, or after an error"
        assert self._out is not None
        with self._failing():
            if self._out is not self._file:
                self._out.close()
            self._file.flush()
            if self._part is not None:
                os.fsync(self._file.fileno())
            self._file.close()
            if self._part is not None:
                self._part.replace(self._target)

    def abort(self) -> None:
        """Take the part file away; a followed file stays with what was written. Does no harm a second time."""
        for stream in (self._out, self._file):
            if stream is not None:
                with suppress(OSError, ValueError):  # closing tries once more to write what could not be written
                    stream.close()
        if self._part is not None:
            self._part.unlink(missing_ok=True)
        self._part = self._file = self._out = None

    def _usable(self) -> Path:
        target = Path(os.path.realpath(self.path))
        if self.path.exists() and not target.exists():  # /dev/stdout of a pipe: the link leads to what has no name
            target = self.path
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder; name a file in it")
        if target.exists() and not os.access(target, os.W_OK, effective_ids=_EFFECTIVE):
            raise PermissionError(errno.EACCES, "the file may not be written to")
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def _remove_leftovers(self) -> None:
        """Remove the part files of runs that were killed: nobody holds a lock on them any more."""
        for part in self._target.parent.glob(f".{glob.escape(self._target.name)}.part-*") if self._part else ():
            with suppress(OSError), part.open("rb") as file:  # another run writes it, or there are no locks here
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                part.unlink()

    def _mark_as_in_use(self) -> None:
        """Hold a lock on the part file, which the system lets go of however this process ends."""
        if self._part is not None and self._file is not None:
            with suppress(OSError):  # no locks on this file system: then the parts of killed runs stay
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _keep_rights(self) -> None:
        if self._part is not None and self._target.exists():
            self._part.chmod(stat.S_IMODE(self._target.stat().st_mode))

    def _packed(self) -> gzip.GzipFile:
        return gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=self._file, mtime=0)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Turn an error of the operating system into a SinkError, and leave no part file behind."""
        try:
            yield
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            self.abort()
            raise SinkError(f"{self.path}: it is no whole gzip file; repair or remove it, then append") from error
        except OSError as error:
            self.abort()
            raise SinkError(f"{self.path}: cannot be written: {error.strerror or error}") from error


def _last_byte(file: io.BufferedReader | gzip.GzipFile) -> bytes:
    """Return the last byte. Of a packed file all is read: else nobody would see that the end of it is missing."""
    if isinstance(file, io.BufferedReader):
        file.seek(-1, os.SEEK_END)
        return file.read()
    last = b""
    while part := file.read(1 << 20):
        last = part[-1:]
    return last
