"""Texts get the numbers that a dict would give them, short and long ones, whatever they share."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.windows.text_numbers import TextNumbers

# Twelve bytes are the most that stand in a column itself; these are equal but for the last, the length, or a NUL.
TEXTS = [
    "",
    "\0",
    "a",
    "a\0",
    "twelve bytes",
    "twelve bytez",
    "thirteen byte",
    "thirteen bytf",
    "größer",
    "0" * 4,
    None,
]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.one_of(st.sampled_from(TEXTS), st.text()), max_size=20), max_size=4), st.integers(0, 3))
def test_texts_are_numbered_in_the_order_in_which_they_come(blocks: list[list[str | None]], cut: int) -> None:
    numbers, known = TextNumbers(), dict[str | None, int]()
    for block in blocks:
        texts = pl.Series(block[:cut], dtype=pl.String).append(pl.Series(block, dtype=pl.String)[cut:])
        before = len(known)
        wanted = [known.setdefault(text, len(known)) for text in block]
        codes, new = numbers.of(texts)
        assert codes.tolist() == wanted
        assert new.tolist() == [wanted.index(code) for code in range(before, len(known))]
    assert numbers.count == len(known)
    order = numbers.in_order()
    if order is None:
        assert any(text is not None and len(text.encode()) > 12 for text in known)
    else:
        found = [list(known)[number] for number in order]
        assert found == sorted(known, key=lambda text: (text is not None, text or ""))


@pytest.mark.parametrize("prefix", ["k", "a key that is long: "])
def test_as_many_texts_as_come_are_told_apart(prefix: str) -> None:
    texts = pl.Series([f"{prefix}{number}" for number in range(40_000)])
    numbers = TextNumbers()
    for first in range(0, len(texts), 7_000):
        numbers.of(texts[first : first + 7_000])
    codes, new = numbers.of(texts.reverse())
    assert codes.tolist() == list(range(40_000))[::-1]
    assert not len(new)
