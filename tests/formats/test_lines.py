"""Lines of a byte stream and their places."""

import io
from unittest import mock

from hypothesis import example, given
from hypothesis import strategies as st
from plait.formats import lines as module
from plait.formats.lines import read_lines

texts = st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r", b"\r\n", b"\x0b\x1c"]), max_size=30).map(b"".join)


def read(data, longest=1 << 30, block=1 << 20):
    with mock.patch.object(module, "BLOCK_BYTES", block):
        return list(read_lines(io.BytesIO(data), longest))


@given(texts, st.integers(1, 8))
@example(b"a\r\nb", 2)
@example(b"a\r", 2)
def test_lines_are_those_of_splitlines_whatever_the_blocks(data, block):
    blocks = read(data, block=block)
    assert [line for each in blocks for line in each.lines] == data.splitlines()
    assert [number for each in blocks for number in each.numbers] == list(range(1, len(data.splitlines()) + 1))


@given(texts, st.integers(1, 8))
def test_offset_is_where_the_line_begins(data, block):
    for each in read(data, block=block):
        for line, offset in zip(each.lines, each.offsets, strict=True):
            assert data[offset : offset + len(line)] == line


@given(texts, st.integers(1, 8), st.integers(1, 4))
def test_long_lines_are_set_apart_with_place_and_size_and_all_others_kept(data, block, longest):
    blocks = read(data, longest, block)
    pieces = data.splitlines(keepends=True)
    long = [(number, len(piece)) for number, piece in enumerate(pieces, 1) if len(piece) > longest]
    assert [(line.number, line.size) for each in blocks for line in each.too_long] == long
    assert all(data[line.offset :].startswith(line.beginning) for each in blocks for line in each.too_long)
    kept = [piece.rstrip(b"\r\n") for piece in pieces if len(piece) <= longest]
    assert [line for each in blocks for line in each.lines] == kept


def test_byte_order_mark_is_skipped_at_the_start_only():
    (block,) = read(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n")
    assert block.lines == [b"a", b"\xef\xbb\xbfb"]
    assert block.offsets == [0, 5]


def test_line_of_100_mb_is_not_kept_in_memory():
    class Endless(io.RawIOBase):
        left = 100

        def read(self, size=-1):
            self.left -= 1
            return b"x" * 10**6 if self.left >= 0 else b""

    (block,) = list(read_lines(Endless(), 10**6))
    assert block.lines == []
    assert block.too_long[0].size == 10**8
    assert len(block.too_long[0].beginning) <= 200
