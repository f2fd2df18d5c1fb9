"""What is laid out of cells is the bytes of the pieces, row by row, without NUL."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from plait.formats import cells as laying
from plait.formats.cells import Piece, constant, lay_out, texts_of
from plait.formats.portions import portions
from plait.formats.text_cells import text_cells

ROWS = 10_000


@st.composite
def pieces(draw):
    """Return a piece of either kind, and its text in each row."""
    if draw(st.booleans()):
        text = draw(st.binary(min_size=1, max_size=20).filter(lambda text: 0 not in text))
        return constant(text), [text] * ROWS
    texts = draw(st.lists(st.binary(max_size=8).map(lambda text: text.strip(b"\0")), min_size=1, max_size=5))
    width = draw(st.integers(max(1, *map(len, texts)), 8)) if len(texts) > 1 else max(1, len(texts[0]))
    column = (texts * ROWS)[:ROWS]
    return [Piece(np.array(column, "S8").view("<u8"), width)], [text.replace(b"\0", b"") for text in column]


NUMBERS = [f"{number}".encode() for number in range(ROWS)]
OF_NUMBERS = [([Piece(np.array(NUMBERS, "S8").view("<u8"), 8)], NUMBERS), (constant(b","), [b","] * ROWS)] * 2


@settings(max_examples=100, deadline=None)
@given(st.lists(pieces(), min_size=1, max_size=7), st.integers(1, ROWS))
@example(OF_NUMBERS, 4_097)
@example(OF_NUMBERS, 8_193)
def test_lines_are_the_texts_of_the_pieces_side_by_side(drawn, rows):
    parts = [piece for some, _ in drawn for piece in some]
    line = [piece if piece.is_constant else piece._replace(items=piece.items[:rows]) for piece in parts]
    expected = b"".join(b"".join(texts) for texts in list(zip(*(texts for _, texts in drawn), strict=True))[:rows])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(laying, "_BYTES", 1)
        patch.setattr(laying, "_LEAST_ROWS", 4_096)
        assert b"".join(lay_out(line, rows)) == expected


def test_the_text_of_each_row_is_its_own():
    digits = Piece(np.array([f"{n}" for n in range(ROWS)], "S8").view("<u8"), 4)
    assert texts_of([*constant(b"<"), digits, *constant(b"> and more")], ROWS).to_list() == [
        f"<{n}> and more" for n in range(ROWS)
    ]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.none() | st.text(max_size=14) | st.sampled_from(["x" * n for n in range(7, 42)]), min_size=1))
def test_cells_hold_texts_that_are_not_long_and_have_no_nul(values):
    texts = pl.Series(values, dtype=pl.String)
    filled = [text or "" for text in values]
    cells = text_cells(texts)
    if any("\0" in text or len(text.encode()) > 40 for text in filled):
        assert cells is None
    else:
        assert texts_of(cells, len(values)).to_list() == filled


def test_cells_of_a_part_of_a_column_are_those_of_the_part():
    texts = pl.Series(["ab", None, "a text that is not so short", "cd", "another one of that kind"])
    for start in range(5):
        assert texts_of(text_cells(texts[start:]), 5 - start).to_list() == texts[start:].fill_null("").to_list()


@pytest.mark.parametrize("rows", [0, 1, 65_536, 65_537, 200_000])
def test_portions_are_all_rows_in_order_and_of_about_one_size(rows):
    cut = list(portions(pl.int_range(rows, eager=True)))
    assert [row for portion in cut for row in portion] == list(range(rows))
    assert all(len(portion) <= 65_536 and len(portion) > rows // (len(cut) + 1) for portion in cut)
