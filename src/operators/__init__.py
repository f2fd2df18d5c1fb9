"""Operators: frames in, frames out.

Rows that pass: `Where`. Events: `When`.
Several streams into one: `SortedMerge`.
"""

from .sorted_merge import SortedMerge
from .when import When
from .where import Where

__all__ = ["SortedMerge", "When", "Where"]
