"""The cells of a number are the text that Python's `repr` has for it, however they were found."""

from __future__ import annotations

import math
import struct

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.formats.cells import texts_of
from plait.formats.number_cells import NumberTexts
from plait.formats.number_memo import NumberMemo
from plait.formats.printing import print_column_as_json, print_numbers, print_numbers_as_json, print_value_as_json

ROUND = [base**n for base, most in ((2, 1023), (10, 308)) for n in (*range(40), most)]
POWERS = [sign * number for power in ROUND for sign in (1.0, -1.0) for number in (float(power), 1 / power)]
NEIGHBOURS = [math.nextafter(number, goal) for number in POWERS for goal in (-math.inf, math.inf)]
ODD = [0.0, -0.0, math.nan, math.inf, -math.inf, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308]
LONG = [91.39999999999999, 0.1 + 0.2, 2.0**53 + 2, 9007199254740993.0, 2.0**51, 2.0**52 + 1, 123456789012345.67]


def of_bits(bits: int) -> float:
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


def floats() -> st.SearchStrategy:
    computed = st.builds(
        lambda n, factor: n / 100 * factor + 32, st.integers(-5_000, 5_000), st.sampled_from([1.8, 0.2])
    )
    decimals = st.builds(lambda number, digits: number / 10**digits, st.integers(-5_000, 5_000), st.integers(0, 5))
    listed = st.sampled_from([*ODD, *LONG, *POWERS, *NEIGHBOURS])
    return decimals | computed | listed | st.floats() | st.integers(0, 2**64 - 1).map(of_bits)


def read(texts: NumberTexts, values: list, dtype: pl.DataType) -> list[str]:
    return texts_of(texts.cells(pl.Series(values, dtype=dtype)), len(values)).to_list()


def expected(values: list) -> list[str]:
    return ["" if value is None else repr(value) for value in values]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.none() | floats(), min_size=1, max_size=40), min_size=1, max_size=5))
def test_floats_of_one_block_after_the_other_are_printed_as_python_does(blocks):
    texts = NumberTexts(print_numbers, repr, "")
    for values in blocks:
        assert read(texts, values, pl.Float64()) == expected(values)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | floats(), min_size=1, max_size=40))
def test_floats_in_json_are_those_of_the_column(values):
    column, texts = pl.Series(values, dtype=pl.Float64), NumberTexts(print_numbers_as_json, print_value_as_json, "null")
    printed = print_column_as_json(column).to_list()
    assert read(texts, values, pl.Float64()) == printed == print_numbers_as_json(column).to_list()


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([(pl.Int64(), -(2**63), 2**63 - 1), (pl.UInt64(), 0, 2**64 - 1), (pl.Int8(), -128, 127)]),
    st.data(),
)
def test_whole_numbers_of_one_block_after_the_other_have_their_digits(kind, data):
    dtype, least, most = kind
    texts = NumberTexts(print_numbers, repr, "")
    for _ in range(3):
        numbers = st.integers(least, most) | st.integers(most - 50, most) | st.integers(least, least + 50)
        values = data.draw(st.lists(st.none() | numbers, min_size=1, max_size=30))
        assert read(texts, values, dtype) == expected(values)


@given(st.lists(st.none() | st.floats(width=32), min_size=1, max_size=20))
def test_floats_of_four_bytes_have_the_fewest_digits_of_their_own(values):
    digits = [None if value is None else float(str(np.float32(value))) for value in values]
    assert read(NumberTexts(print_numbers, repr, ""), values, pl.Float32()) == expected(digits)


def test_a_table_grows_with_the_range_of_what_comes():
    texts = NumberTexts(print_numbers, repr, "")
    for most in range(100, 3_000, 130):
        values = [number / 10 for number in range(-most // 3, most)]
        assert read(texts, values, pl.Float64()) == expected(values)


def test_numbers_with_one_place_in_the_memo_are_told_apart():
    inverse = pow(0x9E3779B97F4A7C15, -1, 2**64)
    last = [of_bits((2**64 - 1 - low) * inverse % 2**64) for low in range(300)]
    first = [of_bits(low * inverse % 2**64) for low in range(300)]
    memo = NumberMemo(pl.Float64(), repr, "")
    for values in (last[:200], first, last, [*first, *last]):
        cells = memo.cells(pl.Series(values))
        assert texts_of(cells, len(values)).to_list() == expected(values)


def test_a_memo_is_given_up_when_numbers_do_not_come_again():
    memo = NumberMemo(pl.Float64(), repr, "")
    assert memo.cells(pl.Series([0.5] * 10)) is not None
    assert memo.cells(pl.Series([math.sqrt(number) for number in range(10_000)])) is None
    assert memo.cells(pl.Series([0.5] * 10)) is None


def test_many_numbers_that_come_again_are_kept():
    memo, values = NumberMemo(pl.Float64(), repr, "null"), [math.sqrt(number) for number in range(4_000)]
    for start in range(0, 90_000, 3_000):
        some = [values[number % 4_000] for number in range(start, start + 3_000)]
        assert texts_of(memo.cells(pl.Series(some)), 3_000).to_list() == expected(some)


@pytest.mark.parametrize("dtype", [pl.Float64(), pl.Int64(), pl.UInt64()])
def test_null_alone_has_its_text(dtype):
    assert read(NumberTexts(print_numbers, repr, "null"), [None, None], dtype) == ["null", "null"]
