"""From characters to tokens: the patterns of all types of tokens as one.

A *word* is a run of characters that are neither blanks nor quotes, brackets, operators or `#`. A word is a NUMBER, a
KEYWORD (letters, digits and underscores), DOTTED (keywords joined by dots) or an ENVIRONMENT value as a whole, or it is
a mistake: `2s` and `1h30m` are keywords; `1.5s`, `5,000` and `2024-01-01` are no values.

One search finds the next token and passes over the blanks before it. A lexer made by PLY takes nearly twice the time:
it looks for blanks as for a token, and tries what is rare before what is frequent.
"""

from __future__ import annotations

import re
from functools import cache

from .scl_patterns import DOTTED, ENVIRONMENT, KEYWORD, LETTER_FIRST, NO_MORE, NO_OPERATOR, NUMBER, STRING

__all__ = ["TOKENS", "lexeme_pattern", "token_pattern"]

TOKENS = (
    "KEYWORD", "DOTTED", "NUMBER", "STRING", "ENVIRONMENT", "EQUALS", "COMPARE",
    "LPAREN", "RPAREN", "LBRACKET", "RBRACKET",
)  # fmt: skip

_COMMENT = r"\#[^\r\n]*+"
_PASSED_OVER = rf"\s*+(?:{_COMMENT}\s*+)*+"
_GROUPS = (
    ("KEYWORD", LETTER_FIRST + NO_MORE),
    ("EQUALS", r"=" + NO_OPERATOR),
    ("LPAREN", r"\("),
    ("RPAREN", r"\)" + NO_MORE),
    ("NUMBER", NUMBER + NO_MORE),
    ("STRING", STRING + NO_MORE),
    ("KEYWORD", KEYWORD + NO_MORE),
    ("COMPARE", r"(?:!=|[<>]=?|~)" + NO_OPERATOR),
    ("DOTTED", DOTTED + NO_MORE),
    ("LBRACKET", r"\["),
    ("RBRACKET", r"\]" + NO_MORE),
    ("ENVIRONMENT", ENVIRONMENT + NO_MORE),
    ("COMMENT", _COMMENT),
    ("END", r"\Z"),
    ("FAULT", r"(?s:.)"),
)
"""The frequent ones first; the order counts for `12`, which is a NUMBER and no KEYWORD, and for FAULT, the last."""


@cache
def token_pattern(*, keep_comments: bool) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """Return one pattern for the next token, whatever it is, and the type of token that each of its groups stands for.

    The pattern takes the blanks (and comments) before a token with it. Besides tokens there are END, behind the last
    one, and FAULT, where no token is: so it matches everywhere, and is never searched for.
    """
    passed_over = r"\s*+" if keep_comments else _PASSED_OVER
    groups = "|".join(f"({pattern})" for _, pattern in _GROUPS)
    return re.compile(f"{passed_over}(?:{groups})", re.VERBOSE), ("", *(kind for kind, _ in _GROUPS))


@cache
def lexeme_pattern() -> re.Pattern[str]:
    """Return a pattern whose one group is the text of the next token, "" at the end.

    Where no token is, it is all the text that is left: that is never a token by itself, as else one would be there.
    """
    tokens = "|".join(pattern for kind, pattern in _GROUPS if kind in TOKENS)
    return re.compile(rf"{_PASSED_OVER}({tokens}|\Z|(?s:.+))", re.VERBOSE)
