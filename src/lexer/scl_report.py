"""What is wrong in one text, gathered until the end of the text: places, mistakes, and the error made of them."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from itertools import chain
from typing import Any, TypeAlias

from ..errors import Mistake, ScriptError
from .scl_patterns import LINE_END

__all__ = ["MOST_MISTAKES", "Report", "Token", "end_of", "shown"]

Token: TypeAlias = Any
"""What PLY's parser takes: type, value, lineno, lexpos. NUMBER and STRING also have `end`, the offset behind them."""

MOST_MISTAKES = 50
_SHOWN = 40


def end_of(token: Token) -> int:
    """Return the offset behind a token."""
    return int(getattr(token, "end", token.lexpos + len(str(token.value))))


def shown(text: str) -> str:
    """Quote a piece of the text for a message: short, and with escapes for what cannot be printed."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "...")


class Report:
    """The mistakes of one text, and where its offsets lie.

    Attributes:
        text: the text without a byte order mark; offsets count its characters.
        path: the file that it came from, for messages.
    """

    def __init__(self, text: str, path: str = "<string>", limit: int = MOST_MISTAKES) -> None:
        self.text = text.removeprefix("\ufeff")
        self.path = path
        self._limit = limit
        self._mistakes: list[Mistake] = []
        self._reported = set[int]()

    @cached_property
    def _line_starts(self) -> list[int]:
        return list(chain((0,), (match.end() for match in LINE_END.finditer(self.text))))

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset, both counted from 1, columns in characters."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def line(self, offset: int) -> int:
        """Return the line of an offset, counted from 1."""
        return bisect_right(self._line_starts, offset)

    def add(self, offset: int, message: str, length: int = 1, expected: tuple[str, ...] = ()) -> None:
        """Keep a mistake, one for each place; raise ScriptError with all when there are too many to be of use."""
        if offset in self._reported:
            return
        self._reported.add(offset)
        self._mistakes.append(Mistake(*self.place(offset), message, max(1, length), expected))
        if len(self._mistakes) == self._limit > 1:
            rest = f"more than {self._limit - 1} mistakes: what follows was not looked at"
            self._mistakes[-1] = Mistake(*self.place(offset), rest)
        if len(self._mistakes) >= self._limit:
            raise self.error()

    def fail(self, offset: int, message: str) -> ScriptError:
        """Return the error to raise for a mistake after which reading on makes no sense."""
        self._mistakes.append(Mistake(*self.place(offset), message))
        return self.error()

    def error(self) -> ScriptError:
        """Make one error of all mistakes; its text has the line ends that its lines are counted by."""
        return ScriptError(self._mistakes, path=self.path, text=LINE_END.sub("\n", self.text))

    def raise_mistakes(self) -> None:
        """Raise ScriptError if there was any mistake."""
        if self._mistakes:
            raise self.error()
