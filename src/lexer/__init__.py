"""SCL, the language of pipeline files: text in, statements out, and back.

To plain Python values: `parse`, `write`; `SCLLexer` has the same as `SCLLexer().parser.parse(text)`.
With places, for error messages: `parse_nodes`, which returns `Statement`s; their values are `Scalar`, `ListValue` and
`Group` (together: `Value`); `plain` makes dicts of them.
For people: `format_text`. For thousands of statements that look alike: `cut`, and the `meaning` of a word.

All raise `plait.errors.ScriptError`, with all mistakes of a text at once. The language: docs/scl.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazily import lazily

if TYPE_CHECKING:
    from .scl_alike import cut, meaning
    from .scl_format import format_text
    from .scl_lexer import SCLLexer, SCLParser
    from .scl_nodes import Group, ListValue, Scalar, ScalarKind, Statement, Value, plain
    from .scl_parser import parse, parse_nodes
    from .scl_write import write

__all__ = [
    "Group",
    "ListValue",
    "SCLLexer",
    "SCLParser",
    "Scalar",
    "ScalarKind",
    "Statement",
    "Value",
    "cut",
    "format_text",
    "meaning",
    "parse",
    "parse_nodes",
    "plain",
    "write",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Group": "scl_nodes",
        "ListValue": "scl_nodes",
        "SCLLexer": "scl_lexer",
        "SCLParser": "scl_lexer",
        "Scalar": "scl_nodes",
        "ScalarKind": "scl_nodes",
        "Statement": "scl_nodes",
        "Value": "scl_nodes",
        "cut": "scl_alike",
        "format_text": "scl_format",
        "meaning": "scl_alike",
        "parse": "scl_parser",
        "parse_nodes": "scl_parser",
        "plain": "scl_nodes",
        "write": "scl_write",
    },
)
