"""What a join says of rows that come with other columns than before, and of rows that only wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from plait.engines.join_node import JoinNode
from plait.engines.nodes import StageState
from plait.errors import SpecError
from plait.operators.join import IntervalJoin
from plait.operators.running_join import RunningJoin
from plait.running import Context

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIME = pl.Datetime("us", "UTC")
COLUMNS: dict[str, Any] = {"timestamp": TIME, "a": pl.Int64(), "b": pl.String()}


def node(most: int = 100) -> JoinNode:
    join = IntervalJoin(lower="0s", upper="5s", max_state=most)
    context = Context(stage="j")
    state = StageState("j", context, [].append)  # type: ignore[arg-type]
    return JoinNode(state, join.merge(["l", "r"]), ("l", "r"), RunningJoin(join, context, (None, None)))


def frame(time: int, columns: dict[str, Any]) -> pl.DataFrame:
    values: dict[str, Any] = {"timestamp": EPOCH + timedelta(seconds=time)}
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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"a": pl.Float64()}, "column 'a' of the right input was integer, and is float in rows that came later"),
        ({"c": pl.Int64()}, "column 'c' of the right input was not there, and is integer in rows that came later"),
    ],
)
def test_another_type_is_told_with_side_and_column(change: dict[str, Any], message: str) -> None:
    joined = node()
    joined.frame(1, frame(1, COLUMNS))
    with pytest.raises(SpecError, match=message):
        joined.frame(1, frame(2, COLUMNS | change))


def test_rows_that_wait_for_the_columns_of_the_other_side_are_bounded() -> None:
    joined = node(most=3)
    joined.idle(1, 0.0, 1.0)
    for time in range(3):
        joined.frame(0, frame(time, COLUMNS))
    with pytest.raises(SpecError, match="holds 4 rows of the left input, and none has come of the right; max_state"):
        joined.frame(0, frame(3, COLUMNS))
