"""Print the tokens and the tree of each specimen in SCL.txt: `python -m plait.lexer.scl_lexer_example`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, TextIO

from .scl_lexer import SCLLexer

__all__ = ["main", "specimens"]

_PARAGRAPH = re.compile(r"\n(?:[ \t]*\n)+(?=#)")


def specimens() -> list[str]:
    """Return the paragraphs of SCL.txt: each begins with a comment that says what it shows."""
    text = files(__package__).joinpath("SCL.txt").read_text(encoding="utf-8")
    return _PARAGRAPH.split(text.rstrip("\n"))


def _tokens(scl: SCLLexer, text: str) -> Iterator[str]:
    scl.lexer.input(text)
    for token in scl.lexer:
        yield f"  {token.lineno:3}  {token.type:<12} {token.value!s}\n"


def _tree(scl: SCLLexer, text: str) -> str:
    trees: list[dict[str, Any]] = scl.parser.parse(text)
    return json.dumps(trees, indent=4, default=float, ensure_ascii=False) + "\n"


def main(out: TextIO = sys.stdout) -> None:
    """Print all specimens to `out`."""
    scl = SCLLexer()
    for text in specimens():
        out.write(f"{text}\n\n")
        out.writelines(_tokens(scl, text))
        out.write(f"\n{_tree(scl, text)}\n")


if __name__ == "__main__":
    main()
