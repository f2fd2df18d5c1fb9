from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plait.formats.few_rows import FewRows
from plait.formats.rows import each_row, row_dicts

naive = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31))
times = naive.map(lambda time: time.replace(tzinfo=UTC))
COLUMNS = {
    "it's": (pl.Datetime("us", "UTC"), times),
    "perhaps": (pl.Datetime("us", "UTC"), st.none() | times),
    "naive": (pl.Datetime("us"), st.none() | naive),
    "day": (pl.Date, st.none() | st.dates()),
    "number": (pl.Float64, st.none() | st.floats(allow_nan=False)),
    "text": (pl.String, st.none() | st.text()),
}
rows_of_columns = st.tuples(*(values for _, values in COLUMNS.values()))


def repeated(column: pl.Series, count: int = 100) -> pl.DataFrame:
    """Return a frame of one column, in chunks: the same values again and again."""
    return pl.concat([column.alias("a").to_frame()] * count, rechunk=False)


@given(st.lists(rows_of_columns, max_size=5), st.sampled_from([1, 20]))
def test_rows_are_those_of_polars(rows: list[tuple[Any, ...]], count: int) -> None:
    types = {name: kind for name, (kind, _) in COLUMNS.items()}
    frame = pl.concat([pl.DataFrame(rows, schema=types, orient="row")] * count, rechunk=False)
    assert repr(list(row_dicts(frame))) == repr(frame.to_dicts())


@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.parametrize(
    "column",
    [
        pl.Series([datetime(2010, 7, 1, 12, microsecond=999)], dtype=pl.Datetime("ms")),
        pl.Series([datetime(1960, 7, 1, 12, microsecond=1), None], dtype=pl.Datetime("ns")),
        pl.Series([-1_001, 1_999], dtype=pl.Int64).cast(pl.Datetime("ns", "UTC")),
        pl.Series([datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999), None]),
        pl.Series([datetime(2010, 7, 1, 12), None]).dt.replace_time_zone("UTC"),
        pl.Series([datetime(2010, 7, 1, 12)]).dt.replace_time_zone("Europe/Berlin"),
        pl.Series([None, None], dtype=pl.Datetime("us", "UTC")),
        pl.Series([date(2010, 7, 1), None, date.min, date.max]),
        pl.Series([timedelta(1), None, timedelta(microseconds=-1)]),
        pl.Series([Decimal("1.10"), None]),
        pl.Series([{"a": [1, None]}, None]),
        pl.Series([[datetime(2010, 7, 1, tzinfo=UTC)], None]),
        pl.Series([None]),
        pl.Series([True, None]),
        pl.Series([b"\x00", None]),
        pl.Series([object()], dtype=pl.Object),
        pl.Series(["x", None], dtype=pl.Categorical),
    ],
    ids=lambda column: str(getattr(column, "dtype", column)),
)
def test_values_of_any_type_are_those_of_polars(column: pl.Series, count: int) -> None:
    frame = repeated(column, count) if column.dtype != pl.Object else column.alias("a").to_frame()
    made, expected = list(row_dicts(frame)), frame.to_dicts()
    assert made == expected
    assert repr(made) == repr(expected)  # the same types and zones, too


def test_nan_stays_nan_and_zero_keeps_its_sign() -> None:
    frame = repeated(pl.Series([float("nan"), -0.0, float("inf")]), 20)
    assert [repr(row["a"]) for row in row_dicts(frame)] == ["nan", "-0.0", "inf"] * 20


@pytest.mark.parametrize("width", [1, 5, 300])
def test_rows_of_many_slices_are_whole_and_in_order(width: int) -> None:
    height = 70_000 // width
    numbers = pl.Series(range(height))
    frame = pl.DataFrame([(numbers + number).alias(f"c{number}") for number in range(width)])
    seen: list[dict[str, Any]] = []
    each_row(frame, seen.append, lambda error: pytest.fail(str(error)))
    assert seen == [{f"c{number}": row + number for number in range(width)} for row in range(height)]
    assert list(row_dicts(frame)) == seen


def test_each_row_is_a_dict_of_its_own_with_names_of_any_kind() -> None:
    names = ["it's", 'a "b"', "\\", "{x}", "line\nend", "\x00", "for", "v0", "values", "take", ""]
    frame = pl.DataFrame({name: [number, number + 1] for number, name in enumerate(names)})
    first, second = row_dicts(frame)
    assert list(first) == names
    first.clear()
    assert second == {name: number + 1 for number, name in enumerate(names)}
    seen: list[dict[str, Any]] = []
    each_row(frame, seen.append, lambda error: pytest.fail(str(error)))
    assert seen == frame.to_dicts()


@pytest.mark.parametrize("frame", [pl.DataFrame(), pl.DataFrame(schema={"a": pl.Int64})])
def test_a_frame_without_columns_or_rows_has_no_rows(frame: pl.DataFrame) -> None:
    assert list(row_dicts(frame)) == []
    each_row(frame, lambda row: pytest.fail(str(row)), lambda error: pytest.fail(str(error)))


def test_rows_that_are_at_hand_are_copied() -> None:
    records = [{"a": 1}, {"a": 2}]
    frame = FewRows(records, {"a": pl.Int64})
    next(row_dicts(frame)).clear()
    each_row(frame, dict.clear, lambda error: pytest.fail(str(error)))
    assert records == [{"a": 1}, {"a": 2}]


@given(
    st.dictionaries(st.integers(0, 59), st.sampled_from([ValueError, StopIteration, SystemExit, RecursionError])),
    st.booleans(),
)
def test_after_a_row_that_fails_the_next_follows(failing: dict[int, type[BaseException]], few: bool) -> None:
    frame = pl.DataFrame({"a": range(60), "b": range(60)})
    seen: list[Any] = []

    def take(row: dict[str, Any]) -> None:
        seen.append(row["a"])
        if row["a"] in failing:
            raise failing[row["a"]](row["a"])

    each_row(
        FewRows(frame.to_dicts(), dict(frame.schema)) if few else frame,
        take,
        lambda error: seen.append((type(error), *error.args)),
    )
    expected: list[Any] = []
    for row in range(60):
        expected += [row, (failing[row], row)] if row in failing else [row]
    assert seen == expected


def test_an_interrupt_is_no_error_of_a_row() -> None:
    seen: list[int] = []

    def take(row: dict[str, Any]) -> None:
        seen.append(row["a"])
        if row["a"] == 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        each_row(pl.DataFrame({"a": range(60)}), take, lambda error: pytest.fail(str(error)))
    assert seen == list(range(41))
