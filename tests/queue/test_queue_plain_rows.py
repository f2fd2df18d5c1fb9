"""Rows as MessagePack: what is written is read as it was, to the type of every key, or it is not written at all."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.queue import END, Queue, plain_rows
from plait.queue.blocks import COPIES, OBJECTS, ROWS, Loose, arrived, kind_of
from plait.queue.plain_rows import read_rows, written_rows
from plait.queue.sealing import sealed
from plait.queue.tray import NEVER, Tray
from plait.util import MultiProcessing


class Text(str):
    __slots__ = ()


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False),
    st.text(),
    st.text(st.characters(categories=["Cs", "Ll"])),
    st.binary(),
)
WORDS = st.sampled_from(["", "a", "b", "timestamp", "ä", *map(str, range(12))])
KEYS = st.one_of(
    WORDS, WORDS, WORDS.map(Text), WORDS.map(np.str_), st.sampled_from([1, 1.5, True, None, b"a", "\ud800"])
)


def typed(rows):
    """Return the rows with the type of each key and value beside it, in order: `0.0` differs from `-0.0` here."""
    return [[(type(key), key, type(value), repr(value)) for key, value in row.items()] for row in rows]


def aged(row, past):
    """Put a row as one that has held other keys before: its table stays what it was."""
    for key in past:
        row.setdefault(key, "gone")
    for key in [key for key, value in row.items() if value == "gone"]:
        del row[key]
    return row


ROWS_OF_ALL_SORTS = st.lists(st.builds(aged, st.dictionaries(KEYS, VALUES, max_size=14), st.lists(KEYS)), max_size=20)


@settings(max_examples=150, deadline=None)
@given(ROWS_OF_ALL_SORTS)
def test_what_is_written_is_read_as_it_was(rows):
    data = written_rows([row.copy() for row in rows])
    assert data is None or typed(read_rows(data)) == typed(rows)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.dictionaries(WORDS, st.one_of(st.none(), st.integers(0, 9), st.floats(), st.text("ab")))))
def test_plain_rows_are_always_written(rows):
    assert written_rows(rows) is not None


@pytest.mark.parametrize("odd", [{Text("a"): 1}, {np.str_("a"): 1}, {1: 1}, {"a": 2**64}, {"a": "\ud800"}], ids=repr)
@pytest.mark.parametrize("place", [0, 30, 59])
def test_one_odd_row_among_many_is_found(odd, place):
    rows = [{"a": n} for n in range(60)]
    assert written_rows(rows) is not None
    assert written_rows([*rows[:place], odd, *rows[place:]]) is None


def test_an_odd_key_is_found_beside_one_that_is_odd_no_more():
    once_odd = {1: 1, "a": 2}
    del once_odd[1]
    for rows in ([once_odd, {Text("a"): 1}], [{Text("a"): 1}, once_odd]):
        assert written_rows([row.copy() for row in rows]) is None


def test_without_telling_sizes_each_key_is_looked_at(monkeypatch):
    monkeypatch.setattr(plain_rows, "_SIZE_TELLS", False)
    assert written_rows([{"a": 1}, {Text("a"): 1}, {"a": 1}]) is None
    assert read_rows(written_rows([{"a": 1}, {"a": 2}])) == [{"a": 1}, {"a": 2}]


@settings(max_examples=100, deadline=None)
@given(ROWS_OF_ALL_SORTS, st.integers(0, 80))
def test_a_block_of_rows_says_the_same_on_the_wire(rows, plain):
    parts = [sealed(row) for row in [*rows, *({"n": n} for n in range(plain))]]
    kind = min(map(kind_of, parts), default=ROWS)
    if parts and kind in (ROWS, COPIES):
        loose = Loose(parts, kind)
        arrival = arrived(*loose.message())
        assert typed(arrival.items()) == typed(loose.items()) == typed(parts)


def test_the_kind_of_a_part_is_that_of_its_most_difficult_value():
    items = [{"a": 1}, {"a": date(2020, 1, 1)}, 7, {"a": np.datetime64("2020")}, {"a": []}]
    assert [kind_of(sealed(item)) for item in items] == [ROWS, COPIES, COPIES, OBJECTS, OBJECTS]


@given(st.lists(st.sampled_from([{"a": 1}, {"a": date(2020, 1, 1)}, 7, {"a": []}, (1,)])), st.integers(1, 5))
def test_what_is_taken_from_a_tray_is_of_the_kind_that_it_says_whatever_came_before(items, most):
    tray = Tray(NEVER, tuple, bounded=False)
    for item in items:
        tray.lay(sealed(item))
    while parts := tray.take(most):
        kind = tray.kind(parts)
        assert kind == min(map(kind_of, parts))
        assert kind in (ROWS, COPIES) or any(type(part) is not dict for part in parts)


@pytest.fixture(scope="module")
def pool():
    pool = MultiProcessing().ProcessPool(1)
    yield pool
    pool.terminate()
    pool.join()


@pytest.mark.processes
@settings(max_examples=15, deadline=None)
@given(rows=ROWS_OF_ALL_SORTS, every=st.integers(1, 400))
def test_odd_rows_in_a_stream_of_plain_ones_arrive_as_they_were(pool, rows, every):
    q = Queue()

    def send(q, rows, every):
        for number, row in enumerate(rows):
            for n in range(every):
                q.put({"number": number, "n": n})
            q.put(row)
        q.put(END)

    pool.submit(send, q, rows, every)
    arrived_rows = list(q)
    assert typed(arrived_rows[every :: every + 1]) == typed(rows)
    del arrived_rows[every :: every + 1]
    assert arrived_rows == [{"number": number, "n": n} for number in range(len(rows)) for n in range(every)]
