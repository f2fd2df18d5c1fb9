"""Write a line of text per row, by a template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import SinkError
from ..fields import option
from ..formats.printing import print_lines
from ..formats.template import Template, TemplateText
from ..running import Context, Sink
from .file_writer import FileSink, FileWriter
from .output_file import OutputFile

if TYPE_CHECKING:
    import polars as pl

__all__ = ["TextWriter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextWriter(FileWriter):
    """Write a line of text per row, by a template (UTF-8, lines end in LF).

    A field in braces names a column, or by a dotted path a member of a nested one. A format in Python's spelling may
    follow a colon; without one, values are printed in the one canonical way. Null prints `null`. Fields with a format
    cost a call of Python per value, the others do not.

        writer=text(path="out/heat.txt" template="{timestamp} {source}: {temp:.1f} F")
    """

    variant: ClassVar[str] = "text"

    template: str = option("the line, with columns in braces: `{timestamp} {temp:.1f}`", TemplateText())

    def check_columns(self, columns: Mapping[str, Any]) -> None:
        """Raise SpecError if the template names a column that is not there."""
        self.check_template(self.template, columns)

    def open(self, context: Context) -> Sink:
        """Return the running writer. Raises SinkError if the file cannot be written."""
        return _TextSink(self.open_file(context), Template(self.template, context.digits))


class _TextSink(FileSink):
    def __init__(self, file: OutputFile, template: Template) -> None:
        super().__init__(file)
        self._template = template

    def write(self, frame: pl.DataFrame) -> None:
        if not frame.height:
            return
        try:
            lines = self._template.render_frame(frame)
        except (LookupError, ValueError) as error:
            raise SinkError(f"{self.file.path}: the template {self._template.text!r}: {error}") from error
        self.file.write(print_lines(lines))
