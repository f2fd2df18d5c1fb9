"""Windows: rows in the order of time, gathered by time and key, and what is computed of them.

* Where windows are: `Span` (a length of time), `make_spans` (windows of fixed length, or by the calendar).
* What is computed: `Aggregate`; `AGGREGATES` is the table of all. `output_columns` says what comes out.
* What gathers rows: `time_windows.TimeWindows` for tumbling and sliding windows, `deep_windows.DeepWindows` for those
  of which each row lies in very many, `sessions.Sessions`; in modules of their own, as they need numpy and polars.

All of them know nothing of engines, and do no I/O: rows are pushed, the frontier is advanced, results come out.
"""

from __future__ import annotations

from .aggregates import AGGREGATES, Aggregate, AggregateError, output_columns
from .spans import Span, Spans, make_spans

__all__ = ["AGGREGATES", "Aggregate", "AggregateError", "Span", "Spans", "make_spans", "output_columns"]
