"""Files that CSV readers are known to stumble over, read, and written and read again.

The layouts are those of RFC 4180 and of the usual collections of awkward CSV files; what becomes of a row that those
disagree about is plait's own rule: an empty line is skipped, a row that is not well formed is a dead letter.
"""

from __future__ import annotations

import csv
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.readers import CSVReader
from plait.running import Context
from plait.writers import CSVWriter


def records(tmp_path, data: str | bytes, **options: Any) -> tuple[list[Any], list[Any]]:
    """Return the records that a program without an engine gets, and the dead letters."""
    (tmp_path / "case.csv").write_bytes(data if isinstance(data, bytes) else data.encode())
    dead: list[Any] = []
    context = Context(base=tmp_path, dead=dead.append)
    return list(CSVReader("case.csv", **options).records(context)), dead


def texts(tmp_path, data: str | bytes, width: int, **options: Any) -> list[list[str]]:
    """Read a file without header as texts, null as the empty one."""
    names = [f"c{number}" for number in range(width)]
    rows, dead = records(tmp_path, data, columns=names, schema=dict.fromkeys(names, "text"), **options)
    assert dead == []
    return [["" if row[name] is None else row[name] for name in names] for row in rows]


WELL_FORMED: list[tuple[str, list[list[str]]]] = [
    ("", []),
    ("\n\n\n", []),
    ("\r\n\n\r\n\n", []),
    ("\r\r\r", []),
    ("a", [["a"]]),
    ("a\r", [["a"]]),
    ("a,b,", [["a", "b", ""]]),
    ("a,b,\nx,y,", [["a", "b", ""], ["x", "y", ""]]),
    (",\n,", [["", ""], ["", ""]]),
    ("a,b\rx,y\r", [["a", "b"], ["x", "y"]]),
    ("\n\n\na,b\nx,y\n\n\n", [["a", "b"], ["x", "y"]]),
    ("\r\n\r\na,b\r\n\r\n\r\nx,y\r\n", [["a", "b"], ["x", "y"]]),
    ("\n\r\na,b\r\n\n\r\nx,y\r\n\n\r\nm,n\r\n", [["a", "b"], ["x", "y"], ["m", "n"]]),
    ('""', [[""]]),
    ('""\n""', [[""], [""]]),
    ('" "', [[" "]]),
    ('" a "', [[" a "]]),
    ('  "a"  ', [['  "a"  ']]),
    ("a , b", [["a ", " b"]]),
    ('"a""b"', [['a"b']]),
    ('""""', [['"']]),
    ('"""a"""', [['"a"']]),
    ('a"b,c""d', [['a"b', 'c""d']]),
    (r'"a\\",b', [["a\\\\", "b"]]),
    ('1,",3,",5', [["1", ",3,", "5"]]),
    ('"a\nb",c\n', [["a\nb", "c"]]),
    ('"a\r\nb",c\r\n', [["a\r\nb", "c"]]),
    ('"a\rb",c\r', [["a\rb", "c"]]),
    ('"\n",x\n"\n\n",y', [["\n", "x"], ["\n\n", "y"]]),
    ("\ufeffa,b", [["a", "b"]]),
    ('\ufeff"a",b', [["a", "b"]]),
    ("a\ufeff,\ufeffb", [["a\ufeff", "\ufeffb"]]),
    ("a\x0bb,c\x0cd\ne\x1cf,g\x85h", [["a\x0bb", "c\x0cd"], ["e\x1cf", "g\x85h"]]),
    ("i\u2028j,k\u2029l", [["i\u2028j", "k\u2029l"]]),
    ("# no comment,b", [["# no comment", "b"]]),
    ("a\tb;c|d", [["a\tb;c|d"]]),
    ("日本,ʤ,😀", [["日本", "ʤ", "😀"]]),
    ('k,"{""type"": ""Point"", ""at"": [102.0, 0.5]}"', [["k", '{"type": "Point", "at": [102.0, 0.5]}']]),
    ("x" * 40_000 + "," + "y" * 40_000, [["x" * 40_000, "y" * 40_000]]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "expected"), WELL_FORMED, ids=range(len(WELL_FORMED)))
@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_fields_are_what_stands_between_the_delimiters(tmp_path, data, expected, block):
    assert texts(tmp_path, data, width=max(map(len, expected), default=1), block=block) == expected


@pytest.mark.parametrize(
    ("data", "options", "expected"),
    [
        ("a\t'b\tc'", {"delimiter": "\t", "quote": "'"}, [["a", "b\tc"]]),
        ("a;b", {"delimiter": ";"}, [["a", "b"]]),
        ("1,@,3,@,5", {"quote": "@"}, [["1", ",3,", "5"]]),
        ('"abc,foo"', {"quote": "none"}, [['"abc', 'foo"']]),
        ("a|b|'c|d'", {"delimiter": "|", "quote": "'"}, [["a", "b", "c|d"]]),
    ],
)
def test_delimiter_and_quote_may_be_others(tmp_path, data, options, expected):
    assert texts(tmp_path, data, width=len(expected[0]), **options) == expected


