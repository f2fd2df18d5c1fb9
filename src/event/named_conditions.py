"""Conditions with names, in an order: rules. Written in a pipeline, in Python, or in a file of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, TypeAlias

from ..errors import Mistake, ScriptError, SpecError, nearest
from ..fields import Kind, as_key
from ..lexer import Group, Statement, parse_nodes
from .condition import Condition
from .condition_kind import ConditionKind
from .moulds import rules_alike

__all__ = ["NamedConditions", "Rules", "read_rules"]

Rules: TypeAlias = tuple[tuple[str, Condition], ...]

_CONDITION: Final = ConditionKind()
_KEYS: Final = ("rule", "condition")


@dataclass(frozen=True)
class NamedConditions(Kind):
    """Rules in parentheses, `rules=(hot=(temp>30) odd=(status!=ok sensor=[a b]))`; held as (name, condition) pairs."""

    says: ClassVar[str] = "names with conditions such as (hot=(temp>30) odd=(status!=ok))"

    def parse(self, value: Any) -> Rules:
        pairs = list(value.items()) if isinstance(value, Mapping) else value
        if isinstance(pairs, str) or not isinstance(pairs, Sequence) or not pairs:
            raise self._wrong(value)
        if not all(isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[0], str) for pair in pairs):
            raise self._wrong(value)
        return _unique([(name, _named(name, given)) for name, given in pairs])

    def from_nodes(self, nodes: Sequence[Statement]) -> Rules:
        """Turn statements into rules. Raises ScriptError with all that is wrong with them."""
        mistakes: list[Mistake] = []
        rules = [(node.key, _from_node(node, mistakes)) for node in nodes]
        names: set[str] = set()
        for node in nodes:
            if node.key in names:
                mistakes.append(_mistake(node, f"there is a rule {node.key!r} above already"))
            names.add(node.key)
        if mistakes:
            raise ScriptError(mistakes)
        if not rules:
            raise ValueError("there are no rules in it")
        return tuple(rules)

    def write(self, value: Rules) -> str:
        """Write the rules as SCL. Raises ValueError if one holds what only Python can say, such as a function."""
        return "(" + " ".join(f"{as_key(name)}={_CONDITION.write(condition)}" for name, condition in value) + ")"


def _named(name: str, given: Any) -> Condition:
    try:
        return _CONDITION.parse(given)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _unique(rules: Sequence[tuple[str, Condition]]) -> Rules:
    seen: set[str] = set()
    for name, _ in rules:
        if name in seen:
            raise ValueError(f"there are two rules {name!r}; give one of the two another name")
        seen.add(name)
    return tuple(rules)


def _mistake(node: Statement, message: str) -> Mistake:
    return Mistake(node.line, node.column, message, node.length)


def _from_node(node: Statement, mistakes: list[Mistake]) -> Condition:
    if node.op != "=" or not isinstance(node.value, Group) or node.children is not None:
        mistakes.append(_mistake(node, f"a rule is written {node.key}=( ), with its condition in the parentheses"))
        return Condition()
    try:
        return _CONDITION.from_nodes(node.value.statements)
    except ScriptError as error:
        mistakes += error.mistakes
        return Condition()


def read_rules(path: Path) -> Rules:
    """Read rules from a file: SCL if its name ends in `.scl`, else one JSON object per line.

    Raises:
        ValueError: it cannot be read, or something is wrong in it; all that is, line by line, up to a few.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: byte {error.start} is not UTF-8") from error
    if path.suffix == ".scl":
        return _read_scl(path, text)
    mistakes: list[str] = []
    rules = [rule for rule in _read_lines(path, text, mistakes) if not mistakes]
    if mistakes:
        raise ValueError(_shown(mistakes))
    if not rules:
        raise ValueError(f"{path}: there are no rules in it")
    return _unique_in(path, rules)


def _unique_in(path: Path, rules: Sequence[tuple[str, Condition]]) -> Rules:
    try:
        return _unique(rules)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _shown(mistakes: Sequence[str], most: int = 5) -> str:
    more = len(mistakes) - most
    return "; ".join([*mistakes[:most], *([f"and {more:,} more"] if more > 0 else [])])


def _read_scl(path: Path, text: str) -> Rules:
    try:
        return rules_alike(text) or NamedConditions().from_nodes(parse_nodes(text, str(path)))
    except ScriptError as error:
        raise ValueError(_shown([_in_one_line(path, mistake) for mistake in error.mistakes])) from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _in_one_line(path: Path, mistake: Mistake) -> str:
    hint = f"; did you mean {mistake.suggestion!r}?" if mistake.suggestion else ""
    return f"{path}:{mistake.line}:{mistake.column}: {mistake.message}{hint}"


def _read_lines(path: Path, text: str, mistakes: list[str]) -> Iterator[tuple[str, Condition]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield _from_json(line)
            except ValueError as error:
                mistakes.append(f"{path}:{number}: {error}")


def _from_json(line: str) -> tuple[str, Condition]:
    try:
        given = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is no JSON: {error}") from error
    if not isinstance(given, dict) or given.keys() != set(_KEYS):
        unknown = next((key for key in given if key not in _KEYS), None) if isinstance(given, dict) else None
        near = nearest(unknown, _KEYS) if unknown is not None else None
        hint = f"; did you mean {near!r} by {unknown!r}?" if near else ""
        raise ValueError('a rule is an object such as {"rule": "hot", "condition": {"temp": {">": 30}}}' + hint)
    if not isinstance(given["rule"], str) or not isinstance(given["condition"], dict):
        raise ValueError("rule is a text, and condition an object")
    try:
        return given["rule"], Condition(given["condition"])
    except SpecError as error:
        raise ValueError(f"{given['rule']}: {str(error).removeprefix('condition: ')}") from error
