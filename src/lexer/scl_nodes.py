"""The nodes of a parsed text: what it says, and where it says so.

    Statement  key op value (children)
    Scalar     a keyword, number, string or environment value
    ListValue  [ values ]
    Group      ( statements ) standing as a value

Every node has `line` and `column` of its first character, both from 1, and its `length` in characters; those of a
statement are those of its key. `plain()` gives the same without places, as dicts, lists, `str` and `Decimal`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, TypeAlias

__all__ = ["Group", "ListValue", "Scalar", "ScalarKind", "Statement", "Value", "plain"]

ScalarKind: TypeAlias = Literal["keyword", "string", "number", "environment"]


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value.

    Attributes:
        value: the text that is meant (escapes resolved), or the number.
        kind: how it was written. An "environment" value is `${NAME}` or `${NAME:-default}`, kept as it stands.
        text: the value as it stands in the source, with its quotes and escapes.
    """

    value: str | Decimal
    kind: ScalarKind
    line: int = 1
    column: int = 1
    length: int = 1
    text: str = ""

    def plain(self) -> str | Decimal:
        """Return the value alone."""
        return self.value


@dataclass(frozen=True, slots=True)
class ListValue:
    """A list of values; the place is that of `[`, the length reaches to `]`."""

    items: tuple[Scalar | ListValue, ...]
    line: int = 1
    column: int = 1
    length: int = 1

    def plain(self) -> list[Any]:
        """Return the items as a Python list."""
        return [item.plain() for item in self.items]


@dataclass(frozen=True, slots=True)
class Group:
    """Statements in parentheses where a value stands, as in `key=(a=1)`; the place is that of `(`."""

    statements: tuple[Statement, ...]
    line: int = 1
    column: int = 1
    length: int = 1

    def plain(self) -> list[dict[str, Any]]:
        """Return the statements as dicts."""
        trees = []
        for statement in self.statements:
            trees.append(statement.plain())  # noqa: PERF401 -- a comprehension costs a frame, and trees are deep
        return trees


Value: TypeAlias = Scalar | ListValue | Group


@dataclass(frozen=True, slots=True)
class Statement:
    """One `key=value(children)`.

    Attributes:
        key: the word before the operator; may have dots.
        op: one of `= != > >= < <= ~`.
        children: the statements in the parentheses behind the value; None where there are no parentheses.
        line, column, length: the place of the key. The place of the value is in the value.
    """

    key: str
    value: Value
    op: str = "="
    children: tuple[Statement, ...] | None = None
    line: int = 1
    column: int = 1
    length: int = 1

    def plain(self) -> dict[str, Any]:
        """Return `{"key", "op"?, "value", "children"?}`, where "op" and "children" stand only if there are any."""
        tree: dict[str, Any] = {"key": self.key}
        if self.op != "=":
            tree["op"] = self.op
        tree["value"] = self.value.plain()
        if self.children:
            tree["children"] = plain(self.children)
        return tree


def plain(statements: Iterable[Statement]) -> list[dict[str, Any]]:
    """Return the statements as dicts, as `parse` does."""
    trees = []
    for statement in statements:
        trees.append(statement.plain())  # noqa: PERF401 -- see Group.plain
    return trees
