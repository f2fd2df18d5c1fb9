"""Text files of which each line is a record, whatever a line is."""

from __future__ import annotations

import re
from dataclasses import InitVar, dataclass
from typing import Any, ClassVar

from ..fields import Choice, Names, Text, option
from ..formats.delimiter import Delimiter
from ..formats.payload import Payload, make_payload
from .line_reader import LineReader

__all__ = ["FileReader", "JSONLReader", "Pattern"]


class Pattern(Text):
    """A regular expression with named groups; held as its text."""

    says: ClassVar[str] = "a regular expression with named groups such as (?P<text>.*)"

    def parse(self, value: Any) -> str:
        text = Text.parse(self, value)
        try:
            named = re.compile(text).groupindex
        except re.error as error:
            raise ValueError(f"{text!r} is not a regular expression: {error}") from error
        if not named:
            raise ValueError(f"{text!r} names no group: say (?P<name>...) for what is to be a column")
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReader(LineReader):
    r"""Read a file line by line: each line is a record.

    ```
    2010-01-01T00:00:00Z dome open      pattern="(?P<timestamp>\\S+) (?P<text>.*)"
    -> timestamp=2010-01-01T00:00:00Z text="dome open"
    ```

    Output: with payload=text the column `text`, or the named groups of the `pattern`; with json or scl the fields of
    each line; with csv the `columns`. Types are those of the first megabyte, or as `schema` says; a later value that
    does not fit is a dead letter, a later field is a new column. Objects are structs. An SCL line
    `command=slew(id=17 az=12.5)` has the fields command, id and az. Fields of CSV and groups of a pattern mean what
    they mean to reader=csv: `007` and `+49` stay text, only `true True TRUE` and `false` likewise are booleans.
    Order: that of the file; the files of a glob follow each other in the order of their names.
    Dead letters: lines that do not match, cannot be parsed, are not UTF-8, or are longer than `max_record`. Blank
    lines are skipped with json, scl and csv, and counted; with text they are records.
    Without an engine: `FileReader("log.txt", queue, wrapper).run()` puts each line as a `str` without its line end
    (with `pattern` or another payload as a dict), after `wrapper` has had it.

    Example:
        reader=file(path="commands.scl" payload=scl)

    See also: reader=csv for CSV with a header, reader=jsonl.
    """

    variant: ClassVar[str] = "file"

    payload: str = option("what a line is", Choice(("text", "json", "scl", "csv")), default="text")
    pattern: str | None = option(
        "regular expression for payload=text; a line is matched from its beginning, its named groups are the columns; "
        r"in a pipeline file each of its backslashes is written twice, as in \\d",
        Pattern(),
        default=None,
    )
    column_names: tuple[str, ...] = option(
        "names of the fields, for payload=csv", Names(), default=(), called="columns"
    )
    columns: InitVar[Any]  # its default is the method of that name, which all readers have
    delimiter: str = option("what stands between the fields, for payload=csv", Delimiter(), default=",")

    def __post_init__(self, filename: str | None, columns: Any) -> None:
        if not callable(columns):
            object.__setattr__(self, "column_names", columns)
        LineReader.__post_init__(self, filename)

    def check(self) -> None:
        LineReader.check(self)
        if self.pattern and self.payload != "text":
            raise self.wrong("pattern", f"goes with payload=text, not with payload={self.payload}")
        if bool(self.column_names) != (self.payload == "csv"):
            raise self.wrong("columns", "goes with payload=csv, which needs it")
        if self.delimiter != "," and self.payload != "csv":
            raise self.wrong("delimiter", f"goes with payload=csv, not with payload={self.payload}")
        if self.timestamp and self.payload == "text" and not self.pattern:
            raise self.wrong("timestamp", "a text without a pattern has only the column `text`; give pattern=")

    def make_payload(self) -> Payload:
        if self.payload == "csv":
            return make_payload("csv", columns=self.column_names, delimiter=self.delimiter)
        if self.payload == "text":
            return make_payload("text", pattern=self.pattern)
        return make_payload(self.payload)

    def as_object(self, record: dict[str, Any]) -> Any:
        return record["text"] if self.payload == "text" else record


@dataclass(frozen=True, slots=True, kw_only=True)
class JSONLReader(LineReader):
    """Read JSON lines: each line is a JSON object, its fields are the columns.

    Output: one column per field. Types are those of the first megabyte, or as `schema` says; a later value that does
    not fit is a dead letter, a later field is a new column. Objects are structs, arrays are lists.
    Order: that of the file; the files of a glob follow each other in the order of their names.
    Dead letters: lines that are no JSON object, not UTF-8, or longer than `max_record`. Blank lines are skipped and
    counted.

    Example:
        reader=jsonl(path="events.jsonl.gz" timestamp=time unit=ms)

    See also: reader=file, writer=jsonl.
    """

    variant: ClassVar[str] = "jsonl"

    def make_payload(self) -> Payload:
        return make_payload("json")
