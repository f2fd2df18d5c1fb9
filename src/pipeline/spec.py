"""What a pipeline is: a name and a list of stages. Nothing in here runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from ..errors import SpecError, nearest
from ..fields import Component, ZoneName, option
from ..frozen import frozen

__all__ = ["PipelineOptions", "PipelineSpec", "Place", "Stage", "check_inputs", "given_options"]


@frozen
class Place:
    """Where a stage, or one of its options, stands in the script: 1-based line and column, and its length."""

    line: int
    column: int
    length: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineOptions(Component):
    """What holds for the pipeline as a whole.

    ```
    pipeline=weather(dead_letters="out/weather.dead.jsonl")
    ```
    """

    family: ClassVar[str] = "pipeline"

    dead_letters: str | None = option(
        "file for records that could not be delivered, one JSON object per line; NAME.dead.jsonl if not given",
        default=None,
    )

    zone: str = option(
        'zone whose calendar the days, weeks and months of windows follow, such as "Europe/Berlin"',
        ZoneName(),
        default="UTC",
    )


@frozen
class Stage:
    """One component in its place in the graph.

    Attributes:
        name: unique in the pipeline.
        component: what runs there.
        inputs: names of the stages it reads from, in the order that decides ties.
        places: where its options stand in the script, by option name; "" is the statement itself.
        written: options that were written with `${NAME}`, as they were written: they are shown so, never as values.
    """

    name: str
    component: Component
    inputs: tuple[str, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict, compare=False, repr=False)
    written: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def family(self) -> str:
        return self.component.family

    @property
    def variant(self) -> str:
        return self.component.variant


@frozen
class PipelineSpec:
    """A whole pipeline: what is written in a script, loaded and validated, stage by stage in the order written.

    Raises SpecError when made with two stages of one name, with an input that is not a stage above it, or with an
    input that has no output.
    """

    name: str
    stages: tuple[Stage, ...]
    options: PipelineOptions = field(default_factory=PipelineOptions)
    written: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    path: Path | None = field(default=None, compare=False)
    text: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        above: dict[str, str] = {}
        for stage in self.stages:
            if stage.name in above:
                raise SpecError(stage.component.title(), f"there is a stage {stage.name!r} already", option="name")
            check_inputs(stage, above)
            above[stage.name] = stage.family

    def __iter__(self) -> Iterator[Stage]:
        return iter(self.stages)

    def __getitem__(self, name: str) -> Stage:
        for stage in self.stages:
            if stage.name == name:
                return stage
        known = [stage.name for stage in self.stages]
        raise SpecError(f"pipeline={self.name}", f"no stage {name!r}", allowed=known, suggestion=nearest(name, known))

    def consumers(self, name: str) -> list[Stage]:
        """Return the stages that read from the stage of that name, in the order written."""
        return [stage for stage in self.stages if name in stage.inputs]

    def upstream(self, stage: Stage) -> list[Stage]:
        """Return all stages that lead to this one, in the order written."""
        names = set(stage.inputs)
        for other in reversed(self.stages):
            if other.name in names:
                names.update(other.inputs)
        return [other for other in self if other.name in names]

    @property
    def dead_letters(self) -> str:
        return self.options.dead_letters or f"{self.name}.dead.jsonl"


def check_inputs(stage: Stage, above: Mapping[str, str]) -> None:
    """Raise SpecError if the stage reads from what is not there, or has the wrong number of inputs.

    Args:
        above: name and family of the stages above it.
    """
    readable = [name for name, family in above.items() if family != "writer"]
    for name in stage.inputs:
        if name not in readable:
            what = "is a writer: nothing comes out of it" if name in above else "is not a stage above this one"
            raise SpecError(
                stage.component.title(),
                f"{name!r} {what}",
                option="from",
                allowed=readable,
                suggestion=nearest(name, readable),
            )
    _check_count(stage)


def _check_count(stage: Stage) -> None:
    title, count = stage.component.title(), len(stage.inputs)
    if stage.family == "reader" and count:
        raise SpecError(title, "a reader reads from no other stage", option="from")
    if stage.family == "merge" and not count:
        raise SpecError(title, "there is nothing above it to merge", option="from")
    if stage.family == "merge" and len(set(stage.inputs)) < count:
        raise SpecError(title, "an input is named twice", option="from")
    if stage.family == "join" and (count != 2 or len(set(stage.inputs)) < count):
        same = count == 2 and f"; both are {stage.inputs[0]!r}: put a select or a rename between it and one side"
        raise SpecError(title, f"a join reads from two stages: from=[left right]{same or ''}", option="from")
    if stage.family not in ("reader", "merge", "join") and count != 1:
        what = "there is no stage above it to read from" if not count else "it reads from one stage; merge them first"
        raise SpecError(title, what, option="from")


def given_options(stage: Stage) -> dict[str, Any]:
    """Return the options to show or write for a stage: values, or the text with `${NAME}` where one was written."""
    return {**stage.component.given(), **stage.written}
