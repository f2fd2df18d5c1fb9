"""From a condition as it is written (mappings, lists, values) to the rules that it stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from ..errors import SpecError, nearest
from .operators import OPERATORS, operator_rule
from .rules import AnyOf, Call, Complement, Each, Equal, Fields, Negated, Rule, all_of, calls
from .values import LISTS, plain_number

__all__ = ["COMBINATORS", "condition_rule", "settled"]

COMBINATORS: Final = ("$or", "$and", "$nor", "$not")

_PRESENT: Final = Negated(AnyOf(()))


def _wrong(place: str, message: str, value: Any = None, **more: Any) -> SpecError:
    return SpecError("condition", message, option=place or None, value=value, **more)


def settled(written: Any, place: str = "") -> Any:
    """Copy what was written into dicts, lists and values; Decimals become numbers, lists of any sort become lists.

    Raises:
        SpecError: a key is not a text.
    """
    if isinstance(written, Mapping):
        for key in written:
            if not isinstance(key, str):
                raise _wrong(place, f"the key {key!r} is not a text", key)
        return {str(key): settled(value, _at(place, key)) for key, value in written.items()}
    if isinstance(written, LISTS) or (isinstance(written, Sequence) and not isinstance(written, str | bytes)):
        return [settled(value, place) for value in written]
    return plain_number(written) if isinstance(written, Decimal) else written


def _at(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def condition_rule(condition: dict[str, Any], place: str = "") -> Rule:
    """Return the rule that a settled condition stands for: all its keys are paths, save `$or` and the like.

    Raises:
        SpecError: an operator is unknown, or was given what it cannot take.
    """
    rules: list[Rule] = []
    for key, value in condition.items():
        if key.startswith("$"):
            rules.append(_combined(key, value, _at(place, key), _condition_within))
        else:
            rules.append(Fields(((key, _field_rule(value, _at(place, key))),)))
    return _joined(rules)


def _joined(rules: list[Rule]) -> Rule:
    """Join rules as `all_of` does; paths to plain values, which is what nearly all conditions are, at once."""
    if len(rules) == 1:
        return rules[0]
    if all(isinstance(rule, Fields) and not calls(rule) for rule in rules):
        return Fields(tuple(item for rule in rules if isinstance(rule, Fields) for item in rule.items))
    return all_of(rules)


def _condition_within(condition: Any, place: str) -> Rule:
    if not isinstance(condition, dict):
        raise _wrong(place, f"takes conditions, not {condition!r}", condition)
    return condition_rule(condition, place)


def _combined(name: str, given: Any, place: str, rule_of: Callable[[Any, str], Rule]) -> Rule:
    if name not in COMBINATORS:
        raise _wrong(place, f"unknown operator {name!r}", given, **_known(name, COMBINATORS))
    if name == "$not":
        if not isinstance(given, dict):
            raise _wrong(place, f"takes one condition, not {given!r}", given)
        return Complement(rule_of(given, place))
    if not isinstance(given, list):
        raise _wrong(place, f"takes a list of conditions, not {given!r}", given)
    for each in given:
        if not isinstance(each, dict):
            raise _wrong(place, f"takes a list of conditions, and {each!r} is none", each)
    rules = tuple(sorted((rule_of(each, place) for each in given), key=calls))
    return Each(rules) if name == "$and" else AnyOf(rules) if name == "$or" else Complement(AnyOf(rules))


def _field_rule(value: Any, place: str) -> Rule:
    """Return the rule for anything that a field takes: a value, a list, a function, operators, or fields below."""
    if isinstance(value, dict):
        return _object_rule(value, place)
    if isinstance(value, list):
        return AnyOf(tuple(sorted((_field_rule(each, place) for each in value), key=calls)))
    if isinstance(value, re.Pattern):
        return _operator("regex", value, place)
    return Call(value) if callable(value) else Equal(value)


def _object_rule(value: dict[str, Any], place: str) -> Rule:
    if not value:
        return _PRESENT
    names = [key for key in value if not key.startswith("$")]
    operators = [name for name in names if name in OPERATORS]
    unknown = [name for name in names if name not in OPERATORS and (operators or not re.search(r"\w", name))]
    if unknown:
        why = f" (beside {operators[0]!r}, which is one)" if operators else ""
        raise _wrong(place, f"unknown operator {unknown[0]!r}{why}", value, **_known(unknown[0], OPERATORS))
    rules: list[Rule] = []
    for key, each in value.items():
        if key.startswith("$"):
            rules.append(_combined(key, each, _at(place, key), _field_rule))
        elif operators:
            rules.append(_operator(key, each, place))
        else:
            rules.append(Fields(((key, _field_rule(each, _at(place, key))),)))
    return _joined(rules)


def _operator(name: str, operand: Any, place: str) -> Rule:
    try:
        return operator_rule(name, operand, lambda given: _field_rule(given, place))
    except SpecError:
        raise
    except ValueError as error:
        raise _wrong(place, f"{name} {error}", operand) from error


def _known(name: str, known: Sequence[str]) -> dict[str, Any]:
    symbols = {"==": "=", "<>": "!=", "=>": ">=", "=<": "<=", "~": "regex", "$gt": ">", "$lt": "<", "$in": "="}
    return {"allowed": known, "suggestion": symbols.get(name) or nearest(name, (*known, *COMBINATORS))}
