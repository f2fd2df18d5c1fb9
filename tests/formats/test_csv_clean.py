"""The quick way through clean blocks of CSV: it reads what the careful way reads, or leaves the block to it."""

from __future__ import annotations

import io
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from unittest import mock

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from plait.formats import csv_clean
from plait.formats.csv_block import Bounds, Dialect
from plait.formats.csv_clean import CleanReader
from plait.formats.csv_fields import fields_of
from plait.formats.csv_frames import read_frames
from plait.formats.csv_options import CsvOptions
from plait.formats.csv_scan import scan
from plait.formats.csv_sheet import Sheet
from plait.formats.csv_texts import column_texts
from plait.formats.csv_times import read_fields
from plait.formats.csv_types import ColumnType
from plait.formats.timestamps import EventTimes

KINDS = ["text", "integer", "float", "boolean", "time", "null"]

CLEAN = {
    "text": st.text(alphabet="abcé xyz0123-+.:", max_size=20),
    "integer": st.integers(-(2**63), 2**63 - 1).map(str),
    "float": st.one_of(
        st.floats(allow_nan=False, allow_infinity=False).map(repr), st.decimals(-99, 99, places=2).map(str)
    ),
    "boolean": st.sampled_from(["true", "True", "TRUE", "false", "False", "FALSE"]),
    "time": st.datetimes().map(lambda moment: moment.isoformat(timespec="milliseconds") + "Z"),
    "null": st.just("x"),
}
SPELLINGS = [
    *(
        "007",
        "+5",
        "-0",
        "-0.0",
        "-0.5",
        "00",
        "0",
        "0x1F",
        "0X1",
        "-0x1",
        "1e5",
        "1E+5",
        "1d5",
        "nan",
        "NaN",
        "nan(7)",
    ),
    *("-nan", "inf", "-Infinity", "infinity", "1e400", "1e-400", ".5", "5.", ".", "-", "--1", "9223372036854775807"),
    *(
        "9223372036854775808",
        "-9223372036854775809",
        "1_000",
        "\u0663",
        "1",
        "yes",
        "tRue",
        "T",
        "NA",
        "null",
        "N/A",
        "#",
    ),
    *("2010-01-01", "2010-01-01T00:00Z", "2010-01-01T00:00:00Z", "2010-01-01T00:00:00.123456Z", "1262304000", "é"),
    *("2010-01-01T00:00:00.1234567Z", "2010-01-01T00:00:00+02:00", "2010-01-01T00:00:00+0200", "2010-01-01T00:00:00"),
    *("2010-01-01T00:00:00,5Z", "2010-02-30T00:00:00Z", "2010-01-01T24:00:00Z", "2010-01-01T23:59:60Z"),
    *("0000-01-01T00:00:00Z", "9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00", "20100101T000000Z"),
    *("2010-01-01t00:00:00z", "2010-01-01 00:00:00", "2010-01-01 00:00:00 Z", "2010-01-01T00:00:00Z ", "+", "+0x1"),
    *("", " 5", "5 ", "\t5", "5\t", " ", "\x0b5", "5\x0c", " true", "\ufeff5", "\ufeff", "\udcff"),
    *('"', '""', '"5"', '"a,b"', '"a\nb"', "5,6", "\r", "\0", "\n", "\r\n", "5\n\n6"),
]
odd = st.sampled_from(SPELLINGS)


@st.composite
def sheets(draw):
    kinds = draw(st.lists(st.tuples(st.sampled_from(KINDS), st.booleans()), min_size=1, max_size=4))
    types = {f"c{n}": ColumnType(kind, inferred and kind != "time") for n, (kind, inferred) in enumerate(kinds)}
    times = [name for name, column in types.items() if column.kind == "time"]
    return Sheet(types, draw(st.sampled_from([*times, None])), "x")


