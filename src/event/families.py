"""Many rules of one shape, asked at once: an equality, and bounds on the same columns, each rule with its own values.

    sensor = a and temp > 20    rule 0          sensor    rules, by bound
    sensor = b and temp > 25    rule 1           a    ->  20 (rule 0)  30 (rule 2)  31 (rule 3)
    sensor = a and temp > 30    rule 2           b    ->  25 (rule 1)
    sensor = a and temp > 31    rule 3          a row of sensor a with temp 30.5 meets the first two of group a

A row finds its group by the equality (a table over codes of texts, a sorted list of numbers), and in its group, by
bisection, how many bounds it meets: those are one run of the group's rules. What else a rule asks is judged for the
pairs of a row and a rule that are left. So the cost is that of the rows that meet any bound at all, not of the rules.
The idea is that of publish/subscribe matchers (Fabret et al., "Filtering algorithms and implementation for very fast
publish/subscribe systems", SIGMOD 2001), taken by columns.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from ..frozen import frozen
from .circuit import Circuit, Signals
from .leaves import Array, Bools, Compared, Leaf, OneOf, Path, compare

__all__ = ["Family", "Runs", "families_in"]

_LEAST: Final = 256
"""Fewer rules of one shape are as quick as bits in a table."""
_ABOVE: Final = (">", ">=")


@frozen
class _Shape:
    """What rules of one family have in common: columns, comparisons, and further gates that all of them ask."""

    anchor: Path | None
    by_text: bool
    bounds: tuple[tuple[Path, str], ...]
    common: tuple[int, ...]

    @property
    def tells_rules_apart(self) -> bool:
        """False where most rows would meet one bound of many rules, but not the next: several bounds, no equality."""
        return self.anchor is not None or len(self.bounds) == 1


@frozen
class _Members:
    """What rules of one shape have for themselves: each the values of its equality, one of which is enough, and of
    its bounds, a list of values for each bound."""

    rules: Sequence[int]
    keys: Sequence[tuple[Any, ...]]
    operands: Sequence[Sequence[Any]]


_Parts: TypeAlias = tuple[int, ...]
_Aspect: TypeAlias = tuple[str, Path, int]
"""How a part of a rule asks which column (`=`, or the symbol of a bound); or the gate, if all must ask the same."""
_OTHER: Final = ""


def families_in(
    circuit: Circuit, parts: Mapping[int, _Parts], signals: Signals
) -> tuple[list[Family], dict[int, _Parts]]:
    """Sort rules into families and the others, which are returned as they came.

    Args:
        circuit: where the gates are.
        parts: the gates of each rule, which must all be true.
        signals: those of a frame without rows, which tells the types of the columns.
    """
    leaves = {part: circuit.leaf_of(part) for part in dict.fromkeys(itertools.chain.from_iterable(parts.values()))}
    found = [each for each in _shapes(parts, leaves) if each[0].tells_rules_apart]
    families = [Family(signals, shape, members) for shape, members in found]
    filed = {rule for _, members in found for rule in members.rules}
    return families, {rule: each for rule, each in parts.items() if rule not in filed}


def _shapes(parts: Mapping[int, _Parts], leaves: Mapping[int, Leaf | None]) -> Iterator[tuple[_Shape, _Members]]:
    """Yield the shapes that many rules have, with those rules."""
    aspects = {part: _aspect(part, leaf) for part, leaf in leaves.items()}
    rank = {aspect: number for number, aspect in enumerate(sorted(set(aspects.values())))}
    ranks = {part: rank[aspect] for part, aspect in aspects.items()}
    anchors = Counter(path for symbol, path, _ in aspects.values() if symbol == "=")
    alike: defaultdict[tuple[int, ...], list[tuple[int, ...]]] = defaultdict(list)
    for rule, each in parts.items():
        ordered = sorted(each, key=ranks.__getitem__)
        alike[tuple([ranks[part] for part in ordered])].append((rule, *ordered))
    known = list(rank)
    for numbers, rows in alike.items():
        if len(rows) >= _LEAST:
            yield from _with_anchor([known[number] for number in numbers], rows, anchors, leaves)


def _aspect(part: int, leaf: Leaf | None) -> _Aspect:
    if isinstance(leaf, OneOf):
        return "=", leaf.path, 0
    return (leaf.symbol, leaf.path, 0) if isinstance(leaf, Compared) else (_OTHER, (), part)


def _with_anchor(
    aspects: Sequence[_Aspect],
    rows: Sequence[tuple[int, ...]],
    anchors: Mapping[Path, int],
    leaves: Mapping[int, Leaf | None],
) -> Iterator[tuple[_Shape, _Members]]:
    """Yield the shapes among rules of which each has parts of these aspects, in this order.

    Of several equalities, that on the column that is compared with the most values narrows down best. What is asked
    besides, but for bounds, all rules of a shape must have in common.
    """
    equalities = [place for place, (symbol, _, _) in enumerate(aspects) if symbol == "="]
    chosen = max(equalities, key=lambda place: anchors[aspects[place][1]], default=None)
    common = [place for place, (symbol, _, _) in enumerate(aspects) if symbol in ("=", _OTHER) and place != chosen]
    bounds = [place for place in range(len(aspects)) if place != chosen and place not in common]
    groups: defaultdict[tuple[int, ...], list[tuple[int, ...]]] = defaultdict(list)
    for row in rows:
        groups[tuple([row[1 + place] for place in common])].append(row)
    for gates, alike in groups.items():
        if len(alike) >= _LEAST:
            rules, *columns = zip(*alike, strict=True)
            anchor = None if chosen is None else columns[chosen]
            by_text = anchor is not None and isinstance(leaves[anchor[0]], OneOf)
            shape = _Shape(
                None if chosen is None else aspects[chosen][1],
                by_text,
                tuple((aspects[place][1], aspects[place][0]) for place in bounds),
                gates,
            )
            operands = [[_operand(leaves[part]) for part in columns[place]] for place in bounds]
            keys = [(None,)] * len(rules) if anchor is None else [_keys(leaves[part]) for part in anchor]
            yield shape, _Members(rules, keys, operands)


def _operand(leaf: Leaf | None) -> Any:
    assert isinstance(leaf, Compared), "a bound is a comparison"
    return leaf.operand


def _keys(leaf: Leaf | None) -> tuple[Any, ...]:
    return tuple(leaf.texts) if isinstance(leaf, OneOf) else (_operand(leaf),)


@frozen
class Runs:
    """For each of some rows, in order, the run of a family's entries that it meets: from `begin` to before `end`."""

    rows: Array
    begin: Array
    end: Array

    @property
    def total(self) -> int:
        return int((self.end - self.begin).sum())


