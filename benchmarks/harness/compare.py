"""Whether two outputs say the same: by a digest of their rows, in one of three orders.

* `EXACT`: the same bytes.
* `TIES`: rows of one time may stand in any order among each other; the times never go back.
* `SET`: rows may stand anywhere, each of them as often as in the other.
"""

from __future__ import annotations

import enum
import hashlib
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["Order", "OutOfOrderError", "digest"]

CHUNK = 1 << 20


class Order(enum.Enum):
    EXACT = "the same bytes"
    TIES = "rows of one time in any order"
    SET = "rows in any order"


class OutOfOrderError(ValueError):
    """The times of an output go back."""

    def __init__(self, before: str, after: str) -> None:
        super().__init__(f"a row of {after} stands behind one of {before}")


def digest(path: Path, order: Order, columns: int | None = None) -> str:
    """Return a digest of a CSV file that is equal for equal outputs.

    Args:
        path: the output, its first line being a header.
        order: which differences in order do not count.
        columns: how many columns count; those behind them, and quotes around fields, do not. All if not given.

    Raises:
        OutOfOrderError: the times go back, and that counts.
    """
    with path.open("rb") as file:
        if order is Order.EXACT and columns is None:
            return _hash(iter(lambda: file.read(CHUNK), b""))
        lines: Iterable[bytes] = file
        if columns is not None:
            lines = (b",".join(line.replace(b'"', b"").rstrip(b"\n").split(b",")[:columns]) + b"\n" for line in file)
        header = next(iter(lines := iter(lines)), b"")
        body = lines if order is Order.EXACT else _ties_sorted(lines) if order is Order.TIES else sorted(lines)
        return _hash(itertools.chain([header], body))


def _hash(chunks: Iterable[bytes]) -> str:
    state = hashlib.blake2b(digest_size=16)
    for chunk in chunks:
        state.update(chunk)
    return state.hexdigest()


def _ties_sorted(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines that are in the order of their first field, those of one time sorted."""
    last = b""
    for stamp, group in itertools.groupby(lines, key=lambda line: line.split(b",", 1)[0]):
        if stamp < last:
            raise OutOfOrderError(last.decode(), stamp.decode())
        last = stamp
        yield from sorted(group)
