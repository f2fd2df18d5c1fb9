"""The page docs/performance.md, made from the record alone, with what people wrote in benchmarks/learnt.md."""

from __future__ import annotations

from collections.abc import Iterable

from .jobs import JOBS, Job
from .record import Record
from .tables import job_table, markdown
from .targets import targets_table

__all__ = ["page"]

HEAD = """# Performance

What plait does in comparison with others, measured by `python benchmarks/run.py`, which also wrote this page
([how](../benchmarks/README.md)). Every contender is a process of its own, started anew for each run; after a run that
does not count, all contenders of a job run in turn, so that a machine that slows down does so for all alike. Outputs
are compared: whoever puts out something else has no number. Times are medians. CPU time is user and system time of all
processes together; memory is the proportional set size of all processes together, looked up every 50 ms: the highest of
a run, and of these the median.
"""

PICTURE = "![rows a second, plait and others](performance.svg)"


def page(record: Record, learnt: str) -> str:
    """Return the page as Markdown."""
    jobs = [job for job in JOBS if record.results(job.name)]
    parts = [HEAD, _machine(record), PICTURE, "", "## Targets", "", *_targets(record), "", "## Jobs", ""]
    for job in jobs:
        parts.extend(_job(job, record))
    parts.extend(_missing(record))
    return "\n".join([*parts, learnt.strip(), ""])


def _machine(record: Record) -> str:
    size, versions = record.content["machine"], record.content["versions"]
    dates = sorted({job["date"] for job in record.jobs.values()})
    names = ", ".join(f"{name} {version}" for name, version in versions.items())
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return (
        f"Measured {when} on {size['cores']} cores ({size['processor']}), {size['memory_gib']} GiB of memory,"
        f" {size['system']}, Python {size['python']}; {names}.\n"
    )


def _targets(record: Record) -> Iterable[str]:
    head, rows = targets_table(record)
    yield (
        "Ratios within a job are of the same rounds; those of two jobs are of runs at different times."
        " Reached: `aim`, `yes` (what is asked for at least), `no`, `?` (not all of it was measured)."
    )
    yield ""
    yield markdown(head, rows, left=len(head))


def _job(job: Job, record: Record) -> Iterable[str]:
    found = record.jobs[job.name]
    yield f"### {job.title}"
    yield ""
    yield f"{job.what} {found['rows']:,} {job.unit}; medians of {found['runs']}."
    yield ""
    yield job_table(job, record)
    yield ""
    noted = [one for one in job.contenders if (one.note or one.most) and one.name not in record.unmeasured(job)]
    notes = [f"{one.name}: {_note(one.note, one.most, job.unit)}" for one in noted]
    if notes:
        yield ". ".join(notes) + "."
        yield ""


def _note(note: str, most: int | None, unit: str) -> str:
    limit = f"{most:,} {unit} at most" if most else ""
    return "; ".join(part for part in (note, limit) if part)


def _missing(record: Record) -> Iterable[str]:
    """Say who could not run, or was wrong, and why; and who was not asked to."""
    troubles = [
        f"* {job.title}, {row['contender']}: {row['trouble']}"
        for job in JOBS
        for row in record.results(job.name)
        if row["trouble"]
    ]
    absent = [f"* {job.title}: {', '.join(names)}" for job in JOBS if (names := record.unmeasured(job))]
    said = "" if troubles else f"{'What ran, ran through' if absent else 'Everything ran'}, and all outputs were equal."
    yield from ("## What could not run", "", *(troubles or [said]), "")
    if absent:
        yield from (
            "These were left out when their jobs were last measured; `python benchmarks/run.py` runs them:",
            "",
        )
        yield from (*absent, "")
