"""Rules as bits: what the value of a column leaves possible is a word of bits, and the columns' words are joined.

                        rule: 3 2 1 0                                           rule: 3 2 1 0
    temp below 20             0 0 1 0      status = ok, and all other texts           1 0 0 1
         20 to 30             1 0 1 0      status = fail                              1 1 1 0
         above 30             1 1 1 1

    a row with temp 35 and status fail: 1111 & 1110, the rules 1, 2 and 3

A rule is one term, or several of which one must hold; a term asks columns something, and has a bit. Bits lie in words
of 64, and the words in groups: one bit of a group stands for a word in which any bit is left. So rows are narrowed down
in three steps, each on what the step before has left:

    groups    of every row, roughly (see `classes`): few steps for each column, and for a thousand rules
    words     of each pair of a row and a word that is possible, roughly
    exactly   each pair of which a bit is left

Routers find the rules for a packet so (Lakshman and Stiliadis, "High-speed policy-based packet forwarding using
efficient multi-dimensional range matching", SIGCOMM 1998; with groups: Baboescu and Varghese, "Scalable packet
classification", SIGCOMM 2001).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from ..frozen import frozen
from .circuit import Circuit, Signals
from .classes import Classes, Rows
from .leaves import Array
from .terms import Source, Term, classes_for, shape_of, terms_of

__all__ = ["BitTable", "Left", "bit_tables"]

_OCTET: Final = 8
_OCTETS: Final = 64
"""Octets in a table: a group has as many bits."""
_ALL: Final = 0xFFFF_FFFF_FFFF_FFFF
_WORTH: Final = 2
"""Rows are picked out where so many times as many have been looked at as are left."""


def bit_tables(circuit: Circuit, gates: Mapping[int, int], signals: Signals) -> list[BitTable]:
    """Return tables that find all rules together.

    Args:
        circuit: where the gates are.
        gates: the gate of each rule.
        signals: those of a frame without rows, which tells the types of the columns.
    """
    octets: list[list[Term]] = []
    for _, alike in itertools.groupby(terms_of(circuit, gates, signals), shape_of):
        terms = list(alike)
        octets += [terms[first : first + _OCTET] for first in range(0, len(terms), _OCTET)]
    return [BitTable(signals, octets[first : first + _OCTETS]) for first in range(0, len(octets), _OCTETS)]


@frozen
class Left:
    """Octets of which bits are left: the row of each, its number, and its bits."""

    rows: Array
    octets: Array
    bits: Array

    @property
    def total(self) -> int:
        return int(np.bitwise_count(self.bits).sum(dtype=np.int64))


@frozen
class _Column:
    """What the classes of one column leave possible: groups and octets of each cell, octets of each class."""

    classes: Classes
    groups: Array
    roughly: Array
    exactly: Array


class BitTable:
    """Finds rules of which each depends on a few columns.

    Args:
        signals: those of a frame without rows, which tells the types of the columns.
        octets: what there is to find, eight at most in each.
    """

    def __init__(self, signals: Signals, octets: Sequence[Sequence[Term]]) -> None:
        terms = [term for octet in octets for term in (*octet, *[None] * (_OCTET - len(octet)))]
        self._rules = np.array([-1 if term is None else term.rule for term in terms], np.int64)
        self._octets = len(octets)
        known = classes_for([term for term in terms if term is not None], signals)
        self._columns = [_column(source, classes, terms) for source, classes in known]

    def left(self, signals: Signals) -> Left:
        """Return the bits that are left of the rows of a frame: each is a term that holds."""
        rows, groups, cells = self._groups(signals)
        at, octets = _set_bits(groups)
        if not len(at):
            return Left(at, octets, np.empty(0, np.uint8))
        return self._exactly(signals, self._roughly(at if rows is None else rows[at], octets, at, cells))

    def _groups(self, signals: Signals) -> tuple[Rows, Array, list[Array]]:
        """Return the rows of which bits of a group are left, those bits, and the cells of each column."""
        rows: Rows = None
        groups: Array = np.full(1 if self._columns else signals.columns.height, _ALL, np.uint64)
        cells: list[Array] = []
        for column in self._columns:
            cells.append(column.classes.rough(signals, rows))
            groups = groups & column.groups.take(cells[-1])
            left = groups != 0
            if np.count_nonzero(left) * _WORTH <= len(left):
                (at,) = left.nonzero()
                rows = at if rows is None else rows[at]
                groups, cells = groups.take(at), [each.take(at) for each in cells]
        return rows, groups, cells

    def _roughly(self, rows: Array, octets: Array, at: Array, known: Sequence[Array]) -> Left:
        """Return what is left of octets, given the rows, and where among the cells each stands."""
        bits: Array = np.full(1 if self._columns else len(rows), 0xFF, np.uint8)
        for column, cells in zip(self._columns, known, strict=True):
            begin = np.multiply(cells.take(at), self._octets, dtype=np.intp)  # those of few texts have 8 bits
            bits = bits & column.roughly.take(begin + octets)
            if np.count_nonzero(bits) * _WORTH <= len(bits):
                (left,) = bits.nonzero()
                rows, octets, at, bits = (each.take(left) for each in (rows, octets, at, bits))
        return Left(rows, octets, bits)

    def _exactly(self, signals: Signals, left: Left) -> Left:
        bits = left.bits
        for column in self._columns:
            if not column.classes.exact:
                classes = column.classes.of(signals, left.rows)
                bits = bits & column.exactly.take(classes * self._octets + left.octets)
        (kept,) = bits.nonzero()
        return Left(left.rows[kept], left.octets[kept], bits[kept])

    def found(self, left: Left) -> tuple[Array, Array]:
        """Return the rows and the rules of what is left, by row; a rule may be there once for each of its terms."""
        at, bits = _set_bits(left.bits)
        return left.rows[at], self._rules[left.octets[at] * _OCTET + bits]


def _column(source: Source, classes: Classes, terms: Sequence[Term | None]) -> _Column:
    truths = np.ones((classes.size, len(terms)), np.bool_)
    for number, term in enumerate(terms):
        for leaf, wanted in () if term is None else term.asks.get(source, ()):
            truths[:, number] &= classes.truths(leaf) == wanted
    truths[:, [term is None for term in terms]] = False
    exactly = np.packbits(truths, axis=1, bitorder="little")
    roughly = classes.spread(exactly)
    groups = np.zeros((len(roughly), 8), np.uint8)
    packed = np.packbits(roughly != 0, axis=1, bitorder="little")
    groups[:, : packed.shape[1]] = packed
    return _Column(classes, groups.view(np.uint64).ravel(), roughly.ravel(), exactly.ravel())


def _set_bits(words: Array) -> tuple[Array, Array]:
    """Return the places of words, and the numbers of their bits, wherever one is set: by word, then by bit."""
    size = 8 * words.itemsize
    (places,) = np.unpackbits(words.view(np.uint8), bitorder="little").view(np.bool_).nonzero()
    return places // size, places % size
