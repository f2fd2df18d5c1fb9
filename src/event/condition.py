"""What an event must be like: a condition looks like the event that it wants."""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from ..errors import CallbackError, SpecError
from .dict_evaluator import Test, compile_rule
from .parsing import COMBINATORS, condition_rule, settled
from .rules import Rule
from .values import classify

if TYPE_CHECKING:
    import polars as pl

    from .frame_evaluator import FrameTest
    from .selecting import Selector

__all__ = ["Condition"]


_SHALLOW: Final = 16


class Condition(Mapping[str, Any]):
    """What an event must be like: an immutable mapping from paths to what must stand there.

    All keys must hold; a list is OR and `[]` matches nothing; a nested mapping or a dotted path descends (a key that
    stands in the event as it is written, dots and all, is taken before the path). A list in the event matches if any
    element does, lists within it flattened; all operators of one object and all paths through the same list must hold
    for the same element. `$or $and $nor $not` hold conditions, each judged on its own: to want two things of one
    element, write them below its path (`{"items": {"$or": [...], "size": 3}}`).

    A missing field satisfies nothing but `exists: false`, null equals only null, and nothing is converted: `1`, `"1"`
    and `True` differ, `1 == 1.0`. Ranges compare numbers with numbers, texts with texts, times with times (an operand
    in ISO 8601 text is a text and a time); NaN equals nothing and is in no range. `exists` looks at leaf values: a
    mapping or an empty list is none. Case is ignored as `str.casefold` does it; `regex` searches; in `wildcard`
    a star stands for any run of characters, and `\\*` for a star. A field that is named like an operator is reached by
    its path: `{"a.prefix": 1}`.

    Two conditions are equal if they are written alike. They can be hashed unless they hold something that cannot, and
    pickled unless they hold a lambda.

    >>> hot = Condition({"city": ["Seattle", "Rome"], "temp": {">": 30}})
    >>> hot.matches({"city": "Rome", "temp": 31.5}), hot.matches({"city": "Rome"})
    (True, False)

    Args:
        rules: the condition as a mapping; another Condition is copied. None: no more than the keywords say.
        more: further keys, as keywords.

    Raises:
        SpecError: an operator is unknown, or has an operand that it cannot take (a bad regex, a bad network, ...).
    """

    def __init__(self, rules: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        if rules is not None and not isinstance(rules, Mapping):
            message = f"takes a mapping from fields to what they must be, not {rules!r}"
            raise SpecError("condition", message, value=rules)
        try:
            self._written: dict[str, Any] = settled({**(rules or {}), **more})
            self._rule = condition_rule(self._written)
            if _nests(self._written, _SHALLOW):
                self._test  # noqa: B018 (compiled at once: what is nested too deeply fails here, not on an event)
        except RecursionError as error:
            raise SpecError("condition", "is nested too deeply") from error

    @classmethod
    def made(cls, written: dict[str, Any], rule: Rule) -> Condition:
        """Return the condition of what it is written as (settled, and checked) and the rule that this stands for."""
        condition = cls.__new__(cls)
        condition._written = written
        condition._rule = rule
        return condition

    @property
    def written(self) -> dict[str, Any]:
        """What the condition is written as; not to be changed."""
        return self._written

    @property
    def rule(self) -> Rule:
        """The tree of rules that the condition stands for."""
        return self._rule

    @functools.cached_property
    def _test(self) -> Test:
        return compile_rule(self._rule)

    def matches(self, event: Any) -> bool:
        """Tell whether the event (a mapping, or an object with attributes) is what the condition wants.

        Raises:
            CallbackError: a function in the condition raised; the original error is its cause.
        """
        return bool(self._test(event))

    def mask(self, frame: pl.DataFrame, on_error: Callable[[CallbackError], None] | None = None) -> pl.Series:
        """Return one bool per row of the frame: whether the row is what the condition wants, as `matches` has it.

        A frame cannot tell a missing field from a null. Here both are null: `null` matches both and `exists` neither.

        Args:
            frame: the rows; a column that it does not have is null.
            on_error: called with the error of each row on which a function in the condition raises; that row does not
                match. Without it the error is raised.
        """
        import polars as pl

        return pl.Series("mask", self.frame_test.mask(frame, on_error), dtype=pl.Boolean)

    @functools.cached_property
    def frame_test(self) -> FrameTest:
        """What judges frames: `mask` as an array of numpy."""
        from .frame_evaluator import FrameTest

        return FrameTest(self._rule)

    def select(
        self,
        frame: pl.DataFrame,
        on_error: Callable[[CallbackError], None] | None = None,
        wanted: Collection[str] | None = None,
    ) -> pl.DataFrame:
        """Return the rows of the frame that `mask` is true of, in order; the frame itself if it is of all.

        Quick also for frames of a few rows, as live streams are made of.

        Args:
            frame, on_error: as for `mask`.
            wanted: columns that somebody looks at; others may be left out. None: all.
        """
        return self._selector.select(frame, on_error, wanted)

    @functools.cached_property
    def _selector(self) -> Selector:
        from .selecting import Selector

        return Selector(self._rule, self.frame_test)

    def __getitem__(self, key: str) -> Any:
        return _copied(self._written[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._written)

    def __len__(self) -> int:
        return len(self._written)

    @functools.cached_property
    def _key(self) -> Any:
        return _comparable(self._written)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Condition):
            return bool(self._key == other._key)
        if isinstance(other, Mapping):
            return bool(self._key == _comparable(settled(other)))
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return f"Condition({self._written!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Condition, (self._written,)


def _nests(written: Any, levels: int) -> bool:
    """Tell whether mappings and lists are nested more than so many levels deep."""
    within = written.values() if isinstance(written, dict) else written if isinstance(written, list) else ()
    return levels < 0 or any(_nests(each, levels - 1) for each in within if isinstance(each, dict | list))


def _copied(written: Any) -> Any:
    if isinstance(written, dict):
        return {key: _copied(value) for key, value in written.items()}
    return [_copied(value) for value in written] if isinstance(written, list) else copy.copy(written)


def _comparable(condition: dict[str, Any]) -> Any:
    """Return what compares as conditions do, and can be hashed.

    The order of keys does not count; `1` and `True` differ, `1` and `1.0` do not; a list and `$or` of one field are
    the same, as are a value and `=` of it, and `$not` of a condition and `$nor` of it alone.
    """
    return frozenset((key, _comparable_operand(key, value, _comparable)) for key, value in _without_not(condition))


def _without_not(rules: dict[str, Any]) -> list[tuple[str, Any]]:
    if "$not" in rules and "$nor" not in rules:
        return [("$nor", [value]) if key == "$not" else (key, value) for key, value in rules.items()]
    return list(rules.items())


def _comparable_operand(key: str, value: Any, below: Callable[[Any], Any]) -> Any:
    if key in COMBINATORS:
        return tuple(below(each) for each in value) if isinstance(value, list) else below(value)
    return _comparable_rule(value)


def _comparable_rule(value: Any) -> Any:
    """Return what compares as the rules of one field do."""
    if isinstance(value, list):
        return "any", tuple(_comparable_rule(each) for each in value)
    if isinstance(value, re.Pattern):
        return "regex", (value.pattern, value.flags)
    if not isinstance(value, dict):
        return classify(value)
    if value.keys() == {"="}:
        return _comparable_rule(value["="])
    if value.keys() == {"$or"}:
        return _comparable_rule(value["$or"])
    return frozenset((key, _comparable_operand(key, each, _comparable_rule)) for key, each in _without_not(value))
