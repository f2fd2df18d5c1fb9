"""The stream of tokens of one text, as the parser and its repairs read it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

from .scl_report import Report, Token
from .scl_tokens import shared_lexer

__all__ = ["MOST_LEVELS", "Scanner"]

MOST_LEVELS = 256
_LEVELS = {"LPAREN": 1, "LBRACKET": 1, "RPAREN": -1, "RBRACKET": -1}


def _nothing_known() -> tuple[str, ...]:
    return ()


class Scanner:
    """The stream of tokens of one text, for one thread.

    Alone, as `SCLLexer().lexer`, it raises ScriptError at the first character that belongs to no token; under the
    parser it reports and goes on.

    Attributes:
        before, last: the two tokens that were delivered last.
        blamed: offsets of tokens with which something is wrong that has been reported.
    """

    def __init__(self, report: Report | None = None, *, keep_comments: bool = False) -> None:
        self._keep_comments = keep_comments
        self._start(report or Report("", limit=1))

    def input(self, text: str) -> None:
        """Start anew with this text."""
        self._start(Report(text, limit=1))

    def _start(self, report: Report) -> None:
        self.report = report
        self._lexer = copy.copy(shared_lexer())
        self._lexer.report = report
        self._lexer.lineno = 1
        self._lexer.blamed = self.blamed = set[int]()
        self._lexer.excused = -1
        self._lexer.expected = _nothing_known
        self._lexer.keep_comments = self._keep_comments
        self._lexer.input(report.text)
        self._pending: list[Token | None] = []
        self._levels = 0
        self.before: Token | None = None
        self.last: Token | None = None

    def ask(self, expected: Callable[[], tuple[str, ...]]) -> None:
        """Let mistakes in words say what was expected in their place."""
        self._lexer.expected = expected

    def excuses(self, offset: int) -> bool:
        """Tell whether what closes this bracket may have been swallowed by a string that is not closed."""
        return bool(offset < self._lexer.excused)

    def token(self) -> Token | None:
        """Return the next token, or None at the end, as PLY's lexers do."""
        token = self._pending.pop() if self._pending else self._fresh()
        self.before, self.last = self.last, token
        return token

    def push(self, *tokens: Token | None) -> None:
        """Have these tokens delivered next, in this order."""
        self._pending.extend(reversed(tokens))

    def ahead(self, count: int) -> list[Token | None]:
        """Return the next tokens without delivering them; None is the last of them at the end of the text."""
        tokens: list[Token | None] = []
        while len(tokens) < count and (not tokens or tokens[-1] is not None):
            tokens.append(self._pending.pop() if self._pending else self._fresh())
        self.push(*tokens)
        return tokens

    def _fresh(self) -> Token | None:
        token = self._lexer.token()
        if token is not None and token.type in _LEVELS:
            self._levels = max(0, self._levels + _LEVELS[token.type])
            if self._levels > MOST_LEVELS:
                raise self.report.fail(token.lexpos, f"nested more than {MOST_LEVELS} levels deep")
        return token

    def __iter__(self) -> Iterator[Token]:
        return iter(self.token, None)
