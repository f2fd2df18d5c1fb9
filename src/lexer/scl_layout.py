"""The canonical layout of SCL: entries in, lines out. `fmt` and `write` share it.

At the top level each statement has a line of its own. Its children stand on that line if the whole fits in 100 columns
and has no comment and no line break in it; else each child has a line of its own, four columns further in, and the
closing parentheses follow the last child:

    window=tumbling(
        name=daily
        aggregate=(
            mean=mean(of=celsius)
            peak=max(of=celsius)))
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from ..frozen import frozen

__all__ = ["COLUMNS", "Comment", "Entry", "Item", "layout"]

COLUMNS = 100
_INDENT = 4


@frozen
class Comment:
    """A comment on a line of its own; `spaced` if a blank line stands before it."""

    text: str
    spaced: bool = False


@dataclass(slots=True)
class Entry:
    """A statement that is to be laid out.

    Attributes:
        head: key, operator and value as text; without the value if a group stands there.
        children: what stands in the parentheses; None where there are none.
        spaced: whether a blank line stands before it.
        trailing: the comment that follows it on its last line.
        line: the whole as one line, if it may be one and is not too long for any line.
    """

    head: str
    children: list[Item] | None = None
    spaced: bool = False
    trailing: str | None = None
    line: str | None = None

    def __post_init__(self) -> None:
        self.line = self._as_one_line()

    def _as_one_line(self) -> str | None:
        if self.children is None:
            return self.head
        parts = []
        for child in self.children:
            if isinstance(child, Comment) or child.trailing is not None or child.line is None:
                return None
            parts.append(child.line)
        line = f"{self.head}({' '.join(parts)})"
        return line if len(line) <= COLUMNS and "\n" not in line and "\r" not in line else None


Item: TypeAlias = Comment | Entry


def layout(items: list[Item]) -> str:
    """Return the text of these items; it ends with a line end unless it is empty."""
    return "".join(f"{line}\n" for line in _lines(items, 0, 0))


def _lines(items: list[Item], indent: int, closing: int) -> Iterator[str]:
    """Yield the lines of items; the last statement is followed by `closing` parentheses of those around it."""
    for number, item in enumerate(items):
        if item.spaced and number:
            yield ""
        if isinstance(item, Comment):
            yield " " * indent + item.text
        else:
            yield from _entry(item, indent, closing if number == len(items) - 1 else 0)


def _entry(entry: Entry, indent: int, closing: int) -> list[str]:
    pad = " " * indent
    if entry.line is not None and (entry.children is None or indent + len(entry.line) + closing <= COLUMNS):
        lines = [pad + entry.line]
    else:
        lines = _broken(entry, indent, closing)
    if entry.trailing is not None:
        lines[-1] += f"  {entry.trailing}"
    return lines


def _broken(entry: Entry, indent: int, closing: int) -> list[str]:
    """Lay the children out on lines of their own. A comment at the end forces `)` to a line of its own."""
    children = entry.children or []
    last = children[-1] if children else None
    hugs = isinstance(last, Entry) and last.trailing is None
    lines = [f"{' ' * indent}{entry.head}("]
    lines += _lines(children, indent + _INDENT, closing + 1 if hugs else 0)
    if hugs:
        lines[-1] += ")"
    else:
        lines.append(" " * indent + ")")
    return lines
