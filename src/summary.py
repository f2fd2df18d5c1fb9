"""What a person reads at the end of a run: the ledger, the events, what went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from .engines.report import RunReport, StageReport

__all__ = ["outcome", "summary_lines"]

_HEAD = ("stage", "what", "in", "out", "filtered", "late", "dead", "first", "last")
_NUMBERS = ("received", "delivered", "filtered", "late", "dead")


def summary_lines(report: RunReport) -> Iterator[str]:
    """Yield the lines of the summary: the ledger, the events with a few examples, notes, and what it all came to."""
    yield from _table([_HEAD, *map(_ledger_row, report.stages)])
    for stage in report.stages:
        if stage.family == "event":
            yield ""
            yield f"{stage.name}: {stage.counts.delivered:,} events{', such as' if stage.examples else ''}"
            yield from (f"  {_row(row)}" for row in stage.examples)
    asides = [*_asides(report)]
    yield from ["", *asides] if asides else []
    yield ""
    yield _closing(report)


def _ledger_row(stage: StageReport) -> tuple[str, ...]:
    counts = stage.counts
    numbers = (getattr(counts, name) for name in _NUMBERS)
    shown = (f"{number:,}" if number else "-" for number in numbers)
    return (stage.name, f"{stage.family}={stage.variant}", *shown, _time(counts.first), _time(counts.last))


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            text.rjust(width) if head in _HEAD[2:7] else text.ljust(width)
            for text, width, head in zip(row, widths, _HEAD, strict=True)
        ]
        yield "  ".join(cells).rstrip()


def _time(value: datetime | None) -> str:
    return value.strftime("%Y-%m-%d %H:%M:%S") if value is not None else ""


def _row(row: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={_value(value)}" for name, value in row.items() if value is not None)


def _value(value: Any) -> str:
    from .formats import print_value

    return f"{value:.6g}" if isinstance(value, float) else print_value(value)


def _asides(report: RunReport) -> Iterable[str]:
    for stage in report.stages:
        if stage.counts.repeated:
            why = "for a further rule" if stage.family == "event" else "of rows that gave several"
            yield f"{stage.name}: {stage.counts.repeated:,} rows went out besides, {why}"
        if stage.counts.absorbed:
            rows, results = stage.counts.absorbed, stage.counts.made
            yield f"{stage.name}: {_counted(rows, 'row')} went into {_counted(results, 'result')}"
        for name, count in stage.extra.items():
            yield f"{stage.name}: {count:,} {name}"
    for note in report.notes:
        yield f"note: {note}"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


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
        found = [report.error, *getattr(report.error, "others", ())]
        lines += [f"error: {_where(report.error)}{error}" for error in found]
    elif report.interrupted is not None:
        lines.append("stopped before the end of the input: outputs that are to appear when complete do not")
    lines += [f"the ledger does not balance: {line}" for line in report.imbalances if report.error is None]
    lines += [f"{stage.name}: {count:,} {name}{_reason(stage)}" for stage, name, count in _mishaps(report)]
    if report.diverted:
        stages = ", ".join(f"{stage.letters:,} of {stage.name}" for stage in report.stages if stage.letters)
        were = "row was" if report.diverted == 1 else "rows were"
        place = f"; see {report.dead_letters}" if report.dead_letters else ""
        lines.append(f"{report.diverted:,} {were} not delivered ({stages}){place}")
    return lines


def _mishaps(report: RunReport) -> Iterator[tuple[StageReport, str, int]]:
    """Yield what went wrong in functions and templates of events and conditions, which no exit status tells."""
    for stage in report.stages:
        for name, count in stage.extra.items():
            if stage.family in ("event", "filter"):
                yield stage, name, count


def _reason(stage: StageReport) -> str:
    reasons = [note.removeprefix(f"{stage.name}: ") for note in stage.notes]
    return f" ({reasons[0]})" if reasons else ""


def _where(error: BaseException) -> str:
    """Name the stage, if the message does not say it already."""
    notes = [note.removeprefix("in stage ") for note in getattr(error, "__notes__", ()) if note.startswith("in stage ")]
    return f"{notes[0]}: " if notes and not str(error).startswith(notes[0]) else ""
