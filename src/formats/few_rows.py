"""A frame of a few rows, held as the dicts that they came as until somebody asks for its columns.

A live stream is made of blocks of one to ten rows. Whatever polars is asked of such a frame takes microseconds, to make
it 10 to 30, while a dict is at hand: the reader has just parsed it, the condition can judge it, the function that is
called wants it. So a reader makes `FewRows`, and who knows rows takes `records`. For all others it is a `DataFrame`
like any other: the first method that needs the columns makes them, once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, TypeVar

import polars as pl

__all__ = ["FewRows"]


_Method = TypeVar("_Method", bound=Callable[..., Any])


def _forgetting(method: _Method, *, only_if_asked: bool = False) -> _Method:
    """Return a method of polars that changes a frame in place (or `in_place=True` asks for that), so that the frame
    forgets its rows before."""

    @wraps(method)
    def changing(self: FewRows, *args: Any, **options: Any) -> Any:
        if options.get("in_place") or not only_if_asked:
            self._df = self._df
        return method(self, *args, **options)

    return changing  # type: ignore[return-value]


class FewRows(pl.DataFrame):
    """Some rows with the types of their columns. Whoever changes it in place has only the columns left.

    Args:
        records: one dict for each row, with all columns in their order; the values are those that polars would give.
            They are shared: whoever hands them out copies them.
        types: the polars type of each column, in order. One object for many frames: equal types are then seen at once.
    """

    # What polars makes of a frame is of the class of that frame, and is made without __init__: it has no records.
    records: Sequence[dict[str, Any]] | None = None
    types: Mapping[str, Any] | None = None
    _made: Any = None

    def __init__(self, records: Sequence[dict[str, Any]], types: Mapping[str, Any]) -> None:
        self.records = records
        self.types = types

    # Polars keeps its own form of a frame in this attribute, and reads it in all methods.
    @property
    def _df(self) -> Any:
        if self._made is None:
            self._made = pl.DataFrame(self.records, schema=self.types)._df
        return self._made

    @_df.setter
    def _df(self, made: Any) -> None:
        self._made = made
        self.records = self.types = None

    @property
    def height(self) -> int:
        return super().height if self.records is None else len(self.records)

    @property
    def columns(self) -> list[str]:
        return super().columns if self.types is None else list(self.types)

    @columns.setter
    def columns(self, names: Sequence[str]) -> None:
        made = pl.DataFrame(self)
        made.columns = list(names)
        self._df = made._df

    __setitem__ = _forgetting(pl.DataFrame.__setitem__)
    insert_column = _forgetting(pl.DataFrame.insert_column)
    replace_column = _forgetting(pl.DataFrame.replace_column)
    drop_in_place = _forgetting(pl.DataFrame.drop_in_place)
    extend = _forgetting(pl.DataFrame.extend)
    hstack = _forgetting(pl.DataFrame.hstack, only_if_asked=True)
    vstack = _forgetting(pl.DataFrame.vstack, only_if_asked=True)
