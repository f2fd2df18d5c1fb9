"""How silence passes through the graph: it is measured once, and no result comes out behind what it has closed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from plait.engines.join_node import JoinNode
from plait.engines.merge_node import MergeNode
from plait.engines.nodes import Edge, Node, OperatorNode, StageState
from plait.operators.join import AsofJoin, IntervalJoin, Join
from plait.operators.running_join import RunningJoin
from plait.operators.window import TumblingWindow
from plait.queue.gate import Gated
from plait.queue.merge import Merge
from plait.record import DeadLetter
from plait.running import Context, Operator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIME = pl.Datetime("us", "UTC")
COLUMNS = {"timestamp": TIME}


def moment(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


class Slow(Operator):
    """Takes three seconds for each frame."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def on_frame(self, frame: pl.DataFrame) -> tuple[pl.DataFrame]:
        self._graph.now += 3.0
        return (frame,)


class End(Node):
    """Keeps what comes to the end of the graph."""

    def __init__(self, state: StageState) -> None:
        super().__init__(state)
        self.rows: list[dict[str, Any]] = []
        self.silent = False

    def frame(self, port: int, frame: pl.DataFrame) -> None:
        self.rows += frame.to_dicts()

    def idle(self, port: int, since: float, until: float, reached: Any = None) -> None:
        self.silent = True

    def times(self) -> list[float]:
        return [(row["timestamp"] - EPOCH).total_seconds() for row in self.rows]


