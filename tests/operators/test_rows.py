from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plait.operators.rows import row_dicts

times = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(lambda time: time.replace(tzinfo=UTC))


@given(
    st.lists(st.tuples(times, st.none() | times, st.floats(allow_nan=False), st.none() | st.text()), max_size=5),
    st.lists(st.text(), min_size=4, max_size=4, unique=True),
)
def test_rows_are_those_of_polars(rows: list[tuple[Any, ...]], names: list[str]) -> None:
    types = [pl.Datetime("us", "UTC"), pl.Datetime("us", "UTC"), pl.Float64, pl.String]
    frame = pl.DataFrame(rows, schema=dict(zip(names, types, strict=True)), orient="row")
    assert list(row_dicts(frame)) == frame.to_dicts()


@pytest.mark.parametrize(
    "column",
    [
        pl.Series([datetime(2010, 7, 1, 12)], dtype=pl.Datetime("ms")),
        pl.Series([datetime(2010, 7, 1, 12)], dtype=pl.Datetime("ns")),
        pl.Series([datetime(2010, 7, 1, 12)]).dt.replace_time_zone("Europe/Berlin"),
        pl.Series([date(2010, 7, 1), None]),
        pl.Series([timedelta(1)]),
        pl.Series([{"a": [1, None]}]),
        pl.Series([None]),
        pl.Series(["x"], dtype=pl.Categorical),
    ],
)
def test_values_of_other_types_are_those_of_polars(column: pl.Series) -> None:
    frame = pl.DataFrame({"a": column})
    (made, *_), (expected, *_) = row_dicts(frame), frame.to_dicts()
    assert made == expected
    assert type(made["a"]) is type(expected["a"])


def test_each_row_is_a_dict_of_its_own_with_names_of_any_kind() -> None:
    names = ["it's", 'a "b"', "\\", "{x}", "line\nend", "\x00", "for"]
    frame = pl.DataFrame({name: [number, number + 1] for number, name in enumerate(names)})
    first, second = row_dicts(frame)
    assert list(first) == names
    first.clear()
    assert second == {name: number + 1 for number, name in enumerate(names)}


def test_a_frame_without_columns_has_no_rows() -> None:
    assert list(row_dicts(pl.DataFrame())) == []
    assert list(row_dicts(pl.DataFrame(schema={"a": pl.Int64}))) == []
