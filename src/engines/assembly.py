"""Open the components of some stages and join them: the same for every engine and every process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..operators.base import Transform, is_join, is_late
from ..operators.sorted_merge import SortedMerge
from ..pipeline.plan import Plan
from ..pipeline.spec import Stage
from ..running import Context
from ..state import SharedStates
from ..writers.base import Writer
from .console import Console
from .dead_letters import DeadLetterPart
from .flow import Flow
from .inlets import Bell, Inlet, PumpedInlet, ReadInlet
from .join_node import JoinNode
from .merge_node import MergeNode
from .nodes import Bounds, Edge, Node, OperatorNode, SinkNode, StageState, blame
from .report import StageReport
from .source import read_source
from .stop import Stop

if TYPE_CHECKING:
    from ..queue.merge import Merge

__all__ = ["Assembly", "abandon"]

_WORTH_IT = 8_192
"""Rows that a merge lays into one at a time where nobody waits for them."""


def abandon(nodes: Iterable[Node]) -> None:
    """Give up nodes that were opened for a run that cannot begin: their outputs leave nothing behind."""
    for node in nodes:
        if isinstance(node, SinkNode):
            node.finish(good=False)
        node.close()


@dataclass(slots=True)
class Assembly:
    """The running form of the stages that share a process.

    Attributes:
        plan: what was planned.
        stop: the request to stop, which live sources wait for.
        clock: seconds; handed to every component.
        states: the states of the stages that have been asked for, by name.
        bell: what the threads that read sources ring.
        console: where events print.
        bounds: what stages ask for the times of their frames.
        keyed: the keyed states that stages have asked for.
    """

    plan: Plan
    stop: Stop
    clock: Callable[[], float] = time.monotonic
    states: dict[str, StageState] = field(default_factory=dict)
    bell: Bell = field(default_factory=Bell)
    console: Console = field(default_factory=Console)
    bounds: Bounds = field(default_factory=Bounds)
    keyed: SharedStates = field(init=False)

    def __post_init__(self) -> None:
        self.keyed = SharedStates(self.plan.base)

    def state(self, stage: Stage) -> StageState:
        """Return the state of a stage; it is made when it is first asked for."""
        if stage.name not in self.states:
            context = Context(
                stage=stage.name,
                stopping=self.stop,
                say=self.console.say,
                clock=self.clock,
                base=self.plan.base,
                imports=self.plan.imports,
                keyed_state=self.keyed.open,
                keep_text=stage.name in self.plan.texts,
                wanted=self.plan.texts.get(stage.name),
                digits=self.plan.digits.get(stage.name, 0),
                zone=self.plan.spec.options.zone,
                learnt=self.plan.learnt.get(stage.name),
                header=self.plan.headers.get(stage.name),
            )
            letters = DeadLetterPart(self.plan.dead_letters, stage.name)
            self.states[stage.name] = StageState(stage.name, context, letters, bounds=self.bounds)
        return self.states[stage.name]

    def source(self, stage: Stage, *, alone: bool) -> ReadInlet | PumpedInlet:
        """Return the inlet that reads a source in this process; a live one in a thread of its own, unless it is alone.

        A second thread would want the interpreter's lock for each message, and gets it when the first one waits, or
        after 5 ms.

        Args:
            stage: the reader.
            alone: the flow has no other inlet that it might have to wait for.
        """
        state = self.state(stage)
        items = read_source(stage.component, state, self.plan.ordering.get(stage.name), self.stop)  # type: ignore[arg-type]
        live: bool = stage.component.live  # type: ignore[attr-defined]
        if live and not alone:
            return PumpedInlet(stage.name, items, finite=False, state=state, bell=self.bell)
        return ReadInlet(stage.name, items, finite=not live, state=state)

    def node(self, stage: Stage) -> Node:
        """Open the component of a stage that is not a source."""
        state, component = self.state(stage), stage.component
        with blame(stage.name):
            if is_join(component):
                from ..operators.running_join import RunningJoin

                columns = [self.plan.carried(name) for name in stage.inputs]
                joining = RunningJoin(component, state.context, columns)
                return JoinNode(state, component.merge(stage.inputs), stage.inputs, joining)
            if isinstance(component, SortedMerge):
                return MergeNode(state, self._merge(stage, component), stage.inputs)
            if isinstance(component, Writer):
                return SinkNode(
                    state, component.open(state.context), None if component.wants_text else self._empty(stage)
                )
            assert isinstance(component, Transform), f"{component.title()} is neither source, operator nor sink"
            return OperatorNode(
                state,
                component.open(state.context),
                drops_rows=component.drops_rows,
                examples=stage.family == "event",
            )

    def _merge(self, stage: Stage, component: SortedMerge) -> Merge:
        merge = component.open(stage.inputs, least=1 if self._is_awaited() else _WORTH_IT)
        for port, name in enumerate(stage.inputs):
            columns = self.plan.carried(name)
            if columns is not None:
                merge.declare(port, columns)
        return merge

    def _is_awaited(self) -> bool:
        """Tell whether somebody may wait for the next row: not if all of them are in files."""
        return any(reader.component.live or not self.plan.size(reader) for reader in self.plan.readers)  # type: ignore[attr-defined]

    def _empty(self, stage: Stage) -> Any:
        """Return a frame without rows with the columns of the stage, if they are known."""
        import polars as pl

        columns = self.plan.columns.get(stage.name)
        return pl.DataFrame(schema=dict(columns)) if columns else None

    def flow(self, inlets: Sequence[Inlet], stages: Iterable[Stage], extra: Sequence[tuple[str, Node]] = ()) -> Flow:
        """Open the stages, join them to each other and to the inlets.

        Args:
            inlets: streams that come in, named after the stage that they are the output of.
            stages: the stages to open, each after those it reads from.
            extra: further nodes that read from a stage: its name, and the node.
        """
        nodes: list[Node] = []
        feeds: dict[str, list[str]] = {}
        targets = {inlet.name: inlet.targets for inlet in inlets}
        late = {inlet.source: inlet.late for inlet in inlets}
        moved = self.plan.moved()
        try:
            for stage in stages:
                nodes.append(node := self.node(stage))
                targets[stage.name] = node.targets
                if is_late(stage.component):  # they come when the source is read; nobody waits for them
                    late[stage.inputs[0]].append(Edge(node))
                    feeds[stage.name] = []
                else:
                    feeds[stage.name] = [name if name in targets else moved[name] for name in stage.inputs]
        except Exception:
            abandon(nodes)
            raise
        for name, node in extra:
            nodes.append(node)
            feeds[node.name] = [name]
        for node in nodes:
            for port, name in enumerate(feeds[node.name]):
                targets[name].append(Edge(node, port))
        flow = Flow(inlets, nodes, feeds, self.stop, self.bell, self._settle)
        for inlet in inlets:
            if isinstance(inlet, ReadInlet) and inlet.state is not None:
                inlet.state.context.before_waiting = flow.show
        return flow

    def _settle(self) -> None:
        """Called when a block has gone as far as it goes: what was done of it is made safe, then shown."""
        self.keyed.commit()
        self.console.flush()

    def reports(self, stages: Iterable[Stage]) -> list[StageReport]:
        """Return the ledger lines of the stages that ran here."""
        return [self._report(stage) for stage in stages]

    def _report(self, stage: Stage) -> StageReport:
        state = self.state(stage)
        return StageReport(
            stage.name,
            stage.family,
            stage.variant,
            stage.inputs,
            state.counts,
            letters=state.letters.count,
            extra=dict(state.context.counts),
            notes=tuple(state.context.notes),
            examples=tuple(state.examples),
        )
