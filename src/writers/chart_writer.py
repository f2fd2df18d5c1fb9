"""Draw a stream: one picture of lines over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import SinkError, nearest
from ..fields import Integer, option
from ..formats.schema import shown_type
from ..record import TEXT, TIMESTAMP
from ..running import Context, Sink
from .base import Writer
from .chart import Line, draw
from .output_file import OutputFile

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ChartWriter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartWriter(Writer):
    """Draw a column over time as an SVG picture: a line for all rows, or one for each value of another column.

    A point stands at the `timestamp` of its row, in UTC; a null, a NaN or a number beyond 1e300 leaves a gap. Lines
    are in the order in which their first rows come. The file appears when the stream has ended; the same rows give the
    same bytes.
    Holds: all points, no more than `max_points`. More than that end the run: put a window in front, which makes one
    point of many.

        writer=chart(from=daily path="out/daily.svg" of=mean by=source heading="Daily means")
    """

    variant: ClassVar[str] = "chart"

    path: str = option("file to write; missing folders are made; packed with gzip if it ends in .gz", kw_only=False)
    of: str = option("the column of numbers that is drawn")
    by: str | None = option("a column; each of its values gets a line of its own", default=None)
    heading: str | None = option("what stands above; the name of the column if not given", default=None)
    max_points: int = option("how many points there may be", Integer(least=1), default=100_000)

    def check(self) -> None:
        if not self.path or "\0" in self.path:
            raise self.wrong("path", "is no name of a file")

    def check_columns(self, columns: Mapping[str, Any]) -> None:
        """Raise SpecError if there is no time, no such column, or it holds no numbers."""
        import polars as pl

        if not columns:
            return
        for name, option_name in ((TIMESTAMP, None), (self.of, "of"), (self.by, "by")):
            if name is not None and name not in columns:
                known = [column for column in columns if column != TEXT]
                near = nearest(name, known)
                raise self.wrong(option_name, f"there is no column {name!r}", allowed=known, suggestion=near)
        if not isinstance(columns[TIMESTAMP], pl.Datetime):
            raise self.wrong(None, f"the column `timestamp` is {shown_type(columns[TIMESTAMP])}, not a time")
        if not (columns[self.of].is_numeric() or columns[self.of] == pl.Null):
            raise self.wrong("of", f"{self.of!r} is {shown_type(columns[self.of])}; a line takes numbers")

    def open(self, context: Context) -> Sink:
        """Return the running writer. Raises SinkError if the file cannot be written."""
        return _ChartSink(self, OutputFile(context.base / self.path))


class _ChartSink(Sink):
    def __init__(self, writer: ChartWriter, file: OutputFile) -> None:
        self._writer = writer
        self._file = file
        self._lines: dict[str, Line] = {}
        self._points = 0

    def write(self, frame: pl.DataFrame) -> None:
        if not frame.height:
            return
        self._writer.check_columns(frame.schema)
        self._points += frame.height
        if self._points > self._writer.max_points:
            raise SinkError(
                f"{self._file.path}: more than max_points={self._writer.max_points} rows came; "
                "a window in front of the chart makes one point of many"
            )
        if self._writer.by is None:
            self._add(self._writer.of, frame)
        else:
            for (name,), rows in frame.group_by(self._writer.by, maintain_order=True):
                self._add("null" if name is None else str(name), rows)

    def _add(self, name: str, rows: pl.DataFrame) -> None:
        import polars as pl

        times, values = self._lines.setdefault(name, ([], []))
        times += rows.get_column(TIMESTAMP).cast(pl.Datetime("us", "UTC")).to_physical().to_list()
        values += rows.get_column(self._writer.of).cast(pl.Float64).fill_null(float("nan")).to_list()

    def close(self) -> None:
        self._file.write(draw(self._writer.heading or self._writer.of, self._lines).encode())
        self._file.close()

    def abort(self) -> None:
        self._file.abort()
