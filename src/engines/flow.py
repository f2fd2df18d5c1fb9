"""The part of a pipeline that runs in one process: inlets, nodes, and the loop that moves frames between them.

Which inlet is read next is decided by what the end of the graph is waiting for: a merge names the inputs that hold it
back, and only those are read. So memory is bounded by a few blocks per input, whatever their speeds.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ..queue.gate import Gated
from ..record import END, Frontier, Idle, LateFollows
from .inlets import Bell, Inlet, Item
from .merge_node import MergeNode
from .nodes import Node, SinkNode
from .source import Sifted
from .stop import Stop

__all__ = ["Flow"]

_GRACE_SECONDS = 1.0


@dataclass(slots=True)
class Flow:
    """Run the stages of one process until all inlets have ended.

    Attributes:
        inlets: where streams come in.
        nodes: all running stages, each after those it reads from.
        feeds: for each node (by name), who feeds each of its inputs: the name of an inlet or of a node.
        stop: the request to end early.
        bell: what the pumps of the inlets ring.
        after_each: called when an item has gone as far as it goes for now.
    """

    inlets: Sequence[Inlet]
    nodes: Sequence[Node]
    feeds: dict[str, list[str]]
    stop: Stop
    bell: Bell = field(default_factory=Bell)
    after_each: Callable[[], None] = lambda: None
    _turn: int = 0
    _left: bool = False
    _by_name: dict[str, Node] = field(init=False)

    def __post_init__(self) -> None:
        self._by_name = {node.name: node for node in self.nodes}
        for node in self.nodes:
            node.state.context.leaves = functools.partial(self._leaves, node)
            node.state.context.lacks_rows = node.lacks_rows

    def run(self) -> bool:
        """Move everything from the inlets to the ends. Return False if a source, or a block, was cut off by `stop`.

        Raises:
            Exception: the first error of any stage, with a note that names the stage.
        """
        for _ in self.steps():
            pass
        return not self._left

    def steps(self) -> Iterator[None]:
        """Do as `run` step by step: yield whenever an item has gone as far as it goes for now."""
        for inlet in self.inlets:
            inlet.start()
        while open_inlets := [inlet for inlet in self.inlets if not inlet.ended]:
            if self.stop.requested:
                self._left |= self._cut(open_inlets)
                open_inlets = [inlet for inlet in open_inlets if not inlet.ended]
            if open_inlets:
                chosen = self._next(open_inlets)
                if chosen is not None:
                    self._deliver(chosen, chosen.take())
                    self.after_each()
                    yield

    def close(self) -> None:
        """Let go of all sources and operators, whatever happened."""
        for inlet in self.inlets:
            inlet.close()
        for node in self.nodes:
            node.close()

    @property
    def sinks(self) -> list[SinkNode]:
        return [node for node in self.nodes if isinstance(node, SinkNode)]

    def show(self) -> None:
        """Have all sinks show what was written: nothing more is there for now."""
        for sink in self.sinks:
            sink.flush()

    def holding(self) -> list[str]:
        """Return the names of the inlets that the flow is waiting for."""
        return [inlet.name for inlet in self._wanted([i for i in self.inlets if not i.ended])]

    def _cut(self, inlets: Sequence[Inlet]) -> bool:
        """End the finite sources where they are, and say if there are any.

        Live ones, and those that another process reads, end by themselves: they have seen the request, too. What they
        have read by then is worked off.
        """
        finite = [inlet for inlet in inlets if inlet.finite]
        for node in self.nodes if finite else ():
            node.cut = True
        for inlet in finite:
            if inlet.state is not None:
                self._deliver(inlet, END)
        return bool(finite)

    def _leaves(self, node: Node, rows: int) -> bool:
        """Leave rows of a block that a node takes long for, if the run is to stop; see `Context.leaves`.

        What is read of files is read again next time: nothing of it is worked off. What live sources have brought is
        worked off as far as it goes in a second; who waits for the end waits no longer.
        """
        asked_at = self.stop.asked_at
        grace = 0.0 if all(inlet.finite for inlet in self.inlets) else _GRACE_SECONDS
        if asked_at is None or time.monotonic() < asked_at + grace:
            return False
        self._left = True
        node.state.counts.inside += rows
        node.state.context.note(f"{node.name}: {rows:,} rows that had been read were left when the run was stopped")
        for other in self.nodes:
            other.cut = True
        return True

    def _next(self, inlets: Sequence[Inlet]) -> Inlet | None:
        """Choose a wanted inlet that has something, in turn; wait for one if none has. None: look again."""
        for inlet in inlets:
            if inlet.failed:
                raise inlet.failed.error
        wanted = self._wanted(inlets) if len(inlets) > 1 else inlets
        ready = [inlet for inlet in wanted if inlet.ready]
        if ready:
            self._turn += 1
            return ready[self._turn % len(ready)]
        self.show()
        with self.bell.changed:
            self.bell.changed.wait_for(lambda: any(i.ready for i in wanted) or any(i.failed for i in inlets))
        return None

    def _wanted(self, inlets: Sequence[Inlet]) -> list[Inlet]:
        names: set[str] = set()
        for node in self.nodes:
            if not node.targets and not node.ended:
                self._trace(node.name, names)
        named = [inlet for inlet in inlets if inlet.name in names or inlet.idle or not inlet.targets]
        return named or list(inlets)

    def _trace(self, name: str, found: set[str]) -> None:
        """Walk upstream from a stage to the inlets whose rows it is waiting for."""
        node = self._by_name.get(name)
        if node is None:
            found.add(name)
            return
        feeds = self.feeds[name]
        ports = node.holding() if isinstance(node, MergeNode) else range(len(feeds))
        for port in ports:
            self._trace(feeds[port], found)

    def _deliver(self, inlet: Inlet, item: Item) -> None:
        inlet.idle = isinstance(item, Idle)
        inlet.ended = item is END
        item = self._deliver_late(inlet, item)
        if item is None:
            return
        if isinstance(item, Gated):
            inlet.rows += 0 if item.run is None else len(item.run)
        else:
            inlet.rows += getattr(item, "height", 0)
        for edge in inlet.targets:
            if isinstance(item, Gated):
                edge.node.gated(edge.port, item)
            elif item is END:
                edge.node.end(edge.port)
            elif isinstance(item, Idle):
                until = item.since if item.until is None else item.until
                edge.node.idle(edge.port, item.since, until, item.reached)
            elif isinstance(item, Frontier):
                edge.node.frontier(edge.port, item.timestamp)
            else:
                edge.node.frame(edge.port, item)

    def _deliver_late(self, inlet: Inlet, item: Item) -> Item:
        """Hand late rows to those who read them, and return what is left of the item for the others, if anything."""
        if isinstance(item, LateFollows):
            inlet.late_follows = True
            return None
        for edge in inlet.late:
            if item is END:
                edge.node.end(edge.port)
            elif inlet.late_follows:
                edge.node.frame(edge.port, item)
            elif isinstance(item, Sifted):
                edge.node.frame(edge.port, item.late)
        if inlet.late_follows and item is not END:
            inlet.late_follows = False
            return None
        return item.gated if isinstance(item, Sifted) else item
