"""Rules as terms: a rule holds where one of its terms does, and a term asks columns something, all of which must hold.

    sensor = a and temp > 20                   one term: sensor (= a), temp (> 20)
    status = fail and (temp > 30 or co2 > 9)   two: status (= fail), temp (> 30); status (= fail), co2 (> 9)

What cannot be told from the class of a value (`classes`) is asked as a gate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from ..frozen import frozen
from .circuit import Circuit, Conjunction, Signals
from .classes import Classes, GateClasses, NumberClasses, TextClasses
from .leaves import Asked, Compared, Leaf, OneOf, Path

__all__ = ["Literal", "Source", "Term", "classes_for", "shape_of", "terms_of"]

_MOST: Final = 8
"""A rule that would come to more terms keeps gates whole."""

Source: TypeAlias = Path | int
"""What is asked: a column, or a gate."""

Literal: TypeAlias = tuple[Leaf | None, bool]
"""A leaf (None: a gate) and what it has to be."""


@frozen
class Term:
    """What a rule asks of each column; it holds if all of that does."""

    rule: int
    asks: Mapping[Source, Sequence[Literal]]


def terms_of(circuit: Circuit, gates: Mapping[int, int], signals: Signals) -> list[Term]:
    """Return the terms of rules; those that are alike lie together.

    Args:
        circuit: where the gates are.
        gates: the gate of each rule.
        signals: those of a frame without rows, which tells the types of the columns.
    """
    found = [(rule, term) for rule, gate in gates.items() for term in circuit.terms(gate, _MOST)]
    leaves = {number: circuit.leaf_of(number) for _, term in found for number, _ in term}
    columns = {leaf.path for leaf in leaves.values() if leaf is not None and _has_classes(leaf, signals)}
    terms = [Term(rule, _asks(conjunction, leaves, columns)) for rule, conjunction in found]
    return sorted(terms, key=lambda term: (shape_of(term), _values(term)))


def _has_classes(leaf: Leaf, signals: Signals) -> bool:
    if isinstance(leaf, Compared):
        return bool(signals.columns.numbers(leaf.path).dtype != np.bool_)
    return isinstance(leaf, OneOf)


def _asks(term: Conjunction, leaves: Mapping[int, Leaf | None], columns: set[Path]) -> Mapping[Source, list[Literal]]:
    asks: defaultdict[Source, list[Literal]] = defaultdict(list)
    for number, wanted in sorted(term):
        leaf = leaves[number]
        if leaf is not None and leaf.path in columns and not isinstance(leaf, Asked):
            asks[leaf.path].append((leaf, wanted))
        else:
            asks[number].append((None, wanted))
    return asks


def shape_of(term: Term) -> list[tuple[str, str]]:
    """Return which columns are asked, and how. It can be sorted by."""
    return [(source, kind) for source, kind, _ in _sorted(term)]


def _values(term: Term) -> list[Any]:
    return [value for _, _, value in _sorted(term)]


def _sorted(term: Term) -> list[tuple[str, str, Any]]:
    return sorted((str(source), *_kind(leaf)) for source, literals in term.asks.items() for leaf, _ in literals)


def _kind(leaf: Leaf | None) -> tuple[str, Any]:
    if isinstance(leaf, Compared):
        return leaf.symbol, leaf.operand
    return ("one of", min(leaf.texts)) if isinstance(leaf, OneOf) else ("", 0)


def classes_for(terms: Iterable[Term], signals: Signals) -> list[tuple[Source, Classes]]:
    """Return the classes of all that terms ask, what costs least and tells most first."""
    asked: defaultdict[Source, list[Leaf]] = defaultdict(list)
    for term in terms:
        for source, literals in term.asks.items():
            asked[source] += [leaf for leaf, _ in literals if leaf is not None]
    counts = {source: len(leaves) for source, leaves in asked.items()}
    classes = [(source, _classes(source, leaves, signals)) for source, leaves in asked.items()]
    return sorted(classes, key=lambda each: (each[1].cost, -counts[each[0]]))


def _classes(source: Source, leaves: Sequence[Leaf], signals: Signals) -> Classes:
    if isinstance(source, int):
        return GateClasses(source)
    is_text = source in signals.columns.texts
    return TextClasses(signals, source, leaves) if is_text else NumberClasses(signals, source, leaves)
