"""A pipeline, written out as SCL again."""

from __future__ import annotations

from typing import Any

from ..fields import options_of, quote
from .spec import PipelineSpec, Stage, given_options

__all__ = ["write_option", "write_scl"]

_WIDTH = 100


def write_scl(spec: PipelineSpec) -> str:
    """Write the pipeline so that loading the text gives an equal one. `${NAME}` stays as it was written.

    Raises:
        ValueError: an option holds what SCL cannot say: a Python callable, rows in memory.
    """
    own = {**spec.options.given(), **spec.written}
    options = [f"{name}={_written(spec.options, name, value, spec.written)}" for name, value in own.items()]
    parts = [_statement("pipeline", quote(spec.name), options)]
    parts += [_stage(stage) for stage in spec]
    return "\n".join(parts) + "\n"


def _stage(stage: Stage) -> str:
    if not stage.component.in_scl:
        raise ValueError(f"{stage.name}: {stage.component.title()} cannot be written in SCL; it is for Python")
    options = [f"name={quote(stage.name)}"]
    if len(stage.inputs) == 1 and stage.family != "merge":
        options.append(f"from={quote(stage.inputs[0])}")
    elif stage.inputs:
        options.append(f"from=[{' '.join(quote(name) for name in stage.inputs)}]")
    options += [write_option(stage, name, value) for name, value in given_options(stage).items()]
    return _statement(stage.family, stage.variant, options)


def write_option(stage: Stage, name: str, value: Any) -> str:
    """Write one option of a stage as `name=value`."""
    return f"{name}={_written(stage.component, name, value, stage.written)}"


def _written(component: Any, name: str, value: Any, written: Any) -> str:
    return str(written[name]) if name in written else options_of(type(component))[name].kind.write(value)


def _statement(family: str, variant: str, options: list[str]) -> str:
    line = f"{family}={variant}({' '.join(options)})"
    if not options:
        return f"{family}={variant}"
    if len(line) <= _WIDTH:
        return line
    return f"{family}={variant}({options[0]}" + "".join(f"\n    {option}" for option in options[1:]) + ")"