class Family:
    """The rules of one shape. An entry is a rule under one value of its equality; entries lie sorted, group by group.

    Args:
        signals: those of a frame without rows, which tells the types of the columns.
        shape: the shape.
        members: the rules.
    """

    def __init__(self, signals: Signals, shape: _Shape, members: _Members) -> None:
        self._shape = shape
        keys = sorted({key for each in members.keys for key in each}) if shape.anchor else [None]
        group = {key: number for number, key in enumerate(keys)}
        groups = np.array([group[key] for each in members.keys for key in each])
        member = np.repeat(np.arange(len(members.rules)), [len(each) for each in members.keys])
        rules = np.array(members.rules, np.int64)[member]
        types = [signals.columns.numbers(path).dtype for path, _ in shape.bounds]
        operands = [np.array(values, dtype)[member] for values, dtype in zip(members.operands, types, strict=True)]
        # The bound that differs most from rule to rule tells most of them apart.
        self._order = sorted(range(len(operands)), key=lambda number: -len(np.unique(operands[number])))
        by = np.lexsort((rules, *(operands[number] for number in self._order[:1]), groups))
        self._rules = rules[by]
        self._operands = [values[by] for values in operands]
        starts = np.searchsorted(groups[by], np.arange(len(keys) + 1))
        # The last group has no rules: it is that of all values that no rule asks for.
        self._begin, self._end = np.append(starts[:-1], 0), np.append(starts[1:], 0)
        self._numbers = self._group_of_code = None
        if shape.by_text and shape.anchor is not None:
            codes = signals.columns.texts[shape.anchor].code
            self._group_of_code = np.array([*(group.get(text, len(group)) for text in codes), len(group)])
        elif shape.anchor is not None:
            self._numbers = np.array(keys, signals.columns.numbers(shape.anchor).dtype)

    def runs(self, signals: Signals) -> Runs:
        """Return the entries that each row meets by its equality and its first bound."""
        rows = np.flatnonzero(self._possible(signals))
        group = self._groups(signals, rows)
        begin, end = self._begin.take(group), self._end.take(group)
        met = begin < end
        if self._shape.bounds:
            met &= self._meets_loosest(signals, rows, begin, end)
        return self._bisected(signals, rows[met], begin[met], end[met])

    def _possible(self, signals: Signals) -> Bools:
        """Return where a row meets what all rules ask for, and of each bound the loosest: most rows are none of these.

        That costs little; to look up the group of a row costs more.
        """
        possible = np.ones(signals.columns.height, np.bool_)
        for gate in self._shape.common:
            possible &= signals.of(gate)
        for (path, symbol), operands in zip(self._shape.bounds, self._operands, strict=True):
            possible &= compare(symbol, signals.columns.numbers(path), _loosest(symbol, operands))
            there = signals.columns.there(path)
            if there is not None:
                possible &= there
        return possible

    def _groups(self, signals: Signals, rows: Array) -> Array:
        """Return the group of each row, the last for those that no rule asks for."""
        path = self._shape.anchor
        if path is None:
            return np.zeros(len(rows), np.intp)
        if self._group_of_code is not None:
            return self._group_of_code.take(signals.columns.codes(path, rows))
        assert self._numbers is not None, "what is no text is a number"
        values, there = signals.columns.numbers(path).take(rows), signals.columns.there(path)
        nearest = np.searchsorted(self._numbers, values).clip(max=len(self._numbers) - 1)
        known = self._numbers[nearest] == values
        return np.where(known if there is None else known & there.take(rows), nearest, len(self._numbers))

    def _first_bound(self, signals: Signals) -> tuple[str, Array, Array]:
        path, symbol = self._shape.bounds[self._order[0]]
        return symbol, signals.columns.numbers(path), self._operands[self._order[0]]

    def _meets_loosest(self, signals: Signals, rows: Array, begin: Array, end: Array) -> Bools:
        """Return where a row meets the loosest first bound of its group; of one without rules it may say anything."""
        symbol, values, operands = self._first_bound(signals)
        return compare(symbol, values.take(rows), operands.take(begin if symbol in _ABOVE else end - 1))

    def _bisected(self, signals: Signals, rows: Array, begin: Array, end: Array) -> Runs:
        if not self._shape.bounds:
            return Runs(rows, begin, end)
        symbol, values, operands = self._first_bound(signals)
        split = _bisect(operands, begin, end, values[rows], after_equal=symbol in (">=", "<"))
        return Runs(rows, begin, split) if symbol in _ABOVE else Runs(rows, split, end)

    def matches(self, signals: Signals, runs: Runs) -> tuple[Array, Array]:
        """Return the rows and rules of which all holds, in the order of the rows; the rules of a row in any order."""
        lengths = runs.end - runs.begin
        rows = np.repeat(runs.rows, lengths)
        entries = np.arange(len(rows)) + np.repeat(runs.begin - (lengths.cumsum() - lengths), lengths)
        for number in self._order[1:]:
            path, symbol = self._shape.bounds[number]
            met = compare(symbol, signals.columns.numbers(path)[rows], self._operands[number][entries])
            rows, entries = rows[met], entries[met]
        return rows, self._rules[entries]


def _loosest(symbol: str, operands: Array) -> Any:
    return operands.min() if symbol in _ABOVE else operands.max()


def _bisect(bounds: Array, begin: Array, end: Array, values: Array, *, after_equal: bool) -> Array:
    """Return for each value where it would stand among `bounds[begin:end]`, which are sorted, all bisected in step."""
    low, high = begin.copy(), end.copy()
    for _ in range(int((end - begin).max(initial=0)).bit_length()):
        middle = (low + high) >> 1
        at = bounds.take(middle, mode="clip")
        goes_up = ((at <= values) if after_equal else (at < values)) & (low < high)
        low = np.where(goes_up, middle + 1, low)
        high = np.where(goes_up, high, middle)
    return low
