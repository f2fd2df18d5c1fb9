"""A table of results as Markdown, which reads on a terminal, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .jobs import PLAIT, Contender, Job, Shows
from .record import Record

__all__ = ["job_table", "markdown"]

Row = Mapping[str, Any]


def job_table(job: Job, record: Record) -> str:
    """Return the table of one job: those who got through in the order of their rates, then those in trouble."""
    contenders = {contender.name: contender for contender in job.contenders}
    done = [row for row in record.results(job.name) if not row["trouble"]]
    head, cells, key = _SHOWS[job.shows]
    names = _named(head, job)
    rows = [cells(row, _counterpart(contenders[row["contender"]], record, job)) for row in sorted(done, key=key)]
    table = markdown(names, rows)
    failed = [f"* {row['contender']}: {row['trouble']}" for row in record.results(job.name) if row["trouble"]]
    return "\n".join([table, *(["", *failed] if failed else [])])


def _named(head: Sequence[str], job: Job) -> list[str]:
    return [name.format(unit=job.unit) for name in head]


def _counterpart(contender: Contender, record: Record, job: Job) -> Row:
    """Return what plait did with the same rules, if they differ among the contenders; empty if this is plait."""
    mine = contender.name.partition(", ")
    other = f"{PLAIT}, {mine[2]}" if contender.rules else PLAIT
    return {} if contender.name == other else record.of(job.name, other)


def _seconds(row: Row) -> float:
    return float(row.get("seconds") or row["wall_s"])


def _rate(row: Row) -> float:
    return float(row["rows"] / _seconds(row))


def _resources(row: Row) -> list[str]:
    return [f"{row['cpu_s']:.2f}", f"{row['peak_kib'] / 1024:,.0f}"]


def _rate_cells(row: Row, plait: Row) -> list[str]:
    ratio = f"{_rate(plait) / _rate(row):.2f} times as fast" if plait else ""
    return [row["contender"], f"{_seconds(row):.2f}", f"{_rate(row):,.0f}", *_resources(row), ratio]


def _wait_cells(row: Row, plait: Row) -> list[str]:
    ratio = f"{plait['p99_us'] / row['p99_us']:.2f} times the p99" if plait else ""
    return [row["contender"], f"{row['p50_us']:,.0f}", f"{row['p99_us']:,.0f}", *_resources(row), ratio]


def _time_cells(row: Row, plait: Row) -> list[str]:
    return [row["contender"], f"{_seconds(row):.3f}", *_resources(row)]


_SHOWS: Mapping[Shows, tuple[list[str], Callable[[Row, Row], list[str]], Callable[[Row], float]]] = {
    Shows.RATE: (
        ["contender", "median wall, s", "{unit}/s", "CPU, s", "peak memory, MiB", "plait is"],
        _rate_cells,
        lambda row: -_rate(row),
    ),
    Shows.WAIT: (
        ["contender", "p50, µs", "p99, µs", "CPU, s", "peak memory, MiB", "plait has"],
        _wait_cells,
        lambda row: float(row["p99_us"]),
    ),
    Shows.TIME: (["contender", "median wall, s", "CPU, s", "peak memory, MiB"], _time_cells, _seconds),
}


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return a Markdown table whose columns are aligned: the first `left` to the left, the others to the right."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    rule = ["-" * width if number < left else "-" * (width - 1) + ":" for number, width in enumerate(widths)]
    return "\n".join(_line(cells, widths, left) for cells in (head, rule, *rows))


def _line(cells: Sequence[str], widths: Sequence[int], left: int) -> str:
    pairs = enumerate(zip(cells, widths, strict=True))
    return (
        "| "
        + " | ".join(cell.ljust(width) if number < left else cell.rjust(width) for number, (cell, width) in pairs)
        + " |"
    )
