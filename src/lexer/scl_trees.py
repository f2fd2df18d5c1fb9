"""Trees of texts of many statements that are written alike: one of each shape is parsed, the others are filled in.

    a=1(b=x)    k=n(k=k)    {"key": v[0], "value": v[2], "children": [{"key": v[4], "value": v[6]}]}

What a shape parses to is written as Python, with the words of a statement in the places of its own, and compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from typing import Any, Final, TypeAlias

from ..errors import ScriptError
from .scl_alike import cut, meaning
from .scl_grammar import run
from .scl_report import Report, Token

__all__ = ["trees_alike"]

_WORTH: Final = 8
"""So many statements, on the average, a shape must have: to compile it takes as long as to parse some."""

_Tree: TypeAlias = dict[str, Any]


def trees_alike(text: str) -> list[_Tree] | None:
    """Parse a text of statements of few shapes as `parse` does; None: it is none, or something is odd or wrong."""
    statements = list(cut(text) or ())
    samples = dict(reversed(statements))
    if not statements or len(statements) < _WORTH * len(samples):
        return None
    try:
        trees = {shape: _tree_of(words) for shape, words in samples.items()}
        meanings = _Meanings()
        return [trees[shape]([meanings[word] for word in words]) for shape, words in statements]
    except (InvalidOperation, ScriptError):
        return None


class _Meanings(dict[str, str | Decimal]):
    """What words stand for, worked out once for each."""

    def __missing__(self, word: str) -> str | Decimal:
        self[word] = found = meaning(word)
        return found


def _tree_of(words: Sequence[str]) -> Callable[[Sequence[Any]], _Tree]:
    """Return what makes the trees of statements that are written as this one is, of what their words stand for."""
    starts = accumulate((len(word) + 1 for word in words), initial=0)
    (source,) = run(Report(" ".join(words)), _SourceBuilder({start: number for number, start in enumerate(starts)}))
    made: Callable[[Sequence[Any]], _Tree] = eval(f"lambda v: {source}", {})  # noqa: S307 (it holds no word of the text)
    return made


class _SourceBuilder:
    """Builds the text of a Python expression that builds what `TreeBuilder` does.

    Args:
        numbers: of words, by their places in the text.
    """

    def __init__(self, numbers: dict[int, int]) -> None:
        self._numbers = numbers

    def scalar(self, token: Token) -> str:
        return f"v[{self._numbers[token.lexpos]}]"

    def values(self, opening: Token, items: list[str], closing: Token) -> str:
        return f"[{', '.join(items)}]"

    group = values

    def statement(self, key: Token, op: Token, value: str, children: str | None) -> str:
        pairs = {"key": self.scalar(key), "op": self.scalar(op), "value": value, "children": children}
        if op.value == "=":
            del pairs["op"]
        if children in (None, "[]"):
            del pairs["children"]
        return "{" + ", ".join(f'"{name}": {source}' for name, source in pairs.items()) + "}"
