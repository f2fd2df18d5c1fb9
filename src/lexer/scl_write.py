"""Print a tree of dicts, as `parse` returns it, as SCL text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ..fields import quote
from .scl_layout import Entry, Item, layout
from .scl_patterns import NUMBER, WORD
from .scl_scanner import MOST_LEVELS

__all__ = ["write"]

_WORD = re.compile(WORD)
_NUMBER = re.compile(NUMBER)
_OPERATORS = frozenset({"=", "!=", ">", ">=", "<", "<=", "~"})


def write(tree: Sequence[Mapping[str, Any]]) -> str:
    """Print a tree in the canonical layout, so that `parse(write(tree)) == tree`.

    Values are `str`, `Decimal`, `int`, finite `float`, lists of values, or lists of statements. Text is quoted where it
    is no keyword. An empty list is written `[]`.

    Raises:
        ValueError: something cannot be said in SCL: a key that is no word, a value of another type, 257 levels.

    >>> print(write([{"key": "a", "value": [Decimal(1), "x y"]}]), end="")
    a=[1 "x y"]
    """
    return layout(_items(tree, 0))


def _items(tree: Sequence[Mapping[str, Any]], level: int) -> list[Item]:
    items: list[Item] = []
    for statement in tree:
        items.append(_entry(statement, level))  # noqa: PERF401 -- a comprehension costs a frame, and trees are deep
    return items


def _entry(statement: Mapping[str, Any], level: int) -> Entry:
    head = _key(statement["key"]) + _operator(statement.get("op", "="))
    value, children = statement["value"], statement.get("children")
    if _is_group(value):
        if children:
            raise ValueError(f"{head} has statements for its value, and so cannot have children")
        children = value
    else:
        head += _value(value, level)
    if not children:
        return Entry(head)
    return Entry(head, _items(children, _deeper(level)))


def _deeper(level: int) -> int:
    if level == MOST_LEVELS:
        raise ValueError(f"nested more than {MOST_LEVELS} levels deep")
    return level + 1


def _is_group(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _key(key: Any) -> str:
    if not isinstance(key, str) or not _WORD.fullmatch(key) or _NUMBER.fullmatch(key):
        raise ValueError(f"{key!r} cannot be a key: a key is a word, or words joined by dots, and no number")
    return key


def _operator(op: Any) -> str:
    if op not in _OPERATORS:
        raise ValueError(f"{op!r} is no operator")
    return str(op)


def _value(value: Any, level: int) -> str:
    if isinstance(value, list | tuple):
        within = _deeper(level)
        return "[" + " ".join([_value(item, within) for item in value]) + "]"
    return quote(value) if isinstance(value, str) else _number(value)


def _number(value: Any) -> str:
    is_number = isinstance(value, Decimal | int | float) and not isinstance(value, bool)
    number = Decimal(str(value)) if is_number else None
    if number is None or not number.is_finite():
        raise ValueError(f"{value!r} cannot be a value")
    return str(number)
