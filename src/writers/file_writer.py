"""What the writers of files share: the options about the file."""

from __future__ import annotations

from dataclasses import dataclass

from ..fields import YesNo, option
from ..running import Context, Sink
from .base import Writer
from .output_file import OutputFile

__all__ = ["FileSink", "FileWriter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWriter(Writer):
    """The base of writers that write one file."""

    path: str = option("file to write; missing folders are made; packed with gzip if it ends in .gz", kw_only=False)
    follow: bool = option(
        "let the file grow under its name for those who watch it; else it appears when it is complete",
        YesNo(),
        default=False,
    )
    append: bool = option("with follow=yes: write behind what is in the file already", YesNo(), default=False)

    def check(self) -> None:
        """Raise SpecError if the options do not fit together."""
        if not self.path:
            raise self.wrong("path", "is empty; name a file")
        if "\0" in self.path:
            raise self.wrong("path", "has a NUL character in it, which no file can have in its name")
        if self.append and not self.follow:
            raise self.wrong("append", "goes with follow=yes only: a file that appears complete is always new")

    def open_file(self, context: Context) -> OutputFile:
        """Open the file; a relative path is relative to `context.base`. Raises SinkError."""
        return OutputFile(context.base / self.path, follow=self.follow, append=self.append)


class FileSink(Sink):
    """The base of running writers of files: `write` is left to the subclass."""

    def __init__(self, file: OutputFile) -> None:
        self.file = file

    def flush(self) -> None:
        self.file.flush()

    def close(self) -> None:
        self.file.close()

    def abort(self) -> None:
        self.file.abort()
