"""Ways to run a plan.

`run_plan(plan, engine)` runs it and returns a `RunReport`, with a `StageReport` and `Counts` for every stage; `Control`
stops and watches a run. `ENGINES` are `SerialRun` (one process, the oracle) and `LocalRun` (worker processes).
"""

from .local import LocalRun
from .report import Counts, RunReport, StageReport
from .run import ENGINES, Control, run_plan
from .serial import SerialRun

__all__ = ["ENGINES", "Control", "Counts", "LocalRun", "RunReport", "SerialRun", "StageReport", "run_plan"]
