"""CSVReader: what bad input gets. Each row that is not delivered is a dead letter; everything else is delivered."""

from __future__ import annotations

import os
import resource

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plait.errors import SourceError
from plait.formats import files
from plait.readers import CSVReader
from plait.running import Context


def read(data, tmp_path, **options):
    """Write the bytes and read them: the rows, and the dead letters."""
    (tmp_path / "a.csv").write_bytes(data)
    dead = []
    context = Context(stage="s", base=tmp_path, dead=dead.append)
    rows = [row for batch in CSVReader("a.csv", **options).open(context) for row in batch.frame.rows()]
    for letter in dead:
        assert (letter.stage, letter.kind, letter.origin) == ("s", "dead", "a.csv")
        if "bytes in all" not in letter.text and "\\x" not in letter.text:
            assert data[letter.offset :].startswith(letter.text.encode())
    return rows, dead


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_byte_order_mark_and_line_ends(tmp_path, bom, line_end):
    data = bom + line_end.join([b"a,b", b"1,x", b"2,y,z", b"3,w"]) + line_end
    rows, (letter,) = read(data, tmp_path)
    assert rows == [(1, "x"), (3, "w")]
    assert (letter.line, letter.text, letter.offset) == (3, "2,y,z", data.index(b"2,y"))


def test_a_quoted_name_behind_a_byte_order_mark(tmp_path):
    (tmp_path / "a.csv").write_bytes(b'\xef\xbb\xbf"a",b\n1,2\n')
    assert list(CSVReader("a.csv").columns(Context(base=tmp_path))) == ["a", "b"]


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff"])
def test_utf_16_is_an_error_that_says_so(tmp_path, mark):
    with pytest.raises(SourceError, match="UTF-16"):
        read(mark + "a,b\n1,2\n".encode("utf-16-le"), tmp_path)


@pytest.mark.parametrize("block", [5, 1 << 20])
def test_an_unclosed_quote_costs_its_line_only(tmp_path, block):
    data = b'a,b\n1,x\n2,"open\n3,"fine"\n4,"two\nlines"\n5,z\n'
    rows, (letter,) = read(data, tmp_path, block=block)
    assert rows == [(1, "x"), (3, "fine"), (4, "two\nlines"), (5, "z")]
    assert (letter.line, letter.offset, letter.text) == (3, 8, '2,"open')
    assert "quote" in letter.reason


def test_an_unclosed_quote_at_the_end_of_the_file(tmp_path):
    rows, (letter,) = read(b'a,b\n1,x\n2,"open', tmp_path)
    assert rows == [(1, "x")]
    assert "never closed" in letter.reason


def test_text_behind_a_closing_quote(tmp_path):
    rows, (letter,) = read(b'a,b\n1,"x"y\n2,z\n', tmp_path)
    assert rows == [(2, "z")]
    assert "written twice" in letter.reason


def test_a_row_cut_in_the_middle_at_the_end(tmp_path):
    rows, (letter,) = read(b"a,b,c\n1,2,3\n4,5", tmp_path)
    assert rows == [(1, 2, 3)]
    assert (letter.line, letter.text) == (3, "4,5")
    assert "ends in the middle" in letter.reason


def test_the_last_row_needs_no_line_end(tmp_path):
    assert read(b"a,b\n1,2\n3,4", tmp_path) == ([(1, 2), (3, 4)], [])


def test_invalid_utf8(tmp_path):
    rows, (one, two) = read(b"a,b\n1,ok\n2,caf\xe9\n3,\xc3\xa9\n\xff,x\n", tmp_path)
    assert rows == [(1, "ok"), (3, "é")]
    assert [letter.line for letter in (one, two)] == [3, 5]
    assert one.text == "2,caf\\xe9"
    assert "UTF-8" in one.reason


