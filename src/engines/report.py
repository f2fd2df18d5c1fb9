"""What a run says of itself: the ledger of every stage, and whether it balances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

__all__ = ["EXAMPLES", "Counts", "RunReport", "StageReport"]

EXAMPLES = 3
"""So many of the first rows of an event stage are kept, to be shown."""


@dataclass(slots=True)
class Counts:
    """Rows of one stage while it runs. Every row that came in is in exactly one of the others, or still inside.

    A stage that lets a row out more than once has what goes out again in `repeated`, as if it had come in, too.

    Attributes:
        received: rows that came in (of a reader: rows found in the source).
        delivered: rows that went out (of a writer: rows written).
        filtered: rows that stayed behind because they did not match.
        late: rows behind, or too far ahead, of their own source; in the dead letters, unless the policy is drop.
        aside: of these, rows that are a stream of their own instead (`late=rows`).
        dead: rows that could not be read or handled; in the dead letters.
        inside: rows held back at this moment, in time order still to be decided.
        repeated: rows that went out again: once for each further rule that matches a row.
        absorbed: rows that went into results, such as those of a window.
        made: results that went out, as if they had come in.
        first, last: least and largest event time of the rows that went out.
    """

    received: int = 0
    delivered: int = 0
    filtered: int = 0
    late: int = 0
    aside: int = 0
    dead: int = 0
    inside: int = 0
    repeated: int = 0
    absorbed: int = 0
    made: int = 0
    first: datetime | None = None
    last: datetime | None = None

    @property
    def missing(self) -> int:
        """Rows that came in and are nowhere: 0 in a ledger that balances."""
        came = self.received + self.repeated + self.made
        return came - self.delivered - self.filtered - self.absorbed - self.late - self.dead - self.inside

    def __add__(self, other: Counts) -> Counts:
        """Return the counts of both, as if it were one stage."""
        counted = [each.name for each in fields(self) if each.name not in ("first", "last")]
        sums = {name: getattr(self, name) + getattr(other, name) for name in counted}
        times = [(each.first, each.last) for each in (self, other) if each.first is not None and each.last is not None]
        return Counts(
            **sums, first=min((t for t, _ in times), default=None), last=max((t for _, t in times), default=None)
        )


@dataclass(frozen=True, slots=True)
class StageReport:
    """One line of the ledger, with what else the stage had to say.

    Attributes:
        letters: rows of this stage in the dead-letter file.
        extra: numbers beyond the ledger, by name ("gaps", "callback errors").
        notes: sentences for whoever reads the report.
        examples: the first few rows that came out of an event stage.
    """

    name: str
    family: str
    variant: str
    inputs: tuple[str, ...]
    counts: Counts
    letters: int = 0
    extra: Mapping[str, int] = field(default_factory=Counter)
    notes: tuple[str, ...] = ()
    examples: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class RunReport:
    """The outcome of a run.

    Attributes:
        pipeline: its name.
        engine: "serial" or "local".
        stages: the ledger, in the order of the script.
        seconds: how long it took, by the wall clock.
        error: what ended the run before its time, if anything did.
        interrupted: the signal that stopped the run before the end of a finite source, if one did.
        dead_letters: path of the dead-letter file, if there is one; if it cannot be written, of its parts, with a `*`.
    """

    pipeline: str
    engine: str
    stages: tuple[StageReport, ...]
    seconds: float
    error: BaseException | None = None
    interrupted: int | None = None
    dead_letters: str | None = None

    def __getitem__(self, name: str) -> StageReport:
        """Return the line of one stage. Raises KeyError if no stage of that name ran."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise KeyError(name)

    @property
    def rows_in(self) -> int:
        """Rows found in all sources."""
        return sum(stage.counts.received for stage in self.stages if stage.family == "reader")

    @property
    def rows_out(self) -> int:
        """Rows written by all writers."""
        return sum(stage.counts.delivered for stage in self.stages if stage.family == "writer")

    @property
    def diverted(self) -> int:
        """Rows in the dead-letter file."""
        return sum(stage.letters for stage in self.stages)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the stages had to say, each sentence once."""
        return tuple(dict.fromkeys(note for stage in self.stages for note in stage.notes))

    @property
    def imbalances(self) -> tuple[str, ...]:
        """Say where rows are unaccounted for, inside a stage or between two; empty when the ledger balances."""
        by_name = {stage.name: stage.counts for stage in self.stages}
        found = [
            f"{stage.name}: {stage.counts.missing:,} of {stage.counts.received:,} rows are unaccounted for"
            for stage in self.stages
            if stage.counts.missing
        ]
        for stage in self.stages:
            sent = sum(_sent(by_name[name], stage) for name in stage.inputs if name in by_name)
            if stage.inputs and sent != stage.counts.received:
                found.append(
                    f"{' + '.join(stage.inputs)} sent {sent:,} rows, {stage.name} got {stage.counts.received:,}"
                )
        return tuple(found)

    @property
    def ok(self) -> bool:
        """True if the run came to its end, the ledger balances and nothing was diverted."""
        return self.exit_code == 0

    @property
    def exit_code(self) -> int:
        """0 done, 1 failed, 3 done but rows went to dead letters, 128 + signal if stopped before the end."""
        if self.error is not None:
            return 1
        if self.interrupted is not None:
            return 128 + self.interrupted
        if self.imbalances:
            return 1
        return 3 if self.diverted else 0


def _sent(counts: Counts, stage: StageReport) -> int:
    """Return how many rows a stage was sent by one that it reads from."""
    return counts.aside if stage.family == "late" else counts.delivered
