"""Run a plan from beginning to end on one of the engines, and account for every row."""

from __future__ import annotations

import logging
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import SpecError, nearest
from ..pipeline.plan import Plan
from .assembly import Assembly
from .dead_letters import join_parts, part_path
from .flow import Flow
from .local import LocalRun
from .report import RunReport, StageReport
from .serial import SerialRun
from .stop import Stop

__all__ = ["ENGINES", "Control", "run_plan"]

_logger = logging.getLogger(__name__)

ENGINES: Mapping[str, type[SerialRun] | type[LocalRun]] = {"serial": SerialRun, "local": LocalRun}


@dataclass(slots=True)
class Control:
    """The handle of a run for whoever started it.

    Attributes:
        on_start: called once with the flow and the assembly, when all stages are open; what they count may be read
            from another thread while the run goes on.
        asked_by: the signal that asked for the end, if one did.
    """

    on_start: Callable[[Flow, Assembly], None] | None = None
    asked_by: int | None = None
    _stop: Stop | None = None

    def stop(self, number: int = signal.SIGINT) -> None:
        """Ask the run to end: sources stop, what was read is worked off. Safe in a signal handler."""
        self.asked_by = number
        if self._stop is not None:
            self._stop.request()

    def attach(self, stop: Stop | None) -> None:
        """Called by the run when it begins, and with None when it is over."""
        self._stop = stop
        if stop is not None and self.asked_by is not None:
            stop.request()


@dataclass(slots=True)
class _Outcome:
    """What is known of the run so far."""

    started: float = field(default_factory=time.monotonic)
    error: BaseException | None = None
    complete: bool = False


def run_plan(
    plan: Plan,
    engine: str | None = None,
    *,
    control: Control | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> RunReport:
    """Run a plan and return its report. Blocks until all sources have ended.

    An error of a stage ends the run and is in the report; it is not raised. Outputs that are to appear when complete
    then do not appear.

    Args:
        plan: it must have no mistakes.
        engine: "serial" or "local"; None lets the plan choose.
        control: to stop the run and to watch it.
        clock: seconds; tests pass their own.

    Raises:
        SpecError: there is no such engine.
        KeyboardInterrupt: if nobody handles SIGINT; everything is cleaned up first.
    """
    name = engine or plan.engine
    if name not in ENGINES:
        raise SpecError(
            f"pipeline={plan.spec.name}",
            f"no engine {name!r}",
            allowed=list(ENGINES),
            suggestion=nearest(name, ENGINES),
        )
    control = control or Control()
    _let_signals_wake()
    with tempfile.TemporaryDirectory(prefix="plait-") as folder:
        stop = Stop(Path(folder) / "stop", make=True)
        control.attach(stop)
        try:
            return _run(plan, name, control, Assembly(plan, stop, clock=clock))
        finally:
            control.attach(None)
            stop.close()


def _let_signals_wake() -> None:
    """Put Python's handling of SIGINT, whatever it is, before that of polars.

    Importing polars sets a handler of the operating system's (with SA_RESTART) behind which a main thread that waits
    for a lock never wakes: Ctrl-C would be seen when the next rows come.
    """
    import polars  # noqa: F401 - once it is there, it does not do it again

    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is threading.main_thread() and handler is not None:
        signal.signal(signal.SIGINT, handler)


def _run(plan: Plan, name: str, control: Control, assembly: Assembly) -> RunReport:
    outcome = _Outcome()
    _forget_parts(plan)
    run = ENGINES[name](assembly)
    stages: list[StageReport] = []
    try:
        _conduct(run, control, assembly, outcome)
        _note_error(outcome, lambda: run.finish(stages))
    finally:
        run.close()
        _note_error(outcome, assembly.keyed.close)
    letters = _collect_letters(plan, assembly, outcome)
    return RunReport(
        plan.spec.name,
        name,
        tuple(_in_order(plan, stages)),
        time.monotonic() - outcome.started,
        error=outcome.error,
        interrupted=control.asked_by if outcome.error is None and not outcome.complete else None,
        dead_letters=letters,
    )


def _conduct(run: SerialRun | LocalRun, control: Control, assembly: Assembly, outcome: _Outcome) -> None:
    """Open, run, and end every stage well or not at all."""
    try:
        flow = run.open()
    except Exception as error:
        outcome.error = error
        return
    try:
        if control.on_start is not None:
            control.on_start(flow, assembly)
        outcome.complete = flow.run()
        assembly.keyed.commit()
    except Exception as error:
        outcome.error = error
    finally:
        assembly.stop.request()
        _note_error(outcome, assembly.console.flush)
        _end_sinks(flow, outcome)
        _note_error(outcome, flow.close)


def _end_sinks(flow: Flow, outcome: _Outcome) -> None:
    """Complete the outputs of a good run one after the other; when one cannot be, those after it are given up."""
    for sink in flow.sinks:
        good = outcome.complete and outcome.error is None
        _note_error(outcome, lambda sink=sink, good=good: sink.finish(good=good))  # type: ignore[misc]


def _note_error(outcome: _Outcome, step: Callable[[], None]) -> None:
    """Take a step of the clean-up; its error counts if there was none before, and does not stop the others."""
    try:
        step()
    except Exception as error:
        if outcome.error is None:
            outcome.error = error
        else:
            _logger.info("%s, too: %s", type(error).__name__, error)


def _forget_parts(plan: Plan) -> None:
    """Remove what a run that was killed left of its dead letters."""
    for stage in plan.spec:
        part_path(plan.dead_letters, stage.name).unlink(missing_ok=True)


def _collect_letters(plan: Plan, assembly: Assembly, outcome: _Outcome) -> str | None:
    """Return where the dead letters are: in one file, or, if that cannot be written, in the parts of the stages."""
    for state in assembly.states.values():
        _note_error(outcome, state.letters.close)
    try:
        there = join_parts(plan.dead_letters, [stage.name for stage in plan.spec])
    except Exception as error:
        outcome.error = outcome.error or error
        return str(part_path(plan.dead_letters, "*"))
    return str(plan.dead_letters) if there else None


def _in_order(plan: Plan, reports: Any) -> list[StageReport]:
    by_name = {report.name: report for report in reports}
    return [by_name[stage.name] for stage in plan.spec if stage.name in by_name]
