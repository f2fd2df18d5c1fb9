"""Which of many conditions hold of an event, at a cost that follows the event's fields and not the conditions.

Each condition is filed under the keys by which it is found most rarely (`access`): an equality in a hash table, a range
in a sorted list of bounds, else under the mere presence of a field. What an equality finds is narrowed down by one
range. A condition that the keys do not tell whole is then tried; one that no keys can tell is tried on every event.
The idea is that of publish/subscribe matchers (Fabret et al., "Filtering algorithms and implementation for very fast
publish/subscribe systems", SIGMOD 2001): access predicates, clustered by equality.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..errors import CallbackError
from .access import Access, Bound, Chain, Is, Key, There, access_to, bounds_of, told_by_keys
from .condition import Condition
from .dict_evaluator import values_at
from .values import classify, is_list

__all__ = ["RuleIndex"]

_QUICK: Final = {str: "text", int: "number", float: "number"}


class _Bounds:
    """Rules by the one bound that each sets, sorted: those that a value meets are at one end."""

    __slots__ = ("_bounds", "_rules", "_symbol")

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._bounds: list[Any] = []
        self._rules: list[int] = []

    def __len__(self) -> int:
        return len(self._rules)

    def add(self, bound: Any, rule: int) -> None:
        at = bisect_right(self._bounds, bound)
        self._bounds.insert(at, bound)
        self._rules.insert(at, rule)

    def remove(self, bound: Any, rule: int) -> None:
        at = self._rules.index(rule, bisect_left(self._bounds, bound))
        del self._bounds[at], self._rules[at]

    def met_by(self, value: Any) -> Sequence[int]:
        if value != value:  # NaN is on no side of anything
            return ()
        if self._symbol == ">":
            return self._rules[: bisect_left(self._bounds, value)]
        if self._symbol == ">=":
            return self._rules[: bisect_right(self._bounds, value)]
        if self._symbol == "<":
            return self._rules[bisect_right(self._bounds, value) :]
        return self._rules[bisect_left(self._bounds, value) :]


@dataclass(slots=True)
class _Bucket:
    """The rules that one key finds: some at once, some if a further bound is met."""

    rules: set[int] = field(default_factory=set)
    bounds: dict[tuple[Chain, str, str], _Bounds] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rules) + sum(map(len, self.bounds.values()))

    def file(self, bound: Bound | None, rule: int) -> None:
        if bound is None:
            self.rules.add(rule)
        else:
            place = (bound.chain, bound.kind, bound.symbol)
            self.bounds.setdefault(place, _Bounds(bound.symbol)).add(bound.value, rule)

    def unfile(self, bound: Bound | None, rule: int) -> None:
        if bound is None:
            self.rules.discard(rule)
            return
        place = (bound.chain, bound.kind, bound.symbol)
        self.bounds[place].remove(bound.value, rule)
        if not self.bounds[place]:
            del self.bounds[place]

    def find(self, event: Any, found: set[int]) -> None:
        if self.rules:
            found |= self.rules
        for (chain, kind, _), bounds in self.bounds.items():
            for value_kind, value in _values(event, chain):
                if value_kind == kind:
                    found.update(bounds.met_by(value))


def _values(event: Any, chain: Chain) -> list[tuple[str, Any]]:
    """Return the values at a chain of paths with their kinds."""
    if len(chain) == 1 and type(event) is dict:
        value = event.get(chain[0])
        quick = _QUICK.get(type(value))
        if quick is not None:
            return [(quick, value)]
    values = [event]
    for path in chain:
        values = [found for value in values for found in values_at(value, path)]
    return [classify(value) for value in values]


class _Place:
    """All that is filed under one chain of paths."""

    __slots__ = ("chain", "equal", "ranges", "there")

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.equal: dict[str, dict[Any, _Bucket]] = {}
        self.ranges = _Bucket()
        self.there: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self.equal or self.ranges.bounds or self.there)

    def bucket(self, key: Is) -> _Bucket | None:
        return self.equal.get(key.kind, {}).get(key.value)

    def file(self, key: Key, bound: Bound | None, rule: int) -> None:
        if isinstance(key, Is):
            self.equal.setdefault(key.kind, {}).setdefault(key.value, _Bucket()).file(bound, rule)
        elif isinstance(key, Bound):
            self.ranges.file(key, rule)
        else:
            self.there.add(rule)

    def unfile(self, key: Key, bound: Bound | None, rule: int) -> None:
        if isinstance(key, Bound):
            self.ranges.unfile(key, rule)
        elif isinstance(key, There):
            self.there.discard(rule)
        else:
            table = self.equal[key.kind]
            table[key.value].unfile(bound, rule)
            if not len(table[key.value]):
                del table[key.value]
            if not table:
                del self.equal[key.kind]

    def find(self, event: Any, found: set[int]) -> None:
        if self.equal or self.there:
            values = _values(event, self.chain)
            if values and self.there:
                found |= self.there
            for kind, value in values:
                table = self.equal.get(kind)
                bucket = table.get(value) if table else None
                if bucket is not None:
                    bucket.find(event, found)
        if self.ranges.bounds:
            self.ranges.find(event, found)


@dataclass(frozen=True, slots=True)
class _Filed:
    """Where a rule is filed, to find it again when it goes."""

    condition: Condition
    access: Access | None
    bound: Bound | None


class RuleIndex:
    """Finds the conditions that hold of an event. Not safe for use from several threads at once.

    >>> index = RuleIndex()
    >>> index.add(0, Condition({"sensor": "a", "temp": {">": 20}}))
    >>> index.add(1, Condition({"sensor": ["a", "b"]}))
    >>> index.match({"sensor": "a", "temp": 25}), index.match({"sensor": "b", "temp": 25})
    ([0, 1], [1])
    """

    def __init__(self) -> None:
        self._filed: dict[int, _Filed] = {}
        self._places: dict[Chain, _Place] = {}
        self._by_head: dict[str, list[_Place]] = {}
        self._always: set[int] = set()
        self._to_try: set[int] = set()

    def __len__(self) -> int:
        return len(self._filed)

    def add(self, rule: int, condition: Condition) -> None:
        """File a condition under a number that no other has. Matches come in the order of the numbers."""
        assert rule not in self._filed, f"there is a rule {rule} already"
        access = access_to(condition.rule, self._cost)
        bound = self._narrowing(condition, access)
        self._filed[rule] = _Filed(condition, access, bound)
        if access is None:
            self._always.add(rule)
        for key in access or ():
            self._place(key.chain).file(key, bound, rule)
        if access is None or not told_by_keys(condition.rule, access, bound):
            self._to_try.add(rule)

    def remove(self, rule: int) -> None:
        """Forget a condition. Raises KeyError if there is none of that number."""
        filed = self._filed.pop(rule)
        self._always.discard(rule)
        self._to_try.discard(rule)
        for key in filed.access or ():
            place = self._places[key.chain]
            place.unfile(key, filed.bound, rule)
            if not place:
                self._drop(place)

    def match(self, event: Any, on_error: Callable[[int, CallbackError], None] | None = None) -> list[int]:
        """Return the numbers of the conditions that hold of the event, in order.

        Args:
            event: what `Condition.matches` takes.
            on_error: called with the number of a condition in which a function raised, and the error; that condition
                does not match. Without it the error is raised.
        """
        found: set[int] = set()
        for place in self._places_for(event):
            place.find(event, found)
        to_try = found if is_list(event) else found & self._to_try
        failing = [rule for rule in to_try | self._always if not self._holds(rule, event, on_error)]
        return sorted((found | self._always).difference(failing)) if self._always or failing else sorted(found)

    def _holds(self, rule: int, event: Any, on_error: Callable[[int, CallbackError], None] | None) -> bool:
        try:
            return self._filed[rule].condition.matches(event)
        except CallbackError as error:
            if on_error is None:
                raise
            on_error(rule, error)
            return False

    def _places_for(self, event: Any) -> Iterable[_Place]:
        if type(event) is not dict or len(self._by_head) <= len(event):
            return self._places.values()
        return [place for key in event if key in self._by_head for place in self._by_head[key]]

    def _place(self, chain: Chain) -> _Place:
        if chain not in self._places:
            self._places[chain] = place = _Place(chain)
            for key in self._first_keys(chain):
                self._by_head.setdefault(key, []).append(place)
        return self._places[chain]

    def _drop(self, place: _Place) -> None:
        del self._places[place.chain]
        for key in self._first_keys(place.chain):
            self._by_head[key].remove(place)
            if not self._by_head[key]:
                del self._by_head[key]

    @staticmethod
    def _first_keys(chain: Chain) -> set[str]:
        """Return the keys of which an event must have one: the path as it stands, or its first part."""
        return {chain[0], chain[0].partition(".")[0]}

    def _cost(self, key: Key) -> float:
        """Return about how many rules are looked at when the key is met; equality before range before presence."""
        place = self._places.get(key.chain)
        if isinstance(key, Is):
            bucket = place.bucket(key) if place else None
            return 1 + (len(bucket) if bucket else 0)
        if isinstance(key, Bound):
            return 1e6 + (len(place.ranges) if place else 0)
        return 1e9 + (len(place.there) if place else 0)

    @staticmethod
    def _narrowing(condition: Condition, access: Access | None) -> Bound | None:
        """Return the range that narrows down what an equality finds, if the rule has one."""
        if not access or not all(isinstance(key, Is) for key in access):
            return None
        return next(iter(bounds_of(condition.rule)), None)
