r"""From characters to tokens: the rules of PLY's lexer, and the stream of tokens that the parser reads.

A *word* is a run of characters that are neither blanks nor quotes, brackets, operators or `#`. A word is a NUMBER, a
KEYWORD (letters, digits, underscores, as `\w` has them), DOTTED (keywords joined by dots) or an ENVIRONMENT value as a
whole, or it is a mistake: `2s` and `1h30m` are keywords, `1.5s`, `5,000` and `2024-01-01` are not values.

All patterns are possessive where they repeat, so that matching is linear and needs no memory however long a token is.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from functools import cache
from threading import Lock
from typing import Any, TypeAlias

from ply import lex

from .scl_report import LINE_END, Report, shown

__all__ = ["MOST_LEVELS", "NUMBER", "TOKENS", "WORD", "Scanner", "Token"]

MOST_LEVELS = 256

TOKENS = (
    "KEYWORD", "DOTTED", "NUMBER", "STRING", "ENVIRONMENT", "EQUALS", "COMPARE",
    "LPAREN", "RPAREN", "LBRACKET", "RBRACKET",
)  # fmt: skip

_BUILDING = Lock()

Token: TypeAlias = Any  # PLY's LexToken: type, value, lineno, lexpos; NUMBER and STRING also have `end`

_WORD_CHARACTER = r"[^\s()\[\]\#=<>!~\"]"
_NO_MORE = rf"(?!{_WORD_CHARACTER}|\")"
_NO_OPERATOR = r"(?![=<>!~])"
_NUMBER = r"[+-]?(?:\d*+\.\d++|\d++)(?:[eE][+-]?\d++)?"
_STRING = r'"[^"\\]*+(?:\\(?s:.)[^"\\]*+)*+"'
_STRING_ON_A_LINE = r'"[^"\\\r\n]*+(?:\\[^\r\n][^"\\\r\n]*+)*+"'

NUMBER = re.compile(_NUMBER)
WORD = re.compile(r"\w++(?:\.\w++)*+")
_CLOSED_STRING = re.compile(_STRING)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_OPERATORS = re.compile(r"[=<>!~]+")
_LEGAL_START = re.compile(r"(?:\w++(?:\.\w++)*+)?")
_RUN = re.compile(rf"(?:{_WORD_CHARACTER}++|{_STRING_ON_A_LINE})++")
_APOSTROPHES = re.compile(r"'[^'\r\n]*+'")
_FRESH_LINE = re.compile(r"(?<=[\r\n])[^\S\r\n]*+(?:[)\]]|\w++(?:\.\w++)*+[^\S\r\n]*+[=<>!~])")

_HINTS = {
    ",": "values are separated by blanks, not by commas",
    "'": "strings stand in double quotes",
    ":": "write key=value, or put the text in double quotes",
    '"': 'a string stands alone, and a quote inside it is written \\"',
    "$": "an environment value is ${NAME} or ${NAME:-default}; among other text it stands in double quotes",
}


def _nothing_known() -> tuple[str, ...]:
    return ()


class _Rules:
    """PLY's rules; without state, shared by all threads. What belongs to one text is an attribute of `t.lexer`."""

    tokens = TOKENS
    t_ignore = " \t"
    t_KEYWORD = r"\w++" + _NO_MORE
    t_DOTTED = r"\w++(?:\.\w++)++" + _NO_MORE
    t_ENVIRONMENT = r"\$\{[^\W\d]\w*+(?::-[^}\r\n]*+)?\}" + _NO_MORE
    t_EQUALS = r"=" + _NO_OPERATOR
    t_COMPARE = r"(?:!=|[<>]=?|~)" + _NO_OPERATOR
    t_LPAREN = r"\("
    t_RPAREN = r"\)" + _NO_MORE
    t_LBRACKET = r"\["
    t_RBRACKET = r"\]" + _NO_MORE

    @lex.TOKEN(r"\s++")
    def t_BLANK(self, t: Token) -> None:
        _count_lines(t)

    @lex.TOKEN(r"\#[^\r\n]*+")
    def t_COMMENT(self, t: Token) -> Token | None:
        return t if t.lexer.keep_comments else None

    @lex.TOKEN(_STRING + _NO_MORE)
    def t_STRING(self, t: Token) -> Token:
        return _as_string(t)

    @lex.TOKEN(_NUMBER + _NO_MORE)
    def t_NUMBER(self, t: Token) -> Token:
        t.end = t.lexer.lexpos
        try:
            t.value = Decimal(t.value)
        except InvalidOperation:
            _blame(
                t, t.lexpos, f"{shown(t.value)} has an exponent beyond all numbers", len(t.value), t.lexer.expected()
            )
            t.value = Decimal(0)
        return t

    def t_error(self, t: Token) -> Token | None:
        """Called by PLY where no rule matches: report what is wrong and go on with the most likely token."""
        first = t.value[0]
        t.value = first  # PLY gives all the rest of the text; let go of it
        if first == '"':
            return _bad_string(t)
        if first in ")]":
            return _crowded(t)
        if first in "=<>!~":
            return _bad_operator(t)
        return _bad_word(t)