@pytest.mark.parametrize(
    ("data", "kept", "lost"),
    [
        ("a,b\n1,2\n3,4,5\n6\n7,8\n", [1, 7], [3, 4]),
        ('a,b\n1,"ab"c\n2,d\n', [2], [2]),
        ('a,b\n1,"x\n2,y\n', [2], [2]),
        ("a,b\n   \n1,2\n", [1], [2]),
        ("a,b\n1,2\n\x1a", [1], [3]),
        ("a,b\n1,\0\n2,3\n", [2], [2]),
        (b"a,b\n1,M\xfcnchen\n2,Berlin\n", [2], [2]),
        ('a,b\n1,"two\nlines"\n3,4,5\n6,7\n', [1, 6], [4]),
        ("a,b\r1,2\r3\r4,5\r", [1, 4], [3]),
    ],
)
def test_a_row_that_is_not_well_formed_costs_itself_and_is_told_with_its_line(tmp_path, data, kept, lost):
    rows, dead = records(tmp_path, data)
    assert [row["a"] for row in rows] == kept
    assert [letter.line for letter in dead] == lost
    assert all(letter.reason for letter in dead)


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        (["1", "2", ""], [1, 2, None]),
        (["1", "2.5", "-3e2"], [1.0, 2.5, -300.0]),
        (["inf", "-Infinity", "1.5"], [float("inf"), float("-inf"), 1.5]),
        (["true", "FALSE", "True"], [True, False, True]),
        (["yes", "no", "yes"], ["yes", "no", "yes"]),
        (["007", "08", "9"], ["007", "08", "9"]),
        (["1,234", "5,678", "9"], ["1,234", "5,678", "9"]),
        (["NA", "-", "3.5"], ["NA", "-", "3.5"]),
        (["9223372036854775807", "1", "-9223372036854775808"], [2**63 - 1, 1, -(2**63)]),
        (["9223372036854775808", "1", "2"], ["9223372036854775808", "1", "2"]),
        ([" 1", "2", "3"], [" 1", "2", "3"]),
        (["1_000", "2", "3"], ["1_000", "2", "3"]),
        (["0x10", "2", "3"], ["0x10", "2", "3"]),
        (["1", "2", "x"], ["1", "2", "x"]),
    ],
)
@pytest.mark.parametrize("quoted", [False, True])
def test_a_column_has_the_one_type_that_all_its_fields_look_like(tmp_path, fields, values, quoted):
    lines = [f'{number},"{field}"' if quoted or "," in field else f"{number},{field}" for number, field in
             enumerate(fields)]  # fmt: skip
    rows, dead = records(tmp_path, "\n".join(["n,v", *lines]))
    assert dead == []
    assert [row["v"] for row in rows] == values
    assert [type(row["v"]) for row in rows] == [type(value) for value in values]


def test_a_column_without_anything_is_text_that_is_null_or_empty(tmp_path):
    rows, _ = records(tmp_path, 'a,b\n,""\n,""\n')
    assert rows == [{"a": None, "b": ""}] * 2


awkward = st.text(st.sampled_from("ab,;\" \t\r\n\\'#\ufeffé日\x0b\x85\u2028"), max_size=6)
tables = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.lists(awkward, min_size=width, max_size=width), max_size=6)
)


@settings(max_examples=60, deadline=None)
@given(table=tables, delimiter=st.sampled_from(",;\t|"))
def test_what_is_written_is_read_again_here_and_elsewhere(tmp_path_factory, table, delimiter):
    folder = tmp_path_factory.mktemp("csv")
    names = [f"c{number}" for number in range(len(table[0]) if table else 1)]
    frame = pl.DataFrame(table, schema=dict.fromkeys(names, pl.String), orient="row")
    sink = CSVWriter(path="out.csv", delimiter=delimiter).open(Context(base=folder))
    sink.write(frame)
    sink.close()
    reader = CSVReader("out.csv", delimiter=delimiter, schema=dict.fromkeys(names, "text"))
    assert [list(row.values()) for row in reader.records(Context(base=folder))] == table
    with (folder / "out.csv").open(newline="", encoding="utf-8") as file:
        assert [row for row in csv.reader(file, delimiter=delimiter) if row][1:] == table


def test_null_and_empty_text_stay_apart(tmp_path):
    frame = pl.DataFrame({"a": ["", None, "x"], "b": [None, "", ""]})
    sink = CSVWriter(path="case.csv").open(Context(base=tmp_path))
    sink.write(frame)
    sink.close()
    rows, _ = records(tmp_path, (tmp_path / "case.csv").read_bytes(), schema={"a": "text", "b": "text"})
    assert rows == frame.to_dicts()
