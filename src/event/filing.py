"""Where the rules of an index are filed: by field, then by the key that finds them, then in parts (`parts`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from ..frozen import frozen
from .access import FOLDED, Affix, Bound, Chain, Finding, Is, Key, Range, Span, lone_name
from .dict_evaluator import values_of
from .parts import Part, Sides, Spans, Whole
from .scans import Shape
from .values import KIND_OF, MISSING

__all__ = ["Filed", "Parts", "Place", "add_to", "count", "remove_from"]

Parts: TypeAlias = dict[Any, Part]
"""What a key finds, by the sort of each part."""


@frozen
class Filed:
    """What a rule is filed as.

    Attributes:
        rule: its number.
        finding: the keys under which it is filed, and the ranges that narrow down what they find.
        shape: None if nothing is left to be tested when it is found.
        row: its number, or that and its constants if there is a shape.
    """

    rule: int
    finding: Finding
    shape: Shape | None
    row: Any


def count(parts: Iterable[Part]) -> int:
    """Return how many rows there are."""
    return sum(map(len, parts))


def add_to(parts: Parts, filed: Filed, ranges: Sequence[Range]) -> None:
    """Add a rule to what a key finds, so that it is found by values in one of the ranges; if there are none, always."""
    for key in ranges or (None,):
        sort = _sort(key, filed.shape)
        part = parts.get(sort)
        if part is None:
            parts[sort] = part = _part(key, filed.shape)
        part.add(key, filed.rule, filed.row)


def remove_from(parts: Parts, filed: Filed, ranges: Sequence[Range]) -> None:
    """Forget a rule that was added so."""
    for key in ranges or (None,):
        sort = _sort(key, filed.shape)
        parts[sort].remove(key, filed.rule, filed.row)
        if not len(parts[sort]):
            del parts[sort]


def _sort(key: Range | None, shape: Shape | None) -> Any:
    if key is None:
        return shape
    symbols = (key.low_symbol, key.high_symbol) if isinstance(key, Span) else (key.symbol,)
    return key.chain, key.kind, symbols, shape


def _part(key: Range | None, shape: Shape | None) -> Part:
    if key is None:
        return Whole(shape)
    return Spans(key, shape) if isinstance(key, Span) else Sides(key, shape)


class Place:
    """All that is filed under one chain of paths."""

    __slots__ = ("_affixes", "_equal", "_folds", "_name", "_ranges", "_there", "chain")

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self._name = lone_name(chain)
        self._equal: dict[Any, dict[Any, Parts]] = {}
        self._affixes: dict[Any, dict[Any, Parts]] = {}
        self._folds = False
        self._ranges: Parts = {}
        self._there: Parts = {}

    def __bool__(self) -> bool:
        return bool(self._equal or self._affixes or self._ranges or self._there)

    def count(self, key: Key) -> int:
        """Return how many rules are found by a key, or by keys of its sort if it is a range."""
        if isinstance(key, Is | Affix):
            tables, sort, value = self._tables(key)
            return count(tables.get(sort, {}).get(value, {}).values())
        return count(self._ranges.values() if isinstance(key, Bound | Span) else self._there.values())

    def add(self, key: Key, filed: Filed) -> None:
        """File a rule under a key."""
        if isinstance(key, Is | Affix):
            tables, sort, value = self._tables(key)
            add_to(tables.setdefault(sort, {}).setdefault(value, {}), filed, filed.finding.narrowing)
        elif isinstance(key, Bound | Span):
            add_to(self._ranges, filed, (key,))
        else:
            add_to(self._there, filed, ())

    def remove(self, key: Key, filed: Filed) -> None:
        """Forget a rule that was filed so."""
        if isinstance(key, Is | Affix):
            tables, sort, value = self._tables(key)
            remove_from(tables[sort][value], filed, filed.finding.narrowing)
            if not tables[sort][value]:
                del tables[sort][value]
            if not tables[sort]:
                del tables[sort]
        elif isinstance(key, Bound | Span):
            remove_from(self._ranges, filed, (key,))
        else:
            remove_from(self._there, filed, ())

    def _tables(self, key: Is | Affix) -> tuple[dict[Any, dict[Any, Parts]], Any, Any]:
        if isinstance(key, Is):
            self._folds = self._folds or key.kind == FOLDED
            return self._equal, key.kind, key.value
        self._folds = self._folds or key.folded
        return self._affixes, (key.at_end, key.folded, len(key.text)), key.text

    def find(self, event: Any, found: list[int], doubtful: set[int]) -> None:
        """Add the rules that hold to `found`, and those that cannot be told to `doubtful`."""
        if self._name is not None and type(event) is dict:  # nearly always: and there a value costs no list of values
            value = event.get(self._name, MISSING)
            kind = KIND_OF.get(type(value))
            if kind is not None:
                self._meet(kind, value, event, found, doubtful)
                if self._there:
                    self._find_there(event, found, doubtful)
                return
            if value is MISSING:
                return
        values = values_of(event, self.chain)
        for kind, value in values:
            self._meet(kind, value, event, found, doubtful)
        if values:
            self._find_there(event, found, doubtful)

    def _find_there(self, event: Any, found: list[int], doubtful: set[int]) -> None:
        for part in self._there.values():
            part.find(event, found, doubtful)

    def _meet(self, kind: str, value: Any, event: Any, found: list[int], doubtful: set[int]) -> None:
        table = self._equal.get(kind)
        if table is not None:
            parts = table.get(value)
            if parts is not None:
                for part in parts.values():
                    part.find(event, found, doubtful)
        if self._ranges:
            for ranges in self._ranges.values():
                ranges.meet(kind, value, event, found, doubtful)
        if kind == "text" and (self._affixes or FOLDED in self._equal):
            for part in self._met_by_text(value):
                part.find(event, found, doubtful)

    def _met_by_text(self, text: str) -> list[Part]:
        folded = text.casefold() if self._folds else text
        met: list[Part] = []
        if FOLDED in self._equal:
            met += self._equal[FOLDED].get(folded, {}).values()
        for (at_end, ignoring_case, length), table in self._affixes.items():
            letters = folded if ignoring_case else text
            affix = letters[-length:] if at_end else letters[:length]
            if affix in table:
                met += table[affix].values()
        return met
