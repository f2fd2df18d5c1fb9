"""What a condition is made of: a small tree of rules, each of them true or false of one value of an event.

`Fields` goes down into the value, `AllOf`, `Each`, `AnyOf` and `Complement` combine, the others look at the value
itself. The tree says what must hold and knows nothing of how it is found out: the evaluators (`dict_evaluator`,
`frame_evaluator`), the index and the check against columns are functions over it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from ..frozen import frozen
from .values import classify, iso_time

__all__ = [
    "AllOf",
    "AnyOf",
    "Call",
    "Complement",
    "Each",
    "Equal",
    "Exists",
    "Fields",
    "Negated",
    "Ordered",
    "Rule",
    "TextTest",
    "all_of",
    "below",
    "calls",
    "paths",
]


@frozen(eq=False)
class Equal:
    """The value is of the same kind as `value`, and equal to it."""

    value: Any

    def operands(self) -> tuple[tuple[str, Any], ...]:
        """Return the kinds and the comparable values that are right; an ISO 8601 text is also the time it names."""
        kind, value = classify(self.value)
        time = iso_time(value) if kind == "text" else None
        return ((kind, value),) if time is None else ((kind, value), ("time", time))


@frozen(eq=False)
class Ordered:
    """The value is of the same kind as `value` (a number, a text or a time) and stands on that side of it."""

    symbol: str
    value: Any

    def operands(self) -> tuple[tuple[str, Any], ...]:
        """Return the kinds and the comparable values to compare with, as `Equal.operands` does."""
        return Equal(self.value).operands()


@frozen(eq=False)
class TextTest:
    """The value is a text, and `holds` of it. `name` and `operand` say which test it is, for whoever can do better."""

    name: str
    operand: str
    holds: Callable[[str], Any]


@frozen(eq=False)
class Call:
    """The value is there, and the user's function returns true of it."""

    function: Callable[[Any], Any]


@frozen(eq=False)
class Exists:
    """There is a leaf: a value that is neither a mapping nor an empty list. Or, if not `wanted`, there is none."""

    wanted: bool


@frozen(eq=False)
class Negated:
    """The value is there, and `rule` does not hold of it."""

    rule: Rule


@frozen(eq=False)
class Complement:
    """`rule` does not hold; nothing needs to be there."""

    rule: Rule


@frozen(eq=False)
class AnyOf:
    """At least one rule holds; none of none does."""

    rules: tuple[Rule, ...]


@frozen(eq=False)
class AllOf:
    """All rules hold, and in a list for the same element. All of none do."""

    rules: tuple[Rule, ...]


@frozen(eq=False)
class Each:
    """All rules hold, each judged on its own: in a list below, one may be met by another element than the next."""

    rules: tuple[Rule, ...]


@frozen(eq=False)
class Fields:
    """For each (path, rule): the rule holds of what stands at the path, all for the same element of a list."""

    items: tuple[tuple[str, Rule], ...]

    def by_head(self) -> dict[str, list[tuple[str, Rule]]]:
        """Group the items by the first part of their paths, in order."""
        groups: dict[str, list[tuple[str, Rule]]] = {}
        for path, rule in self.items:
            groups.setdefault(path.partition(".")[0], []).append((path, rule))
        return groups


_COMPARING: Final = (Equal, Ordered)

Rule: TypeAlias = Equal | Ordered | TextTest | Call | Exists | Negated | Complement | AnyOf | AllOf | Each | Fields


def all_of(rules: list[Rule]) -> Rule:
    """Join rules on one value into one rule: paths merged, so that they meet in one element of a list; calls last."""
    flat = [part for rule in rules for part in (rule.rules if isinstance(rule, AllOf) else (rule,))]
    flat.sort(key=calls)
    paths = sorted((item for rule in flat if isinstance(rule, Fields) for item in rule.items), key=_item_calls)
    joined: list[Rule] = []
    for rule in flat:
        if not isinstance(rule, Fields):
            joined.append(rule)
        elif paths:
            joined.append(Fields(tuple(paths)))
            paths = []
    joined.sort(key=calls)
    return joined[0] if len(joined) == 1 else AllOf(tuple(joined))


def below(members: list[tuple[str, Rule]]) -> Rule:
    """Return what must hold of the value at the head that the paths of `members` share."""
    return all_of([Fields(((path.partition(".")[2], rule),)) if "." in path else rule for path, rule in members])


def calls(rule: Rule) -> bool:
    """Tell whether a function of the user's is called to judge the rule."""
    if isinstance(rule, _COMPARING):  # nearly all are, and of these there are thousands
        return False
    if isinstance(rule, Fields):
        return any(map(_item_calls, rule.items))
    if isinstance(rule, Negated | Complement):
        return calls(rule.rule)
    if isinstance(rule, AnyOf | AllOf | Each):
        return any(map(calls, rule.rules))
    return isinstance(rule, Call)


def paths(rule: Rule) -> frozenset[str]:
    """Return the paths, from the whole event on, of what is looked at to judge the rule."""
    if isinstance(rule, Fields):
        return frozenset(path for path, _ in rule.items)
    if isinstance(rule, Negated | Complement):
        return paths(rule.rule)
    if isinstance(rule, AnyOf | AllOf | Each):
        return frozenset().union(*map(paths, rule.rules))
    return frozenset()


def _item_calls(item: tuple[str, Rule]) -> bool:
    return calls(item[1])
