"""Make components and specs from Python, and check them as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import Mistake, ScriptError, SpecError, nearest
from ..fields import Component, options_of
from .environment import redact
from .plan import Plan
from .planner import make_plan
from .registry import component_class
from .spec import PipelineSpec, Place, Stage

__all__ = ["build_component", "checked_plan", "mistake_at", "only_up_to"]


def build_component(family: str, variant: str, options: Mapping[str, Any]) -> Component:
    """Make the component `family=variant` with these options.

    Raises:
        SpecError: no such component, an option that it does not have, one that is missing, a value it cannot take.
    """
    component = component_class(family, variant)
    known = options_of(component)
    for name in options:
        if name not in known and name not in component.__dataclass_fields__:
            raise SpecError(
                component.title(),
                f"there is no option {name!r}",
                option=name,
                allowed=list(known),
                suggestion=nearest(name, known),
            )
    missing = [name for name, item in known.items() if item.required and name not in options]
    if missing and "filename" not in options:  # the original's name for `path`, which Python callers may use
        raise SpecError(component.title(), f"{', '.join(missing)} must be given", option=missing[0])
    return component(**options)


def checked_plan(spec: PipelineSpec, base: Path | None = None, *, whole: PipelineSpec | None = None) -> Plan:
    """Plan a pipeline, and raise all that is wrong with it; see `make_plan`.

    Raises:
        ScriptError: if it was loaded from a script: all mistakes, each with its place.
        SpecError: otherwise: the first mistake, the others as its notes.
    """
    plan = make_plan(spec, base, whole=whole)
    if not plan.mistakes:
        return plan
    if spec.text:
        written = [text for stage in spec for text in stage.written.values()]
        found = [mistake_at(stage.places if stage else {}, error, written) for stage, error in plan.mistakes]
        raise ScriptError(found, path=str(spec.path or "<string>"), text=spec.text)
    first, *others = [error for _, error in plan.mistakes]
    known = getattr(first, "__notes__", ())
    for error in others:
        if str(error) not in known:
            first.add_note(str(error))
    raise first


def mistake_at(places: Mapping[str, Place], error: SpecError, written: list[str]) -> Mistake:
    """Say a SpecError as a mistake in the script, at the option, or the part of it, that is at fault."""
    part = places.get(f"{error.option}.{error.part}") if error.part else None
    place = part or places.get(error.option or "") or places.get("") or Place(1, 1)
    return Mistake(
        place.line,
        place.column,
        redact(f"{error.component}: {error.message}", written),
        length=place.length,
        expected=error.allowed,
        suggestion=error.suggestion,
    )


def only_up_to(spec: PipelineSpec, name: str, writer: Component) -> PipelineSpec:
    """Return the part of the pipeline that leads to one stage, with this writer behind it and no other.

    What takes the late rows of a source is part of it: so they are no dead letters here either.

    Raises:
        SpecError: there is no such stage, or nothing comes out of it.
    """
    target = spec[name]
    if target.family == "writer":
        raise SpecError(target.component.title(), f"{name!r} is a writer: nothing comes out of it", option="name")
    wanted = {name}
    for stage in reversed(spec.stages):
        if stage.name in wanted:
            wanted.update(stage.inputs)
    kept = [stage for stage in spec if stage.name in wanted or (stage.family == "late" and wanted & {*stage.inputs})]
    kept.append(Stage(f"{name} (collected)", writer, (name,)))
    return PipelineSpec(spec.name, tuple(kept), spec.options, spec.written, spec.path, spec.text)
