"""A pipeline as text, as Mermaid and as a picture; a component as a card."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Mapping
from xml.sax.saxutils import escape

from ..fields import Component, Option, options_of
from ..formats.schema import shown_type
from .ahead import work_ahead
from .plan import Plan
from .spec import PipelineSpec, Stage, given_options
from .write import write_option

__all__ = ["card", "mermaid", "plan_text", "svg"]

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 190, 46, 60, 18, 16
_SHAPES = {"reader": "([{}])", "writer": "[/{}/]", "merge": "{{{{{}}}}}", "join": "{{{{{}}}}}", "event": ">{}]"}
_COLOURS = {
    "reader": "#2f7d5b",
    "merge": "#3b5ba9",
    "late": "#8a6d1f",
    "filter": "#7a5aa8",
    "derive": "#7a5aa8",
    "window": "#2b6c8a",
    "join": "#3b5ba9",
    "event": "#b3541e",
    "writer": "#55606e",
}


def plan_text(plan: Plan, cores: int, engine: str | None = None) -> str:
    """Say what the pipeline is and how it will run: every stage with its process, inputs, options and columns."""
    engine = engine or plan.engine
    plan = work_ahead(plan) if engine == "local" else plan
    where = _processes(plan, cores) if engine == "local" else {}
    lines = [f"{plan.spec.name}: {len(plan.spec.stages)} stages, engine {engine}{_why(plan, engine)}"]
    width = max((len(stage.name) for stage in plan.spec), default=0)
    for stage in plan.spec:
        process = where.get(stage.name, "main")
        source = f"  from {', '.join(stage.inputs)}" if stage.inputs else ""
        lines.append(f"  {stage.name:<{width}}  {stage.component.title():<18} [{process}]{source}")
        lines += [f"  {'':<{width}}    {detail}" for detail in _details(plan, stage)]
    lines += [f"note: {note}" for note in plan.notes]
    return "\n".join(lines)


def _why(plan: Plan, engine: str) -> str:
    total = sum(map(plan.size, plan.readers))
    if engine != plan.engine or not total:
        return ""
    reason = "too little to read it in parallel" if engine == "serial" else "worth reading in parallel"
    return f" ({total / 1e6:,.1f} MB to read: {reason})"


def _processes(plan: Plan, cores: int) -> dict[str, str]:
    groups = [(f"worker {number}", chains) for number, chains in enumerate(plan.workers(cores), 1)]
    groups.append(("thread", [chain for chain in plan.chains() if chain.native]))
    places = {stage.name: where for where, chains in groups for chain in chains for stage in chain.stages}
    return places | {stage: f"ahead of {merge}" for stage, merge in plan.moved().items()}


def _details(plan: Plan, stage: Stage) -> list[str]:
    options = " ".join(write_option(stage, name, value) for name, value in given_options(stage).items())
    columns = plan.columns.get(stage.name)
    details = [options] if options else []
    if columns and stage.family != "writer":
        details.append("columns: " + ", ".join(f"{name} {shown_type(dtype)}" for name, dtype in columns.items()))
    ahead = plan.ahead.get(stage.name)
    if ahead is not None:
        details.append("merges: " + ", ".join(ahead.columns))
    if ahead is not None and ahead.sieve is not None:
        names = [reader.name for reader in plan.spec.consumers(ahead.sieve.inputs[0])]
        details.append(f"merges only rows that {' or '.join(names)} lets pass")
    return details


def mermaid(spec: PipelineSpec) -> str:
    """Write the graph of the stages as a Mermaid flowchart."""
    numbers = {stage.name: f"s{number}" for number, stage in enumerate(spec)}
    lines = ["flowchart LR"]
    for stage in spec:
        label = '"{}<br/><small>{}</small>"'.format(*(_html(text) for text in (stage.name, stage.component.title())))
        lines.append(f"  {numbers[stage.name]}{_SHAPES.get(stage.family, '[{}]').format(label)}")
    for stage in spec:
        lines += [f"  {numbers[name]} --> {numbers[stage.name]}" for name in stage.inputs]
    return "\n".join(lines)


def _html(text: str) -> str:
    return escape(text, {'"': "#quot;"})


def svg(spec: PipelineSpec) -> str:
    """Draw the graph of the stages, left to right, each stage one column behind the last of its inputs."""
    places = _places(spec)
    width = max((x for x, _ in places.values()), default=0) + _WIDTH + _MARGIN
    height = max((y for _, y in places.values()), default=0) + _HEIGHT + _MARGIN
    arrows = [_arrow(places[name], places[stage.name]) for stage in spec for name in stage.inputs]
    boxes = [_box(stage, *places[stage.name]) for stage in spec]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="ui-sans-serif, system-ui, sans-serif">'
        f"<title>{escape(spec.name)}</title>"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" fill="#8a94a0"/></marker></defs>'
    )
    return "\n".join([head, *arrows, *boxes, "</svg>"]) + "\n"


def _places(spec: PipelineSpec) -> dict[str, tuple[int, int]]:
    """Give every stage a column behind its inputs, and the row nearest to their middle that is free."""
    columns: dict[str, int] = {}
    rows: dict[str, float] = {}
    taken: dict[int, set[int]] = {}
    for stage in spec:
        column = max((columns[name] + 1 for name in stage.inputs), default=0)
        wish = sum(rows[name] for name in stage.inputs) / len(stage.inputs) if stage.inputs else 0
        used = taken.setdefault(column, set())
        row = min((r for r in range(len(spec.stages)) if r not in used), key=lambda r: (abs(r - wish), r))
        used.add(row)
        columns[stage.name], rows[stage.name] = column, row
    step_x, step_y = _WIDTH + _GAP_X, _HEIGHT + _GAP_Y
    return {name: (_MARGIN + column * step_x, _MARGIN + int(rows[name]) * step_y) for name, column in columns.items()}


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    x1, y1 = start[0] + _WIDTH, start[1] + _HEIGHT // 2
    x2, y2 = end[0] - 2, end[1] + _HEIGHT // 2
    bend = max(_GAP_X // 2, (x2 - x1) // 2)
    path = f"M{x1} {y1} C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    return f'<path d="{path}" fill="none" stroke="#8a94a0" stroke-width="1.5" marker-end="url(#tip)"/>'


def _box(stage: Stage, x: int, y: int) -> str:
    colour = _COLOURS.get(stage.family, "#55606e")
    middle = x + _WIDTH // 2
    return (
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="7" fill="{colour}"/>'
        f'<text x="{middle}" y="{y + 20}" text-anchor="middle" fill="#fff" font-size="14" font-weight="600">'
        f"{escape(_short(stage.name))}</text>"
        f'<text x="{middle}" y="{y + 36}" text-anchor="middle" fill="#fff" fill-opacity=".85" font-size="11">'
        f"{escape(_short(stage.component.title()))}</text>"
    )


def _short(text: str, most: int = 24) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def card(component: type[Component]) -> str:
    """Print what there is to know of a component: what it does, its options with their kinds and defaults."""
    lines = [component.title(), "", inspect.getdoc(component) or "", "", "Options:"]
    for item in options_of(component).values():
        lines += _wrapped(item.name, _option_text(item))
    for name, text in _common_options(component).items():
        lines += _wrapped(name, text)
    return "\n".join(lines)


def _wrapped(name: str, text: str) -> list[str]:
    return textwrap.wrap(text, 100, initial_indent=f"  {name:<15} ", subsequent_indent=" " * 18)


def _option_text(item: Option) -> str:
    if item.required:
        default = "must be given"
    elif item.default is None:
        default = "not set"
    else:
        default = f"default {item.kind.write(item.default)}"
    return f"{item.doc} ({item.kind.says}; {default})"


def _common_options(component: type[Component]) -> Mapping[str, str]:
    common: Mapping[str, str] = {
        "name": "what the stage is called (default: the variant)",
        "from": "the stage, or the list of stages, that it reads from (default: the one above it)",
    }
    wanted = {"reader": ["name"], "pipeline": []}.get(component.family, ["name", "from"])
    return {name: common[name] for name in wanted}
