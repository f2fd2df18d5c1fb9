"""From what was written to what will run: the plan is where a pipeline is checked as a whole.

Everything that can be known before the first row is.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import MissingSourceError, SourceError, SpecError
from ..fields import Component
from ..formats.files import no_name
from ..operators.base import Transform, is_join, is_late
from ..operators.sorted_merge import SortedMerge
from ..readers.base import Reader
from ..running import Context
from ..writers.base import Writer
from .ordering import settle_order
from .plan import Plan
from .spec import PipelineSpec, Stage

__all__ = ["make_plan"]


def make_plan(spec: PipelineSpec, base: Path | None = None, *, whole: PipelineSpec | None = None) -> Plan:
    """Check a pipeline as a whole and lay out how it will run. Opens no sink, starts nothing, reads samples only.

    Args:
        spec: the pipeline.
        base: folder that relative paths are relative to; the current one if not given.
        whole: the larger one that it was cut out of, if it was: options that concern what is not in it are no mistake.
    """
    return _Planner(spec, base or Path.cwd(), whole).plan()


class _Planner:
    """Goes through the stages in their order, collecting what is known and what is wrong."""

    def __init__(self, spec: PipelineSpec, base: Path, whole: PipelineSpec | None) -> None:
        self._spec = spec
        self._whole = whole
        self._base = base
        self._columns: dict[str, Mapping[str, Any] | None] = {}
        self._mistakes: list[tuple[Stage | None, SpecError]] = []
        self._notes: list[str] = []
        self._headers: dict[str, str | None] = {}
        self._digits: dict[str, int] = {}
        self._learnt: dict[str, Any] = {}
        self._imports = spec.path.parent if spec.path is not None else None

    def plan(self) -> Plan:
        for stage in self._spec:
            try:
                self._digits[stage.name] = max((self._digits[name] for name in stage.inputs), default=0)
                self._columns[stage.name] = self._columns_of(stage)
            except SpecError as error:
                self._columns[stage.name] = None
                self._mistakes += [(stage, each) for each in (error, *error.others)]
        ordering, mistakes = settle_order(self._spec, self._whole)
        self._mistakes += mistakes
        texts = self._texts()
        self._check_paths()
        self._check_ends()
        return Plan(
            self._spec,
            self._base,
            columns=self._columns,
            ordering=ordering,
            texts={name: self._looked_at(name) for name in texts},
            digits=self._digits,
            learnt=self._learnt,
            headers=self._headers,
            mistakes=tuple(self._mistakes),
            notes=tuple(self._notes),
        )

    def _columns_of(self, stage: Stage) -> Mapping[str, Any] | None:
        component = stage.component
        inputs = [(name, self._columns[name]) for name in stage.inputs]
        if isinstance(component, Reader):
            return self._reader_columns(stage, component)
        if isinstance(component, SortedMerge):
            columns = component.columns(inputs)
            return columns and {**columns}
        if is_join(component):
            component.probe(self._context(stage))
            return component.columns(inputs)
        if isinstance(component, Transform):
            component.probe(self._context(stage))
            return component.columns(inputs[0][1]) if inputs[0][1] != {} else {}
        if isinstance(component, Writer) and inputs[0][1]:
            component.check_columns(inputs[0][1])
        return inputs[0][1]

    def _context(self, stage: Stage) -> Context:
        zone = self._spec.options.zone
        return Context(stage=stage.name, base=self._base, imports=self._imports, zone=zone)

    def _reader_columns(self, stage: Stage, reader: Reader) -> Mapping[str, Any] | None:
        context = Context(stage=stage.name, base=self._base)
        try:
            columns = reader.columns(context)
        except SourceError as error:
            # A file may be there when the pipeline runs; and a pipeline from Python has no place to show a mistake at:
            # its run will raise the SourceError itself.
            if isinstance(error, MissingSourceError) or not self._spec.text:
                self._notes.append(f"{stage.name}: {error}; its columns are not checked")
                return None
            option = "timestamp" if f"timestamp={reader.timestamp}" in str(error) else None
            raise reader.wrong(option, str(error)) from error
        self._digits[stage.name] = context.digits
        self._learnt[stage.name] = context.learnt
        return columns

    def _check_ends(self) -> None:
        """Say what nobody will see anything of."""
        if not self._spec.stages:
            error = SpecError(f"pipeline={self._spec.name}", "there is no stage in it")
            self._mistakes.append((None, error))
        unread = [stage for stage in self._spec if not self._spec.consumers(stage.name)]
        for stage in unread:
            if is_late(stage.component):
                self._check_late_end(stage)
            elif stage.family not in ("writer", "event"):
                self._notes.append(f"{stage.name}: nothing reads from it")

    def _check_late_end(self, stage: Stage) -> None:
        """Late rows that nobody reads would be lost."""
        if self._whole is None:
            message = f"nothing reads from {stage.name!r}; without this stage, late rows go to the dead letters"
            self._mistakes.append((stage, stage.component.wrong(None, message)))

    def _texts(self) -> list[str]:
        """Find the readers whose rows are written as they were read, and check that this can be."""
        names: list[str] = []
        for stage in self._spec:
            if isinstance(stage.component, Writer) and stage.component.wants_text:
                try:
                    names += self._check_text(stage, stage.component)
                except SpecError as error:
                    self._mistakes.append((stage, error))
        return names

    def _check_text(self, stage: Stage, writer: Writer) -> list[str]:
        upstream = self._spec.upstream(stage)
        for other in upstream:
            if is_join(other.component) or _changes_values(other.component):
                raise writer.wrong("as_read", f"{other.name!r} changes values: rows cannot go out as they were read")
            if isinstance(other.component, SortedMerge) and other.component.tag:
                raise writer.wrong(
                    "as_read", f"{other.name!r} adds a column (tag): rows cannot go out as they were read"
                )
        sources = [(other.name, other.component) for other in upstream if isinstance(other.component, Reader)]
        names = [name for name, _ in sources]
        self._check_same_columns(writer, names)
        self._headers[stage.name] = next(filter(None, itertools.starmap(self._header, sources)), None)
        return names

    def _looked_at(self, reader: str) -> frozenset[str] | None:
        """Return the columns of a reader that a stage behind it looks at; None if they are not known."""
        columns = self._columns[reader]
        if columns is None:
            return None
        found: set[str] = set()
        behind = {reader}
        for stage in self._spec:
            if behind.intersection(stage.inputs):
                behind.add(stage.name)
                component = stage.component
                if isinstance(component, Transform):
                    found |= component.reads(columns)
                elif is_join(component) or (isinstance(component, Writer) and not component.wants_text):
                    found |= columns.keys()
        return frozenset(found)

    def _header(self, name: str, reader: Reader) -> str | None:
        try:
            return reader.header_line(Context(stage=name, base=self._base))
        except SourceError:  # it is in the notes already: the columns could not be read either
            return None

    def _check_same_columns(self, writer: Writer, sources: Sequence[str]) -> None:
        known = [(name, columns) for name in sources if (columns := self._columns[name])]
        for name, columns in known[1:]:
            if list(columns) != list(known[0][1]):
                raise writer.wrong(
                    "as_read",
                    f"{known[0][0]!r} and {name!r} have different columns ({', '.join(known[0][1])}; "
                    f"{', '.join(columns)}): rows as they were read do not fit into one file",
                )

    def _check_paths(self) -> None:
        """Two writers on one file, or a writer on a file that is read, would destroy what the other does."""
        used: dict[Path, str] = {(self._base / self._spec.dead_letters).resolve(): "the dead letters"}
        for stage in self._spec:
            path = getattr(stage.component, "path", None)
            if isinstance(stage.component, Writer) and path and self._can_be(stage, "path", path):
                place = (self._base / path).resolve()
                if place.is_dir():
                    self._mistakes.append(
                        (stage, stage.component.wrong("path", f"{path} is a folder; name a file in it"))
                    )
                if place in used:
                    error = stage.component.wrong("path", f"{path} is written by {used[place]} already")
                    self._mistakes.append((stage, error))
                used[place] = repr(stage.name)
        for stage in self._spec:
            path = getattr(stage.component, "path", None)
            if not isinstance(stage.component, Reader) or not path or no_name(self._base / path):
                continue
            if (place := (self._base / path).resolve()) in used:
                error = stage.component.wrong("path", f"{path} is written by {used[place]}, and read here")
                self._mistakes.append((stage, error))
        self._check_states(used)

    def _can_be(self, stage: Stage, option: str, path: str) -> bool:
        reason = no_name(self._base / path)
        if reason:
            error = stage.component.wrong(option, f"{path!r} cannot be the name of a file: {reason}")
            self._mistakes.append((stage, error))
        return not reason

    def _check_states(self, written: Mapping[Path, str]) -> None:
        """A keyed state has a file of its own, which no other stage writes."""
        for stage in self._spec:
            state = getattr(stage.component, "state", None)
            if not isinstance(stage.component, Transform) or not isinstance(state, str):
                continue
            if self._can_be(stage, "state", state):
                writer = written.get((self._base / state).resolve())
                if writer is not None:
                    error = stage.component.wrong("state", f"{state} is written by {writer} already")
                    self._mistakes.append((stage, error))


def _changes_values(component: Component) -> bool:
    return isinstance(component, Transform) and component.changes_values
