"""Where the rules of an index are filed: by field, then by the key that finds them, then by range or by shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .access import FOLDED, Affix, Chain, Is, Key, Range, There
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
        for shape, rows in self._whole.items():
            if shape is None:
                found += rows
            else:
                shape.scan(event, rows.values(), found, doubtful)
        for ranges in self._ranges.values():
            ranges.find(event, found, doubtful)


class Place:
    """All that is filed under one chain of paths."""

    __slots__ = ("_affixes", "_equal", "_ranges", "_there", "chain")

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self._equal: dict[Any, dict[Any, Bucket]] = {}
        self._affixes: dict[Any, dict[Any, Bucket]] = {}
        self._ranges = Ranges(chain)
        self._there = Bucket()

    def __bool__(self) -> bool:
        return bool(self._equal or self._affixes or self._ranges or self._there)

    def count(self, key: Key) -> int:
        """Return how many rules are found by a key, or by keys of its sort if it is a range."""
        if isinstance(key, Is | Affix):
            tables, sort, value = self._tables(key)
            return len(tables.get(sort, {}).get(value, ()))
        return len(self._there if isinstance(key, There) else self._ranges)

    def add(self, key: Key, narrowing: Sequence[Range], shape: Shape | None, rule: int, row: Any) -> None:
        """File a rule under a key; for the rest see `Bucket.add`."""
        if isinstance(key, Is | Affix):
            tables, sort, value = self._tables(key)
            tables.setdefault(sort, {}).setdefault(value, Bucket()).add(narrowing, shape, rule, row)
        elif isinstance(key, There):
            self._there.add(narrowing, shape, rule, row)
        else:
            self._ranges.add(key, shape, row)

    def remove(self, key: Key, narrowing: Sequence[Range], shape: Shape | None, rule: int, row: Any) -> None:
        """Forget a rule that was filed so."""
        if isinstance(key, There):
            self._there.remove(narrowing, shape, rule, row)
        elif not isinstance(key, Is | Affix):
            self._ranges.remove(key, shape, row)
        else:
            tables, sort, value = self._tables(key)
            tables[sort][value].remove(narrowing, shape, rule, row)
            if not tables[sort][value]:
                del tables[sort][value]
            if not tables[sort]:
                del tables[sort]

    def _tables(self, key: Is | Affix) -> tuple[dict[Any, dict[Any, Bucket]], Any, Any]:
        if isinstance(key, Is):
            return self._equal, key.kind, key.value
        return self._affixes, (key.at_end, key.folded, len(key.text)), key.text

    def find(self, event: Any, found: list[int], doubtful: set[int]) -> None:
        """Add the rules that hold to `found`, and those that cannot be told to `doubtful`."""
        values = values_of(event, self.chain)
        if values and self._there:
            self._there.find(event, found, doubtful)
        for kind, value in values:
            table = self._equal.get(kind)
            bucket = table.get(value) if table is not None else None
            if bucket is not None:
                bucket.find(event, found, doubtful)
            if self._ranges:
                self._ranges.meet(kind, value, event, found, doubtful)
            if kind == "text" and (self._affixes or FOLDED in self._equal):
                for met in self._met_by_text(value):
                    met.find(event, found, doubtful)

    def _met_by_text(self, text: str) -> list[Bucket]:
        folded = text.casefold()
        met = [self._equal.get(FOLDED, {}).get(folded)]
        for (at_end, ignoring_case, length), table in self._affixes.items():
            letters = folded if ignoring_case else text
            met.append(table.get(letters[-length:] if at_end else letters[:length]))
        return [bucket for bucket in met if bucket is not None]
