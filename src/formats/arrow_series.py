"""Arrow's arrays as series of polars, without what `from_arrow` takes along.

polars' `from_arrow` imports `pyarrow.compute`, which writes a docstring for each function of Arrow: 30 ms of a start.
The Arrow PyCapsule interface hands the same buffers over, uncopied, in half the time of a call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa

from ..frozen import frozen

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["column_of", "columns_of", "series_of"]


@frozen
class _Handed:
    """An array of which polars sees nothing but the interface."""

    array: pa.Array

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]:
        """Hand over schema and buffers."""
        capsules: tuple[Any, Any] = self.array.__arrow_c_array__(requested_schema)
        return capsules


def series_of(array: pa.Array) -> pl.Series:
    """Return the array as a series; its buffers are not copied, but for texts of the older layout."""
    return pl.Series(_Handed(array))


@frozen
class _Streamed:
    """A table of which polars sees nothing but the interface."""

    table: pa.Table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """Hand over schema and buffers."""
        return self.table.__arrow_c_stream__(requested_schema)


def columns_of(table: pa.Table) -> dict[str, pl.Series]:
    """Return the columns of a table by name: the same as `series_of` each of them, by as few calls as for four.

    A column keeps alive what it was handed over with. Texts are copied, so they are handed over by themselves: else
    all others would keep both.
    """
    texts = [field.name for field in table.schema if field.type == pa.string()]
    others = [name for name in table.column_names if name not in texts]
    parts = [pl.Series(_Streamed(table.select(names))).struct.unnest() for names in (texts, others) if names]
    return {column.name: column for part in parts for column in part.get_columns()}


def column_of(values: npt.NDArray[Any], there: npt.NDArray[np.bool_] | None = None) -> pl.Series:
    """Return an array as a series. (`polars.Series` of an array would import numpy's masked arrays, 12 ms.)

    Args:
        values: truths, or numbers of a type that polars has; NaN stays NaN. Numbers are not copied.
        there: where there are values; what stands elsewhere is null. None: everywhere.
    """
    valid = None if there is None or there.all() else _bits(there)
    data = _bits(values) if values.dtype == np.bool_ else pa.py_buffer(np.ascontiguousarray(values))
    return series_of(pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [valid, data]))


def _bits(truths: npt.NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(truths, bitorder="little"))