def test_utf8_that_is_cut_by_a_line_end_spoils_no_other_row(tmp_path):
    rows, dead = read(b"a,b\n1,\xe2\x82\n2,\xac\n3,x\n", tmp_path)
    assert rows == [(3, "x")]
    assert [letter.line for letter in dead] == [2, 3]


def test_nul_bytes(tmp_path):
    rows, (letter,) = read(b"a,b\n1,x\n2,\x00\n3,z\n", tmp_path)
    assert rows == [(1, "x"), (3, "z")]
    assert "NUL" in letter.reason
    assert letter.text == "2,\\x00"


def test_a_hole_of_nul_bytes_costs_the_row_it_stands_in(tmp_path):
    data = b"a,b\n1,x\n" + b"\0" * 3_000_000 + b"2,y\n3,z\n"
    rows, (letter,) = read(data, tmp_path, max_record="1MB")
    assert rows == [(1, "x"), (3, "z")]
    assert (letter.line, letter.offset) == (3, 8)
    assert letter.text.endswith("(3000003 bytes in all)")


def test_a_field_of_100_mb_is_a_dead_letter_in_bounded_memory(tmp_path):
    with (tmp_path / "a.csv").open("wb") as file:
        file.write(b"a,b\n1,x\n2,")
        for _ in range(100):
            file.write(b"y" * 1_000_000)
        file.write(b"\n3,z\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    dead = []
    context = Context(base=tmp_path, dead=dead.append)
    rows = [row for batch in CSVReader("a.csv", max_record="4MB").open(context) for row in batch.frame.rows()]
    assert rows == [(1, "x"), (3, "z")]
    assert "max_record=4000000" in dead[0].reason
    assert dead[0].text == "2," + "y" * 4094 + "... (100000002 bytes in all)"
    assert (dead[0].line, dead[0].offset) == (3, 8)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 90


def test_a_large_field_is_delivered_if_max_record_allows(tmp_path):
    large = b"y" * 20_000_000
    rows, dead = read(b"a,b\n1," + large + b'\n2,"' + large + b'\n"\n3,z\n', tmp_path, max_record="30MB")
    assert [(number, len(text)) for number, text in rows] == [(1, 20_000_000), (2, 20_000_001), (3, 1)]
    assert dead == []


def test_a_quote_that_closes_too_late_counts_as_unclosed(tmp_path):
    rows, dead = read(b'a,b\n1,"x\n' + b"7,8\n" * 100 + b'"\n3,z\n', tmp_path, max_record=200, block=50)
    assert rows == [(7, "8")] * 100 + [(3, "z")]
    assert [letter.text for letter in dead] == ['1,"x', '"']


@pytest.mark.parametrize(("row", "count"), [(b"1", "1 field,"), (b"1,2", "2 fields"), (b"1,2,3,4", "4 fields")])
def test_a_row_with_too_many_or_too_few_fields(tmp_path, row, count):
    rows, (letter,) = read(b"a,b,c\n1,2,3\n" + row + b"\n4,5,6\n", tmp_path)
    assert rows == [(1, 2, 3), (4, 5, 6)]
    assert count in letter.reason
    assert "3 are expected" in letter.reason


def test_a_header_one_name_short_of_every_row_names_the_option_that_mends_it(tmp_path):
    with pytest.raises(
        SourceError, match=r"names 2 columns, but every row has 3 fields.*one name short.*columns=\[ \]"
    ):
        read(b"a,b\n1,2,3\n4,5,6\n", tmp_path)
    rows, _ = read(b"a,b\n1,2,3\n4,5,6\n", tmp_path, columns=["id", "a", "b"], header=True)
    assert rows == [(1, 2, 3), (4, 5, 6)]


def test_columns_that_do_not_go_with_any_row(tmp_path):
    with pytest.raises(SourceError, match=r"columns=\[ \] names 2 columns, but every row has 1 field"):
        read(b"1\n2\n", tmp_path, columns=["a", "b"])


def test_the_wrong_delimiter_is_suspected(tmp_path):
    with pytest.raises(SourceError, match="delimiter="):
        read(b"a;b\n1,5;2\n2,5;3\n", tmp_path)


def test_duplicate_names(tmp_path):
    with pytest.raises(SourceError, match=r"'a' more than once \(columns 1, 3\).*columns=\[ \] header=yes"):
        read(b"a,b,a\n1,2,3\n", tmp_path)


def test_empty_names_are_replaced_and_noted(tmp_path):
    (tmp_path / "a.csv").write_bytes(b",b,\n1,2,3\n")
    context = Context(base=tmp_path)
    assert list(CSVReader("a.csv").columns(context)) == ["column_1", "b", "column_3"]
    assert ["column_1, column_3" in note for note in context.notes] == [True]


@pytest.mark.parametrize("data", [b"", b"\n\r\n", b"\xef\xbb\xbf"])
def test_a_file_without_anything_is_noted(tmp_path, data):
    (tmp_path / "a.csv").write_bytes(data)
    context = Context(base=tmp_path)
    reader = CSVReader("a.csv", timestamp="date")
    assert reader.columns(context) == {}
    assert list(reader.open(context)) == []
    assert list(context.notes) == ["a.csv is empty"]


@pytest.mark.parametrize("data", [b"date,a", b"date,a\n", b"date,a\r\n\r\n"])
def test_a_header_alone_has_columns_of_any_type_and_no_rows(tmp_path, data):
    (tmp_path / "a.csv").write_bytes(data)
    reader = CSVReader("a.csv", timestamp="date")
    columns = reader.columns(Context(base=tmp_path))
    assert columns == {"timestamp": pl.Datetime("us", "UTC"), "a": pl.Null}
    assert list(reader.open(Context(base=tmp_path))) == []


@pytest.mark.parametrize(
    ("header", "says"), [(b'"a,b\n1,2\n', "never closed"), (b"a,\xff\n1,2\n", "UTF-8"), (b"a,\0\n1,2\n", "NUL")]
)
def test_an_unreadable_header_is_an_error(tmp_path, header, says):
    with pytest.raises(SourceError, match=f"a.csv: .*{says}"):
        read(header, tmp_path)


def test_a_header_without_end_is_an_error_in_bounded_memory(tmp_path):
    with pytest.raises(SourceError, match="max_record"):
        read(b"a" * 1_000_000, tmp_path, max_record=1000)


def test_a_column_that_changes_type_half_way(tmp_path):
    import gzip

    rows = [b"%d,%d" % (n, n) for n in range(30_000)] + [b"x,1", b"1,2.5", b"2,007", b"3,4"]
    data = gzip.compress(b"a,b\n" + b"\n".join(rows) + b"\n")
    (tmp_path / "a.csv").write_bytes(data)
    dead = []
    batches = CSVReader("a.csv", sample=20_000).open(Context(base=tmp_path, dead=dead.append))
    kept = [row for batch in batches for row in batch.frame.rows()]
    assert len(kept) == 30_001
    assert kept[-1] == (3, 4)
    assert [letter.line for letter in dead] == [30_002, 30_003, 30_004]
    assert ["schema=(a=text)" in dead[0].reason, "schema=(b=float)" in dead[1].reason] == [True, True]
    assert "schema=(b=text)" in dead[2].reason


def test_a_time_that_does_not_parse_and_an_empty_time(tmp_path):
    data = b"timestamp,a\n2010-01-01,1\nsoon,2\n,3\n2010-02-30,4\n2010-01-02,5\n"
    rows, dead = read(data, tmp_path)
    assert [row[1] for row in rows] == [1, 5]
    assert [(letter.line, letter.text) for letter in dead] == [(3, "soon,2"), (4, ",3"), (5, "2010-02-30,4")]
    assert "ISO 8601" in dead[0].reason
    assert "the event time is empty" in dead[1].reason
    assert "2010-02-30" in dead[2].reason


def test_a_time_in_another_format_names_the_format(tmp_path):
    _, dead = read(b"timestamp\n2010/01/01\n2010-01-02\n", tmp_path, format="%Y/%m/%d")
    assert ["'%Y/%m/%d'" in letter.reason for letter in dead] == [True]


def test_a_skipped_local_time_is_a_dead_letter(tmp_path):
    rows, (letter,) = read(b"timestamp\n2010-03-28 02:30\n2010-03-28 03:30\n", tmp_path, zone="Europe/Berlin")
    assert len(rows) == 1
    assert "does not exist" in letter.reason


def test_a_row_with_several_faults_is_one_dead_letter(tmp_path):
    _, dead = read(b"timestamp,a\nx,y\n", tmp_path, schema={"timestamp": "time", "a": "integer"})
    assert len(dead) == 1


def test_dead_letters_come_in_the_order_of_the_file(tmp_path):
    data = b"timestamp,a\n" + b"x,1\n2010-01-01,1,2\n2010-01-01,\xff\n2010-01-01,1\n2010-01-01,zz\n" * 3
    _, dead = read(data, tmp_path, schema={"a": "integer"}, timestamp="timestamp")
    assert [letter.line for letter in dead] == [2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14, 16]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"timestamp": "dat"}, "did you mean 'date'"),
        ({"schema": {"tmep": "float"}}, "did you mean 'temp'"),
        ({"format": "%Y"}, "timestamp="),
        ({"timestamp": "date", "schema": {"date": "text"}}, "is the event time"),
        ({"zone": "UTC"}, "timestamp="),
    ],
)
def test_an_option_that_does_not_go_with_the_file(tmp_path, options, says):
    with pytest.raises(SourceError, match=says):
        read(b"date,temp\n2010-01-01,1\n", tmp_path, **options)


