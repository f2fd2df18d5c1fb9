"""Where the rules of an index are filed: by field, then by the key that finds them, then by range or by shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .access import FOLDED, Affix, Bound, Chain, Is, Key, Range, Span, There
from .dict_evaluator import values_of
from .ranges import Ranges
from .scans import Shape

__all__ = ["Bucket", "Place"]


class Bucket:
    """The rules that one key finds: some at once, some if a value is in a range; those with a shape must be tested."""

    __slots__ = ("_ranges", "_whole")

    def __init__(self) -> None:
        self._whole: dict[Shape | None, dict[int, Any]] = {}
        self._ranges: dict[Chain, Ranges] = {}

    def __len__(self) -> int:
        return sum(map(len, self._whole.values())) + sum(map(len, self._ranges.values()))

    def __bool__(self) -> bool:
        return bool(self._whole or self._ranges)

    def add(self, narrowing: Sequence[Range], shape: Shape | None, rule: int, row: Any) -> None:
        """Add a rule: its row is its number or, if there is a shape, that with its constants."""
        if not narrowing:
            self._whole.setdefault(shape, {})[rule] = row
        for key in narrowing:
            if key.chain not in self._ranges:
                self._ranges[key.chain] = Ranges(key.chain)
            self._ranges[key.chain].add(key, shape, row)

    def remove(self, narrowing: Sequence[Range], shape: Shape | None, rule: int, row: Any) -> None:
        """Forget a rule that was added so."""
        if not narrowing:
            del self._whole[shape][rule]
            if not self._whole[shape]:
                del self._whole[shape]
        for key in narrowing:
            self._ranges[key.chain].remove(key, shape, row)
            if not len(self._ranges[key.chain]):
                del self._ranges[key.chain]

    def find(self, event: Any, found: list[int], doubtful: set[int]) -> None:
        """Add the rules that hold to `found`, and those that cannot be told to `doubtful`."""
        if self._whole:
            for shape, rows in self._whole.items():
                if shape is None:
                    found += rows
                else:
                    shape.scan(event, rows.values(), found, doubtful)
        for ranges in self._ranges.values():
            ranges.find(event, found, doubtful)


class Place:
    """All that is filed under one chain of paths."""

    __slots__ = ("_affixes", "_equal", "_folds", "_ranges", "_there", "chain")

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self._equal: dict[Any, dict[Any, Bucket]] = {}
        self._affixes: dict[Any, dict[Any, Bucket]] = {}
        self._folds = False
        self._ranges: Ranges | None = None
        self._there: Bucket | None = None

    def __bool__(self) -> bool:
        return bool(self._equal or self._affixes or self._ranges or self._there)

    def count(self, key: Key) -> int:
        """Return how many rules are found by a key, or by keys of its sort if it is a range."""
        if isinstance(key, Is | Affix):
            tables, sort, value = self._tables(key)
            return len(tables.get(sort, {}).get(value, ()))
        return len((self._there if isinstance(key, There) else self._ranges) or ())

    def add(self, key: Key, narrowing: Sequence[Range], shape: Shape | None, rule: int, row: Any) -> None:
        """File a rule under a key; for the rest see `Bucket.add`."""
        if isinstance(key, Is | Affix):
            tables, sort, value = self._tables(key)
            tables.setdefault(sort, {}).setdefault(value, Bucket()).add(narrowing, shape, rule, row)
        elif isinstance(key, There):
            self._there = self._there or Bucket()
            self._there.add(narrowing, shape, rule, row)
        else:
            self._ranges = self._ranges or Ranges(self.chain)
            self._ranges.add(key, shape, row)

    def remove(self, key: Key, narrowing: Sequence[Range], shape: Shape | None, rule: int, row: Any) -> None:
        """Forget a rule that was filed so."""
        if isinstance(key, Is | Affix):
            tables, sort, value = self._tables(key)
            tables[sort][value].remove(narrowing, shape, rule, row)
            if not tables[sort][value]:
                del tables[sort][value]
            if not tables[sort]:
                del tables[sort]
        elif isinstance(key, There) and self._there is not None:
            self._there.remove(narrowing, shape, rule, row)
            self._there = self._there or None
        elif isinstance(key, Bound | Span) and self._ranges is not None:
            self._ranges.remove(key, shape, row)
            self._ranges = self._ranges or None

    def _tables(self, key: Is | Affix) -> tuple[dict[Any, dict[Any, Bucket]], Any, Any]:
        if isinstance(key, Is):
            self._folds = self._folds or key.kind == FOLDED
            return self._equal, key.kind, key.value
        self._folds = self._folds or key.folded
        return self._affixes, (key.at_end, key.folded, len(key.text)), key.text

    def find(self, event: Any, found: list[int], doubtful: set[int]) -> None:
        """Add the rules that hold to `found`, and those that cannot be told to `doubtful`."""
        values = values_of(event, self.chain)
        for kind, value in values:
            table = self._equal.get(kind)
            if table is not None and value in table:
                table[value].find(event, found, doubtful)
            if self._ranges is not None:
                self._ranges.meet(kind, value, event, found, doubtful)
            if kind == "text" and (self._affixes or FOLDED in self._equal):
                for bucket in self._met_by_text(value):
                    bucket.find(event, found, doubtful)
        if values and self._there is not None:
            self._there.find(event, found, doubtful)

    def _met_by_text(self, text: str) -> list[Bucket]:
        folded = text.casefold() if self._folds else text
        met = [self._equal[FOLDED][folded]] if FOLDED in self._equal and folded in self._equal[FOLDED] else []
        for (at_end, ignoring_case, length), table in self._affixes.items():
            letters = folded if ignoring_case else text
            affix = letters[-length:] if at_end else letters[:length]
            if affix in table:
                met.append(table[affix])
        return met
