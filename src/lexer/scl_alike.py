"""Texts of many statements that are written alike: cut into statements, without a parser and without places.

    r0=(sensor=s037 temp>29)    k=(k=kkcn)    ["r0", "=", "(", "sensor", "=", "s037", "temp", ">", "29", ")"]
    r1=(sensor=s020 temp>27)    k=(k=kkcn)    ["r1", "=", "(", "sensor", "=", "s020", "temp", ">", "27", ")"]

The shape of a statement has a letter for each of its tokens, so two statements of one shape parse to the same tree,
with other words in it: what has been worked out for one of them goes for all. All tokens of a text are found by one
call of `re`, and told by what they are (there are fewer words than tokens): 4 us a line, where to parse it takes 20.

Whether a shape is right the grammar decides, when it parses a statement of that shape. What is odd is not cut at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Final

from .scl_patterns import unquoted
from .scl_tokens import lexeme_pattern, token_pattern

__all__ = ["cut", "meaning"]

_LETTERS: Final = {
    "KEYWORD": "k", "DOTTED": "d", "NUMBER": "n", "STRING": "s", "ENVIRONMENT": "e", "EQUALS": "=", "COMPARE": "c",
    "LPAREN": "(", "RPAREN": ")", "LBRACKET": "[", "RBRACKET": "]",
}  # fmt: skip
_DEEPEST: Final = 8


def _type(word: str) -> str:
    pattern, types = token_pattern(keep_comments=False)
    match = pattern.match(word)
    assert match, "the pattern has a group for whatever is there"
    return types[match.lastindex or 0]


def meaning(word: str) -> str | Decimal:
    """Return the value that a word in a statement stands for.

    Raises:
        InvalidOperation: its exponent is beyond all numbers.
    """
    if word[0] == '"':
        return unquoted(word)
    return Decimal(word) if _type(word) == "NUMBER" else word


class _Letters(dict[str, str]):
    """The letters of words, worked out once for each."""

    def __missing__(self, word: str) -> str:
        if word[0].isalpha() and word.isalnum():  # nearly all are such keywords, and this takes a tenth of the time
            self[word] = "k"
            return "k"
        letter = self[word] = _LETTERS.get(_type(word), "?")
        return letter


@cache
def _statement() -> re.Pattern[str]:
    """Return the pattern of the letters of a statement that is not nested too deeply."""
    group = r"\([^()]*+\)"
    for _ in range(_DEEPEST):
        group = rf"\((?:[^()]++|{group})*+\)"
    return re.compile(rf"[kd][=c](?:[knse]|\[[^()\[\]]*+\])?(?:{group})?")


def cut(text: str) -> Iterator[tuple[str, list[str]]] | None:
    """Yield the shape and the words of each statement, in order; None: something is odd, or wrong, in the text.

    >>> [*cut('a=1 # one\\nb=[x "y z"]')]
    [('k=n', ['a', '=', '1']), ('k=[ks]', ['b', '=', '[', 'x', '"y z"', ']'])]
    """
    words = lexeme_pattern().findall(text)
    while words and not words[-1]:
        words.pop()
    letters = "".join(map(_Letters().__getitem__, words))
    shapes = _statement().findall(letters)
    return _each(shapes, words) if sum(map(len, shapes)) == len(words) else None


def _each(shapes: list[str], words: list[str]) -> Iterator[tuple[str, list[str]]]:
    begin = 0
    for shape in shapes:
        end = begin + len(shape)
        yield shape, words[begin:end]
        begin = end
