"""A table of results as Markdown, which reads on a terminal, too."""

from __future__ import annotations

from collections.abc import Sequence

from .jobs import PLAIT, Job
from .rounds import Result

__all__ = ["markdown", "table"]


def table(job: Job, results: Sequence[Result]) -> str:
    """Return the table of one job, the contenders in the order of their rates."""
    plait = next((result.rate for result in results if result.contender == PLAIT), None)
    head = ["contender", "median wall, s", f"{job.unit}/s", "CPU, s", "peak memory, MiB", "plait is"]
    rows = [_row(result, plait) for result in sorted(results, key=lambda result: -(result.rate or 0))]
    return markdown(head, rows)


def _row(result: Result, plait: float | None) -> list[str]:
    if result.trouble:
        return [result.contender, result.trouble, "", "", "", ""]
    seconds, rate, cpu, peak = result.seconds, result.rate, result.median("cpu_s"), result.median("peak_kib")
    assert None not in (seconds, rate, cpu, peak), "a contender without trouble has numbers"
    ratio = f"{plait / rate:.2f} times as fast" if plait and result.contender != PLAIT else ""
    return [result.contender, f"{seconds:.2f}", f"{rate:,.0f}", f"{cpu:.2f}", f"{peak / 1024:,.0f}", ratio]


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose columns are aligned; all but the first to the right."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    rule = [("-" * (width - 1) + (":" if number else "-")) for number, width in enumerate(widths)]
    lines = [_line(head, widths), "| " + " | ".join(rule) + " |", *(_line(row, widths) for row in rows)]
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell.rjust(width) if number else cell.ljust(width)
        for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "| " + " | ".join(padded) + " |"
