"""Show rows on standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from ..errors import SinkError
from ..fields import Choice, Integer, option
from ..formats.csv_printing import print_csv, print_csv_header
from ..formats.direct import without
from ..formats.printing import print_columns, print_json, print_lines
from ..formats.template import Template, TemplateText
from ..record import TEXT
from ..running import Context, Sink
from .base import Writer
from .standard_output import write_stdout

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ConsoleWriter"]

_CONTROL: Final = r"[\x00-\x1f\x7f\x{80}-\x{9f}]"
_TIME_WIDTH, _OTHER_WIDTH = 24, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleWriter(Writer):
    """Show rows on standard output.

    `format=aligned` is for people: a column is as wide as its name and its kind of value ask for, whatever comes, so
    that rows can be shown as they arrive; longer values push on. There and in templates control characters are shown
    as `\N{REPLACEMENT CHARACTER}`. `csv` and `jsonl` are what the writers of that name write.

        writer=console(limit=20)
        writer=console(from=heat template="{timestamp} {source}: {temp:.1f} F")
        writer=console(format=jsonl)
    """

    variant: ClassVar[str] = "console"

    format: str | None = option(
        "how a row looks; aligned if not given", Choice(("aligned", "csv", "jsonl")), default=None
    )
    template: str | None = option("a line per row instead, with columns in braces", TemplateText(), default=None)
    limit: int | None = option("show this many rows and count the others", Integer(least=0), default=None)

    def check(self) -> None:
        """Raise SpecError if the options do not fit together."""
        if self.format is not None and self.template is not None:
            raise self.wrong("template", "cannot go with format; a template says itself how a row looks")

    def check_columns(self, columns: Mapping[str, Any]) -> None:
        """Raise SpecError if the template names a column that is not there."""
        if self.template is not None:
            self.check_template(self.template, columns)

    def open(self, context: Context) -> Sink:
        """Return the running writer. Raises SinkError if there is no standard output."""
        if sys.stdout is None:
            raise SinkError("stdout is closed: there is nowhere to show rows")
        return _ConsoleSink(self, context.digits)


class _ConsoleSink(Sink):
    def __init__(self, writer: ConsoleWriter, digits: int) -> None:
        self._style = writer.format or "aligned"
        self._template = Template(writer.template, digits) if writer.template is not None else None
        self._digits = digits
        self._left = writer.limit
        self._hidden = 0
        self._columns: list[str] | None = None

    def write(self, frame: pl.DataFrame) -> None:
        shown = self._within_limit(without(frame, TEXT))
        if self._template is not None:
            data = _by_template(shown, self._template)
        elif self._style == "jsonl":
            data = bytes(print_lines(print_json(shown, self._digits)))
        else:
            in_csv = self._style == "csv"
            rows = print_csv(shown, digits=self._digits) if in_csv else _aligned(shown, self._digits)
            data = self._header(shown) + rows
        if data:
            write_stdout(data)

    def close(self) -> None:
        if self._hidden and (self._template is not None or self._style == "aligned"):
            write_stdout(f"... and {self._hidden:,} more\n".encode())

    def _within_limit(self, frame: pl.DataFrame) -> pl.DataFrame:
        if self._left is None:
            return frame
        shown = frame.head(self._left)
        self._left -= shown.height
        self._hidden += frame.height - shown.height
        return shown

    def _header(self, frame: pl.DataFrame) -> bytes:
        """Return the names of the columns, if they are not the ones already shown."""
        if frame.columns == self._columns or not frame.height:
            return b""
        self._columns = frame.columns
        return print_csv_header(frame.columns) if self._style == "csv" else _aligned_header(frame)


def _by_template(frame: pl.DataFrame, template: Template) -> bytes:
    if not frame.height:
        return b""
    try:
        return bytes(print_lines(template.render_frame(_without_control(frame))))
    except (LookupError, ValueError) as error:
        raise SinkError(f"stdout: the template {template.text!r}: {error}") from error


def _without_control(frame: pl.DataFrame) -> pl.DataFrame:
    """Replace characters that could move the cursor or recolour the terminal."""
    import polars as pl

    texts = [column for column in frame if isinstance(column.dtype, pl.String)]
    return frame.with_columns(column.str.replace_all(_CONTROL, "\N{REPLACEMENT CHARACTER}") for column in texts)


def _aligned(frame: pl.DataFrame, digits: int) -> bytes:
    import polars as pl

    texts = _without_control(print_columns(frame, digits=digits)).fill_null("null")
    cells = [_pad(text, *_layout(column)) for text, column in zip(texts, frame, strict=True)]
    lines = pl.select(pl.concat_str(cells, separator="  ")).to_series() if cells else pl.Series(dtype=pl.String)
    return bytes(print_lines(lines.str.strip_chars_end(" ")))


def _aligned_header(frame: pl.DataFrame) -> bytes:
    pads: dict[bool, Callable[[str, int], str]] = {True: str.rjust, False: str.ljust}
    names = [pads[to_the_right](column.name, width) for column in frame for width, to_the_right in [_layout(column)]]
    return ("  ".join(names).rstrip() + "\n").encode()


def _layout(column: pl.Series) -> tuple[int, bool]:
    """Return how wide the column is, and whether its values stand at the right."""
    import polars as pl

    width = _TIME_WIDTH if isinstance(column.dtype, pl.Datetime) else _OTHER_WIDTH
    return max(len(column.name), width), column.dtype.is_numeric()


def _pad(text: pl.Series, width: int, to_the_right: bool) -> pl.Series:
    return text.str.pad_start(width) if to_the_right else text.str.pad_end(width)
