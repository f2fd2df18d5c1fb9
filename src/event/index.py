"""Which of many conditions hold of an event, at a cost that follows the event's fields and not the conditions.

Each condition is filed under the keys by which it is found most rarely (`access`): an equality or the beginning or end
of a text in a hash table, a range in sorted lists, else under the mere presence of a field. What a hash table finds is
narrowed down by a range. A condition that this does not tell whole must be tested: those of one shape all together
(`scans`), and each on its own where the event or the condition is odd. One that no keys can tell is tested on every
event. The idea is that of publish/subscribe matchers (Fabret et al., "Filtering algorithms and implementation for very
fast publish/subscribe systems", SIGMOD 2001): access predicates, clustered by equality.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

from ..errors import CallbackError
from .access import Affix, Chain, Is, Key, Span, There, finding_of
from .condition import Condition
from .filing import Filed, Parts, Place, add_to, remove_from
from .rules import Rule
from .scans import CAREFUL, Shape, shape_of
from .values import is_list

__all__ = ["RuleIndex"]


class RuleIndex:
    """Finds the conditions that hold of an event. Not safe for use from several threads at once.

    >>> index = RuleIndex()
    >>> index.add(0, Condition({"sensor": "a", "temp": {">": 20}}))
    >>> index.add(1, Condition({"sensor": ["a", "b"]}))
    >>> index.match({"sensor": "a", "temp": 25}), index.match({"sensor": "b", "temp": 25})
    ([0, 1], [1])
    """

    def __init__(self) -> None:
        self._conditions: dict[int, Condition] = {}
        self._filed: dict[int, Filed] = {}
        self._places: dict[Chain, Place] = {}
        self._by_head: dict[str, list[Place]] = {}
        self._always: Parts = {}
        self._shapes: WeakValueDictionary[str, Shape] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._filed)

    def add(self, rule: int, condition: Condition) -> None:
        """File a condition under a number that no other has. Matches come in the order of the numbers."""
        assert rule not in self._filed, f"there is a rule {rule} already"
        finding = finding_of(condition.rule, self._cost)
        shape, row = (None, rule) if finding.rest is None else self._to_test(rule, finding.rest)
        filed = Filed(rule, finding, shape, row)
        self._conditions[rule], self._filed[rule] = condition, filed
        if finding.keys is None:
            add_to(self._always, filed, ())
        for key in finding.keys or ():
            self._place(key.chain).add(key, filed)

    def _to_test(self, rule: int, rest: Rule) -> tuple[Shape, tuple[Any, ...]]:
        source, constants = shape_of(rest)
        shape = CAREFUL if source is None else self._shapes.get(source)
        if shape is None:
            self._shapes[source or ""] = shape = Shape(source)
        return shape, (rule, *constants)

    def remove(self, rule: int) -> None:
        """Forget a condition. Raises KeyError if there is none of that number."""
        filed = self._filed.pop(rule)
        del self._conditions[rule]
        if filed.finding.keys is None:
            remove_from(self._always, filed, ())
        for key in filed.finding.keys or ():
            place = self._places[key.chain]
            place.remove(key, filed)
            if not place:
                self._drop(place)

    def match(self, event: Any, on_error: Callable[[int, CallbackError], None] | None = None) -> list[int]:
        """Return the numbers of the conditions that hold of the event, in order.

        Args:
            event: what `Condition.matches` takes.
            on_error: called with the number of a condition in which a function raised, and the error; that condition
                does not match. Without it the error is raised.
        """
        found: list[int] = []
        doubtful: set[int] = set()
        if type(event) is not dict or len(self._by_head) <= len(event):
            for place in self._places.values():
                place.find(event, found, doubtful)
        else:
            for key in event:
                for place in self._by_head.get(key, ()):
                    place.find(event, found, doubtful)
        if self._always:
            for part in self._always.values():
                part.find(event, found, doubtful)
        if type(event) is not dict and is_list(event):  # keys may be met by several elements, a rule only by one
            doubtful.update(found)
            found = []
        if doubtful:
            found += [rule for rule in sorted(doubtful) if self._holds(rule, event, on_error)]
        return sorted(set(found)) if len(found) > 1 else found

    def _holds(self, rule: int, event: Any, on_error: Callable[[int, CallbackError], None] | None) -> bool:
        condition = self._conditions.get(rule)
        if condition is None:  # forgotten by a function in another condition
            return False
        try:
            return condition.matches(event)
        except CallbackError as error:
            if on_error is None:
                raise
            on_error(rule, error)
            return False

    def _place(self, chain: Chain) -> Place:
        if chain not in self._places:
            self._places[chain] = place = Place(chain)
            for key in self._first_keys(chain):
                self._by_head.setdefault(key, []).append(place)
        return self._places[chain]

    def _drop(self, place: Place) -> None:
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
        """Return about how many rules are looked at when the key is met; what is looked up in a table comes first."""
        place = self._places.get(key.chain)
        filed = place.count(key) if place else 0
        if isinstance(key, Is | Affix):
            return (1 if isinstance(key, Is) else 2) + filed
        return filed + (1e9 if isinstance(key, There) else 1e3 if isinstance(key, Span) else 1e6)