@st.composite
def files(draw, sheet):
    """Draw the bytes of a file: mostly clean values, an odd one here and there."""
    oddities = draw(st.sampled_from([0, 0, 1, 2]))
    rows = [
        [draw(CLEAN[column.kind]).replace(",", ".") for column in sheet.types.values()]
        for _ in range(draw(st.integers(1, 6)))
    ]
    for _ in range(oddities):
        row = draw(st.sampled_from(rows))
        row[draw(st.integers(0, len(row) - 1))] = draw(odd)
    text = "\n".join([",".join(row) for row in [[*sheet.types], *rows]]) + draw(st.sampled_from(["\n", "", "\n\n"]))
    return text.encode("utf-8", "surrogateescape")


def read(data, sheet, options, *, careful, keep_text=False, wanted=None):
    """Read a file in one of the two ways: the rows, their lines, what is lost, what is to be said of the times."""
    said = []
    with mock.patch.object(CleanReader, "read", return_value=None) if careful else nullcontext():
        blocks = list(
            read_frames(
                io.BytesIO(data),
                "x",
                sheet,
                options,
                keep_text=keep_text,
                wanted=wanted,
                seen=lambda read: said.extend(read.notes("zone")),
            )
        )
    frames = [block.frame for block in blocks if len(block.frame)]
    lines = [line for block in blocks for line in block.lines]
    return pl.concat(frames) if frames else None, lines, [lost for block in blocks for lost in block.lost], set(said)


OPTIONS = st.builds(
    CsvOptions,
    nulls=st.sampled_from([(), (), ("NA",), ("007", "5"), ("2010-01-01T00:00:00Z",)]),
    block=st.sampled_from([20, 60, 1 << 20]),
    max_record=st.sampled_from([30, 1 << 20]),
    times=st.sampled_from(
        [
            EventTimes(),
            EventTimes(),
            EventTimes(zone="Europe/Berlin"),
            EventTimes(unit="s"),
            EventTimes(format="%Y-%m-%d"),
        ]
    ),
    dialect=st.sampled_from([Dialect(), Dialect(), Dialect(quote=None)]),
)


TEXTS = st.sampled_from(
    [{}, {"keep_text": True}, {"keep_text": True, "wanted": ()}, {"keep_text": True, "wanted": ("c0",)}]
)
DELIMITERS = st.sampled_from([b",", b",", b",", b"\t", *(b"%c" % code for code in b";|~^_[`{\\")])
INTEGER_AND_TEXT = Sheet({"a": ColumnType("integer", inferred=True), "b": ColumnType("text", inferred=True)}, None, "x")


@settings(max_examples=250, deadline=None)
@given(sheets().flatmap(lambda sheet: st.tuples(st.just(sheet), files(sheet))), OPTIONS, TEXTS, DELIMITERS)
@example((INTEGER_AND_TEXT, b"a,b\n5,x\n-0,x\n"), CsvOptions(), {}, b"|")
def test_what_the_quick_way_reads_is_what_the_careful_way_reads(case, options, texts, delimiter):
    sheet, data = case
    data, options = (
        data.replace(b",", delimiter),
        replace(options, dialect=Dialect(ord(delimiter), options.dialect.quote)),
    )
    quick, careful = (read(data, sheet, options, careful=way, **texts) for way in (False, True))
    assert quick[1:] == careful[1:]
    assert (quick[0] is None) == (careful[0] is None)
    if quick[0] is not None:
        assert quick[0].schema == careful[0].schema
        assert quick[0].equals(careful[0], null_equal=True)


def shown(frame):
    """Return what a frame holds, to the sign of a zero."""
    return frame if frame is None else (frame.schema, repr(frame.rows()))


