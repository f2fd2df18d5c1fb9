"""The tree of an expression: literals, columns and calls. Operators are calls too; nothing else exists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from ..errors import SpecError
from ..frozen import frozen
from .types import Type

__all__ = ["Call", "Column", "Expression", "ExpressionError", "Literal", "Node"]


class ExpressionError(SpecError):
    """An expression cannot be understood, or does not fit its columns.

    Attributes:
        text: the whole expression.
        position: the character at which the mistake stands, counted from 0; None if it is not known.
    """

    def __init__(
        self,
        message: str,
        text: str,
        position: int | None = None,
        *,
        allowed: tuple[str, ...] = (),
        suggestion: str | None = None,
    ) -> None:
        super().__init__("expression", message, value=text, allowed=allowed, suggestion=suggestion)
        self.text = text
        self.position = position

    def explain(self) -> str:
        """Say what is wrong and where, without what would be right (that is in `allowed` and `suggestion`)."""
        shown = self.text if len(self.text) <= 80 else self.text[:77] + "..."
        place = "in" if self.position is None else f"at character {self.position + 1} of"
        return f"{self.message}, {place} {shown!r}"

    def __str__(self) -> str:
        return self.with_hints(self.explain())

    def __reduce__(self) -> tuple[Any, ...]:
        return _expression_error, (self.message, self.text, self.position, self.allowed, self.suggestion)


def _expression_error(
    message: str, text: str, position: int | None, allowed: tuple[str, ...], suggestion: str | None
) -> ExpressionError:
    return ExpressionError(message, text, position, allowed=allowed, suggestion=suggestion)


@frozen
class Literal:
    """A value written in the text. `at` is the character where it stands, counted from 0, as far as known."""

    value: Any
    type: Type
    at: int | None = None


@frozen
class Column:
    """A column: ("temp",), or one field of it: ("name", "type")."""

    path: tuple[str, ...]
    at: int | None = None

    @property
    def name(self) -> str:
        return ".".join(self.path)


@frozen
class Call:
    """An operator or a function, by its name in `functions.FUNCTIONS`, and what it is applied to."""

    function: str
    args: tuple[Node, ...]
    at: int | None = None


Node: TypeAlias = Literal | Column | Call


@frozen
class Expression:
    """A parsed expression, not yet typed: it knows the functions, but no columns. Immutable; can be pickled."""

    text: str
    root: Node

    def __str__(self) -> str:
        return self.text

    @property
    def reads(self) -> frozenset[str]:
        """The names that it may read: `a.b` is the column of that name, or a field of the column `a`."""
        columns = [node for node in walk(self.root) if isinstance(node, Column)]
        return frozenset(name for column in columns for name in (column.path[0], column.name))


def walk(root: Node) -> Iterator[Node]:
    """Yield all nodes, parents first."""
    left: list[Node] = [root]
    while left:
        node = left.pop()
        yield node
        if isinstance(node, Call):
            left.extend(node.args)


def place(node: Node) -> int | None:
    """Return where the node starts in the text, as far as its leftmost part knows."""
    known = (inner.at for inner in walk(node))
    return min((at for at in known if at is not None), default=None)
