"""What a person reads at the end of a run: the ledger, the events, what went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .engines.report import RunReport, StageReport

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = ["outcome", "show_summary"]

_COLUMNS = ("received", "delivered", "filtered", "late", "dead")


def show_summary(report: RunReport, console: Console) -> None:
    """Write the ledger, the events with a few examples, and the notes of a run."""
    console.print(_ledger(report))
    for stage in report.stages:
        if stage.family == "event":
            console.print(f"[bold]{stage.name}[/bold]: {stage.counts.delivered:,} events")
            for row in stage.examples:
                console.print(f"  {_row(row)}", style="dim", markup=False, highlight=False)
    for line in _asides(report):
        console.print(line, markup=False, highlight=False)
    console.print(_closing(report), markup=False, highlight=False)


def _ledger(report: RunReport) -> RenderableType:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("stage")
    table.add_column("what")
    for name in ("in", "out", "filtered", "late", "dead"):
        table.add_column(name, justify="right")
    table.add_column("first")
    table.add_column("last")
    for stage in report.stages:
        counts = stage.counts
        numbers = [f"{getattr(counts, name):,}" if getattr(counts, name) else "·" for name in _COLUMNS]
        times = [_time(counts.first), _time(counts.last)]
        table.add_row(stage.name, f"{stage.family}={stage.variant}", *numbers, *times)
    return table


def _time(value: datetime | None) -> str:
    return value.strftime("%Y-%m-%d %H:%M:%S") if value is not None else ""


def _row(row: Mapping[str, Any]) -> str:
    shown = (f"{name}={_value(value)}" for name, value in row.items() if value is not None)
    return " ".join(shown)


def _value(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _asides(report: RunReport) -> Iterable[str]:
    for stage in report.stages:
        for name, count in stage.extra.items():
            yield f"{stage.name}: {count:,} {name}"
    for note in report.notes:
        yield f"note: {note}"


def _closing(report: RunReport) -> str:
    rate = report.rows_in / report.seconds if report.seconds else 0
    return (
        f"{report.pipeline}: {report.rows_in:,} rows in, {report.rows_out:,} rows written, "
        f"{report.seconds:.2f} s, {rate:,.0f} rows/s, engine {report.engine}"
    )


def outcome(report: RunReport) -> list[str]:
    """Say what a quiet run must not keep to itself: an error, an interruption, rows that were not delivered."""
    lines = []
    if report.error is not None:
        lines.append(f"error: {_where(report.error)}{report.error}")
    elif report.interrupted is not None:
        lines.append("stopped before the end of the input: outputs that are to appear when complete do not")
    lines += [f"the ledger does not balance: {line}" for line in report.imbalances if report.error is None]
    if report.diverted:
        stages = ", ".join(f"{_count(stage)} of {stage.name}" for stage in report.stages if stage.letters)
        lines.append(f"{report.diverted:,} rows were not delivered ({stages}); see {report.dead_letters}")
    return lines


def _count(stage: StageReport) -> str:
    return f"{stage.letters:,}"


def _where(error: BaseException) -> str:
    notes = [note.removeprefix("in stage ") for note in getattr(error, "__notes__", ()) if note.startswith("in stage ")]
    return f"{notes[0]}: " if notes else ""
