"""Where the parser stands when a token does not fit: what it waits for, and what can be said about it."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

from .scl_report import Token, end_of
from .scl_scanner import PlainToken, Scanner

__all__ = ["Context", "Waiting", "came"]

_WORDS = {
    "NUMBER": "a number",
    "STRING": "a string",
    "ENVIRONMENT": "${NAME}",
    "LPAREN": "'('",
    "RPAREN": "')'",
    "LBRACKET": "'['",
    "RBRACKET": "']'",
    "EQUALS": "'='",
    "COMPARE": "another operator",
    "$end": "the end of the text",
}

_CAME = {
    "KEYWORD": "word",
    "DOTTED": "word",
    "NUMBER": "value",
    "STRING": "value",
    "ENVIRONMENT": "value",
    "LBRACKET": "value",
    "EQUALS": "operator",
    "COMPARE": "operator",
    "LPAREN": "(",
    "RPAREN": ")",
    "RBRACKET": "]",
}


class Waiting(Enum):
    """What the parser waits for when a token does not fit."""

    KEY = auto()
    OPERATOR = auto()
    VALUE = auto()
    NEXT = auto()
    """Behind a value: for its parentheses, or for whatever may follow a statement."""
    ITEM = auto()


def came(token: Token | None) -> str:
    """Return what sort of token came: word, value, operator, a bracket, or end."""
    return "end" if token is None else _CAME[token.type]


class Context:
    """The state of one run, as its repairs see it.

    Attributes:
        stack: PLY's stack of tokens and symbols that have been read and not yet reduced.
        before: the token before the one at fault.
        surplus: how many closing brackets are still to come for what a repair has closed already.
    """

    def __init__(self, scanner: Scanner, parser: Any) -> None:
        self.scanner = scanner
        self.report = scanner.report
        self.before: Token | None = None
        self.surplus = {"RPAREN": 0, "RBRACKET": 0}
        self._parser = parser
        self._is_known = False

    def enter(self) -> None:
        """Take note of the tokens around the fault, before a repair reads on.

        If one of them has been reported already, what is wrong here follows from that, and nothing will be said.
        """
        scanner = self.scanner
        self.before = scanner.before
        self._is_known = any(t is not None and t.lexpos in scanner.blamed for t in (scanner.before, scanner.last))

    @property
    def stack(self) -> list[Any]:
        stack: list[Any] = self._parser.symstack
        return stack

    def _possible(self, back: int = 0) -> set[str]:
        return set(self._parser.action[self._parser.statestack[-1 - back]])

    def waiting(self) -> Waiting:
        """Tell what the parser waits for."""
        possible = self._possible()
        if "EQUALS" in possible:
            return Waiting.OPERATOR
        if "RBRACKET" in possible:
            return Waiting.ITEM
        if "STRING" in possible:
            return Waiting.VALUE
        return Waiting.NEXT if "LPAREN" in possible else Waiting.KEY

    def expected(self, back: int = 0) -> tuple[str, ...]:
        """Say in words, sorted, what could stand here, or some symbols before this place."""
        possible = self._possible(back)
        possible.discard("RPAREN" if self.opening("LPAREN") is None else "$end")
        word = "a keyword" if "STRING" in possible else "a key"
        return tuple(sorted({_WORDS.get(kind, word) for kind in possible}))

    def opening(self, kind: str) -> Token | None:
        """Return the innermost bracket of this kind that is open."""
        return next((symbol for symbol in reversed(self.stack) if symbol.type == kind), None)

    def say(self, offset: int, message: str, length: int = 1, *, back: int = 0) -> None:
        """Report a mistake here (or some symbols back), unless it follows from one that has been reported."""
        if not self._is_known:
            self.report.add(offset, message, length, self.expected(back))

    def source(self, token: Token) -> str:
        """Return a token as it stands in the text."""
        return self.report.text[token.lexpos : end_of(token)]

    def line(self, token: Token) -> int:
        """Return the line that a token starts on."""
        return self.report.line(token.lexpos)

    def is_behind_other_words(self, token: Token) -> bool:
        """Tell whether a statement ends before the token on the same line."""
        column = self.report.place(token.lexpos)[1]
        before = self.report.text[token.lexpos - column + 1 : token.lexpos].rstrip()
        return bool(before) and not before.endswith("(")

    def gap(self, offset: int, token: Token | None) -> int:
        """Return where something is missing: before `token`, or at `offset` if `token` is on a later line."""
        if token is None or self.line(token) != self.report.line(offset):
            return offset
        return int(token.lexpos)

    def made(self, kind: str, token: Token | None, value: str = "") -> Token:
        """Make a token that is not in the text, at the place of `token`."""
        made = PlainToken()
        made.lexer, made.type, made.value = self.scanner, kind, value
        made.lexpos = made.end = token.lexpos if token else len(self.report.text)
        return made

    def as_word(self, token: Token) -> Token:
        """Make a keyword of a token that was taken for something else."""
        return self.made("KEYWORD", token, self.source(token))

    def insert(self, kinds: str, token: Token | None) -> None:
        """Have the parser read tokens that are missing, and then `token`."""
        self.scanner.push(*(self.made(kind, token, "=" if kind == "EQUALS" else "") for kind in kinds.split()), token)

    def operator_follows(self) -> bool:
        """Tell whether the next token is an operator."""
        return came(self.scanner.ahead(1)[0]) == "operator"
