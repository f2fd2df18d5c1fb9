"""The operators of conditions: from an operator's name and operand to the rule that it stands for.

name                                       operand                       true of
=  !=                                      any value; a list is OR/NOR   any value that is there
>  >=  <  <=                               number, text, time            a value of the same kind
prefix suffix contains wildcard regex      text, or a list of texts      a text
iequals iprefix isuffix                    text, or a list (any case)    a text
cidr                                       "10.0.0.0/8", or a list       a text that is an IP address within
exists                                     true or false                 leaf values
not                                        anything that a field takes   any value that is there
"""

from __future__ import annotations

import functools
import ipaddress
import operator
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from .rules import AnyOf, Equal, Exists, Negated, Ordered, Rule, TextTest
from .values import LISTS, classify

__all__ = ["COMPARISONS", "OPERATORS", "TEXT_TESTS", "operator_rule", "wildcard_parts"]

COMPARISONS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def wildcard_parts(pattern: str) -> list[str]:
    r"""Split a wildcard pattern at its stars; `\*` is a star and `\\` a backslash.

    >>> wildcard_parts(r"a*b\*c")
    ['a', 'b*c']

    Raises:
        ValueError: a backslash stands before anything else.
    """
    parts = [""]
    letters: Iterator[str] = iter(pattern)
    for letter in letters:
        if letter == "*":
            parts.append("")
            continue
        if letter == "\\":
            letter = next(letters, "")
            if letter not in ("*", "\\"):
                raise ValueError(f"{pattern!r}: a backslash stands before '*' or a backslash only")
        parts[-1] += letter
    return parts


def _is_prefix(operand: str) -> Callable[[str], Any]:
    return lambda text: text.startswith(operand)


def _is_suffix(operand: str) -> Callable[[str], Any]:
    return lambda text: text.endswith(operand)


def _is_within(operand: str) -> Callable[[str], Any]:
    return lambda text: operand in text


def _wildcard(operand: str) -> Callable[[str], Any]:
    first, *others = wildcard_parts(operand)
    if not others:
        return lambda text: text == first
    *middle, last = others

    def holds(text: str) -> bool:
        # Taking the leftmost place of each part in turn finds a match if there is one: no backtracking.
        if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
            return False
        at, end = len(first), len(text) - len(last)
        for part in middle:
            at = text.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True

    return holds


def _regex(operand: str) -> Callable[[str], Any]:
    try:
        return re.compile(operand).search
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{operand!r} is not a regular expression: {error}") from error


def _ignoring_case(test: Callable[[str], Callable[[str], Any]]) -> Callable[[str], Callable[[str], Any]]:
    def build(operand: str) -> Callable[[str], Any]:
        holds = test(operand.casefold())
        return lambda text: holds(text.casefold())

    return build


def _cidr(operand: str) -> Callable[[str], Any]:
    if "/" not in operand:
        raise ValueError(f"{operand!r} is not a network such as 10.0.0.0/8 or 2001:db8::/32")
    try:
        network = ipaddress.ip_network(operand, strict=False)
    except ValueError as error:
        raise ValueError(f"{operand!r} is not a network such as 10.0.0.0/8 or 2001:db8::/32: {error}") from error

    def holds(text: str) -> bool:
        try:
            return ipaddress.ip_address(text) in network
        except ValueError:  # the text is no address, so it is in no network
            return False

    return holds


TEXT_TESTS: Final[dict[str, Callable[[str], Callable[[str], Any]]]] = {
    "prefix": _is_prefix,
    "suffix": _is_suffix,
    "contains": _is_within,
    "wildcard": _wildcard,
    "regex": _regex,
    "iequals": _ignoring_case(lambda operand: lambda text: text == operand),
    "iprefix": _ignoring_case(_is_prefix),
    "isuffix": _ignoring_case(_is_suffix),
    "cidr": _cidr,
}

OPERATORS: Final[tuple[str, ...]] = ("=", "!=", *COMPARISONS, *TEXT_TESTS, "not", "exists")
"""Every operator that an operator object may hold."""


def _ordered(symbol: str, operand: Any) -> Rule:
    if classify(operand)[0] not in ("number", "text", "time"):
        raise ValueError(f"takes a number, a text or a time, not {_shown(operand)}")
    return Ordered(symbol, operand)


def _text_test(name: str, operand: Any) -> Rule:
    if isinstance(operand, LISTS):
        return AnyOf(tuple(_text_test(name, each) for each in operand))
    if name == "regex" and isinstance(operand, re.Pattern) and isinstance(operand.pattern, str):
        return TextTest(name, operand.pattern, operand.search)
    if not isinstance(operand, str):
        raise ValueError(f"takes a text, not {_shown(operand)}")
    return TextTest(name, operand, TEXT_TESTS[name](operand))


def _equal(operand: Any) -> Rule:
    if isinstance(operand, LISTS):
        return AnyOf(tuple(_equal(each) for each in operand))
    if isinstance(operand, dict) or callable(operand):
        raise ValueError(f"takes a plain value, not {_shown(operand)}")
    return Equal(operand)


def _exists(operand: Any) -> Rule:
    if not isinstance(operand, bool):
        raise ValueError(f"takes true or false, not {_shown(operand)}")
    return Exists(operand)


def _shown(operand: Any) -> str:
    return f"{operand!r} ({type(operand).__name__})"


_RULES: Final[dict[str, Callable[[Any], Rule]]] = {
    "=": _equal,
    "!=": lambda operand: Negated(_equal(operand)),
    "exists": _exists,
    **{symbol: functools.partial(_ordered, symbol) for symbol in COMPARISONS},
    **{name: functools.partial(_text_test, name) for name in TEXT_TESTS},
}


def operator_rule(name: str, operand: Any, rule_of: Callable[[Any], Rule]) -> Rule:
    """Return the rule that an operator stands for.

    Args:
        name: one of `OPERATORS`.
        operand: what the operator was given.
        rule_of: turns anything that a field takes into a rule (for the operand of `not`).

    Raises:
        ValueError: the operand is none for this operator; the sentence begins with what the operator takes.
    """
    return Negated(rule_of(operand)) if name == "not" else _RULES[name](operand)
