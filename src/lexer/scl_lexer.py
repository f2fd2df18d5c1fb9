"""SCL with the interface that its users know: a lexer and a parser in one object; the parser is made by PLY.

The pieces: `scl_tokens` (characters to tokens), `scl_grammar` (tokens to statements), `scl_repair` (what happens at a
mistake), `scl_nodes` (what comes out), `scl_format` and `scl_write` (back to text).
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from .scl_format import format_text
from .scl_parser import parse, parse_nodes
from .scl_scanner import Scanner
from .scl_write import write

__all__ = ["SCLLexer", "SCLParser", "format_text", "parse", "parse_nodes", "write"]


class SCLParser:
    """Parses SCL text; has no state, so that one object serves many threads."""

    def parse(self, text: str) -> list[dict[str, Any]]:
        """Return the statements as dicts; see `plait.lexer.parse`."""
        return parse(text)


class SCLLexer:
    """A lexer and a parser for SCL.

    >>> SCLLexer().parser.parse("key=value(key1=1)")
    [{'key': 'key', 'value': 'value', 'children': [{'key': 'key1', 'value': Decimal('1')}]}]
    """

    def __init__(self) -> None:
        self.parser = SCLParser()

    @cached_property
    def lexer(self) -> Scanner:
        """The tokens alone: `lexer.input(text)`, then `lexer.token()` until it returns None, or iterate.

        Belongs to one thread. Raises ScriptError at the first character that belongs to no token.
        """
        return Scanner()
