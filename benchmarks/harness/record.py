"""The record of a session, benchmarks/results.json, and questions to it. The page is made from it alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .jobs import PLAIT, Job

__all__ = ["Record"]


@dataclass(slots=True)
class Record:
    """What was measured: the machine, the versions, and for each job what its contenders did.

    ```
    {"machine": {...}, "versions": {...}, "jobs": {"merge": {"date": "2026-01-31", "rows": ..., "results": [...]}}}
    ```
    """

    content: dict[str, Any]

    @classmethod
    def load(cls, path: Path) -> Record:
        """Return what is in a file; an empty record if there is none."""
        return cls(json.loads(path.read_text()) if path.exists() else {"machine": {}, "versions": {}, "jobs": {}})

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(self.content, indent=1, sort_keys=True) + "\n")

    @property
    def jobs(self) -> Mapping[str, Any]:
        return dict(self.content["jobs"])

    def results(self, job: str) -> Sequence[Mapping[str, Any]]:
        """Return what the contenders of a job did; empty if it was not run."""
        return list(self.content["jobs"].get(job, {}).get("results", ()))

    def unmeasured(self, job: Job) -> Sequence[str]:
        """Return the contenders of a job that were left out when it was last run; all of them if it never was."""
        ran = {row["contender"] for row in self.results(job.name)}
        return [one.name for one in job.contenders if one.name not in ran]

    def of(self, job: str, contender: str = PLAIT) -> Mapping[str, Any]:
        """Return what one contender did; empty if it did not run or was wrong."""
        return next((one for one in self.results(job) if one["contender"] == contender and not one["trouble"]), {})

    def seconds(self, job: str, contender: str = PLAIT) -> float | None:
        """The median seconds that count: those the contender measured itself, else those of the whole process."""
        found = self.of(job, contender)
        return found.get("seconds") or found.get("wall_s")

    def rate(self, job: str, contender: str = PLAIT) -> float | None:
        """Rows a second."""
        seconds = self.seconds(job, contender)
        return self.of(job, contender)["rows"] / seconds if seconds else None

    def mebibytes(self, job: str, contender: str = PLAIT) -> float | None:
        """The peak of all processes together."""
        found = self.of(job, contender)
        return found["peak_kib"] / 1024 if found else None
