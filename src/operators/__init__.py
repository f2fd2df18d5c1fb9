"""Operators: frames in, frames out.

Rows that pass: `Where`; those that came too late: `LateRows`. Rows made of rows: `PythonMap`. Columns: `Derive` adds
them, `Select`, `Drop` and `Rename` choose them. Events: `When`, and `Rules` for many conditions at once. Several
streams into one: `SortedMerge`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazily import lazily

if TYPE_CHECKING:
    from .derive import Derive
    from .late import LateRows
    from .map import PythonMap
    from .rules import Rules
    from .select import Drop, Rename, Select
    from .sorted_merge import SortedMerge
    from .when import When
    from .where import Where

__all__ = ["Derive", "Drop", "LateRows", "PythonMap", "Rename", "Rules", "Select", "SortedMerge", "When", "Where"]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Derive": "derive",
        "Drop": "select",
        "LateRows": "late",
        "PythonMap": "map",
        "Rename": "select",
        "Rules": "rules",
        "Select": "select",
        "SortedMerge": "sorted_merge",
        "When": "when",
        "Where": "where",
    },
)