@pytest.mark.parametrize(
    ("kind", "inferred"),
    [
        ("text", True),
        ("boolean", True),
        ("time", False),
        *((kind, how) for kind in ("integer", "float") for how in (True, False)),
    ],
)
@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize(("row", "end", "delimiter"), [(0, "\n", ","), (1, "\n", ","), (1, "", "\t"), (1, "", "|")])
def test_each_odd_spelling_in_each_place(kind, inferred, place, row, end, delimiter):
    sheet = Sheet({name: ColumnType(kind, inferred) for name in "ab"}, "b" if kind == "time" else None, "x")
    clean = {"integer": "1", "float": "1.5", "boolean": "true", "time": "2010-01-01T00:00:00Z"}.get(kind, "x")
    for spelling in SPELLINGS:
        table = [[clean] * 2, [clean] * 2]
        table[row][place] = spelling
        data = "\n".join(map(delimiter.join, ["ab", *table])) + end
        data, options = data.encode("utf-8", "surrogateescape"), CsvOptions(dialect=Dialect(ord(delimiter)))
        quick, careful = (read(data, sheet, options, careful=way) for way in (False, True))
        assert (spelling, quick[1:]) == (spelling, careful[1:])
        assert shown(quick[0]) == shown(careful[0])


@pytest.mark.parametrize("zone", ["Z", "+02:00", ""])
def test_times_in_order_are_marked_as_such_for_all_who_ask(zone):
    sheet = Sheet({"a": ColumnType("time", inferred=False), "b": ColumnType("integer", inferred=True)}, "a", "x")
    for seconds in ([5, 5, 7], [5, 7, 6]):
        lines = [f"2010-01-01T00:00:0{second}{zone},1\n" for second in seconds]
        frame, *_ = read("".join(["a,b\n", *lines]).encode(), sheet, CsvOptions(), careful=False)
        assert frame["timestamp"].flags["SORTED_ASC"] == (seconds == sorted(seconds))


TIMED_LINES = Sheet({"a": ColumnType("time", inferred=False), "b": ColumnType("text", inferred=True)}, "a", "x")


@pytest.mark.parametrize("clean", ["2010-01-01T00:00:00Z", "2010-01-01 23:59:59.5", "2010-01-01T00:00:00.123456-05:00"])
def test_lines_of_which_only_the_time_is_looked_at_are_read_as_all_of_them_are(clean):
    wrong = ["2010-1", "2010/", "2010-13-01", "2010-02-30", "2010-01-0A", "20\u0661", "2010-01-01T24", "2010-01-01T2:"]
    wrong += ["2010-01-01T23:60", "2010-01-01T23:59:60", "2010-01-01T23:59:59,", "2010-01-01T23:59:5:", "0000-01-01"]
    wrong += [clean[:place] + other + clean[place + 1 :] for place in range(len(clean)) for other in "/:\0\x7f"]
    rows = [f"{text}{clean[len(text) :]},x" for text in wrong] + [f"{clean},{rest}" for rest in ("", "x,y", "\udcff")]
    for number, row in enumerate([*rows, clean, "", ",x", f"{clean},x", f"{clean[:9]}2{clean[10:]},x"]):
        before = f"a,b\n{clean},y\n" if row else "a,b\n"  # where a block begins with an empty line
        data = f"{before}{row}\n{clean},z".encode("utf-8", "surrogateescape") + b"\n" * (number % 2)
        options = CsvOptions(times=EventTimes(zone=["Europe/Berlin", None][number % 2]))
        quick, careful = (
            read(data, TIMED_LINES, options, careful=way, keep_text=True, wanted=()) for way in (False, True)
        )
        assert (row, quick[1:]) == (row, careful[1:])
        assert shown(quick[0]) == shown(careful[0])


