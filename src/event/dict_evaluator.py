"""From rules to a Python function that tests one event: a mapping, an object with attributes, or lists of those.

A list is tested element by element, lists within it flattened; an empty list is as good as a missing field. A path is
first taken as a key as it stands, `a.b` in `{"a.b": 1}`, and only then as a way down, and so again at each level.

A frame cannot tell a missing field from a null. With `null_is_missing` the function judges a row as a frame does:
what is missing is null, and a null does not exist.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias

from ..errors import CallbackError
from .operators import COMPARISONS
from .places import name_of
from .rules import (
    AllOf,
    AnyOf,
    Call,
    Complement,
    Each,
    Equal,
    Exists,
    Fields,
    Negated,
    Ordered,
    Rule,
    TextTest,
    below,
    calls,
)
from .values import KIND_OF, MISSING, classify, elements, is_list, time_of

__all__ = ["Test", "compile_rule", "member", "values_at", "values_of"]

Test: TypeAlias = Callable[[Any], Any]

_TIMES: Final = (date, time, timedelta)
_SCALARS: Final = (str, bytes, bytearray, int, float, complex, Decimal, *_TIMES, type(None), type(MISSING))
_SCALAR_TYPES: Final = frozenset((*_SCALARS, bool, datetime))
_NOTHING: Final = (MISSING,)


def compile_rule(rule: Rule, *, null_is_missing: bool = False) -> Test:
    """Return a function of one value that returns true (not always a bool) if the rule holds of it.

    The function raises CallbackError if a function of the user's raises, and nothing else.
    """
    return _compile(rule, null_is_missing)


@functools.singledispatch
def _compile(rule: Rule, null_is_missing: bool) -> Test:
    raise TypeError(f"{rule!r} is no rule")


def _of_any_element(test: Test) -> Test:
    def holds(value: Any) -> Any:
        if type(value) in _SCALAR_TYPES or not is_list(value):
            return test(value)
        return any(map(test, elements(value)))

    return holds


def _of_any_element_or_nothing(test: Test) -> Test:
    def holds(value: Any) -> Any:
        if type(value) is dict or not is_list(value):
            return test(value)
        return any(map(test, list(elements(value)) or _NOTHING))

    return holds


@_compile.register
def _equal(rule: Equal, null_is_missing: bool) -> Test:
    operands = rule.operands()
    wanted, plain = rule.value, type(rule.value)

    def among(value: Any) -> bool:
        kind, comparable = classify(value)
        return any(
            kind == known and (kind != "other" or type(comparable) is type(operand)) and bool(comparable == operand)
            for known, operand in operands
        )

    def number(value: Any) -> Any:
        given = type(value)
        return value == wanted if given is int or given is float else among(value)

    def text(value: Any) -> Any:
        return value == wanted if type(value) is str else among(value)

    if wanted is None:
        return _of_any_element(lambda value: value is None)
    return _of_any_element(number if plain in (int, float) else text if plain is str else among)


@_compile.register
def _ordered(rule: Ordered, null_is_missing: bool) -> Test:
    operands = dict(rule.operands())
    compare, bound = COMPARISONS[rule.symbol], rule.value
    quick = frozenset((int, float)) if type(bound) in (int, float) else frozenset((type(bound),)) & {str}

    def holds(value: Any) -> Any:
        if type(value) in quick:
            return compare(value, bound)
        kind, comparable = classify(value)
        return kind in operands and compare(comparable, operands[kind])

    return _of_any_element(holds)


@_compile.register
def _text_test(rule: TextTest, null_is_missing: bool) -> Test:
    holds = rule.holds
    return _of_any_element(lambda value: isinstance(value, str) and holds(value))


@_compile.register
def _call(rule: Call, null_is_missing: bool) -> Test:
    function = rule.function

    def holds(value: Any) -> Any:
        if value is MISSING:
            return False
        try:
            return bool(function(value))
        except Exception as error:
            message = f"{name_of(function)} raised {type(error).__name__}: {error}; its value was {value!r:.200}"
            raise CallbackError(message) from error

    return _of_any_element(holds)


@_compile.register
def _exists(rule: Exists, null_is_missing: bool) -> Test:
    def is_leaf(value: Any) -> bool:
        if value is None:
            return not null_is_missing
        return value is not MISSING and not isinstance(value, Mapping)

    if rule.wanted:
        return _of_any_element(is_leaf)
    leaf_within = _of_any_element(is_leaf)
    return lambda value: not leaf_within(value)


@_compile.register
def _negated(rule: Negated, null_is_missing: bool) -> Test:
    test = _compile(rule.rule, null_is_missing)
    return _of_any_element(lambda value: value is not MISSING and not test(value))


@_compile.register
def _complement(rule: Complement, null_is_missing: bool) -> Test:
    test = _compile(rule.rule, null_is_missing)
    return _of_any_element_or_nothing(lambda value: not test(value))


@_compile.register
def _any_of(rule: AnyOf, null_is_missing: bool) -> Test:
    tests = [_compile(each, null_is_missing) for each in rule.rules]
    plain = [each.value for each in rule.rules if isinstance(each, Equal)]
    texts = frozenset(value for value in plain if type(value) is str)

    def holds(value: Any) -> Any:
        if type(value) is str and value in texts:
            return True
        return any(test(value) for test in tests)

    return holds


def _all_hold(tests: Iterable[Test]) -> Test:
    known = tuple(tests)
    if len(known) == 2:
        first, second = known
        return lambda value: first(value) and second(value)
    return lambda value: all(test(value) for test in known)


@_compile.register
def _each(rule: Each, null_is_missing: bool) -> Test:
    return _of_any_element_or_nothing(_all_hold(_compile(each, null_is_missing) for each in rule.rules))


@_compile.register
def _all_of(rule: AllOf, null_is_missing: bool) -> Test:
    none_there = [each for each in rule.rules if isinstance(each, Exists) and not each.wanted]
    for_one = [_compile(each, null_is_missing) for each in rule.rules if each not in none_there]
    for_whole = [_compile(each, null_is_missing) for each in none_there]
    return _all_hold([*for_whole, _of_any_element_or_nothing(_all_hold(for_one))])


def member(value: Any, key: str, absent: Any) -> Any:
    """Return what stands under `key` in a mapping, or as that attribute of an object; methods are no values."""
    if isinstance(value, Mapping):
        return value.get(key, absent)
    if isinstance(value, _SCALARS) or key.startswith("__") or not key:
        return absent
    found = getattr(value, key, absent)
    return absent if callable(found) else found


@_compile.register
def _fields(rule: Fields, null_is_missing: bool) -> Test:
    heads = sorted(rule.by_head().items(), key=lambda head: any(calls(each) for _, each in head[1]))
    groups = [_group(head, members, null_is_missing) for head, members in heads]
    return _of_any_element_or_nothing(_all_hold(groups))


def _group(head: str, members: list[tuple[str, Rule]], null_is_missing: bool) -> Test:
    """Test the paths that begin with `head`, in a value that is no list."""
    absent = None if null_is_missing else MISSING
    test = _compile(below(members), null_is_missing)
    literals = tuple(path for path, _ in members if "." in path)
    if not literals:
        return lambda value: test(value.get(head, absent) if type(value) is dict else member(value, head, absent))
    literal_test = _literal_test(members, null_is_missing)

    def holds(value: Any) -> Any:
        if isinstance(value, Mapping):
            taken = tuple(literal for literal in literals if literal in value)
            if taken:
                return literal_test(taken)(value)
        return test(member(value, head, absent))

    return holds


def _literal_test(members: list[tuple[str, Rule]], null_is_missing: bool) -> Callable[[tuple[str, ...]], Test]:
    """Return what makes the test of a mapping that has some dotted paths, the ones taken, as its very keys."""

    @functools.lru_cache(maxsize=16)
    def for_taken(taken: tuple[str, ...]) -> Test:
        exact = [(path, _compile(rule, null_is_missing)) for path, rule in members if path in taken]
        rest = [(path, rule) for path, rule in members if path not in taken]
        head = rest[0][0].partition(".")[0] if rest else ""
        test = _compile(below(rest), null_is_missing) if rest else None
        absent = None if null_is_missing else MISSING

        def holds(value: Mapping[str, Any]) -> Any:
            if not all(test_exact(value[path]) for path, test_exact in exact):
                return False
            return test is None or test(value.get(head, absent))

        return holds

    return for_taken


def values_at(event: Any, path: str) -> list[Any]:
    """Return the values that a path leads to in an event, lists flattened; none if it leads nowhere."""
    if is_list(event):
        return [found for element in elements(event) for found in values_at(element, path)]
    if isinstance(event, Mapping) and path in event:
        found = event[path]
        return list(elements(found)) if is_list(found) else [found]
    head, dot, tail = path.partition(".")
    found = member(event, head, MISSING)
    if found is MISSING:
        return []
    if dot:
        return values_at(found, tail)
    return list(elements(found)) if is_list(found) else [found]


def values_of(event: Any, chain: Sequence[str]) -> Sequence[tuple[str, Any]]:
    """Return the values that paths, one below the other, lead to in an event, with their kinds (`classify`)."""
    if len(chain) == 1 and type(event) is dict:
        value = event.get(chain[0], MISSING)
        kind = KIND_OF.get(type(value))
        if kind is not None:
            return ((kind, value),)
        if value is MISSING and "." not in chain[0]:
            return ()
        if type(value) is datetime:
            return (("time", time_of(value)),)
    values = [event]
    for path in chain:
        values = [found for value in values for found in values_at(value, path)]
    return [classify(value) for value in values]
