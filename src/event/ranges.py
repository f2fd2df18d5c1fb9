"""Rows by ranges of a value: those whose range the value is in are found without looking at the others.

A bound has one side: sorted, the bounds that a value meets are at one end. A span has two. Spans are sorted by their
lower ends, apart for each power of two that their widths come up to: those that hold a value begin at most so far below
it, and of those that do at least about half hold it, wherever they lie.

       value            widths up to 2:   [----]  [-|--]   [---]      looked at: one
         |              widths up to 16:  [---------|---------]       looked at: one

What comes in is a row: the number of a rule or, if it must still be tested, that with its constants (`scans`).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from .access import Bound, Chain, Range, Span
from .dict_evaluator import values_of
from .scans import Shape

__all__ = ["Ranges"]

_LETTERS: Final = 32
"""So many bytes of a text decide on which place it has among others; times in ISO 8601 have no more."""


class _Sides:
    """Rows by the one bound that each sets."""

    __slots__ = ("_at_start", "_bounds", "_rows", "_search")

    def __init__(self, key: Bound) -> None:
        self._at_start = key.symbol in (">", ">=")
        self._search = bisect_left if key.symbol in (">", "<=") else bisect_right
        self._bounds: list[Any] = []
        self._rows: list[Any] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, key: Any, row: Any) -> None:
        at = bisect_right(self._bounds, key.value)
        self._bounds.insert(at, key.value)
        self._rows.insert(at, row)

    def remove(self, key: Any, row: Any) -> None:
        at = self._rows.index(row, bisect_left(self._bounds, key.value))
        del self._bounds[at], self._rows[at]

    def met_by(self, value: Any) -> Sequence[Any]:
        at = self._search(self._bounds, value)
        return self._rows[:at] if self._at_start else self._rows[at:]


def _number_place(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _text_place(text: str) -> int:
    return int.from_bytes(text[:_LETTERS].encode("utf-8", "surrogatepass")[:_LETTERS].ljust(_LETTERS, b"\0"), "big")


_PLACE: Final[dict[str, Callable[[Any], Any]]] = {
    "number": _number_place,
    "time": datetime.timestamp,
    "text": _text_place,
}
"""By kind: a number that never falls where values rise, and so tells where among others a value stands."""


def _size(low: Any, high: Any) -> Any:
    """Return a power of two above the distance from `low` to `high`."""
    if isinstance(low, int):
        return 1 << max(0, high - low).bit_length()
    width = max(0.0, high - low)
    return math.inf if not width < 2.0**1023 else 2.0 ** math.frexp(width)[1]


_Entry: TypeAlias = tuple[Any, Any, Any]

_WITHIN: Final[dict[tuple[str, str], Callable[[Sequence[_Entry], Any], list[Any]]]] = {
    (">", "<"): lambda entries, value: [row for low, high, row in entries if low < value < high],
    (">", "<="): lambda entries, value: [row for low, high, row in entries if low < value <= high],
    (">=", "<"): lambda entries, value: [row for low, high, row in entries if low <= value < high],
    (">=", "<="): lambda entries, value: [row for low, high, row in entries if low <= value <= high],
}


class _Spans:
    """Rows by the two bounds that each sets: (lower ends, entries) for each size."""

    __slots__ = ("_by_size", "_place", "_within")

    def __init__(self, key: Span) -> None:
        self._place = _PLACE[key.kind]
        self._within = _WITHIN[key.low_symbol, key.high_symbol]
        self._by_size: dict[Any, tuple[list[Any], list[_Entry]]] = {}

    def __len__(self) -> int:
        return sum(len(entries) for _, entries in self._by_size.values())

    def add(self, key: Any, row: Any) -> None:
        low = self._place(key.low)
        lows, entries = self._by_size.setdefault(_size(low, self._place(key.high)), ([], []))
        at = bisect_right(lows, low)
        lows.insert(at, low)
        entries.insert(at, (key.low, key.high, row))

    def remove(self, key: Any, row: Any) -> None:
        low = self._place(key.low)
        size = _size(low, self._place(key.high))
        lows, entries = self._by_size[size]
        at = entries.index((key.low, key.high, row), bisect_left(lows, low))
        del lows[at], entries[at]
        if not lows:
            del self._by_size[size]

    def met_by(self, value: Any) -> Sequence[Any]:
        place = self._place(value)
        met: list[Any] = []
        for size, (lows, entries) in self._by_size.items():
            first = bisect_left(lows, place - size) if size != math.inf else 0
            last = bisect_right(lows, place)
            if first < last:
                met += self._within(entries[first:last], value)
        return met


class Ranges:
    """Rows by the ranges that the value at a chain of paths must be in."""

    __slots__ = ("_by_kind", "_chain")

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._by_kind: dict[str, dict[Any, tuple[Shape | None, _Sides | _Spans]]] = {}

    def __bool__(self) -> bool:
        return bool(self._by_kind)

    def __len__(self) -> int:
        return sum(len(kept) for known in self._by_kind.values() for _, kept in known.values())

    def add(self, key: Range, shape: Shape | None, row: Any) -> None:
        """Add a row that is found by values in a range; it has to be tested if there is a shape."""
        known, sort = self._by_kind.setdefault(key.kind, {}), _sort(key, shape)
        if sort not in known:
            known[sort] = shape, _Spans(key) if isinstance(key, Span) else _Sides(key)
        known[sort][1].add(key, row)

    def remove(self, key: Range, shape: Shape | None, row: Any) -> None:
        """Forget a row that was added so."""
        known, sort = self._by_kind[key.kind], _sort(key, shape)
        known[sort][1].remove(key, row)
        if not known[sort][1]:
            del known[sort]
        if not known:
            del self._by_kind[key.kind]

    def find(self, event: Any, found: list[int], doubtful: set[int]) -> None:
        """Look up the value in an event, and find what `meet` finds."""
        for kind, value in values_of(event, self._chain):
            self.meet(kind, value, event, found, doubtful)

    def meet(self, kind: str, value: Any, event: Any, found: list[int], doubtful: set[int]) -> None:
        """Add the rules that the value meets to `found`, and those that cannot be told to `doubtful`."""
        known = self._by_kind.get(kind)
        if known is None or value != value:  # NaN is in no range
            return
        for shape, kept in known.values():
            rows = kept.met_by(value)
            if not rows:
                continue
            if shape is None:
                found += rows
            else:
                shape.scan(event, rows, found, doubtful)


def _sort(key: Range, shape: Shape | None) -> tuple[Any, ...]:
    symbols = (key.low_symbol, key.high_symbol) if isinstance(key, Span) else (key.symbol,)
    return *symbols, shape
