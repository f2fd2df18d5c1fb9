"""A line of SCL as a record: what command logs are written in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ..errors import ScriptError
from .payload_base import UnreadableError, to_text

__all__ = ["SclPayload", "to_record"]


class SclPayload:
    """SCL statements, whose keys become the fields.

    `command=slew(id=17 az=12.5)` is the record `{"command": "slew", "id": 17, "az": 12.5}`: the children stand beside
    the value. A child that has children is an object of its own, in which its value is called `value`:
    `target=star(ra=1)` inside is `{"target": {"value": "star", "ra": 1}}`, and `limits=(low=1 high=2)` is
    `{"limits": {"low": 1, "high": 2}}`. Several statements on one line are one record.
    """

    textual: bool = False
    blank_lines: bool = False
    comment: bytes = b"#"

    def __init__(self) -> None:
        from ..lexer import parse

        self._parse = parse

    def decode(self, data: bytes) -> dict[str, Any]:
        try:
            statements = self._parse(to_text(data))
        except ScriptError as error:
            first = error.mistakes[0]
            raise UnreadableError(f"not SCL: column {first.column}: {first.message}") from None
        if not statements:
            raise UnreadableError("an empty message")
        return to_record(statements)


def to_record(statements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the record that a line of parsed statements means, or raise UnreadableError."""
    record: dict[str, Any] = {}
    for statement in statements:
        _check_operator(statement)
        if _has_object(statement):
            _add(record, statement["key"], _fields(statement["value"]))
        else:
            _add(record, statement["key"], _plain(statement["value"]))
            for name, value in _fields(statement.get("children", ())).items():
                _add(record, name, value)
    return record


def _fields(statements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what stands in a pair of parentheses as an object."""
    fields: dict[str, Any] = {}
    for statement in statements:
        _check_operator(statement)
        _add(fields, statement["key"], _value(statement))
    return fields


def _value(statement: Mapping[str, Any]) -> Any:
    if _has_object(statement):
        return _fields(statement["value"])
    if "children" not in statement:
        return _plain(statement["value"])
    children = _fields(statement["children"])
    _add(children, "value", _plain(statement["value"]))
    return {"value": children.pop("value"), **children}


def _has_object(statement: Mapping[str, Any]) -> bool:
    """Tell `key=(a=1)`, whose value is its list of children, from `key=[a b]`."""
    value = statement["value"]
    return isinstance(value, list) and bool(value) and all(isinstance(element, Mapping) for element in value)


def _check_operator(statement: Mapping[str, Any]) -> None:
    if statement.get("op", "=") != "=":
        raise UnreadableError(f"{statement['key']}{statement['op']}... is a comparison; a record has key=value only")


def _add(fields: dict[str, Any], name: str, value: Any) -> None:
    if name in fields:
        raise UnreadableError(f"the field {name!r} is given twice")
    fields[name] = value


def _plain(value: Any) -> Any:
    """Return numbers as int where they are written without a point, else as float."""
    if isinstance(value, Decimal):
        return int(value) if value.as_tuple().exponent == 0 else float(value)
    if isinstance(value, list):
        return [_plain(element) for element in value]
    return value
