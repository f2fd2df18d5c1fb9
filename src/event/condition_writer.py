"""From a condition to SCL that reads back equal."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from ..fields import NUMBER, quote
from .operators import COMPARISONS, OPERATORS, TEXT_TESTS

__all__ = ["write_condition"]

_KEY: Final = re.compile(r"\w+(?:\.\w+)*")
_SYMBOLS: Final = frozenset(("=", "!=", *COMPARISONS))
_BLOCKS: Final = {"$or": "any", "$nor": "none", "$and": "all", "$not": "not"}


def write_condition(condition: Mapping[str, Any]) -> str:
    """Write the statements of a condition, without parentheses around them.

    A `datetime` is written in ISO 8601 and read back as the text, which matches the same times.

    Raises:
        ValueError: SCL cannot say it: a function, a key that is no word, a comparison in a list.
    """
    return " ".join(_statements(condition))


def _statements(condition: Mapping[str, Any]) -> list[str]:
    written = []
    for key, value in condition.items():
        if key in _BLOCKS:
            written += _block(key, value, _statements)
        elif key in _BLOCKS.values() and _has_fields(value):
            raise ValueError(f"a field called {key} with more below it cannot be written in SCL")
        else:
            written += _field(_key(key), value)
    return written


def _has_fields(value: Any) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, Sequence) and any(isinstance(v, Mapping) for v in value))


def _key(key: str) -> str:
    if not _KEY.fullmatch(key) or NUMBER.match(key):
        raise ValueError(f"the field {key!r} cannot be written in SCL: it is no word, nor words with dots between")
    return key


def _block(name: str, given: Any, statements: Any) -> list[str]:
    if name == "$not":
        return [f"not=({' '.join(statements(given))})"]
    if name == "$and":
        if not given:
            raise ValueError("$and of nothing cannot be written in SCL")
        return [f"all=({' '.join(statements(each))})" for each in given]
    return [f"{_BLOCKS[name]}=({' '.join(_one(statements(each)) for each in given)})"]


def _one(written: list[str]) -> str:
    """Return one statement for an alternative: itself, or all its statements in a block."""
    return written[0] if len(written) == 1 and not written[0].startswith("all=(") else f"all=({' '.join(written)})"


def _field(key: str, value: Any) -> list[str]:
    if isinstance(value, re.Pattern):
        value = _as_object(value)
    if isinstance(value, list) and any(isinstance(each, Mapping | re.Pattern) for each in value):
        return [f"{key}=({' '.join(_block('$or', [_as_object(each) for each in value], _within))})"]
    if not isinstance(value, Mapping):
        return [f"{key}={_value(value)}"]
    symbols = [symbol for symbol in ("=", "!=", *COMPARISONS) if symbol in value]
    written = [f"{key}{symbol}{_value(value[symbol])}" for symbol in symbols]
    again = [each for each in value.get("$and", ()) if each.keys() & value.keys() & _SYMBOLS]
    rest = {name: each for name, each in value.items() if name not in _SYMBOLS and not (name == "$and" and again)}
    if set(rest) == {"regex"} and not isinstance(rest["regex"], list):
        return [*written, f"{key}~{_value(_pattern(rest['regex']))}"]
    if rest or not value:
        written.append(f"{key}=({' '.join(_within(rest))})")
    for each in value["$and"] if again else ():  # `temp>0 temp>5`: the second of a kind
        written += _field(key, each)
    return written


def _as_object(value: Any) -> Mapping[str, Any]:
    if isinstance(value, re.Pattern):
        return {"regex": value}
    return value if isinstance(value, Mapping) else {"=": value}


def _pattern(operand: Any) -> Any:
    """Return the text of a regular expression, or the texts of a list of them."""
    if isinstance(operand, list):
        return [_pattern(each) for each in operand]
    if isinstance(operand, re.Pattern) and operand.flags == re.compile("").flags:
        return operand.pattern
    return operand


def _within(rule: Mapping[str, Any]) -> list[str]:
    """Write what stands in the parentheses behind a field: operators, or fields below."""
    written: list[str] = []
    for key, value in rule.items():
        if key in _SYMBOLS:
            raise ValueError(f"{key} within a list, `$or` or `not` of one field cannot be written in SCL; use any=( )")
        if key == "$not":
            written += _block("$nor", [value], _within)
        elif key in _BLOCKS:
            written += _block(key, value, _within)
        elif key == "exists" and isinstance(value, bool):
            written.append(f"exists={'yes' if value else 'no'}")
        elif key in TEXT_TESTS and not isinstance(value, Mapping):
            written.append(f"{key}={_value(_pattern(value) if key == 'regex' else value)}")
        elif key in OPERATORS and isinstance(value, Mapping):
            written.append(f"{key}=({' '.join(_within(value))})")
        else:
            written += _field(_key(key), value)
    return written


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "[" + " ".join(_value(each) for each in value) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return repr(value)
    if isinstance(value, str):
        return f'"{value}"' if value in ("true", "false", "null") else quote(str(value))
    if isinstance(value, datetime | date):
        return quote(value.isoformat())
    raise ValueError(f"{value!r} cannot be written in SCL")