def test_two_columns_cannot_both_be_called_timestamp(tmp_path):
    with pytest.raises(SourceError, match="already"):
        read(b"date,timestamp\n2010-01-01,1\n", tmp_path, timestamp="date")


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("seatle.csv", "there is no file 'seatle.csv' in .*; did you mean 'seattle.csv'"),
        ("dta/x.csv", "there is no folder 'dta' in .*; did you mean 'data'"),
        ("data", "'data' is a folder"),
        ("seatle*.csv", r"no file matches 'seatle\*.csv' in .*did you mean 'seattle.csv'"),
    ],
)
def test_a_path_that_means_no_file(tmp_path, path, says):
    (tmp_path / "data").mkdir()
    (tmp_path / "seattle.csv").write_text("a\n")
    for use in (CSVReader(path).columns, lambda context: list(CSVReader(path).open(context))):
        with pytest.raises(SourceError, match=says):
            use(Context(base=tmp_path))


def test_no_permission(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text("a\n1\n")

    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.Path, "open", refuse)
    with pytest.raises(SourceError, match=r"a\.csv: no permission"):
        list(CSVReader("a.csv").open(Context(base=tmp_path)))


def test_a_pipe_is_refused_because_it_can_be_read_only_once(tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(SourceError, match="no regular file"):
        list(CSVReader("a.csv").open(Context(base=tmp_path)))


garbage = st.lists(
    st.sampled_from(
        [b"1,2\n", b'"', b",", b"\n", b"\r\n", b"\r", b"x", b"\xff", b"\0", b"\xc3\xa9", b"2010-01-01", b'""', b"7"]
    ),
    max_size=60,
).map(b"".join)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(garbage, st.integers(1, 64))
def test_garbage_is_delivered_or_dead_whatever_the_block_size(tmp_path, data, block):
    whole = read(b"1,2\n" + data, tmp_path, columns=["a", "b"], schema={"a": "integer"}, max_record=50)
    cut = read(b"1,2\n" + data, tmp_path, columns=["a", "b"], schema={"a": "integer"}, max_record=50, block=block)
    assert whole == cut
