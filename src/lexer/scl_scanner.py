"""The stream of tokens of one text, as the parser and its repairs read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .scl_faults import as_number, as_string, at_fault
from .scl_report import Report, Token
from .scl_tokens import token_pattern

__all__ = ["MOST_LEVELS", "PlainToken", "Scanner"]

MOST_LEVELS = 256
_RULES = {"STRING": as_string, "NUMBER": as_number, "FAULT": at_fault}
_LEVELS = {"LPAREN": 1, "LBRACKET": 1, "RPAREN": -1, "RBRACKET": -1}


class PlainToken:
    """A token as PLY's parser takes it: small, and its line is counted only if somebody asks."""

    __slots__ = ("end", "lexer", "lexpos", "type", "value")

    end: int
    lexer: Scanner
    lexpos: int
    type: str
    value: Any

    @property
    def lineno(self) -> int:
        """The line that it starts on, counted from 1."""
        return self.lexer.report.line(self.lexpos)

    def __repr__(self) -> str:
        return f"{self.type} {self.value!r} at {self.lexpos}"


def _nothing_known() -> tuple[str, ...]:
    return ()


class Scanner:
    """The stream of tokens of one text, for one thread.

    Alone, as `SCLLexer().lexer`, it raises ScriptError at the first character that belongs to no token; under the
    parser it reports and goes on.

    Attributes:
        before, last: the two tokens that were delivered last.
        lexpos: behind a token with which something is wrong, or whose value is not its text: where the next begins.
        expected: says what may stand in the place of the next token.
        blamed: offsets of tokens with which something is wrong that has been reported.
        excused: what closes a bracket before this offset may have been swallowed by a string that is not closed.
    """

    def __init__(self, report: Report | None = None, *, keep_comments: bool = False) -> None:
        self._keep_comments = keep_comments
        self._start(report or Report("", limit=1))

    def input(self, text: str) -> None:
        """Start anew with this text."""
        self._start(Report(text, limit=1))

    def _start(self, report: Report) -> None:
        self.report = report
        self.lexpos = 0
        self.expected = _nothing_known
        self.blamed = set[int]()
        self.excused = -1
        self._tokens = self._read()
        self._pending: list[Token | None] = []
        self._levels = 0
        self.before: Token | None = None
        self.last: Token | None = None

    def ask(self, expected: Callable[[], tuple[str, ...]]) -> None:
        """Let mistakes in words say what was expected in their place."""
        self.expected = expected

    def excuses(self, offset: int) -> bool:
        """Tell whether what closes this bracket may have been swallowed by a string that is not closed."""
        return offset < self.excused

    def token(self) -> Token | None:
        """Return the next token, or None at the end, as PLY's lexers do."""
        token = self._pending.pop() if self._pending else next(self._tokens, None)
        self.before, self.last = self.last, token
        return token

    def push(self, *tokens: Token | None) -> None:
        """Have these tokens delivered next, in this order."""
        self._pending.extend(reversed(tokens))

    def ahead(self, count: int) -> list[Token | None]:
        """Return the next tokens without delivering them; None is the last of them at the end of the text."""
        tokens: list[Token | None] = []
        while len(tokens) < count and (not tokens or tokens[-1] is not None):
            tokens.append(self._pending.pop() if self._pending else next(self._tokens, None))
        self.push(*tokens)
        return tokens

    def _read(self) -> Iterator[Token]:
        pattern, types = token_pattern(keep_comments=self._keep_comments)
        kind = "FAULT"
        while kind == "FAULT":
            for match in pattern.finditer(self.report.text, self.lexpos):
                group = match.lastindex or 0
                kind, token = types[group], PlainToken()
                if kind == "END":
                    return
                token.lexer, token.type, token.value, token.lexpos = self, kind, match[group], match.start(group)
                if kind in _RULES:
                    self.lexpos = match.end()
                    _RULES[kind](token)
                if token.type in _LEVELS:
                    self._go_in_or_out(token)
                yield token
                if kind == "FAULT":
                    break

    def _go_in_or_out(self, bracket: Token) -> None:
        self._levels = max(0, self._levels + _LEVELS[bracket.type])
        if self._levels > MOST_LEVELS:
            raise self.report.fail(bracket.lexpos, f"nested more than {MOST_LEVELS} levels deep")

    def __iter__(self) -> Iterator[Token]:
        return iter(self.token, None)
