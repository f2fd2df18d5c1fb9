"""From text to sqlglot's tree, with the smallest part of sqlglot that will do.

Functions are not left to sqlglot, whose reading of them (arguments, aliases, rewriting) depends on dialects: all calls
come out as name and arguments. No statements, no dialects, no operators on JSON.

Importing this module imports sqlglot (80 ms); `plait.expression` does so when the first expression is parsed.
"""

from __future__ import annotations

from typing import Any, Final

from sqlglot import Token, Tokenizer, TokenType, exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.parser import Parser

from .tree import ExpressionError

__all__ = ["MOST_BRACKETS", "MOST_DEPTH", "TIMESTAMP_LITERAL", "sql_tree", "start", "too_deep"]

MOST_BRACKETS: Final = 24  # sqlglot takes some 20 Python frames for each, of the 1,000 that there are
MOST_DEPTH: Final = 100
TIMESTAMP_LITERAL: Final = "timestamp literal"
"""The name of the call as which TIMESTAMP '...' comes out."""

_STATEMENTS: Final = frozenset(
    {"ALTER", "CREATE", "DELETE", "DROP", "FROM", "INSERT", "MERGE", "SELECT", "UPDATE", "VALUES", "WITH", "WHERE"}
)


def _stamp(parser: Any, literal: Any, _: Any) -> exp.Expr:
    return exp.Anonymous(this=TIMESTAMP_LITERAL, expressions=[literal])


class _Parser(Parser):
    """sqlglot's parser, with all calls left as they are, and TIMESTAMP '...' told from CAST('...' AS timestamp)."""

    FUNCTIONS: Final = {}  # type: ignore[misc]
    NO_PAREN_FUNCTIONS: Final = {}  # type: ignore[misc]
    FUNCTION_PARSERS: Final = {  # type: ignore[misc]
        name: Parser.FUNCTION_PARSERS[name] for name in ("CAST", "EXTRACT")
    }
    NO_PAREN_FUNCTION_PARSERS: Final = {  # type: ignore[misc]
        "CASE": Parser.NO_PAREN_FUNCTION_PARSERS["CASE"]
    }
    COLUMN_OPERATORS: Final = {  # type: ignore[misc]
        token: Parser.COLUMN_OPERATORS[token] for token in (TokenType.DOT, TokenType.DCOLON)
    }
    TYPE_LITERAL_PARSERS: Final = dict.fromkeys(  # type: ignore[misc]
        (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ, exp.DType.DATETIME), _stamp
    )


def too_deep() -> str:
    """Say that an expression is nested too deeply."""
    return f"the expression is nested more than {MOST_BRACKETS} brackets or {MOST_DEPTH} operators deep"


def sql_tree(text: str) -> Any:
    """Return sqlglot's tree of one expression; raise ExpressionError if the text is none."""
    try:
        tokens = Tokenizer().tokenize(text)
    except TokenError:
        raise ExpressionError("a quote or a comment is not closed", text) from None
    _check_brackets(text, tokens)
    try:
        found = _Parser().parse_into(exp.Condition, tokens, text)
    except ParseError as error:
        raise _not_parsed(text, tokens, error) from None
    except RecursionError:
        raise
    except Exception as error:
        # Some malformed texts make sqlglot stumble over its own nodes. Whatever it is, the text is at fault.
        raise ExpressionError("this cannot be read as an expression", text) from error
    if len(found) != 1 or found[0] is None:
        raise ExpressionError("the expression is empty" if not tokens else "one expression is wanted", text)
    return found[0]


def _check_brackets(text: str, tokens: list[Token]) -> None:
    depth = 0
    opening = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE}
    closing = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END}
    for token in tokens:
        depth += (token.token_type in opening) - (token.token_type in closing)
        if depth > MOST_BRACKETS:
            raise ExpressionError(too_deep(), text, token.start)


def _not_parsed(text: str, tokens: list[Token], error: ParseError) -> ExpressionError:
    first = tokens[0].text.upper()
    if first in _STATEMENTS and len(tokens) > 1:
        return ExpressionError(f"{first} is a statement of SQL, and an expression is wanted", text, tokens[0].start)
    known = error.errors[0] if error.errors else {}
    found = next((t for t in tokens if (t.line, t.col) == (known.get("line"), known.get("col"))), tokens[-1])
    said = known.get("description") or ""
    wanted = f": {said[0].lower()}{said[1:]}" if said.startswith("Expect") else ""
    return ExpressionError(f"{found.text!r} does not belong here{wanted}", text, found.start)


def start(node: Any) -> int | None:
    """Return the first known position in the node or what it is made of."""
    if not isinstance(node, exp.Expr):
        return None
    starts = (inner.meta.get("start") for inner in node.walk())
    return min((start for start in starts if start is not None), default=None)
