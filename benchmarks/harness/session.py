"""One session: the jobs that were asked for, their tables on the terminal, and the page if all of it ran."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from .homes import Home
from .jobs import JOBS, Contender, Job
from .rounds import Result, run_job
from .tables import table

__all__ = ["run_all"]


def run_all(chosen: argparse.Namespace, homes: Mapping[str, Home], work: Path) -> int:
    """Run what was chosen; return 1 if any contender failed or was wrong."""
    results: dict[str, list[Result]] = {}
    for job in _chosen_jobs(chosen.only):
        rows = chosen.rows or (job.quick_rows if chosen.quick else job.rows)
        who = _chosen_contenders(job, chosen.contenders)
        results[job.name] = run_job(job, who, homes, work, rows, chosen.runs, lambda text: print(text, flush=True))
        print("\n" + table(job, results[job.name]) + "\n", flush=True)
    return int(any(result.trouble for found in results.values() for result in found))


def _chosen_jobs(names: str | None) -> Sequence[Job]:
    if names is None:
        return JOBS
    wanted = names.split(",")
    if unknown := set(wanted) - {job.name for job in JOBS}:
        raise SystemExit(f"no such job: {', '.join(sorted(unknown))}; there are {', '.join(job.name for job in JOBS)}")
    return [job for job in JOBS if job.name in wanted]


def _chosen_contenders(job: Job, names: str | None) -> Sequence[Contender]:
    wanted = names.lower().split(",") if names else None
    return [
        one for one in job.contenders if wanted is None or any(one.name.lower().startswith(name) for name in wanted)
    ]
