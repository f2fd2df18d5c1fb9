"""From characters to tokens: the rules of PLY's lexer.

A *word* is a run of characters that are neither blanks nor quotes, brackets, operators or `#`. A word is a NUMBER, a
KEYWORD (letters, digits and underscores), DOTTED (keywords joined by dots) or an ENVIRONMENT value as a whole, or it is
a mistake: `2s` and `1h30m` are keywords; `1.5s`, `5,000` and `2024-01-01` are no values.
"""

# ruff: noqa: N815 (PLY finds its rules by name: t_KEYWORD)
from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import cache
from threading import Lock
from typing import Any, TypeVar

from ply import lex

from .scl_faults import as_string, at_fault, blame, count_lines
from .scl_patterns import DOTTED, ENVIRONMENT, KEYWORD, NO_MORE, NO_OPERATOR, NUMBER, STRING
from .scl_report import Token, shown

__all__ = ["TOKENS", "shared_lexer"]

TOKENS = (
    "KEYWORD", "DOTTED", "NUMBER", "STRING", "ENVIRONMENT", "EQUALS", "COMPARE",
    "LPAREN", "RPAREN", "LBRACKET", "RBRACKET",
)  # fmt: skip

_BUILDING = Lock()
_Function = TypeVar("_Function", bound=Callable[..., Any])


def _rule(pattern: str) -> Callable[[_Function], _Function]:
    decorate: Callable[[_Function], _Function] = lex.TOKEN(pattern)
    return decorate


class _Rules:
    """PLY's rules; without state, shared by all threads. What belongs to one text is an attribute of `t.lexer`."""

    tokens = TOKENS
    t_ignore = " \t"
    t_KEYWORD = KEYWORD + NO_MORE
    t_DOTTED = DOTTED + NO_MORE
    t_ENVIRONMENT = ENVIRONMENT + NO_MORE
    t_EQUALS = r"=" + NO_OPERATOR
    t_COMPARE = r"(?:!=|[<>]=?|~)" + NO_OPERATOR
    t_LPAREN = r"\("
    t_RPAREN = r"\)" + NO_MORE
    t_LBRACKET = r"\["
    t_RBRACKET = r"\]" + NO_MORE

    @_rule(r"\s++")
    def t_BLANK(self, t: Token) -> None:
        count_lines(t)

    @_rule(r"\#[^\r\n]*+")
    def t_COMMENT(self, t: Token) -> Token | None:
        return t if t.lexer.keep_comments else None

    @_rule(STRING + NO_MORE)
    def t_STRING(self, t: Token) -> Token:
        return as_string(t)

    @_rule(NUMBER + NO_MORE)
    def t_NUMBER(self, t: Token) -> Token:
        t.end = t.lexer.lexpos
        try:
            t.value = Decimal(t.value)
        except InvalidOperation:
            blame(t, t.lexpos, f"{shown(t.value)} has an exponent beyond all numbers", len(t.value), t.lexer.expected())
            t.value = Decimal(0)
        return t

    def t_error(self, t: Token) -> Token:
        return at_fault(t)


@cache
def _built_lexer() -> Any:
    """Build PLY's lexer. `optimize` with an empty `lextab`: no file is read or written."""
    return lex.lex(module=_Rules(), optimize=True, lextab="")


def shared_lexer() -> Any:
    """Return PLY's lexer, built once per process; to be copied for each text."""
    with _BUILDING:
        return _built_lexer()
