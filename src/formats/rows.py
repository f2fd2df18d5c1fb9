"""Rows of a frame as dicts: for functions of the user's, and for whoever takes records one by one.

Most of the time goes into memory that is not in the processor's cache: the values of 100,000 rows take 30 MB. So a
frame is taken a slice at a time: its values are gone, and their memory is used again, before those of the next are
made. And a loop is written for each set of columns, in which Python makes each row as a display, `{"a": v0, "b": v1}`,
right where it is handed on: that saves a call for each row, and nothing is looked up.

    columns -> values of some thousand rows -> `for (v0, v1) in values: take({"a": v0, "b": v1})`
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from .few_frames import records_of

if TYPE_CHECKING:
    import polars as pl

__all__ = ["each_row", "row_dicts"]

_FEW: Final = 32
"""Below so many times, getting ready to be fast takes longer than it saves."""

_VALUES: Final = 32_768
_ROWS: Final = 256
"""A slice has so many values, but not fewer rows, as each column costs some microseconds, however short."""

_Row: TypeAlias = dict[str, Any]
_Take: TypeAlias = Callable[[_Row], Any]


def row_dicts(frame: pl.DataFrame) -> Iterator[_Row]:
    """Yield a fresh dict for each row, in order, with the values that polars makes of them.

    About 350 ns a row of six columns, a third of what `to_dicts` takes.
    """
    records = records_of(frame)
    if records is not None:
        return map(dict, records)
    return chain.from_iterable(map(_loops(tuple(frame.columns)).rows, _slices(frame)))


def each_row(frame: pl.DataFrame, take: _Take, failed: Callable[[BaseException], None]) -> None:
    """Call a function with each row, in order: with what `row_dicts` yields, but quicker.

    Args:
        frame: the rows.
        take: the function. If it raises, or wants to leave the program, the next row follows all the same.
        failed: called with each such error, before the next row.
    """
    records = records_of(frame)
    each = _each if records is not None else _loops(tuple(frame.columns)).each
    for values in _slices(frame) if records is None else [map(dict, records)]:
        while (error := _error_of(each, values, take)) is not None:
            failed(error)


def _error_of(each: Callable[[Iterator[Any], _Take], None], values: Iterator[Any], take: _Take) -> BaseException | None:
    """Go on with the rows that are left, until the next error; None if there was none."""
    try:
        each(values, take)
    except (Exception, SystemExit) as error:
        return error
    return None


def _each(rows: Iterator[_Row], take: _Take) -> None:
    for row in rows:
        take(row)


class _Loops(NamedTuple):
    """What makes rows of tuples of their values: one that yields them, and one that calls a function with each."""

    rows: Callable[[Iterator[tuple[Any, ...]]], Iterator[_Row]]
    each: Callable[[Iterator[tuple[Any, ...]], _Take], None]


@lru_cache(maxsize=64)
def _loops(names: tuple[str, ...]) -> _Loops:
    values = [f"v{number}" for number in range(len(names))]
    row = ", ".join(f"{name!r}: {value}" for name, value in zip(names, values, strict=True))
    loop = f"    for ({''.join(f'{value}, ' for value in values)}) in values:\n"
    text = f"def rows(values):\n{loop}        yield {{{row}}}\ndef each(values, take):\n{loop}        take({{{row}}})\n"
    made: dict[str, Any] = {}
    exec(text, made)  # noqa: S102 (names are quoted by repr)
    return _Loops(made["rows"], made["each"])


def _slices(frame: pl.DataFrame) -> Iterator[Iterator[tuple[Any, ...]]]:
    """Yield the values of the rows, some thousand at a time."""
    columns = [(column, _values_of(column.dtype)) for column in frame.get_columns()]
    size = max(_ROWS, _VALUES // max(1, len(columns)))
    for start in range(0, frame.height if columns else 0, size):
        yield zip(*[values(column.slice(start, size)) for column, values in columns], strict=True)


def _values_of(dtype: Any) -> Callable[[pl.Series], Sequence[Any]]:
    """Return what makes the values of a column of that type."""
    import polars as pl

    return _times if dtype in (pl.Datetime("us", "UTC"), pl.Datetime("us"), pl.Date) else pl.Series.to_list


def _times(column: pl.Series) -> Sequence[Any]:
    """Return what `to_list` does, in an eighth of the time: the first of them, and to this what has passed since."""
    import numpy as np

    start: Any = column.min() if len(column) >= _FEW else None
    if start is None:
        return column.to_list()
    times = column.to_numpy()
    passed = (times - np.fmin.reduce(times)).tolist()
    return [None if since is None else start + since for since in passed]
