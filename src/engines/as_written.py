"""The ledger as the pipeline is written, where stages have worked ahead of their merge, once for each of its inputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..pipeline.plan import Plan
from ..pipeline.spec import Stage
from ..record import TIMESTAMP
from .report import EXAMPLES, Counts, StageReport

__all__ = ["as_written"]


def as_written(plan: Plan, reports: Iterable[StageReport]) -> list[StageReport]:
    """Return one line for each stage, where those that have worked ahead of a merge have one for each of its inputs."""
    lines: dict[str, list[StageReport]] = {}
    for report in reports:
        lines.setdefault(report.name, []).append(report)
    whole = {name: parts[0] for name, parts in lines.items()}
    for name, ahead in plan.ahead.items():
        if all(stage.name in whole for stage in (plan.spec[name], *ahead.steps)):  # else the run did not come so far
            for stage in ahead.steps:
                whole[stage.name] = replace(_together(lines[stage.name], plan.spec[name].inputs), inputs=stage.inputs)
            if ahead.steps:
                whole[name] = _in_front(whole[name], ahead.steps[0].name, ahead.steps[-1].name, whole)
            if ahead.sieve is not None:
                _pour(whole.pop(ahead.sieve.name).counts.filtered, plan.spec.consumers(ahead.sieve.inputs[0]), whole)
    return [*whole.values()]


def _pour(rows: int, stages: Iterable[Stage], whole: dict[str, StageReport]) -> None:
    """Count rows that have not come to some stages as if they had come, and been filtered out there."""
    for line in (whole[stage.name] for stage in stages if stage.name in whole):
        counts = replace(line.counts, received=line.counts.received + rows, filtered=line.counts.filtered + rows)
        whole[line.name] = replace(line, counts=counts)


def _in_front(merge: StageReport, first: str, last: str, whole: Mapping[str, StageReport]) -> StageReport:
    """Return the line of a merge as if the stages from `first` to `last` came behind it.

    It has all rows that have reached them then; what is missing in it is missing then as well. If rows have not come
    from them to the merge, because the run has failed, its line stays as it is.
    """
    if whole[last].counts.delivered != merge.counts.received:
        return merge
    stayed = whole[first].counts.received - whole[last].counts.delivered
    received, delivered = merge.counts.received + stayed, merge.counts.delivered + stayed
    came = sum((whole[name].counts for name in merge.inputs), Counts())
    counts = replace(merge.counts, received=received, delivered=delivered, first=came.first, last=came.last)
    return replace(merge, counts=counts)


def _together(parts: Sequence[StageReport], inputs: Sequence[str]) -> StageReport:
    """Return the lines of a stage as one; each says which input of the merge it has worked for."""
    parts = sorted(parts, key=lambda part: inputs.index(part.inputs[0]))
    return replace(
        parts[0],
        counts=sum((part.counts for part in parts), Counts()),
        letters=sum(part.letters for part in parts),
        extra=sum((Counter(part.extra) for part in parts), Counter()),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        examples=_first([example for part in parts for example in part.examples]),
    )


def _first(examples: list[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Return the first in the order of the merge: by time, then by input, then as they came."""
    return tuple(sorted(examples, key=lambda example: example[TIMESTAMP])[:EXAMPLES])
