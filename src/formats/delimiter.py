"""The option `delimiter=`: the one character between the fields of a CSV row."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

from ..fields import Kind, quote

__all__ = ["Delimiter", "unsplit"]

_USUAL = ",;\t|"
_WRITTEN = {"tab": "\t", "\\t": "\t"}


class Delimiter(Kind):
    """One ASCII character that cannot be part of a number and is no quote and no line end.

    >>> Delimiter().parse("tab")
    '\\t'
    """

    says: ClassVar[str] = 'a delimiter: one character such as "," ";" "|", or tab'

    def parse(self, value: Any) -> str:
        character = _WRITTEN.get(value, value) if isinstance(value, str) else ""
        if len(character) != 1 or not character.isascii() or character.isalnum() or character in '"\r\n\0.+-':
            raise self._wrong(value)
        return character

    def write(self, value: str) -> str:
        return "tab" if value == "\t" else quote(value)


def unsplit(names: Collection[str], delimiter: str) -> str | None:
    """Say which other delimiter a header seems to have that is one column; None if it seems to have none.

    >>> print(unsplit(["time;temp"], ","))
    the header is one column, 'time;temp'; say delimiter=";"
    """
    if len(names) != 1:
        return None
    (name,) = names
    found = max(_USUAL, key=lambda character: 0 if character == delimiter else name.count(character))
    if found == delimiter or found not in name:
        return None
    return f"the header is one column, {name[:80]!r}; say delimiter={Delimiter().write(found)}"
