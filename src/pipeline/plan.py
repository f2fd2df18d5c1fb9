"""What will run: settings of the sources, columns of every stage, who shares a process. `planner` makes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from ..errors import SourceError, SpecError
from ..frozen import frozen
from ..operators.base import Transform, is_late
from ..readers.base import Reader
from ..record import TIMESTAMP
from ..running import Context
from .ordering import Ordering
from .spec import PipelineSpec, Stage

__all__ = ["Ahead", "Chain", "Plan"]

_SMALL = 1 << 20  # bytes: below, not even a thread pays
_SMALL_FOR_A_POOL = 8 << 20


@frozen
class Ahead:
    """What is done ahead of a merge: see `pipeline.ahead`.

    Attributes:
        stages: stages written behind the merge, in order, that the rows of each of its inputs go through first.
        columns: name and polars type of what goes on to the merge then.
        sieve: a filter that nobody has written, behind those stages: it keeps what all who read it would filter out.
    """

    stages: tuple[Stage, ...]
    columns: Mapping[str, Any]
    sieve: Stage | None = None

    @property
    def steps(self) -> tuple[Stage, ...]:
        """All that is done ahead, in order."""
        return self.stages if self.sieve is None else (*self.stages, self.sieve)


@frozen
class Chain:
    """A reader and the stages behind it that can stay with it: what one thread runs, here or in a worker.

    Attributes:
        stages: the reader, and those behind it.
        ahead: what is done here although it is written behind the merge that the chain leads to.
    """

    stages: tuple[Stage, ...]
    ahead: Ahead | None = None

    @property
    def name(self) -> str:
        return self.stages[0].name

    @property
    def last(self) -> str:
        return self.stages[-1].name

    @property
    def native(self) -> bool:
        """True if all of it works outside the interpreter: a thread does then, it needs no process of its own."""
        return all(stage.component.native for stage in self.steps)  # type: ignore[attr-defined]

    @property
    def steps(self) -> tuple[Stage, ...]:
        """All stages that run here, in order."""
        return self.stages if self.ahead is None else (*self.stages, *self.ahead.steps)


@frozen
class Plan:
    """What an engine needs to know.

    Attributes:
        spec: the pipeline.
        base: folder that relative paths are relative to.
        columns: columns of each stage's output (name -> polars type), None where not known before the run, none where
            no row will come.
        ordering: for each reader that leads to a merge, how its records are ordered.
        texts: for each reader that shall keep the text of each row, the columns that some stage looks at besides
            (None: all).
        digits: fractional digits that the times of each stage have at least, as its sources have them.
        learnt: what readers found out about their sources (see `Context.learnt`).
        headers: for each writer of rows as they were read, the header line of the first source that has one.
        mistakes: all that is wrong: the stage (None: the pipeline), and the error.
        notes: what could not be checked, and why.
        ahead: what is done ahead of merges, by their names; the engine decides whether anything is.
    """

    spec: PipelineSpec
    base: Path
    columns: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    ordering: Mapping[str, Ordering] = field(default_factory=dict)
    texts: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    digits: Mapping[str, int] = field(default_factory=dict)
    learnt: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str | None] = field(default_factory=dict)
    mistakes: tuple[tuple[Stage | None, SpecError], ...] = ()
    notes: tuple[str, ...] = ()
    ahead: Mapping[str, Ahead] = field(default_factory=dict)

    def carried(self, name: str) -> Mapping[str, Any] | None:
        """Return the columns that the frames of a stage have when it runs: without those that nobody looks at.

        Those of an input of a merge are what comes of it when all is done that is done ahead of the merge.
        """
        ahead = self._ahead_behind(name)
        columns = self.columns.get(name) if ahead is None else ahead.columns
        if not columns:
            return columns
        left_out: set[str] = set()
        for source in self._sources(name):
            wanted, there = self.texts.get(source), self.columns.get(source)
            if wanted is not None and there:
                left_out |= there.keys() - wanted - {TIMESTAMP}
        return {column: dtype for column, dtype in columns.items() if column not in left_out}

    def _sources(self, name: str) -> set[str]:
        """Return the stages without an input that lead to this one, or itself if it is one."""
        found = {name}
        for stage in reversed(self.spec.stages):
            if stage.name in found and stage.inputs:
                found.remove(stage.name)
                found.update(stage.inputs)
        return found

    @property
    def readers(self) -> list[Stage]:
        return [stage for stage in self.spec if isinstance(stage.component, Reader)]

    @property
    def imports(self) -> Path | None:
        """Folder of the pipeline file: what `call=` names may be imported from there."""
        return self.spec.path.parent if self.spec.path is not None else None

    @property
    def dead_letters(self) -> Path:
        return self.base / self.spec.dead_letters

    def chains(self) -> list[Chain]:
        """Return, for each reader, the longest chain from it without a fork, a merge or a writer.

        Late rows are no fork: they go their own way.
        """
        chains = [tuple(self._chain(reader)) for reader in self.readers]
        return [Chain(stages, self._ahead_behind(stages[-1].name)) for stages in chains]

    def _ahead_behind(self, name: str) -> Ahead | None:
        """Return what is done ahead of the merge that reads from a stage, if there is one and anything is."""
        return next((ahead for merge, ahead in self.ahead.items() if name in self.spec[merge].inputs), None)

    def moved(self) -> dict[str, str]:
        """Return the stages that work ahead of a merge, each with that merge, which has their rows."""
        return {stage.name: merge for merge, ahead in self.ahead.items() for stage in ahead.stages}

    def _chain(self, stage: Stage) -> Iterable[Stage]:
        yield stage
        consumers = [other for other in self.spec.consumers(stage.name) if not is_late(other.component)]
        if len(consumers) == 1 and isinstance(consumers[0].component, Transform) and self._may_move(consumers[0]):
            yield from self._chain(consumers[0])

    def _may_move(self, stage: Stage) -> bool:
        """What calls functions of the user's, and prints, stays in the process that was started."""
        return stage.family not in ("event", "map")

    def workers(self, cores: int) -> list[list[Chain]]:
        """Share the chains that need a process out among workers, the largest first; one core is left for the rest.

        Each inner list is what one worker runs, a thread per chain.
        """
        mine = [chain for chain in self.chains() if not chain.native]
        chains = sorted(mine, key=lambda chain: -self.size(chain.stages[0]))
        count = min(len(chains), max(1, cores - 1))
        groups: list[list[Chain]] = [[] for _ in range(count)]
        loads = [0] * count
        for chain in chains:
            lightest = loads.index(min(loads))
            groups[lightest].append(chain)
            loads[lightest] += self.size(chain.stages[0]) + 1
        return groups

    def size(self, reader: Stage) -> int:
        """Return how many bytes a reader will read, as far as known; 0 for a live source or rows in memory."""
        assert isinstance(reader.component, Reader), f"{reader.name} is no reader"
        try:
            return reader.component.size(Context(stage=reader.name, base=self.base))
        except SourceError:  # the run itself will say so, when the source is opened
            return 0

    @property
    def engine(self) -> str:
        """The engine that suits the size of the job: threads pay from a megabyte on, a pool from some megabytes on."""
        if any(reader.variant == "memory" for reader in self.readers):
            return "serial"
        least = _SMALL if all(chain.native for chain in self.chains()) else _SMALL_FOR_A_POOL
        return "local" if sum(map(self.size, self.readers)) > least else "serial"