def test_lines_of_which_only_the_time_is_looked_at_are_not_split():
    with mock.patch.object(CleanReader, "_parsed", side_effect=AssertionError):
        for end in ("Z", ".25", ".123456+02:00"):
            data = "".join(f"2010-01-0{1 + n // 16}T00:00:{n:02}{end},x\n" for n in range(32)).encode()
            frame = CleanReader(TIMED_LINES, [0, 1], CsvOptions(), lambda _: None, ()).read(data, final=False).frame
            assert frame["timestamp"].to_list()[::31] == [
                datetime.fromisoformat(text).replace(tzinfo=datetime.fromisoformat(text).tzinfo or UTC)
                for text in (f"2010-01-01T00:00:00{end}", f"2010-01-02T00:00:31{end}")
            ]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(CLEAN["time"], odd), max_size=2),
    st.datetimes().flatmap(lambda moment: st.lists(st.just(moment.isoformat()), max_size=5)),
    st.sampled_from([EventTimes(), EventTimes(zone="Europe/Berlin"), EventTimes(format="%Y-%m-%dT%H:%M:%S")]),
)
def test_times_of_one_width_are_read_as_their_texts_are(some, more, times):
    data = "".join(f"{text},x\n" for text in [*more, *some]).encode("utf-8", "surrogateescape")
    fields = fields_of(scan(data, Dialect(), Bounds(2, 1 << 20), final=True, first_line=1), 0, ord('"'))
    read = read_fields(times, fields)
    if read is not None:
        expected = times.read(column_texts(fields, ord('"')).values)
        assert read.values.equals(expected.values, check_dtypes=True)
        assert (read.reasons, read.unzoned, read.ambiguous) == (expected.reasons, expected.unzoned, expected.ambiguous)


def test_times_of_one_width_are_read_without_texts():
    for text in ("2010-01-01T00:00:00.123Z", "2010-01-01 00:00:00", "2010-01-01T00:00:00+02:00"):
        records = scan(f"x,{text}\n".encode() * 3, Dialect(), Bounds(2, 1 << 20), final=True, first_line=1)
        assert len(read_fields(EventTimes(), fields_of(records, 1, None)).values) == 3


def clean(data, kinds, **options):
    sheet = Sheet({f"c{n}": ColumnType(kind, inferred=True) for n, kind in enumerate(kinds)}, None, "x")
    return CleanReader(sheet, range(len(kinds)), CsvOptions(**options), lambda _: None).read(data, final=False)


def test_clean_blocks_are_read_the_quick_way():
    data = b"2010-01-01T00:00:00.5Z,a 007,1,-0.52,true\n2010-01-01T00:00:00Z,,,0.5,false\nrest"
    frame, consumed, lines = clean(data, ["time", "text", "integer", "float", "boolean"])
    assert (consumed, lines) == (len(data) - 4, 2)
    assert frame.rows()[1][1:] == (None, None, 0.5, False)


def test_codes_and_blanks_in_columns_of_text_are_not_odd():
    data = b"007, 5 ,12\n0x1F,-0,13\n" * 10
    assert clean(data, ["text", "text", "integer"]) is not None
    assert clean(data, ["text", "integer", "integer"]) is None
    assert clean(data, ["integer", "text", "integer"]) is None


@pytest.mark.parametrize("delimiter", [*",;\t |~^_[`{\\"])
def test_zero_before_a_delimiter_is_read_the_quick_way_and_minus_zero_is_not(delimiter):
    dialect = Dialect(ord(delimiter))
    assert clean(f"0{delimiter}x\n-0.5{delimiter}x\n".encode(), ["float", "text"], dialect=dialect) is not None
    assert clean(f"0{delimiter}x\n-0{delimiter}x\n".encode(), ["float", "text"], dialect=dialect) is None


def test_times_in_other_formats_are_read_the_quick_way_too():
    assert clean(b"31.01.2010 13:00,1\n", ["time", "integer"], times=EventTimes(format="%d.%m.%Y %H:%M")) is not None
    assert clean(b"1262304000,1\n", ["time", "integer"], times=EventTimes(unit="s")) is not None


def test_a_block_whose_reading_a_signal_cut_off_is_read_the_careful_way():
    sheet = Sheet({"a": ColumnType("integer", inferred=True)}, None, "x")
    with mock.patch.object(csv_clean.arrow_csv, "read_csv", side_effect=pa.ArrowCancelled("signal")):
        frame, lines, lost, _ = read(b"a\n1\n2\n", sheet, CsvOptions(), careful=False)
    assert (frame["a"].to_list(), lines, lost) == ([1, 2], [2, 3], [])
