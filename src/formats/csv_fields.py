"""Where the fields of one column of CSV stand in their block, and their first bytes, many fields at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ..frozen import frozen
from .csv_scan import Records

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]

__all__ = ["Fields", "bitmap", "fields_of", "rows_of"]


@frozen
class Fields:
    """One column of the good records of a block.

    Attributes:
        data: the block, with `PADDING` behind it.
        starts, sizes: of each field in bytes, without the quotes around it.
        present: false where a field is empty and has no quotes.
        doubled: true where a quote inside may be written twice; None: nowhere.
    """

    data: bytes
    starts: Ints
    sizes: Ints
    present: Flags
    doubled: Flags | None = None

    def words(self, dtype: str) -> npt.NDArray[Any]:
        """Return what stands from the start of each field on, as numbers or bytes.

        Of as many bytes as the fields have, or up to as many as `PADDING` has.
        """
        places = len(self.data) - np.dtype(dtype).itemsize + 1
        everywhere: npt.NDArray[Any] = np.ndarray((places,), dtype=dtype, buffer=self.data, strides=(1,))
        return everywhere[self.starts]


def fields_of(records: Records, column: int, quote: int | None) -> Fields:
    """Return the fields of one column."""
    starts, ends = records.fields(column)
    sizes = ends - starts
    present = sizes > 0
    if not records.quotes:
        return Fields(records.data, starts, sizes, present)
    quoted = (np.frombuffer(records.data, dtype=np.uint8)[starts] == quote) & present
    doubled = quoted if records.doubled and quoted.any() else None
    return Fields(records.data, starts + quoted, sizes - 2 * quoted, present, doubled)


def rows_of(records: Records) -> Fields:
    """Return whole records, without their line ends, as if they were fields."""
    sizes = records.row_ends - records.row_starts
    return Fields(records.data, records.row_starts, sizes, np.ones(len(sizes), dtype=np.bool_))


def bitmap(flags: Flags) -> pa.Buffer | None:
    """Return what says in Arrow which values are there; None if all are."""
    return None if flags.all() else pa.py_buffer(np.packbits(flags, bitorder="little"))
