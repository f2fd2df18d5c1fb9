"""What a join says of rows that come with other columns than before, and of rows that only wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from plait.engines.join_node import JoinNode
from plait.engines.nodes import Edge, Node, StageState
from plait.errors import SpecError
from plait.operators.join import AsofJoin, IntervalJoin, Join, WindowJoin
from plait.operators.running_join import RunningJoin
from plait.running import Context

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIME = pl.Datetime("us", "UTC")
COLUMNS: dict[str, Any] = {"timestamp": TIME, "a": pl.Int64(), "b": pl.String()}


def node(most: int = 100, join: Join | None = None) -> JoinNode:
    join = join or IntervalJoin(lower="0s", upper="5s", max_state=most)
    context = Context(stage="j")
    state = StageState("j", context, [].append)  # type: ignore[arg-type]
    return JoinNode(state, join.merge(["l", "r"]), ("l", "r"), RunningJoin(join, context, (None, None)))


def frame(time: int, columns: dict[str, Any], row: dict[str, Any] | None = None) -> pl.DataFrame:
    values: dict[str, Any] = {"timestamp": EPOCH + timedelta(seconds=time), **(row or {})}
    return pl.DataFrame([{name: values.get(name) for name in columns}], schema=columns)


@pytest.mark.parametrize("side", [0, 1])
def test_the_order_of_columns_does_not_matter(side: int) -> None:
    joined = node()
    for time in (1, 2, 3):
        for port in (0, 1):
            names = list(COLUMNS)
            names = names if port != side or time == 1 else names[::-1]
            joined.frame(port, frame(time, {name: COLUMNS[name] for name in names}))
    joined.end(0)
    joined.end(1)
    assert joined.state.counts.made == 6


def test_another_type_is_told_with_side_and_column() -> None:
    joined = node()
    joined.frame(1, frame(1, COLUMNS))
    with pytest.raises(SpecError, match="column 'a' of the right input was integer, and is text in rows that came lat"):
        joined.frame(1, frame(2, COLUMNS | {"a": pl.String()}))


class Taken(Node):
    """What a join hands on, row by row."""

    def __init__(self) -> None:
        super().__init__(StageState("taken", Context(), [].append))  # type: ignore[arg-type]
        self.rows: list[dict[str, Any]] = []

    def frame(self, port: int, frame: pl.DataFrame) -> None:
        self.rows += frame.drop("timestamp", "timestamp_left", "timestamp_right", strict=False).to_dicts()


FIRST: dict[str, Any] = {"timestamp": TIME, "k": pl.Null(), "x": pl.Null(), "n": pl.Int64()}
SETTLED: dict[str, Any] = {"timestamp": TIME, "k": pl.String(), "x": pl.Float64(), "n": pl.Float64()}
LATER = (SETTLED | {"new": pl.String()}, SETTLED | {"more": pl.String()})
JOINS = {
    "interval": IntervalJoin(lower="0s", upper="9s", by=["k"], how="outer"),
    "window": WindowJoin(size="20s", by=["k"], how="outer"),
    "asof": AsofJoin(tolerance="9s", by=["k"], how="outer"),
}


def joined_rows(join: Join, changing: tuple[int, ...], first: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Join rows of which those of some sides have other columns at first; with all columns from the start, if None."""
    joined, taken = node(join=join), Taken()
    joined.targets.append(Edge(taken))
    for time in (1, 2, 3, 4):
        for port in (0, 1) if changing == (0, 1) else (1, 0):
            is_new = port not in changing or time > 2
            row = {"k": "a", "x": 0.5, "n": time, "new": "!", "more": "!"} if is_new else {"n": time}
            joined.frame(port, frame(time, LATER[port] if is_new else first or LATER[port], row))
            joined.frontier(port, EPOCH + timedelta(seconds=time))
    joined.frame(0, frame(5, first or LATER[0], {"n": 5}))  # what is gone again is null
    joined.end(0)
    joined.end(1)
    return [{name.replace("more_right", "more"): row[name] for name in row} for row in taken.rows]


@pytest.mark.parametrize("name", JOINS)
@pytest.mark.parametrize("changing", [(0,), (1,), (0, 1), (1, 0)])
def test_a_join_goes_on_with_columns_that_come_or_get_a_type_later(name: str, changing: tuple[int, ...]) -> None:
    rows, wanted = (joined_rows(JOINS[name], changing, first) for first in (FIRST, None))
    assert len(rows) >= 5
    assert [{column: row.get(column) for column in wanted[0]} for row in rows] == wanted


def test_a_column_of_the_left_that_takes_the_name_of_one_of_the_right_is_refused() -> None:
    joined = node(join=JOINS["interval"])
    joined.frame(0, frame(1, FIRST))
    joined.frame(1, frame(1, LATER[0]))
    for port in (0, 1):
        joined.frontier(port, EPOCH + timedelta(seconds=2))
    joined.frame(0, frame(2, LATER[0]))
    joined.end(0)
    with pytest.raises(SpecError, match="the left input has got a column 'new', as results call that of"):
        joined.end(1)


def test_rows_that_wait_for_the_columns_of_the_other_side_are_bounded() -> None:
    joined = node(most=3)
    joined.idle(1, 0.0, 1.0)
    for time in range(3):
        joined.frame(0, frame(time, COLUMNS))
    with pytest.raises(SpecError, match="holds 4 rows of the left input, and none has come of the right; max_state"):
        joined.frame(0, frame(3, COLUMNS))
