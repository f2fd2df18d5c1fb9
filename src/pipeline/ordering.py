"""How each source is held to its order, and what becomes of its late rows: settled for a pipeline as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from ..errors import SpecError
from ..fields import Component
from ..frozen import frozen
from ..operators.base import Transform, is_join, is_late
from ..operators.sorted_merge import SortedMerge
from ..readers.base import Reader
from .spec import PipelineSpec, Stage

__all__ = ["STREAM", "Ordering", "settle_order"]

STREAM = "stream"
"""What becomes of the late rows of a source that `late=rows` reads from."""


@frozen
class Ordering:
    """How the records of one source are held to their order (see `plait.queue.Gate`).

    Attributes:
        lateness: how far a record may be behind the largest before it.
        late: what becomes of late ones: "divert", "drop", "fail", or `STREAM`: they are a stream of their own.
        max_ahead: divert a record that is further than this ahead of all before it; None: none.
    """

    lateness: timedelta
    late: str
    max_ahead: timedelta | None


def settle_order(
    spec: PipelineSpec, whole: PipelineSpec | None = None
) -> tuple[dict[str, Ordering], list[tuple[Stage, SpecError]]]:
    """Return for each reader whose rows must be in order how that is done, and what is wrong with that.

    Args:
        spec: the pipeline.
        whole: the one that it was cut out of, if it was: that has the merges whose options hold.
    """
    settling = _Settling(spec, whole)
    settling.settle()
    return settling.found, settling.mistakes


class _Settling:
    def __init__(self, spec: PipelineSpec, whole: PipelineSpec | None) -> None:
        self._spec = spec
        self._whole = whole or spec
        self._is_part = whole is not None
        self.found: dict[str, Ordering] = {}
        self.mistakes: list[tuple[Stage, SpecError]] = []

    def settle(self) -> None:
        for stage in self._spec:
            if _needs_order(stage.component):
                self._settle_sources(stage)
        for stage in self._spec:
            if is_late(stage.component):
                self._settle_late(stage)
        if not self._is_part:
            self._check_options()

    def _settle_sources(self, stage: Stage) -> None:
        upstream = self._spec.upstream(stage)
        late = next((other for other in upstream if is_late(other.component)), None)
        if late is not None:
            self._misplaced(stage, late, upstream)
            return
        for source in upstream:
            if isinstance(source.component, Reader):
                merge = stage.component if isinstance(stage.component, SortedMerge) else self._merge_of(source)
                self._settle(source, source.component, merge)

    def _misplaced(self, stage: Stage, late: Stage, upstream: list[Stage]) -> None:
        """Say so of the first stage behind late rows that cannot stand there, not of those behind it."""
        if not any(_needs_order(other.component) and late in self._spec.upstream(other) for other in upstream):
            self._wrong(stage, "from", _why_not_behind(late, stage))

    def _merge_of(self, source: Stage) -> SortedMerge:
        """Return the first merge that a source leads to, whose options hold for it; one without, if there is none."""
        leads = {source.name}
        for other in self._whole:
            if leads.intersection(other.inputs) and not is_late(other.component):
                leads.add(other.name)
                if isinstance(other.component, SortedMerge):
                    return other.component
        return SortedMerge()

    def _settle(self, stage: Stage, reader: Reader, merge: SortedMerge) -> None:
        ordering = Ordering(
            reader.lateness if reader.lateness is not None else merge.lateness,
            STREAM if any(self._late_of(stage)) else reader.late or merge.late,
            reader.max_ahead if reader.max_ahead is not None else merge.max_ahead,
        )
        if self.found.setdefault(stage.name, ordering) != ordering:
            message = f"{stage.name!r} leads to merges that differ in lateness, late or max_ahead; say so in the reader"
            self._wrong(stage, None, message)

    def _late_of(self, reader: Stage) -> Iterator[Stage]:
        return (other for other in self._whole.consumers(reader.name) if is_late(other.component))

    def _settle_late(self, stage: Stage) -> None:
        source = self._spec[stage.inputs[0]]
        if not isinstance(source.component, Reader):
            readers = [other.name for other in self._spec.upstream(stage) if isinstance(other.component, Reader)]
            message = f"{source.name!r} is no reader, and what is late is decided there; name one"
            self.mistakes.append((stage, SpecError(stage.component.title(), message, option="from", allowed=readers)))
        elif source.component.late not in (None, "divert"):
            self._wrong(source, "late", f"{stage.name!r} takes the late rows; leave late= out")
        elif source.name not in self.found and (self._spec.consumers(stage.name) or not self._is_part):
            self._borrow(stage, source)

    def _borrow(self, stage: Stage, source: Stage) -> None:
        """What decides what is late may stand in the rest of a pipeline of which this is a part."""
        ordering = settle_order(self._whole)[0].get(source.name) if self._is_part else None
        if ordering is not None:
            self.found[source.name] = ordering
        else:
            self._wrong(stage, None, _nothing_late(source))

    def _check_options(self) -> None:
        """What is late is decided for a merge: without one, options about it would do nothing."""
        for stage in self._spec:
            if isinstance(stage.component, Reader) and stage.name not in self.found:
                for name in ("lateness", "late", "max_ahead"):
                    if getattr(stage.component, name) is not None:
                        self._wrong(stage, name, _nothing_late(stage))

    def _wrong(self, stage: Stage, option: str | None, message: str) -> None:
        self.mistakes.append((stage, stage.component.wrong(option, message)))


def _needs_order(component: Component) -> bool:
    is_ordered = isinstance(component, Transform) and component.needs_order
    return is_ordered or isinstance(component, SortedMerge) or is_join(component)


def _nothing_late(source: Stage) -> str:
    return f"no merge and no window reads from {source.name!r}, so nothing is late"


def _why_not_behind(late: Stage, stage: Stage) -> str:
    return (
        f"{late.name!r} has late rows in the order in which they came, and a {stage.family} needs the order of time; "
        f"raise lateness= of {late.inputs[0]!r}, or write them, and read that file in a run of its own"
    )