def _count_lines(t: Token) -> None:
    value = t.value
    t.lexer.lineno += len(LINE_END.findall(value)) if "\r" in value else value.count("\n")


def _as_string(t: Token) -> Token:
    _count_lines(t)
    t.type, t.end = "STRING", t.lexer.lexpos
    t.value = t.value[1:-1]
    if "\\" in t.value:
        t.value = _ESCAPE.sub(r"\1", t.value)
    return t


def _blame(t: Token, offset: int, message: str, length: int = 1, expected: tuple[str, ...] = ()) -> None:
    t.lexer.blamed.add(t.lexpos)
    t.lexer.report.add(offset, message, length, expected)


def _bad_word(t: Token) -> Token:
    match = _APOSTROPHES.match(t.lexer.lexdata, t.lexpos) or _RUN.match(t.lexer.lexdata, t.lexpos)
    assert match, "a character that starts no other token starts a word"
    start, word = t.lexpos, match[0]
    legal = _LEGAL_START.match(word)
    wrong = legal.end() if legal and legal.end() < len(word) else 0
    hint = _HINTS.get(word[wrong], f"put {shown(word)} in double quotes" if len(word) > 1 else "")
    message = f"{word[wrong]!r} cannot stand in a word" + (f": {hint}" if hint else "")
    t.lexer.lexpos = match.end()
    t.type, t.value = "KEYWORD", word
    _blame(t, start + wrong, message, expected=t.lexer.expected())
    return t


def _bad_operator(t: Token) -> Token:
    match = _OPERATORS.match(t.lexer.lexdata, t.lexpos)
    assert match, "called at an operator"
    t.lexer.lexpos = match.end()
    t.type, t.value = "COMPARE", match[0]
    known = ("!=", "<", "<=", "=", ">", ">=", "~")
    _blame(t, t.lexpos, f"{shown(t.value)} is no operator", len(t.value), tuple(f"'{op}'" for op in known))
    return t


def _crowded(t: Token) -> Token:
    t.type = "RPAREN" if t.value == ")" else "RBRACKET"
    t.lexer.lexpos = t.lexpos + 1
    t.lexer.report.add(t.lexpos + 1, f"a blank is missing after '{t.value}'", expected=("a blank",))
    return t


def _bad_string(t: Token) -> Token:
    match = _CLOSED_STRING.match(t.lexer.lexdata, t.lexpos)
    if match is None or LINE_END.search(match[0]):
        return _unclosed_string(t, match is not None)
    run = _RUN.match(t.lexer.lexdata, match.end())
    t.lexer.lexpos = run.end() if run else match.end() + 1
    t.value = match[0]
    message = 'a blank is missing after the string; a quote inside a string is written \\"'
    _blame(t, match.end(), message, expected=("a blank",))
    _as_string(t)
    t.end = t.lexer.lexpos
    return t


def _unclosed_string(t: Token, has_later_quote: bool) -> Token:
    """Report an unclosed string and go on where the next statement seems to start, on a line of its own.

    The string may have swallowed closing parentheses: those open here are not reported as well.
    """
    why = "; the next quote runs into other text" if has_later_quote else ""
    text = t.lexer.lexdata
    line_end = LINE_END.search(text, t.lexpos)
    _blame(
        t, t.lexpos, f"the string is not closed{why}", len(text[t.lexpos : line_end and line_end.start()]), ("'\"'",)
    )
    fresh = _FRESH_LINE.search(text, t.lexpos)
    t.lexer.lexpos = fresh.start() if fresh else len(text)
    t.lexer.excused = t.lexpos
    t.lexer.lineno += len(LINE_END.findall(text, t.lexpos, t.lexer.lexpos))
    t.type, t.value, t.end = "STRING", "", t.lexer.lexpos
    return t


@cache
def _built_lexer() -> Any:
    """Build PLY's lexer. `optimize` with an empty `lextab`: no file is read or written."""
    return lex.lex(module=_Rules(), optimize=True, lextab="")


def _shared_lexer() -> Any:
    with _BUILDING:
        return _built_lexer()


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
        self._lexer = copy.copy(_shared_lexer())
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


_LEVELS = {"LPAREN": 1, "LBRACKET": 1, "RPAREN": -1, "RBRACKET": -1}
