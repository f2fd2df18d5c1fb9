"""By which values of an event a rule can be found: keys of which at least one must be met for the rule to hold.

rule                                  keys
sensor = [a b]                        sensor is a, sensor is b
20 < temp <= 30                       temp in that span
temp > 20                             temp above 20
name prefix "x", wildcard "x*y", ...  name begins (or ends) with a text
a function, contains, not, ...        name is there
all of several                        the keys of the one that is met most rarely
any of several                        the keys of all
$not (...), exists: false             none: the rule has to be tried on every event
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import singledispatch
from typing import Any, Final, TypeAlias

from ..frozen import frozen
from .operators import wildcard_parts
from .rules import AllOf, AnyOf, Complement, Each, Equal, Exists, Fields, Ordered, Rule, TextTest

__all__ = [
    "FOLDED",
    "Affix",
    "Bound",
    "Chain",
    "Cost",
    "Finding",
    "Is",
    "Key",
    "Range",
    "Span",
    "There",
    "finding_of",
    "lone_name",
]

Chain: TypeAlias = tuple[str, ...]
"""Paths, one below the other: `{"a.b": {"c": 1}}` leads to ("a.b", "c")."""


def lone_name(chain: Chain) -> str | None:
    """Return the one key that the chain is, if it is no way down."""
    return chain[0] if len(chain) == 1 and "." not in chain[0] else None


FOLDED: Final = "folded"
"""The kind of a text whose case does not count, folded."""

_HASHED = frozenset(("number", "text", "time", "truth", "null"))


@frozen
class Is:
    """What stands at the chain is equal to a value of a kind."""

    chain: Chain
    kind: str
    value: Any


@frozen
class Affix:
    """What stands at the chain is a text that begins, or ends, with a text (of one letter at least)."""

    chain: Chain
    text: str
    at_end: bool
    folded: bool


@frozen
class Bound:
    """What stands at the chain is of a kind, and on that side of a value."""

    chain: Chain
    kind: str
    symbol: str
    value: Any


@frozen
class Span:
    """What stands at the chain is of a kind, above `low` and below `high`; the symbols say whether at them, too."""

    chain: Chain
    kind: str
    low_symbol: str
    low: Any
    high_symbol: str
    high: Any


@frozen
class There:
    """Something stands at the chain."""

    chain: Chain


Range: TypeAlias = Bound | Span
Key: TypeAlias = Is | Affix | Range | There
Cost: TypeAlias = Callable[[Key], float]


@frozen
class Access:
    """Keys of which at least one is met if a rule holds; `told`: and if one is met, the rule holds.

    That is so of events that are no lists; in a list, keys may be met by other elements than the one that counts.
    """

    keys: tuple[Key, ...]
    told: bool


@frozen
class Finding:
    """How the rule of a whole condition is found.

    Attributes:
        keys: at least one is met if the rule holds; None if no keys can tell.
        narrowing: ranges of one field, for each kind of value one, of which one is met, too; or none.
        rest: what must hold besides, of an event that is no list; None if that is all that the rule says.
    """

    keys: tuple[Key, ...] | None
    narrowing: tuple[Range, ...]
    rest: Rule | None


def finding_of(rule: Rule, cost: Cost) -> Finding:
    """Return the cheapest way to find a rule.

    Args:
        rule: the rule of a whole condition.
        cost: how many rules are found by a key already: the fewer, the better.
    """
    access = _access(rule, (), cost)
    if access is None or access.told:
        return Finding(access.keys if access else None, (), None if access else rule)
    fields = _lone_fields(rule)
    told = [path for path, each in fields.items() if Access(access.keys, told=True) == _access(each, (path,), cost)]
    ranges = _ranges(rule) if all(isinstance(key, Is | Affix) for key in access.keys) else {}
    if not ranges:
        return Finding(access.keys, (), _without(rule, told))
    path, narrowing = max(ranges.items(), key=lambda item: isinstance(item[1].keys[0], Span))
    told += [path] if narrowing.told and path in fields else []
    return Finding(access.keys, tuple(key for key in narrowing.keys if isinstance(key, Range)), _without(rule, told))


def _lone_fields(rule: Rule) -> dict[str, Rule]:
    """Return the fields at the top that are judged alone: no other path goes through a list that one may hold."""
    if isinstance(rule, AllOf):
        return {path: each for part in rule.rules for path, each in _lone_fields(part).items()}
    if not isinstance(rule, Fields):
        return {}
    return {path: each for members in rule.by_head().values() if len(members) == 1 for path, each in members}


def _without(rule: Rule, paths: list[str]) -> Rule | None:
    """Return what is left to be tested of a rule when some of its fields at the top are known to hold."""
    if isinstance(rule, AllOf):
        parts = [left for part in rule.rules if (left := _without(part, paths)) is not None]
        return AllOf(tuple(parts)) if parts else None
    if not isinstance(rule, Fields) or not paths:
        return rule
    items = tuple((path, each) for path, each in rule.items if path not in paths)
    return Fields(items) if items else None


@singledispatch
def _access(rule: Rule, chain: Chain, cost: Cost) -> Access | None:
    return Access((There(chain),), told=False) if chain else None


@_access.register(Complement)
def _access_to_complement(rule: Complement, chain: Chain, cost: Cost) -> Access | None:
    return None


@_access.register(Exists)
def _access_to_exists(rule: Exists, chain: Chain, cost: Cost) -> Access | None:
    return Access((There(chain),), told=False) if rule.wanted and chain else None


@_access.register(Equal)
def _access_to_equal(rule: Equal, chain: Chain, cost: Cost) -> Access | None:
    operands = _operands(rule)
    if any(kind not in _HASHED for kind, _ in operands):
        return Access((There(chain),), told=False)
    return Access(tuple(Is(chain, kind, value) for kind, value in operands), told=True)


def _operands(rule: Equal | Ordered) -> tuple[tuple[str, Any], ...]:
    return tuple((kind, value) for kind, value in rule.operands() if value == value)  # NaN is equal to nothing


@_access.register(TextTest)
def _access_to_text(rule: TextTest, chain: Chain, cost: Cost) -> Access | None:
    name, operand = rule.name, rule.operand
    folded = name in ("iequals", "iprefix", "isuffix")
    if name == "iequals":
        return Access((Is(chain, FOLDED, operand.casefold()),), told=True)
    if name in ("prefix", "iprefix"):
        return _affix(chain, operand, "", folded=folded, told=True)
    if name in ("suffix", "isuffix"):
        return _affix(chain, "", operand, folded=folded, told=True)
    if name == "regex":
        return _affix(chain, _literal_start(rule), "", told=False)
    return _access_to_wildcard(operand, chain) if name == "wildcard" else Access((There(chain),), told=False)


def _access_to_wildcard(pattern: str, chain: Chain) -> Access:
    first, *others = wildcard_parts(pattern)
    if not others:
        return Access((Is(chain, "text", first),), told=True)
    *middle, last = others
    return _affix(chain, first, last, told=not any(middle) and not (first and last))


def _affix(chain: Chain, start: str, end: str, *, folded: bool = False, told: bool) -> Access:
    """Return the longer of the two as a key."""
    at_end = len(end) > len(start)
    text = end if at_end else start
    if not text:
        return Access((There(chain),), told=False)
    return Access((Affix(chain, text.casefold() if folded else text, at_end, folded),), told)


def _literal_start(rule: TextTest) -> str:
    """Return letters with which all begins that a regular expression finds; "" if that is not plain to see."""
    pattern = getattr(rule.holds, "__self__", None)
    if not isinstance(pattern, re.Pattern) or pattern.flags != re.UNICODE or "|" in rule.operand:
        return ""
    literal = re.match(r"\^([\w /:,;@=<>!%&~'\"-]*)([?*+{]?)", rule.operand)
    if literal is None:
        return ""
    return literal[1][:-1] if literal[2] else literal[1]


@_access.register(Ordered)
def _access_to_ordered(rule: Ordered, chain: Chain, cost: Cost) -> Access | None:
    return _range([rule], chain, told=True)


@_access.register(AnyOf)
def _access_to_any(rule: AnyOf, chain: Chain, cost: Cost) -> Access | None:
    parts = [_access(each, chain, cost) for each in rule.rules]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    keys = dict.fromkeys(key for part in known for key in part.keys)
    return Access(tuple(keys), told=all(part.told for part in known))


@_access.register(Each)
def _access_to_each(rule: Each, chain: Chain, cost: Cost) -> Access | None:
    return _cheapest([_access(each, chain, cost) for each in rule.rules], cost)


@_access.register(AllOf)
def _access_to_all(rule: AllOf, chain: Chain, cost: Cost) -> Access | None:
    ordered, others = _split(rule)
    choices = [_access(each, chain, cost) for each in others]
    return _cheapest([*choices, _range(ordered, chain, told=True)] if ordered else choices, cost)


@_access.register(Fields)
def _access_to_fields(rule: Fields, chain: Chain, cost: Cost) -> Access | None:
    return _cheapest([_access(each, (*chain, path), cost) for path, each in rule.items], cost)


def _cheapest(choices: list[Access | None], cost: Cost) -> Access | None:
    known = [access for access in choices if access is not None]
    best = min(known, key=lambda access: sum(map(cost, access.keys)), default=None)
    return best if best is None or len(choices) == 1 else Access(best.keys, told=False)


def _split(rule: AllOf) -> tuple[list[Ordered], list[Rule]]:
    ordered = [each for each in rule.rules if isinstance(each, Ordered)]
    return ordered, [each for each in rule.rules if not isinstance(each, Ordered)]


def _range(rules: list[Ordered], chain: Chain, *, told: bool) -> Access:
    """Return the span, or the bound, that all of several sides of values come to, for each kind of value."""
    lows = [rule for rule in rules if rule.symbol in (">", ">=")]
    highs = [rule for rule in rules if rule.symbol in ("<", "<=")]
    if not lows or not highs:
        rule = rules[0]
        bounds = (Bound(chain, kind, rule.symbol, value) for kind, value in _operands(rule))
        return Access(tuple(bounds), told and len(rules) == 1)
    low, high = lows[0], highs[0]
    tops = dict(_operands(high))
    spans = (
        Span(chain, kind, low.symbol, value, high.symbol, tops[kind]) for kind, value in _operands(low) if kind in tops
    )
    return Access(tuple(spans), told and len(rules) == 2)


def _ranges(rule: Rule) -> dict[str, Access]:
    """Return the ranges that must hold besides whatever else must: those that can narrow down what a key finds."""
    if isinstance(rule, AllOf):
        return {path: access for each in rule.rules for path, access in _ranges(each).items()}
    found = {}
    for path, each in rule.items if isinstance(rule, Fields) else ():
        ordered, others = _split(each if isinstance(each, AllOf) else AllOf((each,)))
        if ordered:
            found[path] = _range(ordered, (path,), told=not others)
    return {path: access for path, access in found.items() if access.keys}
