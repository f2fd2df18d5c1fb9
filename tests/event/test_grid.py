"""A grid never puts a number where a larger one is not, and its cells touch every stretch that has a number in them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.event.grid import Grid, grid_over

floats = st.one_of(st.floats(allow_nan=False), st.floats(-100, 100), st.sampled_from([0.0, -0.0, 5e-324, math.inf]))
whole = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-50, 50), st.integers(2**53, 2**53 + 9))
some = st.one_of(
    st.tuples(st.just(np.float64), st.lists(floats, min_size=1, max_size=40), st.lists(floats, max_size=40)),
    st.tuples(st.just(np.int64), st.lists(whole, min_size=1, max_size=40), st.lists(whole, max_size=40)),
)


@given(some)
@settings(max_examples=200, deadline=None)
def test_the_cell_of_a_number_touches_its_stretch(given_: Any) -> None:
    dtype, bounds, values = given_
    starts = np.unique(np.array(bounds, dtype))
    grid = grid_over(starts)
    if grid is None:
        return
    least = np.append(np.array([-math.inf if dtype is np.float64 else -(2**63)], dtype), starts)
    numbers = np.array([*values, *bounds], dtype)
    stretches = np.searchsorted(least, numbers, side="right") - 1
    touched = grid.spread(least, np.eye(len(least), dtype=np.uint8))
    assert touched[grid.cells(numbers), stretches].all()


@given(st.lists(floats, min_size=2, max_size=30), st.lists(floats, max_size=50))
@settings(max_examples=150, deadline=None)
def test_a_larger_number_is_in_no_lower_cell(bounds: list[float], values: list[float]) -> None:
    grid = grid_over(np.unique(np.array(bounds)))
    if grid is not None:
        cells = grid.cells(np.sort(np.array(values)))
        assert (np.diff(cells) >= 0).all()
        assert ((cells >= 0) & (cells < grid.size)).all()


def test_bounds_at_even_distances_have_cells_of_their_own() -> None:
    grid = grid_over(np.arange(10.0, 40.0))
    assert grid is not None
    assert len(set(grid.cells(np.arange(9.0, 41.0)).tolist())) == 32


def test_nan_has_a_cell() -> None:
    grid = grid_over(np.arange(10.0))
    assert grid is not None
    assert grid.cells(np.array([math.nan])).tolist() == [Grid.OF_NAN]


@pytest.mark.parametrize(
    "bounds", [[], [1.0], [math.inf], [-math.inf, math.inf], [0.0, 5e-324], [-1.7e308, 1.7e308], [1.0, math.inf]]
)
def test_there_is_no_grid_over_what_cannot_be_told_apart(bounds: list[float]) -> None:
    assert grid_over(np.array(bounds)) is None
