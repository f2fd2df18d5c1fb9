"""What columns are to conditions, for the evaluator as for the check."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from plait.event import Condition
from plait.event.column_check import ColumnCheck
from plait.event.column_kinds import kind_of
from plait.event.values import classify

TIME = datetime(2010, 1, 1, tzinfo=UTC)
COLUMNS: list[tuple[Any, Any, str]] = [
    (pl.Int64(), 7, "number"),
    (pl.UInt8(), 7, "number"),
    (pl.Int128(), 7, "number"),
    (pl.Float32(), 0.5, "number"),
    (pl.Decimal(10, 2), Decimal("0.25"), "number"),
    (pl.String(), "x", "text"),
    (pl.Categorical(), "x", "text"),
    (pl.Enum(["x"]), "x", "text"),
    (pl.Datetime("us", "UTC"), TIME, "time"),
    (pl.Datetime("ns", "UTC"), TIME, "time"),
    (pl.Datetime("ms"), TIME.replace(tzinfo=None), "time"),
    (pl.Date(), date(2010, 1, 1), "time"),
    (pl.Boolean(), True, "truth"),
    (pl.Null(), None, "null"),
    (pl.Binary(), b"x", "other"),
]


@pytest.mark.parametrize(("dtype", "value", "kind"), COLUMNS)
def test_kind_of_a_column_is_that_of_its_values(dtype: Any, value: Any, kind: str) -> None:
    assert kind_of(dtype) == kind == classify(value)[0]


@pytest.mark.parametrize(("dtype", "value", "kind"), COLUMNS)
@pytest.mark.parametrize("operand", [7, 0.25, 0.5, "x", TIME, True])
def test_what_the_check_says_is_never_true_is_not_true(dtype: Any, value: Any, kind: str, operand: Any) -> None:
    condition = Condition({"a": operand})
    frame = pl.DataFrame({"a": pl.Series([value], dtype=dtype)})
    found = condition.mask(frame).to_list()
    assert found == [condition.matches({"a": value})]
    assert not (found[0] and ColumnCheck(frame.schema).problems(condition.rule))


def test_a_struct_has_fields() -> None:
    assert kind_of(pl.Struct({"x": pl.Int64()})) == "fields"
