"""What a key finds, in parts: rows of one shape, kept so that those that an event can meet are found at once.

part     keeps rows by                     looks at
Whole    the number of the rule            all
Sides    one bound, sorted                 those whose bound the value meets: they are at one end
Spans    width, then lower end, sorted     those that begin at most so far below the value as they are wide

Widths are powers of two that spans come up to. So wherever a value lies, about half of the spans looked at hold it:

       value            widths up to 2:   [----]  [-|--]   [---]      looked at: one
         |              widths up to 16:  [---------|---------]       looked at: one

A row is the number of a rule or, if there is a shape and the rule must still be tested, that and its constants
(`scans`).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from .access import Bound, Range, Span, lone_name
from .dict_evaluator import values_of
from .scans import Shape
from .values import KIND_OF

__all__ = ["Part", "Ranges", "Sides", "Spans", "Whole"]

_LETTERS: Final = 32
"""So many bytes of a text decide on which place it has among others; times in ISO 8601 have no more."""


class Part:
    """Rows of one shape; without a shape they are numbers of rules that hold if they are found."""

    __slots__ = ("_shape",)

    def __init__(self, shape: Shape | None) -> None:
        self._shape = shape

    def __len__(self) -> int:
        raise NotImplementedError

    def add(self, key: Any, rule: int, row: Any) -> None:
        """Add the row of a rule, under the range that finds it."""
        raise NotImplementedError

    def remove(self, key: Any, rule: int, row: Any) -> None:
        """Forget a row that was added so."""
        raise NotImplementedError

    def find(self, event: Any, found: list[int], doubtful: set[int]) -> None:
        """Add the rules that hold to `found`, and those that cannot be told to `doubtful`."""
        raise NotImplementedError

    def meet(self, kind: str, value: Any, event: Any, found: list[int], doubtful: set[int]) -> None:
        """Do what `find` does for one value, of a kind, of those in the event that are compared with the ranges."""
        raise NotImplementedError


class Whole(Part):
    """Rows that are all found."""

    __slots__ = ("_rows",)

    def __init__(self, shape: Shape | None) -> None:
        super().__init__(shape)
        self._rows: dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, key: None, rule: int, row: Any) -> None:
        self._rows[rule] = row

    def remove(self, key: None, rule: int, row: Any) -> None:
        del self._rows[rule]

    def find(self, event: Any, found: list[int], doubtful: set[int]) -> None:
        if self._shape is None:
            found += self._rows
        else:
            self._shape.scan(event, self._rows.values(), found, doubtful)


class Ranges(Part):
    """Rows by ranges of one sort that the value at a chain of paths may be in."""

    __slots__ = ("_chain", "_kind", "_name")

    def __init__(self, key: Range, shape: Shape | None) -> None:
        super().__init__(shape)
        self._chain, self._kind = key.chain, key.kind
        self._name = lone_name(key.chain)

    def find(self, event: Any, found: list[int], doubtful: set[int]) -> None:
        if self._name is not None and type(event) is dict:
            value = event.get(self._name)
            kind = KIND_OF.get(type(value))
            if kind is not None:
                self.meet(kind, value, event, found, doubtful)
                return
        for kind, value in values_of(event, self._chain):
            if kind == self._kind:
                self.meet(kind, value, event, found, doubtful)

    def meet(self, kind: str, value: Any, event: Any, found: list[int], doubtful: set[int]) -> None:
        if kind != self._kind or value != value:  # NaN is in no range
            return
        rows = self._met_by(value)
        if self._shape is None:
            found += rows
        elif rows:
            self._shape.scan(event, rows, found, doubtful)

    def _met_by(self, value: Any) -> Sequence[Any]:
        raise NotImplementedError


class Sides(Ranges):
    """Rows by the one bound that each sets."""

    __slots__ = ("_at_start", "_bounds", "_rows", "_search")

    def __init__(self, key: Bound, shape: Shape | None) -> None:
        super().__init__(key, shape)
        self._at_start = key.symbol in (">", ">=")
        self._search = bisect_left if key.symbol in (">", "<=") else bisect_right
        self._bounds: list[Any] = []
        self._rows: list[Any] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, key: Any, rule: int, row: Any) -> None:
        at = bisect_right(self._bounds, key.value)
        self._bounds.insert(at, key.value)
        self._rows.insert(at, row)

    def remove(self, key: Any, rule: int, row: Any) -> None:
        at = self._rows.index(row, bisect_left(self._bounds, key.value))
        del self._bounds[at], self._rows[at]

    def find(self, event: Any, found: list[int], doubtful: set[int]) -> None:
        if self._shape is None and self._name is not None and type(event) is dict:
            value = event.get(self._name)
            if KIND_OF.get(type(value)) == self._kind and value == value:  # as `meet` does it, in half the time
                at = self._search(self._bounds, value)
                found += self._rows[:at] if self._at_start else self._rows[at:]
                return
        super().find(event, found, doubtful)

    def _met_by(self, value: Any) -> Sequence[Any]:
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


class Spans(Ranges):
    """Rows by the two bounds that each sets: (lower ends, entries) for each size."""

    __slots__ = ("_by_size", "_place", "_within")

    def __init__(self, key: Span, shape: Shape | None) -> None:
        super().__init__(key, shape)
        self._place = _PLACE[key.kind]
        self._within = _WITHIN[key.low_symbol, key.high_symbol]
        self._by_size: dict[Any, tuple[list[Any], list[_Entry]]] = {}

    def __len__(self) -> int:
        return sum(len(entries) for _, entries in self._by_size.values())

    def add(self, key: Any, rule: int, row: Any) -> None:
        low = self._place(key.low)
        lows, entries = self._by_size.setdefault(_size(low, self._place(key.high)), ([], []))
        at = bisect_right(lows, low)
        lows.insert(at, low)
        entries.insert(at, (key.low, key.high, row))

    def remove(self, key: Any, rule: int, row: Any) -> None:
        low = self._place(key.low)
        size = _size(low, self._place(key.high))
        lows, entries = self._by_size[size]
        at = entries.index((key.low, key.high, row), bisect_left(lows, low))
        del lows[at], entries[at]
        if not lows:
            del self._by_size[size]

    def _met_by(self, value: Any) -> Sequence[Any]:
        place = self._place(value)
        met: list[Any] = []
        for size, (lows, entries) in self._by_size.items():
            first = bisect_left(lows, place - size) if size != math.inf else 0
            last = bisect_right(lows, place)
            if first < last:
                met += self._within(entries[first:last], value)
        return met
