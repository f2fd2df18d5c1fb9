"""What a join puts out: which rows, and how their columns are called."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, Final

from ..errors import nearest
from ..expression import Type, polars_type
from ..formats.schema import shown_type
from ..frozen import frozen
from ..record import TEXT, TIMESTAMP

__all__ = ["LEFT_TIME", "RIGHT_TIME", "How", "JoinError", "Layout", "output_columns"]

LEFT_TIME: Final = "timestamp_left"
RIGHT_TIME: Final = "timestamp_right"


class JoinError(ValueError):
    """Two streams cannot be joined so. `option` is the one that would mend it; None: something before the join."""

    def __init__(
        self,
        message: str,
        *,
        option: str | None = "by",
        allowed: tuple[str, ...] = (),
        suggestion: str | None = None,
    ) -> None:
        super().__init__(message)
        self.option, self.allowed, self.suggestion = option, allowed, suggestion


class How(enum.Enum):
    """Which rows come out besides those that have a partner."""

    INNER = "inner"
    LEFT = "left"
    RIGHT = "right"
    OUTER = "outer"

    @property
    def sides(self) -> tuple[bool, bool]:
        """Whether rows without a partner come out, of the left and of the right side."""
        return self in (How.LEFT, How.OUTER), self in (How.RIGHT, How.OUTER)


@frozen
class Layout:
    """Which columns make rows belong together, and how those of the right side are called.

    Attributes:
        by: the key columns, which both sides have.
        suffix: put behind the name of a right column whose name the left side has, too.
        more: columns that the join adds, with their types.
        late: columns that the first rows of the right side did not have. They always have the suffix: the left side may
            get one of that name, too, and which of the two is seen first must not matter.
    """

    by: tuple[str, ...]
    suffix: str = "_right"
    more: tuple[tuple[str, Any], ...] = ()
    late: frozenset[str] = frozenset()

    def names(self, left: Mapping[str, Any], right: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
        """Return which columns of the left and of the right go out besides time and keys, and as what."""
        apart = {TIMESTAMP, TEXT, *self.by}
        lefts = {name: name for name in left if name not in apart}
        taken = apart | lefts.keys() | self.late
        rights = {name: f"{name}{self.suffix}" if name in taken else name for name in right if name not in apart}
        return lefts, rights


def output_columns(layout: Layout, left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of the results.

    Raises:
        JoinError: a side lacks a key or the time, keys are of types that do not go together, or two columns would have
            one name.
    """
    for side, columns in (("left", left), ("right", right)):
        for name in (TIMESTAMP, *layout.by):
            if name not in columns:
                known = tuple(column for column in columns if column != TEXT)
                what = "no event time: there is no column" if name == TIMESTAMP else "no column"
                raise JoinError(f"the {side} input has {what} {name!r}", allowed=known, suggestion=nearest(name, known))
    keys = {name: _common(name, left[name], right[name]) for name in layout.by}
    lefts, rights = layout.names(left, right)
    time = polars_type(Type.TIMESTAMP)
    outputs: list[tuple[str, Any]] = [(TIMESTAMP, time), *keys.items(), *layout.more]
    outputs += [(new, left[old]) for old, new in lefts.items()]
    outputs += [(new, right[old]) for old, new in rights.items()]
    outputs += [(LEFT_TIME, time), (RIGHT_TIME, time)]
    _check_once([name for name, _ in outputs], own={LEFT_TIME, RIGHT_TIME, *(name for name, _ in layout.more)})
    return dict(outputs)


def _check_once(names: list[str], own: set[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            twice = f"there would be two columns {name!r} in the results"
            if name in own:
                message = f"{twice}: the join adds one of that name; drop or rename that of the input before"
                raise JoinError(message, option=None)
            raise JoinError(f"{twice}; rename one, or give another suffix=", option="suffix")


def _common(name: str, left: Any, right: Any) -> Any:
    import polars as pl

    if left.is_nested() or right.is_nested():
        raise JoinError(f"the key {name!r} holds lists or structs, which cannot be keys")
    if left == right or right == pl.Null:
        return left
    if left == pl.Null:
        return right
    one, other = shown_type(left), shown_type(right)
    if one == other:
        one, other = str(left), str(right)
    raise JoinError(f"the key {name!r} is {one} on the left and {other} on the right; derive one of the same type")
