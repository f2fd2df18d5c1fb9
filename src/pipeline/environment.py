"""`${NAME}` and `${NAME:-default}` in pipeline files. A value that came from the environment is never printed."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from ..fields import NUMBER, quote
from ..lexer import Group, ListValue, Scalar, Statement

__all__ = ["MissingVariableError", "redact", "resolve", "substitute", "uses_environment", "written_as"]

_REFERENCE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


class MissingVariableError(ValueError):
    """A variable is not set, and there is no default for it."""


def uses_environment(text: str) -> bool:
    """Tell whether the text refers to the environment."""
    return _REFERENCE.search(text) is not None


def substitute(text: str, environment: Mapping[str, str] | None = None) -> str:
    """Put the values of the environment in the place of `${NAME}`; an unset or empty one takes its default.

    Raises:
        MissingVariableError: a variable is not set, and there is no default.

    >>> substitute("${HOST:-localhost}:${PORT}", {"PORT": "5555"})
    'localhost:5555'
    """
    known = os.environ if environment is None else environment

    def value(match: re.Match[str]) -> str:
        name, default = match.groups()
        if default is not None:
            return known.get(name) or str(default)
        if name not in known:
            raise MissingVariableError(
                f"the environment variable {name} is not set; set it, or write ${{{name}:-default}}"
            )
        return known[name]

    return _REFERENCE.sub(value, text)


def redact(
    text: str, written: Iterable[str], environment: Mapping[str, str] | None = None, *, numbers: bool = True
) -> str:
    """Put `${NAME}` back where the value of a variable stands in a message; one of a few letters, as a word of its own.

    Args:
        text: the message.
        written: the texts with references, as they stand in the pipeline file.
        environment: that of the process, if not given.
        numbers: values that are numbers, too; no where the message counts things, which look alike.

    >>> redact("reader=csv: a/x.csv is missing", ["${OUT}/x.csv"], {"OUT": "a"})
    'reader=csv: ${OUT}/x.csv is missing'
    """
    known = os.environ if environment is None else environment
    names = {match[1] for source in written for match in _REFERENCE.finditer(source)}
    for name in sorted(names, key=lambda name: -len(known.get(name, ""))):
        value = known.get(name)
        if value and (numbers or not NUMBER.match(value)):
            found = re.escape(value)
            text = re.sub(found if len(value) > 3 else rf"(?<!\w){found}(?!\w)", f"${{{name}}}", text)
    return text


def written_as(value: Scalar | ListValue | Group) -> str:
    """Return a value as SCL text, references to the environment as they were written."""
    if isinstance(value, Scalar):
        return value.text or quote(str(value.value))
    if isinstance(value, ListValue):
        return "[" + " ".join(map(written_as, value.items)) + "]"
    from ..lexer import write as write_tree

    return "(" + write_tree([statement.plain() for statement in value.statements]).strip() + ")"


def resolve(value: Any) -> Any:
    """Return the node of a value with the values of the environment in the place of `${NAME}`, however deep.

    What stood without quotes is read as if it had been written in the file: a number is a number.
    """
    if isinstance(value, Scalar):
        return _resolve_scalar(value)
    if isinstance(value, ListValue):
        return dataclasses.replace(value, items=tuple(map(resolve, value.items)))
    return dataclasses.replace(value, statements=tuple(map(_resolve_statement, value.statements)))


def _resolve_scalar(value: Scalar) -> Scalar:
    if value.kind in ("keyword", "number") or not uses_environment(str(value.value)):
        return value
    text = substitute(str(value.value))
    if value.kind == "environment" and NUMBER.match(text):
        return dataclasses.replace(value, value=Decimal(text), kind="number")
    return dataclasses.replace(value, value=text, kind="string")


def _resolve_statement(statement: Statement) -> Statement:
    children = statement.children
    return dataclasses.replace(
        statement,
        value=resolve(statement.value),
        children=None if children is None else tuple(map(_resolve_statement, children)),
    )
