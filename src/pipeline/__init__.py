"""From what a person writes to what will run.

What a pipeline is: `PipelineSpec`, `Stage`, `PipelineOptions`, `Place`. From SCL: `load_file`, `load_text`; to SCL:
`write_scl`. From Python: `build_component`. As a whole: `make_plan`, `checked_plan`, `Plan`. Which components
there are: `FAMILIES`, `component_class`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazily import lazily

if TYPE_CHECKING:
    from .build import build_component, checked_plan
    from .load import load_file, load_text
    from .plan import Plan
    from .planner import make_plan
    from .registry import FAMILIES, component_class
    from .spec import PipelineOptions, PipelineSpec, Place, Stage
    from .write import write_scl

__all__ = [
    "FAMILIES",
    "PipelineOptions",
    "PipelineSpec",
    "Place",
    "Plan",
    "Stage",
    "build_component",
    "checked_plan",
    "component_class",
    "load_file",
    "load_text",
    "make_plan",
    "write_scl",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "FAMILIES": "registry",
        "PipelineOptions": "spec",
        "PipelineSpec": "spec",
        "Place": "spec",
        "Plan": "plan",
        "Stage": "spec",
        "build_component": "build",
        "checked_plan": "build",
        "component_class": "registry",
        "load_file": "load",
        "load_text": "load",
        "make_plan": "planner",
        "write_scl": "write",
    },
)
