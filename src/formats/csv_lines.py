"""Clean blocks of CSV of whose columns nobody looks at any but the first, an event time: lines, and their times.

Arrow would cut all fields out of them. Here the lines are found, and that each has as many delimiters as it should is
counted in words of 64 bytes: their bits are added up word by word, and within the word in which a line ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .csv_block import LF
from .csv_texts import line_starts
from .csv_times import read_alike

if TYPE_CHECKING:
    import numpy.typing as npt

    from .timestamps import EventTimes, ReadTimes

    Bytes = npt.NDArray[np.uint8]
    Ints = npt.NDArray[np.int64]

__all__ = ["Lines", "read_lines"]

_LAST_BIT = np.int64(63)


class Lines(NamedTuple):
    """The places of the line ends of a block, and the times in the first fields of its lines."""

    ends: Ints
    times: ReadTimes


def read_lines(block: Bytes, width: int, delimiter: int, times: EventTimes) -> Lines | None:
    """Read the lines of a block that holds neither quotes nor CR, and ends in LF.

    Args:
        block: its bytes.
        width: how many fields a line should have.
        delimiter: what stands between them.
        times: how the event times are written.

    Returns:
        None if a line has another number of fields, or their times are not all written alike.
    """
    ends = np.flatnonzero(block == LF)
    if not ends[0]:
        return None  # an empty line, which is no row
    first = block[: ends[0]]
    size = int((first == delimiter).argmax()) if width > 1 else len(first)
    starts = line_starts(ends)
    behind = starts + size
    if behind[-1] >= len(block) or not (block[behind] == (delimiter if width > 1 else LF)).all():
        return None
    read = read_alike(times, block, starts, size)  # no delimiter stands in what is read
    if read is None or read.reasons or not _have_as_many(block == delimiter, ends, width - 1):
        return None
    return Lines(ends, read)


def _have_as_many(flags: npt.NDArray[np.bool_], ends: Ints, count: int) -> bool:
    """Tell whether so many flags are set in each line."""
    words = np.zeros(len(flags) // 64 + 1, dtype=np.uint64)
    packed = np.packbits(flags, bitorder="little")
    words.view(np.uint8)[: len(packed)] = packed
    before = np.zeros(len(words) + 1, dtype=np.int64)
    np.bitwise_count(words).cumsum(out=before[1:])
    at = ends >> 6
    in_word = np.bitwise_count(words[at] << (_LAST_BIT - (ends & _LAST_BIT)).view(np.uint64))
    found = before[at] + in_word
    return bool((found == np.arange(count, count * len(ends) + 1, count)).all()) if count else not found.any()