class Graph:
    """Stages with a clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.late: list[DeadLetter] = []

    def state(self, name: str) -> StageState:
        context = Context(stage=name, clock=lambda: self.now)
        return StageState(name, context, self.late.append)  # type: ignore[arg-type]

    def join(self, join: Join, *columns: dict[str, Any] | None) -> JoinNode:
        state, inputs = self.state("j"), ("left", "right")
        return JoinNode(
            state, join.merge(inputs), inputs, RunningJoin(join, state.context, columns or (COLUMNS, COLUMNS))
        )

    def merge(self, *inputs: str) -> MergeNode:
        return MergeNode(self.state("m"), Merge(inputs), inputs)

    def window(self, seconds: int) -> OperatorNode:
        state = self.state(f"w{seconds}")
        window = TumblingWindow(size=f"{seconds}s", aggregate={"n": "count"})
        return OperatorNode(state, window.open(state.context), drops_rows=True)

    def line(self, *nodes: Node) -> End:
        """Join the nodes in a row, and return what is at its end."""
        end = End(self.state("end"))
        for node, target in zip(nodes, (*nodes[1:], end), strict=True):
            node.targets.append(Edge(target))
        return end

    def silent(self, *ends: tuple[Node, int], seconds: float) -> None:
        now = self.now
        for node, port in ends:
            node.idle(port, now - seconds, now)


def rows(node: Node, port: int, *seconds: float) -> None:
    node.frame(port, pl.DataFrame({"timestamp": [moment(time) for time in seconds]}, schema=COLUMNS))
    node.frontier(port, moment(seconds[-1]))


JOINS = pytest.mark.parametrize(
    "join",
    [
        AsofJoin(how="left"),
        IntervalJoin(lower="-2s", upper="5s", how="left"),
        IntervalJoin(lower="-2s", upper="5s", how="outer"),
        IntervalJoin(lower="-2s", upper="5s"),
    ],
    ids=["asof left", "interval left", "interval outer", "interval inner"],
)


@JOINS
def test_a_join_whose_inputs_are_silent_keeps_nothing_for_later_that_is_late_in_the_window_behind(join: Join) -> None:
    graph = Graph()
    joined = graph.join(join)
    end = graph.line(joined, graph.window(10))
    rows(joined, 0, 100)
    rows(joined, 1, 99)
    graph.silent((joined, 0), (joined, 1), seconds=60)
    assert end.times() == [110]
    assert end.silent
    rows(joined, 0, 170)
    rows(joined, 1, 170)
    joined.end(0), joined.end(1)
    assert graph.late == []
    assert end.times() == [110, 180]


@JOINS
def test_a_join_whose_inputs_are_silent_keeps_nothing_for_later_that_a_merge_behind_has_passed(join: Join) -> None:
    graph = Graph()
    joined, merge = graph.join(join), graph.merge("j", "other")
    end = graph.line(joined, merge)
    rows(joined, 0, 100)
    rows(joined, 1, 99)
    rows(merge, 1, 150)
    graph.silent((joined, 0), (joined, 1), seconds=60)
    assert end.times() == [100, 150]
    assert graph.late == []


def test_a_join_is_not_idle_while_a_result_waits() -> None:
    graph = Graph()
    joined, merge = graph.join(IntervalJoin(lower="0s", upper="30s", how="left")), graph.merge("j", "other")
    end = graph.line(joined, merge)
    rows(joined, 0, 100)
    rows(joined, 1, 99)
    rows(merge, 1, 150)
    graph.silent((joined, 0), (joined, 1), seconds=20)
    assert end.times() == []
    rows(joined, 1, 125)
    assert end.times() == []
    graph.silent((joined, 1), seconds=0)
    assert end.times() == [125, 150]
    assert graph.late == []


def test_what_comes_behind_the_time_that_a_join_has_gone_on_to_is_late() -> None:
    graph = Graph()
    joined = graph.join(IntervalJoin(lower="0s", upper="30s", how="left"))
    graph.line(joined)
    rows(joined, 0, 100)
    rows(joined, 1, 99)
    graph.silent((joined, 0), (joined, 1), seconds=20)
    rows(joined, 1, 110, 120)
    (letter,) = graph.late
    assert letter.kind == "late"
    assert "right had been silent, and the merge had gone on without it to 1970-01-01T00:02:00Z" in letter.reason


@pytest.mark.parametrize("how", ["inner", "left"])
def test_a_join_that_has_heard_of_one_side_only_is_idle_if_none_of_its_rows_comes_out_alone(how: str) -> None:
    graph = Graph()
    joined, merge = graph.join(IntervalJoin(lower="0s", upper="5s", how=how), COLUMNS, None), graph.merge("j", "other")
    end = graph.line(joined, merge)
    rows(joined, 0, 100)
    rows(merge, 1, 150)
    graph.silent((joined, 0), (joined, 1), seconds=60)
    assert end.times() == ([150] if how == "inner" else [])


def test_an_input_that_wakes_is_waited_for_though_its_rows_are_still_held_back() -> None:
    graph = Graph()
    inner, outer = graph.merge("a", "b"), graph.merge("m", "c")
    end = graph.line(inner, outer)
    rows(inner, 0, 3)
    graph.silent((inner, 0), (inner, 1), seconds=0)
    rows(outer, 1, 5)
    assert end.times() == [3, 5]
    inner.gated(0, Gated(None, moment(-4)))
    rows(outer, 1, 30)
    assert end.times() == [3, 5]
    rows(inner, 0, 6, 40)
    assert end.times() == [3, 5, 6, 30]
    assert graph.late == []


@pytest.mark.parametrize("merged", [False, True])
def test_a_window_behind_a_window_goes_on_by_the_same_silence(merged: bool) -> None:
    graph = Graph()
    first, second = graph.window(1), graph.window(10)
    slow = OperatorNode(graph.state("slow"), Slow(graph), drops_rows=False)
    end = graph.line(first, slow, *([graph.merge("slow")] if merged else []), second)
    rows(first, 0, 3)
    graph.silent((first, 0), seconds=5)
    assert end.times() == []
    rows(first, 0, 8.5)
    graph.silent((first, 0), seconds=0.6)
    assert end.times() == []
    graph.silent((first, 0), seconds=1.6)
    assert end.times() == [10]
    assert graph.late == []
    assert [(row["n"]) for row in end.rows] == [2]
