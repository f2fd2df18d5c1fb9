"""`--set stage.option=value`: options that override what a pipeline file says."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ..errors import ScriptError
from ..fields import quote
from ..lexer import Statement, parse_nodes

__all__ = ["moved", "parsed_settings"]


def parsed_settings(settings: Sequence[tuple[str, str]]) -> dict[str, dict[str, Statement]]:
    """Parse `stage.option` and its value into a statement each, by stage and option."""
    parsed: dict[str, dict[str, Statement]] = {}
    for name, value in settings:
        stage, _, item = name.rpartition(".")
        parsed.setdefault(stage, {})[item] = _statement(value) or parse_nodes(f"value={quote(value)}")[0]
    return parsed


def _statement(value: str) -> Statement | None:
    """Return the value as SCL, or None if it is none: it is meant as text then, and needs no quotes in a shell."""
    try:
        statements = parse_nodes(f"value={value}")
    except ScriptError:
        return None
    return statements[0] if len(statements) == 1 and statements[0].children is None else None


def moved(setting: Statement, statement: Statement) -> Statement:
    """Return the setting as if it stood where the stage does: that is where a mistake in it is shown."""
    place = {"line": statement.line, "column": statement.column, "length": statement.length}
    return dataclasses.replace(setting, value=dataclasses.replace(setting.value, **place), **place)  # type: ignore[arg-type]
