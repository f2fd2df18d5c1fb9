"""What is written behind a merge and done ahead of it, by the threads that read its sources.

    in0 --+                                   in0 - filter --+
          +-- merge - filter - window   =>                   +-- merge - window
    in1 --+                                   in1 - filter --+

A stage that looks at one row at a time does the same to it on either side of a merge, and none changes its time or
overtakes another: so the merged rows are the same, too, and in the same order. Ahead of the merge the work is shared
among the sources, and what the filter leaves is less to merge. Where all that reads the merged rows makes results of
them, the columns that it does not look at stay behind as well; and where all who read them leave rows out, those that
all would leave out do not come so far. Databases call it pushing selections and projections down. A stage says what may
be done: that it may be moved (`Transform.stateless`), that it makes results (`absorbs`), what it leaves out (`sieve`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeGuard

from ..fields import Component
from ..operators.base import Transform, is_late
from ..operators.sorted_merge import SortedMerge
from ..readers.base import Reader
from ..record import TIMESTAMP
from .plan import Ahead, Chain, Plan
from .spec import Stage

__all__ = ["work_ahead"]


def work_ahead(plan: Plan) -> Plan:
    """Return the plan with all that can be done ahead of its merges put there. The outputs are the same.

    Nothing is moved unless it is certain before the run that nothing changes by it: all inputs have the same columns,
    of the same types, in the same order; they are finite; and nobody else reads them.
    """
    chains = {chain.last: chain for chain in plan.chains()}
    found = {stage.name: _ahead_of(stage, plan, chains) for stage in plan.spec if _is_plain_merge(stage)}
    return replace(plan, ahead={name: ahead for name, ahead in found.items() if ahead is not None})


def _is_plain_merge(stage: Stage) -> bool:
    """Tell whether it is a merge that adds nothing to the rows."""
    return isinstance(stage.component, SortedMerge) and stage.component.tag is None


def _ahead_of(merge: Stage, plan: Plan, chains: Mapping[str, Chain]) -> Ahead | None:
    if not all(name in chains and _is_settled(chains[name]) for name in merge.inputs):
        return None
    if any(_readers_of(name, plan) != [merge] for name in merge.inputs):
        return None
    columns = _same_columns(merge, plan)
    if not columns or any(chains[name].name in plan.texts for name in merge.inputs):
        return None
    stages = tuple(_movable(merge, plan))
    last = stages[-1] if stages else merge
    left = plan.columns[last.name] or {}
    ahead = Ahead(stages, _looked_at(last, plan, left), _sieve(last, plan))
    return ahead if ahead.steps or len(ahead.columns) < len(left) else None


def _is_settled(chain: Chain) -> bool:
    """Tell whether all its rows will have the columns that the plan knows, and it comes to an end."""
    reader, *others = (stage.component for stage in chain.stages)
    assert isinstance(reader, Reader), f"{chain.name} is no reader"
    return reader.settled and not reader.live and all(map(_is_stateless, others))


def _is_stateless(component: Component) -> TypeGuard[Transform]:
    return isinstance(component, Transform) and component.stateless()


def _is_movable(component: Component) -> bool:
    return _is_stateless(component) and component.native


def _readers_of(name: str, plan: Plan) -> list[Stage]:
    return [stage for stage in plan.spec.consumers(name) if not is_late(stage.component)]


def _same_columns(merge: Stage, plan: Plan) -> Mapping[str, Any] | None:
    """Return the columns that all inputs have; None if they are not known, or differ."""
    first, *others = (plan.columns[name] for name in merge.inputs)
    if first is None or any(other is None or [*other.items()] != [*first.items()] for other in others):
        return None
    return first


def _movable(stage: Stage, plan: Plan) -> Iterator[Stage]:
    """Yield the stages behind this one up to where the stream forks, ends, or is more than one row at a time."""
    readers = _readers_of(stage.name, plan)
    if len(readers) == 1 and _is_movable(readers[0].component) and plan.columns[readers[0].name]:
        yield readers[0]
        yield from _movable(readers[0], plan)


def _sieve(stage: Stage, plan: Plan) -> Stage | None:
    """Return a filter for the rows of a stage that lets pass what any who read them may want; None if that is all."""
    readers = [reader.component for reader in _readers_of(stage.name, plan)]
    found = [reader.sieve() if isinstance(reader, Transform) else None for reader in readers]
    wanted = [condition for condition in found if condition is not None]
    if not wanted or len(wanted) < len(readers):
        return None
    from ..event import Condition  # where there are conditions, it is there
    from ..operators.where import Where

    return Stage(f"{stage.name} (sieve)", Where(condition=Condition({"$or": wanted})), (stage.name,))


def _looked_at(stage: Stage, plan: Plan, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of its columns that anything comes of."""
    wanted: set[str] = set()
    readers = _readers_of(stage.name, plan)
    for reader in readers:
        if not isinstance(reader.component, Transform) or not reader.component.absorbs:
            return dict(columns)
        wanted |= reader.component.reads(columns)
    return {name: dtype for name, dtype in columns.items() if name in wanted or name == TIMESTAMP or not readers}
