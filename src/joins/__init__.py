"""Joins: rows of two streams, both in the order of time, that belong together by key and time.

* `How`: what becomes of rows without a partner. `output_columns` says what comes out, `JoinError` what cannot.
* What joins: `pairs.PairJoin` (a range of time between the two, or a common window), `latest.LatestJoin` (the latest
  of the other side); both are a `core.JoinCore`, and stand in modules of their own, as they need numpy and polars.

They know nothing of engines, and do no I/O: rows of either side are pushed, the frontier of both is advanced, results
come out in the order of the later of the two times, then of the left rows, then of the right ones.
"""

from __future__ import annotations

from .layout import How, JoinError, Layout, output_columns

__all__ = ["How", "JoinError", "Layout", "output_columns"]
