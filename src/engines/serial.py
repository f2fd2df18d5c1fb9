"""The serial engine: the whole pipeline in one process. It is the oracle that the others are held to."""

from __future__ import annotations

from .assembly import Assembly
from .flow import Flow
from .report import StageReport

__all__ = ["SerialRun"]


class SerialRun:
    """Run all stages in this process; files are read when their rows are wanted, live ones in a thread each."""

    engine = "serial"

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly

    def open(self) -> Flow:
        """Open all stages. Raises what their components raise."""
        plan = self._assembly.plan
        alone = len(plan.readers) == 1
        inlets = [self._assembly.source(stage, alone=alone) for stage in plan.readers]
        return self._assembly.flow(inlets, [stage for stage in plan.spec if stage.family != "reader"])

    def finish(self, reports: list[StageReport]) -> None:
        """Add the lines of the ledger to `reports`."""
        reports += self._assembly.reports(self._assembly.plan.spec)

    def close(self) -> None:
        """Nothing is left to end: everything ran in this process."""
