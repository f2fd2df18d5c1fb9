"""Where records and fields stand: against Python's csv module, whatever the block size, and both ways alike."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from plait.formats.csv_block import Block, Bounds, Dialect
from plait.formats.csv_fields import fields_of
from plait.formats.csv_file import read_header, read_records
from plait.formats.csv_scan import by_counting, scan
from plait.formats.csv_texts import column_texts, row_texts
from plait.formats.csv_walk import walk

ALL = 1 << 40
COMMA = Dialect()


def texts_of(records, place, quote):
    return column_texts(fields_of(records, place, quote), quote)


def rows_of(data, *, width, block=1 << 20, max_record=1 << 20, dialect=COMMA):
    """Return the good rows (texts, line, text of the row) and the lost ones (line, offset, size, reason)."""
    stream = io.BytesIO(data)
    header = read_header(stream, "x", dialect, max_record, keep=True)
    good, lost = [], []
    for found in read_records(stream, header, dialect, Bounds(width, max_record), block):
        lost += [(record.line, record.offset, record.size, record.reason) for record in found.lost]
        if found.records is not None:
            columns = [texts_of(found.records, place, dialect.quote).values.to_list() for place in range(width)]
            lines = found.records.lines.tolist()
            good += list(zip(zip(*columns, strict=True), lines, row_texts(found.records).to_list(), strict=True))
    return good, lost


fields = st.text(alphabet=st.sampled_from('ab1 ,"\n\r;é\U0001f600.-x'), max_size=20)
tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(fields, min_size=width, max_size=width), min_size=1, max_size=12)
)


def written(table, line_end, always):
    """Write CSV; Python's writer leaves a lone CR without quotes, so it will not do."""

    def field(text):
        return '"' + text.replace('"', '""') + '"' if always or any(sign in text for sign in ',"\r\n') else text

    return "".join(",".join(map(field, row)) + line_end for row in table)


@settings(max_examples=150)
@given(tables, st.booleans(), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans(), st.integers(1, 40))
def test_what_is_written_by_the_rules_is_read_as_the_csv_module_reads_it(table, always, line_end, ended, block):
    whole = written(table, line_end, always)
    text = whole if ended else whole.removesuffix(line_end)
    expected = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    if not expected:
        return
    for size in (block, 1 << 20):
        good, lost = rows_of(text.encode(), width=len(table[0]), block=size)
        assert [[value or "" for value in row] for row, _, _ in good] == expected
        assert lost == []
        again = csv.reader(io.StringIO("\n".join(raw for _, _, raw in good), newline=""))
        assert [row for row in again if row] == expected


wild = st.lists(
    st.one_of(
        st.sampled_from(['"', ",", "\n", "\r", "\r\n", '""', '","', "a", "bb,cc", '"x"', "é", "\0"]), st.just("1,2\n")
    ),
    max_size=40,
).map("".join)


@settings(max_examples=100)
@given(wild, st.integers(1, 20), st.integers(1, 3))
@example('1,"2\n3,4\n5,"6"\n', 3, 2)
@example("1,2\r\n3,4\r\n", 4, 2)
def test_the_answer_does_not_depend_on_the_block_size(text, block, width):
    data = b"x," * (width - 1) + b"x\n" + text.encode()
    assert rows_of(data, width=width, block=block) == rows_of(data, width=width)
    assert rows_of(data, width=width, block=block, max_record=30) == rows_of(data, width=width, max_record=30)


@settings(max_examples=300)
@given(wild, st.booleans(), st.integers(1, 3))
def test_counting_quotes_finds_what_walking_finds_or_refuses(text, final, width):
    data = text.encode() + (b"\n" if final else b"")
    if not data:
        return
    block = Block(data, COMMA, final=final)
    counted = by_counting(block, Bounds(width, ALL))
    if counted is not None:
        walked, dead = walk(block, Bounds(width, ALL))
        assert block.complete(walked).tolist() == counted.tolist()
        assert dead == {}


