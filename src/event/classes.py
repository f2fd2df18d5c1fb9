"""The values of a column in classes: what rules ask of a column is the same for all values of a class.

    rules ask: temp >= 20, temp < 30        classes of temp: [..20) [20..30) [30..]  NaN  null
    rules ask: status = fail                classes of status: fail, others, null

`rough` tells the class of a number by its cell in a grid (`grid`), where there are many bounds: a cell touches several
classes, and what holds of any of them holds of the cell. Most rows meet no rule, and that is seen from the cells; what
is left is looked up exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Protocol, TypeAlias

import numpy as np

from .circuit import Signals
from .grid import Grid, grid_over
from .leaves import Array, Bools, Compared, Leaf, OneOf, Path, There, compare, picked

__all__ = ["Classes", "GateClasses", "NumberClasses", "Rows", "TextClasses"]

Rows: TypeAlias = Array | None
"""The numbers of the rows that are looked at; None: all."""

_FEW: Final = 4
"""So many bounds are compared with one by one: that is as quick as a grid, and exact."""


class Classes(Protocol):
    """Tells for each row the class that its value is in."""

    @property
    def cost(self) -> int:
        """What it takes: the cheapest are asked first, the others of the rows that are left then."""

    @property
    def exact(self) -> bool:
        """Whether `rough` tells the very classes."""

    @property
    def size(self) -> int:
        """How many classes there are."""

    def truths(self, leaf: Leaf | None) -> Bools:
        """Return for each class whether a leaf that asks this column holds of it."""

    def of(self, signals: Signals, rows: Rows) -> Array:
        """Return the class of each row."""

    def rough(self, signals: Signals, rows: Rows) -> Array:
        """Return the class of each row, or the cell that touches it."""

    def spread(self, by_class: Array) -> Array:
        """Return the bits of what `rough` tells, all those of the classes that it touches; `by_class` are theirs."""


class _Exact:
    """What knows nothing rougher than classes."""

    exact = True

    def of(self, signals: Signals, rows: Rows) -> Array:
        raise NotImplementedError

    def rough(self, signals: Signals, rows: Rows) -> Array:
        return self.of(signals, rows)

    def spread(self, by_class: Array) -> Array:
        return by_class


class GateClasses(_Exact):
    """The rows where a gate is false, then those where it is true."""

    cost = 1
    size = 2

    def __init__(self, gate: int) -> None:
        self._gate = gate

    def truths(self, leaf: Leaf | None) -> Bools:
        return np.array([False, True])

    def of(self, signals: Signals, rows: Rows) -> Array:
        return picked(signals.of(self._gate), rows).astype(np.intp)


class TextClasses(_Exact):
    """Each text that is asked for, then all others, then null.

    Args:
        signals: those of a frame without rows.
        path: the column.
        leaves: all that is asked of it.
    """

    def __init__(self, signals: Signals, path: Path, leaves: Sequence[Leaf]) -> None:
        self._path = path
        known = signals.columns.texts[path]
        wanted = sorted({text for leaf in leaves if isinstance(leaf, OneOf) for text in leaf.texts})
        self._class = {text: number for number, text in enumerate(wanted)}
        others = self._others = len(wanted)
        class_of_code = np.array([*(self._class.get(text, others) for text in known.code), others], np.intp)
        is_code = np.array_equal(class_of_code, np.arange(len(class_of_code)))
        self._class_of_code = None if is_code else class_of_code
        self.cost = 4 if known.are_many else 2
        self.size = others + 2

    def truths(self, leaf: Leaf | None) -> Bools:
        there = isinstance(leaf, There)
        truths = np.full(self.size, there)
        if isinstance(leaf, OneOf):
            truths[[self._class[text] for text in leaf.texts]] = True
        truths[-1] = False
        return truths

    def of(self, signals: Signals, rows: Rows) -> Array:
        codes = signals.columns.codes(self._path, rows)
        classes = codes if self._class_of_code is None else self._class_of_code.take(codes)
        there = signals.columns.there(self._path)
        if there is not None:
            classes = classes.astype(np.intp)  # a copy: the codes are not to be changed
            classes[~picked(there, rows)] = self._others + 1
        return classes


class NumberClasses:
    """The stretches between bounds, then NaN, then null. Times are numbers, too.

    Args:
        signals: those of a frame without rows, which tells the type of the column.
        path: the column; not one of truths.
        leaves: all that is asked of it.
    """

    cost = 3

    def __init__(self, signals: Signals, path: Path, leaves: Sequence[Leaf]) -> None:
        self._path = path
        dtype = signals.columns.numbers(path).dtype
        self._may_be_nan = dtype.kind == "f"
        starts = {start for leaf in leaves if isinstance(leaf, Compared) for start in _starts(leaf)}
        least, most = (-math.inf, math.inf) if self._may_be_nan else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        self._starts = np.array(sorted(start for start in starts if least < start <= most), dtype)
        self._least = np.append(np.array([least], dtype), self._starts)
        """The least value of each stretch."""
        self._grid: Grid | None = None if len(self._starts) <= _FEW else grid_over(self._starts)
        self.exact = self._grid is None
        self.size = len(self._least) + 2

    def truths(self, leaf: Leaf | None) -> Bools:
        there = isinstance(leaf, There)
        stretches = np.full(len(self._least), there)
        if isinstance(leaf, Compared):
            stretches = compare(leaf.symbol, self._least, leaf.operand)
        return np.append(stretches, [there, False])

    def of(self, signals: Signals, rows: Rows) -> Array:
        values = picked(signals.columns.numbers(self._path), rows)
        classes = self._stretches(values)
        if self._may_be_nan:
            is_nan = values != values
            if is_nan.any():
                classes[is_nan] = len(self._least)
        return self._with_nulls(classes, signals, rows, len(self._least) + 1)

    def _stretches(self, values: Array) -> Array:
        if len(self._starts) > _FEW:
            return np.searchsorted(self._starts, values, side="right")
        classes = np.zeros(len(values), np.intp)
        for start in self._starts:
            classes += values >= start
        return classes

    def _with_nulls(self, classes: Array, signals: Signals, rows: Rows, null: int) -> Array:
        there = signals.columns.there(self._path)
        if there is not None:
            classes[~picked(there, rows)] = null
        return classes

    def rough(self, signals: Signals, rows: Rows) -> Array:
        if self._grid is None:
            return self.of(signals, rows)
        cells = self._grid.cells(picked(signals.columns.numbers(self._path), rows))
        return self._with_nulls(cells, signals, rows, self._grid.size)

    def spread(self, by_class: Array) -> Array:
        if self._grid is None:
            return by_class
        *stretches, nan, null = by_class
        cells = self._grid.spread(self._least, np.array(stretches))
        cells[Grid.OF_NAN] |= nan
        return np.append(cells, [null], axis=0)


def _starts(leaf: Compared) -> tuple[int | float, ...]:
    """Return the values from which on the answer is another."""
    at, after = leaf.operand, _next(leaf.operand)
    return {"=": (at, after), ">": (after,), "<=": (after,)}.get(leaf.symbol, (at,))


def _next(value: int | float) -> int | float:
    return math.nextafter(value, math.inf) if isinstance(value, float) else value + 1
