"""The bytes of one message, or of one line, and the record that they mean.

Each payload is a small class with one method, `decode(data)`, that returns a record or raises `UnreadableError` with
the reason. Nothing in here executes what it reads: a pickle is bytes like any other and is refused as not being JSON.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from .payload_base import Payload, UnreadableError, to_text

__all__ = [
    "PAYLOADS",
    "CsvPayload",
    "JsonPayload",
    "Payload",
    "RawPayload",
    "TextPayload",
    "UnreadableError",
    "make_payload",
    "to_text",
]

_EXPECTED: Final = 'expected an object such as {"temp": 1.5}'
_SHOWN: Final = 60
_PICKLE: Final = re.compile(rb"\x80[\x02-\x05]")


class JsonPayload:
    """One JSON object (RFC 8259) per message; of two fields of one name the last holds."""

    textual: bool = False
    blank_lines: bool = False
    comment: bytes = b""

    def __init__(self) -> None:
        import msgspec

        self._decode: Callable[[bytes], dict[str, Any]] = msgspec.json.Decoder(dict[str, Any]).decode

    def decode(self, data: bytes) -> dict[str, Any]:
        try:
            record = self._decode(data)
        except RecursionError:
            raise UnreadableError("not JSON that can be read: it is nested too deeply") from None
        except ValueError as error:
            raise UnreadableError(_why_not_json(data, error)) from None
        if not record:
            raise UnreadableError("a JSON object without any field")
        return record


def _why_not_json(data: bytes, error: ValueError) -> str:
    import msgspec

    if not data:
        return "an empty message"
    if _PICKLE.match(data):
        return "looks like a Python pickle, which is never opened; send JSON"
    if isinstance(error, msgspec.ValidationError) and "`object`" in str(error):
        return _why_no_object(data, str(error))
    if isinstance(error, UnicodeDecodeError):
        return f"not JSON: not UTF-8: {error.reason}"
    return f"not JSON: {error}; {_EXPECTED}, not {_shown(data)}"


def _why_no_object(data: bytes, complaint: str) -> str:
    """Say what stands there; msgspec complains of the type of the first value before it looks at the rest."""
    import msgspec

    try:
        msgspec.json.decode(data)
    except ValueError:
        return f"not JSON as a whole; {_EXPECTED}, not {_shown(data)}"
    kind = complaint.rpartition("got ")[2].split(" - ")[0].strip("`")
    return f"JSON that is not an object but {kind}; {_EXPECTED}, not {_shown(data)}"


def _shown(data: bytes) -> str:
    text = data[:_SHOWN].decode("utf-8", "backslashreplace")
    return repr(text if len(data) <= _SHOWN else text + "...")


class TextPayload:
    """A line of text, as the field `text`; or what the named groups of a pattern match at its beginning.

    Args:
        pattern: a regular expression with named groups, which become the fields. A text that does not match is
            unreadable. A group that matches nothing is null.
    """

    blank_lines: bool = True
    comment: bytes = b""

    def __init__(self, pattern: str | None = None) -> None:
        self.textual = pattern is not None
        self._pattern = pattern and re.compile(pattern)

    def decode(self, data: bytes) -> dict[str, Any]:
        text = to_text(data)
        if not self._pattern:
            return {"text": text}
        match = re.match(self._pattern, text)
        if match is None:
            raise UnreadableError(f"does not match the pattern {self._pattern.pattern}")
        return {name: value or None for name, value in match.groupdict().items()}


class RawPayload:
    """The bytes as they are, as the field `payload`."""

    textual: bool = False
    blank_lines: bool = True
    comment: bytes = b""

    def decode(self, data: bytes) -> dict[str, Any]:
        return {"payload": data}


class CsvPayload:
    """One row of CSV (RFC 4180) per message, without a header; an empty field is null, `""` the empty text."""

    textual: bool = True
    blank_lines: bool = False
    comment: bytes = b""

    def __init__(self, columns: Sequence[str], delimiter: str = ",") -> None:
        self._columns = tuple(columns)
        self._delimiter = delimiter
        mark = re.escape(delimiter)
        self._fields = re.compile(rf'(?:\A|{mark})("(?:[^"]|"")*"|[^{mark}]*)')

    def decode(self, data: bytes) -> dict[str, Any]:
        if not data:
            raise UnreadableError("an empty message")
        text = to_text(data)
        if "\0" in text:
            raise UnreadableError("not CSV: it holds a NUL byte")
        try:
            row = next(csv.reader([text.rstrip("\r\n")], delimiter=self._delimiter, strict=True))
        except csv.Error as error:
            raise UnreadableError(f"not CSV: {error}") from None
        if len(row) != len(self._columns):
            raise UnreadableError(
                f"{len(row)} fields, not the {len(self._columns)} of columns=[{' '.join(self._columns)}]"
            )
        empty = "" in row and '""' in text
        fields = self._empty_texts(text, row) if empty else [value or None for value in row]
        return dict(zip(self._columns, fields, strict=True))

    def _empty_texts(self, text: str, row: Sequence[str]) -> list[str | None]:
        """Return the fields, those that are empty as null unless they are in quotes, which `csv` does not tell."""
        raw = self._fields.findall(text.rstrip("\r\n"))
        return [value if value or field else None for value, field in zip(row, raw, strict=True)]


def _make_scl() -> Payload:
    from .scl_payload import SclPayload

    return SclPayload()


PAYLOADS: Final[Mapping[str, Callable[..., Payload]]] = {
    "json": JsonPayload,
    "text": TextPayload,
    "raw": RawPayload,
    "csv": CsvPayload,
    "scl": _make_scl,
}


def make_payload(name: str, **options: Any) -> Payload:
    """Return the payload of that name.

    Args:
        name: one of PAYLOADS.
        options: `columns` and `delimiter` for csv, `pattern` for text; TypeError if another payload is given them.
    """
    return PAYLOADS[name](**options)
