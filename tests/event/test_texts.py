"""Texts are numbered as a dict would number them, however many and however long they are."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.event.texts import Texts

short = st.one_of(
    st.sampled_from(["", "a", "b", "a\0", "\0a", "\0", "\x1f", "é", "abcd", "abcde", "abcdefghijkl", "abcdefghijkm"]),
    st.text(max_size=6),
)
any_length = st.one_of(short, st.sampled_from(["abcdefghijklm", "abcdefghijklmn", "éééééé", "ééééééé"]))


@given(
    st.one_of(st.lists(short, max_size=40), st.lists(any_length, max_size=40)),
    st.lists(st.one_of(st.none(), any_length), max_size=60),
)
@settings(max_examples=150, deadline=None)
def test_each_text_has_its_number_and_others_share_one(wanted: list[str], column: list[str | None]) -> None:
    texts = Texts(wanted)
    known = [*wanted, *column]
    series = pl.Series(
        [known[number % len(known)] for number in range(0, len(known) * 3, 2)] if known else [], dtype=pl.String
    )
    expected = [texts.code.get(text or "", len(texts.code)) if text is not None else len(texts.code) for text in series]
    assert texts.codes(series).tolist() == expected
    assert texts.codes(series[1:]).tolist() == expected[1:]
    assert texts.codes(pl.concat([series, series])).tolist() == expected * 2
    rows = np.arange(len(series))[::-2]
    assert texts.codes(series, rows).tolist() == [expected[row] for row in rows]


def test_as_many_texts_as_there_are_slots_are_told_apart() -> None:
    texts = Texts(f"t{number}" for number in range(70_000))
    column = [f"t{number}" for number in range(0, 80_000, 7)]
    expected = [texts.code.get(text, 70_000) for text in column]
    assert texts.codes(pl.Series(column)).tolist() == expected


def test_a_category_is_its_text() -> None:
    texts = Texts(["a", "b", "c", "d", "e", "f"])
    column = pl.Series(["f", "a", None, "x"], dtype=pl.Categorical)
    assert texts.codes(column).tolist() == [5, 0, 6, 6]