@given(wild)
def test_every_line_is_delivered_or_lost(text):
    data = b"x,x\n" + text.encode()
    good, lost = rows_of(data, width=2)
    covered = bytearray(data)
    for line, offset, size, _ in lost:
        assert line == 1 + len(data[:offset].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")) - 1
        covered[offset : offset + size] = b"\n" * size
    kept = sum(len(raw.encode()) for _, _, raw in good)
    assert len(bytes(covered).replace(b"\n", b"").replace(b"\r", b"")) == kept - sum(
        raw.count("\n") + raw.count("\r") for _, _, raw in good
    )


def test_lines_are_counted_inside_quotes_too():
    good, _ = rows_of(b'a,"x\ny"\r\nb,1\n\nc,"\r\n"\rd,2\n', width=2)
    assert [line for _, line, _ in good] == [1, 3, 5, 7]


def test_the_text_of_a_row_is_what_stood_there():
    good, _ = rows_of(b'a,"x\n""y"\r\n b ,\n', width=2)
    assert [raw for _, _, raw in good] == ['a,"x\n""y"', " b ,"]


def test_an_empty_field_is_null_and_a_quoted_one_is_empty():
    assert [row for row, _, _ in rows_of(b'1,,""\n', width=3)[0]] == [("1", None, "")]


def test_texts_of_every_length_keep_their_bytes():
    words = ["é" * n + "x" * m for n in range(8) for m in range(8)]
    good, _ = rows_of(("".join(f'{word},"{word}"\n' for word in words)).encode(), width=2)
    assert [row for row, _, _ in good] == [(word or None, word) for word in words]


def test_quotes_inside_a_field_that_does_not_begin_with_one_stand_for_themselves():
    good, lost = rows_of(b'5" pipe,a"b"c\n6,""\n', width=2)
    assert [row for row, _, _ in good] == [('5" pipe', 'a"b"c'), ("6", "")]
    assert lost == []


@pytest.mark.parametrize("after", [b"", b'4,"ok"\n', b'4,""\n', b'4,"a\nb"\n5,6\n', b"4,5\n" * 50])
def test_an_unclosed_quote_costs_its_own_line_and_no_other(after):
    good, lost = rows_of(b'1,2\n3,"oops\n' + after, width=2)
    expected, _ = rows_of(b"1,2\n" + after, width=2)
    assert [row for row, _, _ in good] == [row for row, _, _ in expected]
    assert [(line, offset, size) for line, offset, size, _ in lost] == [(2, 4, 7)]
    assert "quote" in lost[0][3]


def test_without_quotes_a_quote_is_a_character():
    good, lost = rows_of(b'"a,"b\n', width=2, dialect=Dialect(quote=None))
    assert [row for row, _, _ in good] == [('"a', '"b')]
    assert lost == []


def test_other_delimiters_and_quotes():
    good, _ = rows_of(b"a;'x;''y'\nb\tc;2\n", width=2, dialect=Dialect(ord(";"), ord("'")))
    assert [row for row, _, _ in good] == [("a", "x;'y"), ("b\tc", "2")]


def test_records_that_are_too_long_are_lost_and_the_next_are_read():
    data = b"1,2\n" + b"x" * 1000 + b",1\n3,4\r\n" + b"y" * 500 + b"\n5,6"
    for block in (1, 7, 100, 1 << 20):
        good, lost = rows_of(data, width=2, block=block, max_record=100)
        assert [row for row, _, _ in good] == [("1", "2"), ("3", "4"), ("5", "6")]
        assert [(line, offset, size) for line, offset, size, _ in lost] == [(2, 4, 1002), (4, 1012, 500)]
        assert all("max_record=100" in reason for *_, reason in lost)


def test_scan_leaves_the_incomplete_record_for_the_next_block():
    records = scan(b'1,2\n3,"4', COMMA, Bounds(2, ALL), final=False, first_line=5)
    assert (records.consumed, records.lines_consumed, records.lines.tolist()) == (4, 1, [5])
