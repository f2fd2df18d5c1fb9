"""One session: the jobs that were asked for, their tables on the terminal, and the record and the page of them."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

from .homes import HERE, ROOT, Home
from .jobs import JOBS, Contender, Job
from .machine import describe_machine, versions
from .page import page
from .picture import picture
from .record import Record
from .rounds import run_job
from .tables import job_table, markdown
from .targets import targets_table

__all__ = ["run_all", "write_page"]

RESULTS = HERE / "results.json"


def run_all(chosen: argparse.Namespace, homes: Mapping[str, Home], work: Path) -> int:
    """Run what was chosen; return 1 if any contender failed or was wrong.

    The record and the page are written after each job of a whole run, or if that was asked for; jobs that did not run
    keep what an earlier session found.
    """
    record = Record({"machine": describe_machine(), "versions": versions(homes), "jobs": {}})
    writes = chosen.write or not (chosen.quick or chosen.only or chosen.contenders or chosen.rows)
    for job in _chosen_jobs(chosen.only):
        record.content["jobs"][job.name] = _run(job, chosen, homes, work)
        print("\n" + job_table(job, record) + "\n", flush=True)
        if writes:
            Record({**record.content, "jobs": {**Record.load(RESULTS).jobs, **record.jobs}}).save(RESULTS)
            write_page()
    head, rows = targets_table(record)
    print(markdown(head, rows, left=len(head)))
    return int(any(row["trouble"] for job in record.jobs for row in record.results(job)))


def _run(job: Job, chosen: argparse.Namespace, homes: Mapping[str, Home], work: Path) -> dict[str, object]:
    rows = chosen.rows or (job.quick_rows if chosen.quick else job.rows)
    runs = chosen.runs or (1 if chosen.quick else max(3, job.runs))
    contenders = _chosen_contenders(job, chosen.contenders)
    results = run_job(job, contenders, homes, work, rows, runs, _say, warm_up=not chosen.quick)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return {"date": today, "rows": rows, "runs": runs, "results": [result.as_json() for result in results]}


def _say(text: str) -> None:
    print(text, flush=True)


def write_page() -> None:
    """Write docs/performance.md and its picture from benchmarks/results.json and benchmarks/learnt.md."""
    record = Record.load(RESULTS)
    (ROOT / "docs" / "performance.md").write_text(page(record, (HERE / "learnt.md").read_text()))
    (ROOT / "docs" / "performance.svg").write_text(picture(record))


def _chosen_jobs(names: str | None) -> Sequence[Job]:
    if names is None:
        return JOBS
    wanted = names.split(",")
    if unknown := set(wanted) - {job.name for job in JOBS}:
        raise SystemExit(f"no such job: {', '.join(sorted(unknown))}; there are {', '.join(job.name for job in JOBS)}")
    return [job for job in JOBS if job.name in wanted]


def _chosen_contenders(job: Job, names: str | None) -> Sequence[Contender]:
    """Return the contenders whose names begin with one of those given, and always the one that says what is right."""
    wanted = tuple(names.lower().split(",")) if names else ("",)
    first, *others = job.contenders
    return [first, *(one for one in others if one.name.lower().startswith(wanted))]
