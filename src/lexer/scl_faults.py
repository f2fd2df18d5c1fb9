"""What is said about characters that make no token, and which token is read in their place.

Each function gets the token at the place where no pattern fits, reports the mistake, moves the lexer on and returns
the most likely token. Its offset is then among the blamed, so that what follows from it is not reported as well.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from .scl_patterns import APOSTROPHES, CLOSED_STRING, FRESH_LINE, LINE_END, OPERATORS, WORD, WORD_RUN, unquoted
from .scl_report import Token, shown

__all__ = ["as_number", "as_string", "at_fault", "blame"]

_WORD = re.compile(WORD)
_OPERATOR_AHEAD = re.compile(r"\s*+[=<>!~]")
_OF_A_KEY = "a key has letters, digits and underscores, and dots between them"
_HINTS = {
    ",": "separate values by blanks, or put text in double quotes",
    "'": "strings stand in double quotes",
    ":": "write key=value, or put the text in double quotes",
    '"': 'a string stands alone, and a quote inside it is written \\"',
    "$": "an environment value is ${NAME} or ${NAME:-default}; among other text it stands in double quotes",
}


def at_fault(t: Token) -> Token:
    """Report what is wrong where no pattern fits; return the most likely token."""
    first = t.value[0]
    if first == '"':
        return _bad_string(t)
    if first in ")]":
        return _crowded(t)
    if first in "=<>!~":
        return _bad_operator(t)
    return _bad_word(t)


def as_string(t: Token) -> Token:
    """Make a token of the text of a string, with its quotes."""
    t.type, t.end = "STRING", t.lexer.lexpos
    t.value = unquoted(t.value)
    return t


def as_number(t: Token) -> Token:
    """Make a token of the text of a number."""
    t.end = t.lexer.lexpos
    try:
        t.value = Decimal(t.value)
    except InvalidOperation:
        blame(t, t.lexpos, f"{shown(t.value)} has an exponent beyond all numbers", len(t.value), t.lexer.expected())
        t.value = Decimal(0)
    return t


def blame(t: Token, offset: int, message: str, length: int = 1, expected: tuple[str, ...] = ()) -> None:
    """Report a mistake in a token."""
    t.lexer.blamed.add(t.lexpos)
    t.lexer.report.add(offset, message, length, expected)


def _bad_word(t: Token) -> Token:
    match = APOSTROPHES.match(t.lexer.report.text, t.lexpos) or WORD_RUN.match(t.lexer.report.text, t.lexpos)
    assert match, "a character that starts no other token starts a word"
    start, word = t.lexpos, match[0]
    legal = _WORD.match(word)
    wrong = legal.end() if legal else 0
    is_key = _OPERATOR_AHEAD.match(t.lexer.report.text, match.end()) is not None
    hint = _HINTS.get(word[wrong]) or (_OF_A_KEY if is_key else f"put {shown(word)} in double quotes")
    message = f"{word[wrong]!r} cannot stand in a word: {hint}"
    t.lexer.lexpos = match.end()
    t.type, t.value = "KEYWORD", word
    blame(t, start + wrong, message, expected=t.lexer.expected())
    return t


def _bad_operator(t: Token) -> Token:
    match = OPERATORS.match(t.lexer.report.text, t.lexpos)
    assert match, "called at an operator"
    t.lexer.lexpos = match.end()
    t.type, t.value = "COMPARE", match[0]
    known = ("!=", "<", "<=", "=", ">", ">=", "~")
    blame(t, t.lexpos, f"{shown(t.value)} is no operator", len(t.value), tuple(f"'{op}'" for op in known))
    return t


def _crowded(t: Token) -> Token:
    t.type = "RPAREN" if t.value == ")" else "RBRACKET"
    t.lexer.lexpos = t.lexpos + 1
    t.lexer.blamed.add(t.lexpos + 1)
    t.lexer.report.add(t.lexpos + 1, f"a blank is missing after '{t.value}'", expected=("a blank",))
    return t


def _bad_string(t: Token) -> Token:
    match = CLOSED_STRING.match(t.lexer.report.text, t.lexpos)
    if match is None or LINE_END.search(match[0]):
        return _unclosed_string(t, match is not None)
    run = WORD_RUN.match(t.lexer.report.text, match.end())
    t.lexer.lexpos = run.end() if run else match.end() + 1
    t.value = match[0]
    message = 'a blank is missing after the string; a quote inside a string is written \\"'
    blame(t, match.end(), message, expected=("a blank",))
    as_string(t)
    t.end = t.lexer.lexpos
    return t


def _unclosed_string(t: Token, has_later_quote: bool) -> Token:
    """Report an unclosed string and go on where the next statement seems to start, on a line of its own.

    The string may have swallowed closing parentheses: those open here are not reported as well.
    """
    why = "; the next quote runs into other text" if has_later_quote else ""
    text = t.lexer.report.text
    line_end = LINE_END.search(text, t.lexpos)
    length = (line_end.start() if line_end else len(text)) - t.lexpos
    blame(t, t.lexpos, f"the string is not closed{why}", length, expected=("'\"'",))
    fresh = FRESH_LINE.search(text, t.lexpos)
    t.lexer.lexpos = fresh.start() if fresh else len(text)
    t.lexer.excused = t.lexpos
    t.type, t.value, t.end = "STRING", "", t.lexer.lexpos
    return t
