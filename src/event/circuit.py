"""Many conditions as one network of gates over leaves, in which whatever occurs twice is one gate.

    temp > 20 and status = ok       [temp > 20]---+---AND--- rule 0
    temp > 20 and humidity < 5                    +---AND--- rule 1
    ...                             [humidity < 5]----+

Each leaf is asked once per frame and each gate computed once, on whole columns of bools: a gate costs about a
microsecond for 20,000 rows. Compilers know it as value numbering (Cocke and Schwartz, "Programming Languages and Their
Compilers", 1970).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence, Set
from functools import reduce
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import numpy as np

from ..frozen import frozen
from .leaves import Asked, Bools, Columns, Leaf, OneOf, Path
from .texts import Texts

if TYPE_CHECKING:
    import polars as pl

__all__ = ["FALSE", "TRUE", "Circuit", "Conjunction", "Signals"]

FALSE: Final = 0
TRUE: Final = 1
"""The numbers of the gates that are the same for every row."""

Conjunction: TypeAlias = frozenset[tuple[int, bool]]
"""Gates, and for each what it has to be: all must be so."""


class _Gate(Protocol):
    @property
    def parts(self) -> tuple[int, ...]: ...

    def of(self, signals: Signals) -> Bools: ...


@frozen
class _Constant:
    value: bool
    parts: tuple[int, ...] = ()

    def of(self, signals: Signals) -> Bools:
        return np.full(signals.columns.height, self.value)


@frozen
class _Asks:
    leaf: Leaf
    parts: tuple[int, ...] = ()

    def of(self, signals: Signals) -> Bools:
        return self.leaf.of(signals.columns)


@frozen
class _All:
    parts: tuple[int, ...]

    def of(self, signals: Signals) -> Bools:
        opposed = [signals.opposed(part) for part in self.parts]
        ruled_out = [signals.of(other) for other in opposed if other is not None]
        held = [signals.of(part) for part, other in zip(self.parts, opposed, strict=True) if other is None]
        if not held:
            return ~reduce(np.logical_or, ruled_out)
        return reduce(np.greater, ruled_out, reduce(np.logical_and, held))  # a and not b: of truths, a > b


@frozen
class _Any:
    parts: tuple[int, ...]

    def of(self, signals: Signals) -> Bools:
        return reduce(np.logical_or, map(signals.of, self.parts))


@frozen
class _Not:
    parts: tuple[int, ...]

    def of(self, signals: Signals) -> Bools:
        return ~signals.of(self.parts[0])


def _joined(terms: Iterable[Conjunction]) -> Conjunction:
    return frozenset().union(*terms)


class Circuit:
    """Gates by number. A gate that is made again is the one that there is."""

    def __init__(self) -> None:
        self._gates: list[_Gate] = [_Constant(False), _Constant(True)]
        self._numbers: dict[_Gate, int] = {}
        self._used: set[int] = set()
        self._shared: set[int] = set()
        self._questions: list[Asked] = []
        self._compared: dict[Path, set[str]] = {}
        self._texts: dict[Path, Texts] = {}

    def leaf(self, leaf: Leaf) -> int:
        """Return the gate that is true where the leaf holds."""
        before = len(self._gates)
        number = self._number(_Asks(leaf))
        if number == before and isinstance(leaf, OneOf):
            self._compared.setdefault(leaf.path, set()).update(leaf.texts)
            self._texts.pop(leaf.path, None)
        if number == before and isinstance(leaf, Asked):
            self._questions.append(leaf)
        return number

    def leaf_of(self, number: int) -> Leaf | None:
        """Return the leaf that the gate asks, if it does nothing else."""
        gate = self._gates[number]
        return gate.leaf if isinstance(gate, _Asks) else None

    def every(self, numbers: Iterable[int]) -> int:
        """Return the gate that is true where all of them are."""
        parts = self.parts(numbers)
        return self._number(_All(parts)) if len(parts) > 1 else next(iter(parts), TRUE)

    def parts(self, numbers: Iterable[int]) -> tuple[int, ...]:
        """Return the gates that are all true where, and only where, all of these are; FALSE alone where none is."""
        parts: set[int] = set()
        for number in numbers:
            parts.update(self.conjuncts(number))
        parts.discard(TRUE)
        return (FALSE,) if FALSE in parts else tuple(sorted(parts))

    def some(self, numbers: Iterable[int]) -> int:
        """Return the gate that is true where one of them is."""
        parts = set(numbers) - {FALSE}
        if TRUE in parts:
            return TRUE
        return self._number(_Any(tuple(sorted(parts)))) if len(parts) > 1 else next(iter(parts), FALSE)

    def opposite(self, number: int) -> int:
        """Return the gate that is true where the other is not."""
        if number in (TRUE, FALSE):
            return FALSE if number == TRUE else TRUE
        gate = self._gates[number]
        return gate.parts[0] if isinstance(gate, _Not) else self._number(_Not((number,)))

    def conjuncts(self, number: int) -> tuple[int, ...]:
        """Return the gates that are all true where, and only where, this one is: its parts, or itself."""
        gate = self._gates[number]
        return gate.parts if isinstance(gate, _All) else (number,)

    def terms(self, number: int, most: int, *, wanted: bool = True) -> list[Conjunction]:
        """Return terms of which one holds where, and only where, the gate is as `wanted`.

        Their gates are leaves; gates that would come to more than `most` terms are left whole.
        """
        gate = self._gates[number]
        if isinstance(gate, _Not):
            return self.terms(gate.parts[0], most, wanted=not wanted)
        if isinstance(gate, _All | _Any):
            parts = [self.terms(part, most, wanted=wanted) for part in gate.parts]
            any_will_do = isinstance(gate, _Any) is wanted
            if (sum if any_will_do else math.prod)(map(len, parts)) <= most:
                alternatives = parts if any_will_do else (map(_joined, itertools.product(*parts)),)
                return list(dict.fromkeys(itertools.chain(*alternatives)))
        return [frozenset(((number, wanted),))]

    def signals(self, frame: pl.DataFrame) -> Signals:
        """Return what the gates are for the rows of a frame; each is computed when it is asked for."""
        for path in self._compared:
            self.texts(path)
        return Signals(self._gates, self._shared, Columns(frame, self._texts, self._questions))

    def texts(self, path: Path) -> Texts:
        """Return the texts that a column is compared with by the leaves that there are by now."""
        if path not in self._texts:
            self._texts[path] = Texts(self._compared[path])
        return self._texts[path]

    def _number(self, gate: _Gate) -> int:
        number = self._numbers.setdefault(gate, len(self._gates))
        if number == len(self._gates):
            self._gates.append(gate)
            self._shared |= self._used.intersection(gate.parts)
            self._used.update(gate.parts)
        return number


class Signals:
    """What the gates of a circuit are for the rows of one frame. Arrays that are handed out are not to be changed.

    Args:
        gates: the gates by number.
        shared: the numbers of those that several gates are made of: they are kept.
        columns: the columns of the frame.
    """

    def __init__(self, gates: Sequence[_Gate], shared: Set[int], columns: Columns) -> None:
        self.columns = columns
        self._gates = gates
        self._shared = shared
        self._kept: dict[int, Bools] = {}

    def opposed(self, number: int) -> int | None:
        """Return the gate that this one is the opposite of, and need not be computed for; None: it is none such."""
        gate = self._gates[number]
        return gate.parts[0] if isinstance(gate, _Not) and number not in self._shared else None

    def of(self, number: int) -> Bools:
        """Return for each row whether the gate is true."""
        found = self._kept.get(number)
        if found is None:
            found = self._gates[number].of(self)
            if number in self._shared:
                self._kept[number] = found
        return found
