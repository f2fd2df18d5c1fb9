"""By which values of an event a rule can be found: keys of which at least one must be met for the rule to hold.

rule                                keys
sensor = [a b]                      sensor is a, sensor is b
temp > 20                           temp > 20
name prefix "x", a function, ...    name is there
all of several                      the keys of the one that is met most rarely
any of several                      the keys of all
not (...), exists: false            none: the rule has to be tried on every event
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch
from typing import Any, TypeAlias

from .rules import AllOf, AnyOf, Complement, Each, Equal, Exists, Fields, Ordered, Rule

__all__ = ["Access", "Bound", "Chain", "Is", "Key", "There", "access_to", "bounds_of", "told_by_keys"]

Chain: TypeAlias = tuple[str, ...]
"""Paths, one below the other: `{"a.b": {"c": 1}}` leads to ("a.b", "c")."""

_HASHED = frozenset(("number", "text", "time", "truth", "null"))


@dataclass(frozen=True, slots=True)
class Is:
    """What stands at the chain is equal to a value of a kind."""

    chain: Chain
    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Bound:
    """What stands at the chain is of a kind, and on that side of a value."""

    chain: Chain
    kind: str
    symbol: str
    value: Any


@dataclass(frozen=True, slots=True)
class There:
    """Something stands at the chain."""

    chain: Chain


Key: TypeAlias = Is | Bound | There
Access: TypeAlias = list[Key]


def access_to(rule: Rule, cost: Callable[[Key], float]) -> Access | None:
    """Return the cheapest keys of which one must be met for the rule to hold; None if no keys can tell.

    Args:
        rule: the rule of a whole condition.
        cost: how many rules are found by a key already: the fewer, the better.
    """
    return _access(rule, (), cost)


@singledispatch
def _access(rule: Rule, chain: Chain, cost: Callable[[Key], float]) -> Access | None:
    return [There(chain)] if chain else None


@_access.register(Complement)
def _access_to_complement(rule: Complement, chain: Chain, cost: Callable[[Key], float]) -> Access | None:
    return None


@_access.register(Exists)
def _access_to_exists(rule: Exists, chain: Chain, cost: Callable[[Key], float]) -> Access | None:
    return [There(chain)] if rule.wanted and chain else None


@_access.register(Equal)
def _access_to_equal(rule: Equal, chain: Chain, cost: Callable[[Key], float]) -> Access | None:
    operands = [(kind, value) for kind, value in rule.operands() if value == value]  # NaN is equal to nothing
    if any(kind not in _HASHED for kind, _ in operands):
        return [There(chain)]
    return [Is(chain, kind, value) for kind, value in operands]


@_access.register(Ordered)
def _access_to_ordered(rule: Ordered, chain: Chain, cost: Callable[[Key], float]) -> Access | None:
    operands = [(kind, value) for kind, value in rule.operands() if value == value]
    return [Bound(chain, kind, rule.symbol, value) for kind, value in operands]


@_access.register(AnyOf)
def _access_to_any(rule: AnyOf, chain: Chain, cost: Callable[[Key], float]) -> Access | None:
    keys: Access = []
    for each in rule.rules:
        known = _access(each, chain, cost)
        if known is None:
            return None
        keys += known
    return list(dict.fromkeys(keys))


@_access.register(AllOf)
@_access.register(Each)
def _access_to_all(rule: AllOf | Each, chain: Chain, cost: Callable[[Key], float]) -> Access | None:
    return _cheapest([_access(each, chain, cost) for each in rule.rules], cost)


@_access.register(Fields)
def _access_to_fields(rule: Fields, chain: Chain, cost: Callable[[Key], float]) -> Access | None:
    return _cheapest([_access(each, (*chain, path), cost) for path, each in rule.items], cost)


def _cheapest(choices: list[Access | None], cost: Callable[[Key], float]) -> Access | None:
    known = [keys for keys in choices if keys is not None]
    return min(known, key=lambda keys: sum(map(cost, keys)), default=None)


def bounds_of(rule: Rule) -> list[Bound]:
    """Return the ranges that must hold besides whatever else must: those that can narrow down what a key finds."""
    if isinstance(rule, AllOf):
        return [bound for each in rule.rules for bound in bounds_of(each)]
    items = rule.items if isinstance(rule, Fields) else ()
    found: list[Bound] = []
    for path, each in items:
        ordered = [part for part in (each.rules if isinstance(each, AllOf) else (each,)) if isinstance(part, Ordered)]
        keys = [_access_to_ordered(part, (path,), lambda key: 0) or [] for part in ordered]
        found += [key for known in keys if len(known) == 1 for key in known if isinstance(key, Bound)]
    return found


def told_by_keys(rule: Rule, access: Access, bound: Bound | None) -> bool:
    """Tell whether the keys, and the bound if there is one, say all that the rule says of an event that is no list."""
    if not isinstance(rule, Fields) or any("." in path for path, _ in rule.items):
        return False
    if any(isinstance(key, There) for key in access):
        return False
    said = {chain[0] for chain in [key.chain for key in access] + ([bound.chain] if bound else []) if len(chain) == 1}
    return (
        len(rule.items) == len({path for path, _ in rule.items}) == len(said) == (2 if bound else 1)
        and all(path in said for path, _ in rule.items)
        and all(_is_plain(each) for _, each in rule.items)
    )


def _is_plain(rule: Rule) -> bool:
    if isinstance(rule, AnyOf):
        return all(isinstance(each, Equal) for each in rule.rules)
    return isinstance(rule, Equal | Ordered)
