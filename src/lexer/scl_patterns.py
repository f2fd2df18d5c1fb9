"""The patterns that SCL's tokens are made of.

All are possessive where they repeat, so that matching is linear and needs no memory, however long a token is. Those
given as text are parts of one that is compiled with re.VERBOSE: `#` has a backslash and no pattern has blanks.
"""

from __future__ import annotations

import re

__all__ = [
    "APOSTROPHES",
    "CLOSED_STRING",
    "DOTTED",
    "ENVIRONMENT",
    "ESCAPE",
    "FRESH_LINE",
    "KEYWORD",
    "LETTER_FIRST",
    "LINE_END",
    "NO_MORE",
    "NO_OPERATOR",
    "NUMBER",
    "OPERATORS",
    "STRING",
    "WORD",
    "WORD_RUN",
    "unquoted",
]

_WORD_CHARACTER = r"[^\s()\[\]\#=<>!~\"]"
NO_MORE = r"(?![^\s()\[\]\#=<>!~])"
NO_OPERATOR = r"(?![=<>!~])"

KEYWORD = r"\w++"
LETTER_FIRST = r"[^\W\d]\w*+"
DOTTED = r"\w++(?:\.\w++)++"
WORD = r"\w++(?:\.\w++)*+"
NUMBER = r"[+-]?(?:\d*+\.\d++|\d++)(?:[eE][+-]?\d++)?"
STRING = r'"[^"\\]*+(?:\\(?s:.)[^"\\]*+)*+"'
ENVIRONMENT = r"\$\{[^\W\d]\w*+(?::-[^}\r\n]*+)?\}"

LINE_END = re.compile(r"\r\n?|\n")
ESCAPE = re.compile(r"\\(.)", re.DOTALL)
CLOSED_STRING = re.compile(STRING)
OPERATORS = re.compile(r"[=<>!~]+")
APOSTROPHES = re.compile(r"'[^'\r\n]*+'")

_STRING_ON_A_LINE = r'"[^"\\\r\n]*+(?:\\[^\r\n][^"\\\r\n]*+)*+"'
WORD_RUN = re.compile(rf"(?:{_WORD_CHARACTER}++|{_STRING_ON_A_LINE}|\")++")
"""A word that is none, together with strings and quotes that touch it."""

FRESH_LINE = re.compile(rf"(?<=[\r\n])[^\S\r\n]*+(?:[)\]]|{WORD}[^\S\r\n]*+[=<>!~])")
"""The start of a line that looks as if a statement began there, or a group ended."""


def unquoted(string: str) -> str:
    """Return the text that a string stands for, without its quotes and escapes."""
    return ESCAPE.sub(r"\1", string[1:-1]) if "\\" in string else string[1:-1]
