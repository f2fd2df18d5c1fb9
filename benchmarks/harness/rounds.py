"""Let the contenders of a job run in turn, and tell what each of them used.

All start with one run that does not count; then come the rounds, in each of which every contender runs once. So a
machine that becomes slower or faster in the meantime does so for all alike.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .compare import Order, OutOfOrderError, digest
from .data import data_folder
from .homes import HERE, Home
from .jobs import Contender, Job
from .rule_sets import mixed_rules, sensor_rules, write_rules

__all__ = ["Result", "run_job"]

LIMIT_S = 1800
MEASURE = HERE / "harness" / "measure.py"
MEDIANS = ("seconds", "wall_s", "cpu_s", "peak_kib", "p50_us", "p99_us")


@dataclass(slots=True)
class Result:
    """What a contender did in all its runs of one job.

    Attributes:
        contender: its name.
        rows: of each run.
        runs: one record for each, with wall_s, cpu_s, peak_kib, and what the contender itself told.
        trouble: why there is no number, or why it must not be believed; empty if all is well.
    """

    contender: str
    rows: int
    runs: list[dict[str, Any]] = field(default_factory=list)
    trouble: str = ""

    def median(self, name: str) -> float | None:
        """Return the median of one number over the runs; None if there is none."""
        values = [run[name] for run in self.runs if name in run]
        return statistics.median(values) if values else None

    def as_json(self) -> dict[str, Any]:
        """Return what results.json keeps: medians, and how far the runs were apart."""
        medians = {name: value for name in MEDIANS if (value := self.median(name)) is not None}
        times = [run.get("seconds", run["wall_s"]) for run in self.runs]
        spread = {"fastest_s": min(times), "slowest_s": max(times), "runs": len(times)} if times else {}
        return {"contender": self.contender, "rows": self.rows, "trouble": self.trouble, **medians, **spread}


@dataclass(frozen=True, slots=True)
class Place:
    """Where one contender of one job finds and leaves things."""

    data: Path
    output: Path
    rules: Path
    rows: int

    def command(self, contender: Contender, python: Path) -> list[str]:
        words = {
            "python": python,
            "here": HERE,
            "data": self.data,
            "output": self.output,
            "rules": self.rules,
            "rows": self.rows,
        }
        return [word.format(**words) for word in contender.command]


def run_job(
    job: Job,
    contenders: Sequence[Contender],
    homes: Mapping[str, Home],
    work: Path,
    rows: int,
    runs: int,
    say: Callable[[str], None],
    *,
    warm_up: bool = True,
) -> list[Result]:
    """Run the contenders of a job `runs` times in turn, and compare what they put out.

    Args:
        job: what is to be done.
        contenders: those who do it; the first that gets through says what is right.
        homes: the environments by name.
        work: folder for data and output.
        rows: how many; a contender that takes fewer at most gets those.
        runs: rounds that count.
        say: is told of each run.
        warm_up: is there a run before them that does not count?
    """
    results = [Result(contender.name, min(rows, contender.most or rows)) for contender in contenders]
    judge = Judge(job, contenders)
    for number in range(0 if warm_up else 1, runs + 1):
        for contender, result in zip(contenders, results, strict=True):
            if result.trouble:
                continue
            place = _prepare(job, contender, work, result.rows)
            found = _run_once(contender, place, homes[contender.home])
            result.trouble = found.pop("trouble", "") or judge.verdict(
                contender, place.output, found.pop("answer", None)
            )
            if number and not result.trouble:
                result.runs.append(found)
            title = f"run {number} of {runs}" if number else "warm-up"
            say(f"{job.name}: {contender.name}, {title}: {result.trouble or _in_short(found)}")
    return results


class Judge:
    """Compares outputs with the first one that it sees."""

    def __init__(self, job: Job, contenders: Sequence[Contender]) -> None:
        self._job = job
        self._orders = {self._order(contender) for contender in contenders}
        self._right: dict[Order, str] = {}
        self._answers: dict[str | None, Any] = {}

    def _order(self, contender: Contender) -> Order:
        return contender.order or self._job.order

    def verdict(self, contender: Contender, output: Path, answer: object) -> str:
        """Return what is wrong with the output of a contender, or with the answer that it gave; empty if nothing is."""
        if not self._job.output:
            same = answer == self._answers.setdefault(contender.rules, answer)
            return "" if same else "wrong: its answer differs"
        try:
            if not self._right:
                self._right = {order: digest(output, order, contender.columns) for order in self._orders}
            same = digest(output, self._order(contender), contender.columns) == self._right[self._order(contender)]
        except (OSError, OutOfOrderError) as error:
            return f"wrong: {error}"
        return "" if same else "wrong: its output differs"


def _in_short(found: Mapping[str, Any]) -> str:
    return (
        f"{found.get('seconds', found['wall_s']):.2f} s, {found['cpu_s']:.2f} s CPU, {found['peak_kib'] / 1024:.0f} MiB"
    )


def _prepare(job: Job, contender: Contender, work: Path, rows: int) -> Place:
    """Make the data and the rules if they are not there, and an empty folder for the output."""
    data = data_folder(work, rows, job.data) if job.data else work
    name = contender.rules or job.rules
    rules = work / f"rules-{name}"
    if name and not rules.exists():
        write_rules(rules, mixed_rules() if name == "mixed" else sensor_rules(int(name)))
    folder = work / "output"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return Place(data, folder / "out.csv", rules, rows)


def _run_once(contender: Contender, place: Place, home: Home) -> dict[str, Any]:
    """Run a contender and return what `measure` found, with what the contender told; `trouble` if it failed."""
    if contender.package in home.missing:
        return {"trouble": f"could not be installed: {home.missing[contender.package]}"}
    record = place.output.with_name("measured.json")
    done = subprocess.run(
        [sys.executable, str(MEASURE), str(record), str(LIMIT_S), *place.command(contender, home.python)],
        cwd=place.output.parent,
        env={**os.environ, "DATA": str(place.data), "RULES": str(place.rules), "OUTPUT": str(place.output)},
        capture_output=True,
        text=True,
        check=False,
    )
    if not record.exists():
        return {"trouble": _last_words(done.stderr)}
    found = json.loads(record.read_text())
    if found["exit"] or found["left"]:
        return {"trouble": f"failed with {found['exit']}: {_last_words(done.stderr)}"}
    return found | _told(done.stdout)


def _told(text: str) -> dict[str, Any]:
    """Return the JSON object in the last line of what a contender printed; empty if there is none."""
    last = text.strip().rpartition("\n")[2]
    return dict(json.loads(last)) if last.startswith("{") else {}


def _last_words(errors: str) -> str:
    """Return the last line of what a contender said that tells of an error, without the paths of this machine."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    telling = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Panic)\b|plait: ", line)]
    return re.sub(r"/\S+/", "", (telling or lines or ["it said nothing"])[-1])[:200]
