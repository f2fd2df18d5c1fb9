"""From many rules of one shape to one Python function that tests them all on an event.

Rules that differ in nothing but their constants have one shape: `sensor = a and temp not 3` and `sensor = b and temp
not 4`. The rules of a shape stand in rows of their number and their constants, and one generated function looks up the
event's fields once and then runs through the rows:

    def scan(v0, rows, found, doubtful):
        if type(v0) is not dict: return doubt(rows, doubtful)
        v1 = v0.get('sensor', MISSING)
        if type(v1) not in PLAIN: return doubt(rows, doubtful)
        s1 = v1 if type(v1) is str else None
        ...
        for rule, c0, c1, in rows:
            if ((s1 == c0) and (v3 is not MISSING and not (n3 == c1))): found.append(rule)

It knows dicts whose values are plain; what is odd (lists, objects, other mappings, a key with dots) is left to the
careful evaluator, as are rules that call functions of the user's. So it says what `dict_evaluator` says, or nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Final, TypeAlias

from .rules import AllOf, AnyOf, Complement, Each, Equal, Exists, Fields, Negated, Ordered, Rule, TextTest
from .values import MISSING, time_of

__all__ = ["CAREFUL", "Row", "Shape", "shape_of"]

Row: TypeAlias = tuple[Any, ...]
"""The number of a rule, and its constants."""

Scan: TypeAlias = Callable[[Any, Collection[Row], list[int], set[int]], None]

_PLAIN: Final = frozenset((str, int, float, bool, type(None), datetime, dict, type(MISSING)))
_DEEPEST: Final = 20
_LONGEST: Final = 100
"""Rules within a rule; beyond that a function would be long to write and is seldom shared."""

_COMPILED_AFTER: Final = 64
"""Tests one by one cost less than compiling a function that is hardly used."""


class _NotPlainError(Exception):
    """The rule has to be left to the careful evaluator."""


class Shape:
    """What rules have in common that differ only in their constants. `scan` tests rows of such rules on an event.

    `scan(event, rows, found, doubtful)` appends the numbers of the rules that hold to `found` and adds to `doubtful`
    those that it cannot tell.
    """

    __slots__ = ("__weakref__", "_left", "_source", "scan")

    def __init__(self, source: str | None) -> None:
        self._source = source
        self._left = _COMPILED_AFTER
        self.scan: Scan = self._doubt

    def _doubt(self, event: Any, rows: Collection[Row], found: list[int], doubtful: set[int]) -> None:
        _doubt(rows, doubtful)
        self._left -= len(rows)
        if self._source is not None and self._left < 0:
            self.scan = _compiled(self._source)


def _doubt(rows: Collection[Row], doubtful: set[int]) -> None:
    doubtful.update([row[0] for row in rows])


CAREFUL: Final = Shape(None)
"""The shape of the rules that are left to the careful evaluator."""


@functools.lru_cache(maxsize=512)
def _compiled(source: str) -> Scan:
    names = {"MISSING": MISSING, "NAN": float("nan"), "PLAIN": _PLAIN, "datetime": datetime, "time_of": time_of}
    space: dict[str, Any] = {**names, "doubt": _doubt}
    exec(compile(source, "<scan of rules>", "exec"), space)  # noqa: S102 (the source holds no text but quoted paths)
    scan: Scan = space["scan"]
    return scan


def shape_of(rule: Rule) -> tuple[str | None, tuple[Any, ...]]:
    """Return the source of the function that tests rules of this shape, and the constants of this one.

    The source is None if the rule has to be left to the careful evaluator.
    """
    writer = _Writer()
    try:
        test = writer.test(rule, "v0", 0)
    except _NotPlainError:
        return None, ()
    names = "".join(f" c{number}," for number in range(len(writer.constants)))
    lines = [
        "def scan(v0, rows, found, doubtful):",
        *(f"    {line}" for line in writer.lines),
        f"    for rule,{names} in rows:",
        f"        if {test}: found.append(rule)",
    ]
    return "\n".join(lines), tuple(writer.constants)


class _Writer:
    """Writes the test of one rule; the values of an event are `v0` (itself), `v1`, ... in it.

    Beside a value `v1` stand, where they are asked for, `n1`: the number or NaN, which is equal to nothing and in no
    range; `s1`: the text or None; `t1`: the time or None.
    """

    def __init__(self) -> None:
        self.lines = ["if type(v0) is not dict: return doubt(rows, doubtful)"]
        self.constants: list[Any] = []
        self._names: dict[tuple[str, str], str] = {}
        self._rules = 0

    def test(self, rule: Rule, value: str, depth: int) -> str:
        """Return an expression that is true if the rule holds of a value; the lines before it are added to `lines`."""
        self._rules += 1
        if depth > _DEEPEST or self._rules > _LONGEST or type(rule) not in _TESTS:
            raise _NotPlainError
        return f"({_TESTS[type(rule)](self, rule, value, depth + 1)})"

    def _line(self, what: str, value: str, name: str, line: str) -> str:
        """Add a line that finds out something about a value, once; return the name of what it found."""
        if (what, value) not in self._names:
            self._names[what, value] = name
            self.lines += line.splitlines()
        return self._names[what, value]

    def _constant(self, value: Any) -> str:
        self.constants.append(value)
        return f"c{len(self.constants) - 1}"

    def _number(self, value: str) -> str:
        name = f"n{value[1:]}"
        kinds = f"type({value}) is float or type({value}) is int"
        return self._line("number", value, name, f"{name} = {value} if {kinds} else NAN")

    def _text(self, value: str) -> str:
        name = f"s{value[1:]}"
        return self._line("text", value, name, f"{name} = {value} if type({value}) is str else None")

    def _time(self, value: str) -> str:
        name = f"t{value[1:]}"
        return self._line("time", value, name, f"{name} = time_of({value}) if type({value}) is datetime else None")

    def _at(self, value: str, key: str) -> str:
        """Look up what stands under a key that has no dots."""
        name = f"v{len(self._names) + 1}"
        found = f"{value}.get({key!r}, MISSING)" + ("" if value == "v0" else f" if type({value}) is dict else MISSING")
        lines = f"{name} = {found}\nif type({name}) not in PLAIN: return doubt(rows, doubtful)"
        return self._line(key, f"in {value}", name, lines)

    def _fields(self, rule: Fields, value: str, depth: int) -> str:
        return " and ".join([self._path(path, each, value, depth) for path, each in rule.items]) or "True"

    def _path(self, path: str, rule: Rule, value: str, depth: int) -> str:
        head, dot, tail = path.partition(".")
        if not dot:
            return self.test(rule, self._at(value, head), depth)
        there = f"type({value}) is dict and {path!r} in {value}"
        self._line(path, f"key of {value}", "", f"if {there}: return doubt(rows, doubtful)")
        return self._path(tail, rule, self._at(value, head), depth)

    def _equal(self, rule: Equal, value: str, depth: int) -> str:
        return " or ".join([self._is(value, kind, operand) for kind, operand in rule.operands()])

    def _is(self, value: str, kind: str, operand: Any) -> str:
        if kind == "null":
            return f"{value} is None"
        if kind == "truth":
            return f"{value} is {self._constant(operand)}"
        return f"{self._of_kind(value, kind)} == {self._constant(operand)}"

    def _of_kind(self, value: str, kind: str) -> str:
        known = {"number": self._number, "text": self._text, "time": self._time}
        if kind not in known:
            raise _NotPlainError
        return known[kind](value)

    def _ordered(self, rule: Ordered, value: str, depth: int) -> str:
        sides = []
        for kind, bound in dict(rule.operands()).items():
            given = self._of_kind(value, kind)
            side = f"{given} {rule.symbol} {self._constant(bound)}"
            sides.append(side if kind == "number" else f"({given} is not None and {side})")
        return " or ".join(sides)

    def _text_test(self, rule: TextTest, value: str, depth: int) -> str:
        known = {"prefix": "{s}.startswith({c})", "suffix": "{s}.endswith({c})", "contains": "{c} in {s}"}
        pattern = known.get(rule.name)
        constant = self._constant(rule.operand if pattern else rule.holds)
        given = self._text(value)
        return f"{given} is not None and {(pattern or '{c}({s})').format(s=given, c=constant)}"

    def _exists(self, rule: Exists, value: str, depth: int) -> str:
        leaf = f"{value} is not MISSING and type({value}) is not dict"
        return leaf if rule.wanted else f"not ({leaf})"

    def _negated(self, rule: Negated, value: str, depth: int) -> str:
        return f"{value} is not MISSING and not {self.test(rule.rule, value, depth)}"

    def _complement(self, rule: Complement, value: str, depth: int) -> str:
        return f"not {self.test(rule.rule, value, depth)}"

    def _all_of(self, rule: AllOf | Each, value: str, depth: int) -> str:
        return " and ".join([self.test(each, value, depth) for each in rule.rules]) or "True"

    def _any_of(self, rule: AnyOf, value: str, depth: int) -> str:
        """Join alternatives; values of one kind are looked up in a set."""
        operands = [operand for each in rule.rules if isinstance(each, Equal) for operand in each.operands()]
        tests = []
        for kind in dict.fromkeys(kind for kind, _ in operands):
            wanted = [operand for known, operand in operands if known == kind and operand == operand]
            if kind in ("null", "truth"):
                tests += [self._is(value, kind, operand) for operand in dict.fromkeys(wanted)]
            else:
                tests.append(f"{self._of_kind(value, kind)} in {self._constant(frozenset(wanted))}")
        tests += [self.test(each, value, depth) for each in rule.rules if not isinstance(each, Equal)]
        return " or ".join(tests) or "False"


_TESTS: Final[dict[type, Callable[[Any, Any, str, int], str]]] = {
    Equal: _Writer._equal,
    Ordered: _Writer._ordered,
    TextTest: _Writer._text_test,
    Exists: _Writer._exists,
    Negated: _Writer._negated,
    Complement: _Writer._complement,
    AnyOf: _Writer._any_of,
    AllOf: _Writer._all_of,
    Each: _Writer._all_of,
    Fields: _Writer._fields,
}
