"""Ways to run a plan.

`run_plan(plan, engine)` runs it and returns a `RunReport`, with a `StageReport` and `Counts` for every stage; `Control`
stops and watches a run. `ENGINES` are `SerialRun` (one process, the oracle) and `LocalRun` (worker processes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazily import lazily

if TYPE_CHECKING:
    from .local import LocalRun
    from .report import Counts, RunReport, StageReport
    from .run import ENGINES, Control, run_plan
    from .serial import SerialRun

__all__ = ["ENGINES", "Control", "Counts", "LocalRun", "RunReport", "SerialRun", "StageReport", "run_plan"]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "ENGINES": "run",
        "Control": "run",
        "Counts": "report",
        "LocalRun": "local",
        "RunReport": "report",
        "SerialRun": "serial",
        "StageReport": "report",
        "run_plan": "run",
    },
)
