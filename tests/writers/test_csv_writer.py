"""CSV files: columns, headers, rows as read."""

from __future__ import annotations

import gzip
import pickle
from datetime import UTC, datetime

import polars as pl
import pytest
from plait.errors import SinkError, SpecError
from plait.record import TEXT
from plait.running import Context
from plait.writers import CSVWriter

T = datetime(2010, 1, 1, tzinfo=UTC)


def written(tmp_path, *frames, source_header=None, **options):
    context = Context(base=tmp_path, header=source_header)
    sink = CSVWriter(path="out.csv", **options).open(context)
    try:
        for frame in frames:
            sink.write(frame)
    except SinkError:
        sink.abort()
        raise
    sink.close()
    return (tmp_path / "out.csv").read_text(encoding="utf-8")


def test_rows_are_written_under_the_names_of_the_columns(tmp_path):
    frame = pl.DataFrame({"timestamp": [T, T], "te,mp": [1.0, None], "note": ["", None]})
    assert written(tmp_path, frame, frame[:1]) == (
        'timestamp,"te,mp",note\n2010-01-01T00:00:00Z,1.0,""\n2010-01-01T00:00:00Z,,\n2010-01-01T00:00:00Z,1.0,""\n'
    )


def test_header_and_delimiter_can_be_chosen(tmp_path):
    frame = pl.DataFrame({"a": [1], "b": ["x;y"]})
    assert written(tmp_path, frame, header=False) == "1,x;y\n"
    assert written(tmp_path, frame, delimiter=";") == 'a;b\n1;"x;y"\n'
    assert written(tmp_path, frame, delimiter="tab") == "a\tb\n1\tx;y\n"


def test_columns_are_those_of_the_first_rows_in_their_order(tmp_path):
    one, other = pl.DataFrame({"a": [1], "b": [2]}), pl.DataFrame({"b": [4], "a": [3]})
    assert written(tmp_path, one, other) == "a,b\n1,2\n3,4\n"


@pytest.mark.parametrize(
    ("later", "message"),
    [
        ({"a": [1]}, "without the column 'b'"),
        ({"a": [1], "b": [2], "c": [3]}, r"with the column 'c', .*columns=\[\.\.\.\]"),
        ({"a": [1], "c": [3]}, "without the column 'b'"),
    ],
)
def test_other_columns_later_on_are_an_error(tmp_path, later, message):
    sink = CSVWriter(path="out.csv").open(Context(base=tmp_path))
    sink.write(pl.DataFrame({"a": [1], "b": [2]}))
    with pytest.raises(SinkError, match=message):
        sink.write(pl.DataFrame(later))
    sink.abort()
    assert list(tmp_path.iterdir()) == []


def test_chosen_columns_are_written_and_others_left_out(tmp_path):
    frame = pl.DataFrame({"a": [1], "b": [2], "c": [3]})
    assert written(tmp_path, frame, frame.drop("b"), columns=["c", "a"]) == "c,a\n3,1\n3,1\n"


def test_a_chosen_column_that_is_not_there_is_an_error_with_the_nearest_name(tmp_path):
    with pytest.raises(SinkError, match="without the column 'tmp'; did you mean 'temp'"):
        written(tmp_path, pl.DataFrame({"temp": [1]}), columns=["tmp"])


def test_a_stream_without_rows_makes_a_file(tmp_path):
    assert written(tmp_path) == ""
    assert written(tmp_path, columns=["a", "b"]) == "a,b\n"
    assert written(tmp_path, pl.DataFrame(schema={"a": pl.Int64, TEXT: pl.String})) == "a\n"


def test_the_text_of_rows_is_no_column(tmp_path):
    assert written(tmp_path, pl.DataFrame({"a": [1.50], TEXT: ["1.50"]})) == "a\n1.5\n"


def test_as_read_writes_the_very_text_under_the_header_of_the_source(tmp_path):
    rows = ['1.50, "x" ', '2,"two\nlines"', "3,é"]
    frame = pl.DataFrame({"a": [1.5, 2.0, 3.0], "b": ["x", "y", "z"], TEXT: rows})
    text = written(tmp_path, frame[:1], frame[1:], source_header='"A" , b', as_read=True)
    assert text == '"A" , b\n1.50, "x" \n2,"two\nlines"\n3,é\n'
    assert CSVWriter(path="x", as_read="yes").wants_text
    assert not CSVWriter(path="x").wants_text


def test_as_read_without_a_header_in_the_source_or_in_the_options_has_none(tmp_path):
    frame = pl.DataFrame({"a": [1], TEXT: ["1"]})
    assert written(tmp_path, frame, as_read=True) == "1\n"
    assert written(tmp_path, frame, as_read=True, source_header="a", header=False) == "1\n"


def test_as_read_without_rows_still_has_the_header(tmp_path):
    assert written(tmp_path, as_read=True, source_header="a,b") == "a,b\n"


@pytest.mark.parametrize("frame", [pl.DataFrame({"a": [1]}), pl.DataFrame({TEXT: ["x", None]})])
def test_as_read_refuses_rows_without_their_text(tmp_path, frame):
    with pytest.raises(SinkError, match="without the text they were read from"):
        written(tmp_path, frame, as_read=True)


def test_append_writes_one_header_only(tmp_path):
    frame = pl.DataFrame({"a": [1]})
    assert written(tmp_path, frame, follow=True, append=True) == "a\n1\n"
    assert written(tmp_path, frame, follow=True, append=True) == "a\n1\n1\n"


def test_append_to_a_packed_file_looks_into_it(tmp_path):
    path = tmp_path / "out.csv.gz"

    def append(frame):
        sink = CSVWriter(path.name, follow=True, append=True).open(Context(base=tmp_path))
        try:
            sink.write(frame)
        finally:
            sink.close()
        return gzip.decompress(path.read_bytes())

    path.write_bytes(gzip.compress(b""))
    assert append(pl.DataFrame({"a": [1]})) == b"a\n1\n"
    assert append(pl.DataFrame({"a": [2]})) == b"a\n1\n2\n"
    with pytest.raises(SinkError, match="its header is 'a', but the rows to append have 'b'"):
        append(pl.DataFrame({"b": [3]}))
    for before, message in (
        (gzip.compress(b"a\n1"), "the middle of a line"),
        (path.read_bytes()[:-3], "no whole gzip"),
    ):
        path.write_bytes(before)
        with pytest.raises(SinkError, match=message):
            append(pl.DataFrame({"a": [3]}))
        assert path.read_bytes() == before


def test_follow_shows_rows_as_they_are_written(tmp_path):
    sink = CSVWriter("out.csv", follow=True).open(Context(base=tmp_path))
    sink.write(pl.DataFrame({"a": [1]}))
    sink.flush()
    assert (tmp_path / "out.csv").read_text() == "a\n1\n"
    sink.abort()
    assert (tmp_path / "out.csv").read_text() == "a\n1\n"


def test_a_name_that_ends_in_gz_is_packed(tmp_path):
    sink = CSVWriter("out.csv.gz").open(Context(base=tmp_path))
    sink.write(pl.DataFrame({"a": [1]}))
    sink.close()
    assert gzip.decompress((tmp_path / "out.csv.gz").read_bytes()) == b"a\n1\n"


@pytest.mark.parametrize(
    ("options", "option", "message"),
    [
        ({"path": ""}, "path", "is empty"),
        ({"path": "a\0b"}, "path", "NUL"),
        ({"append": True}, "append", "follow=yes"),
        ({"delimiter": ",,"}, "delimiter", "not a delimiter"),
        ({"as_read": True, "columns": ["a"]}, "columns", "as_read"),
        ({"as_read": True, "delimiter": ";"}, "delimiter", "as_read"),
        ({"columns": []}, "columns", "twice, or none"),
        ({"columns": ["a", "a"]}, "columns", "twice"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, option, message):
    with pytest.raises(SpecError, match=message) as caught:
        CSVWriter(**{"path": "out.csv", **options})
    assert caught.value.option == option


def test_the_writer_is_configuration_and_can_be_pickled():
    writer = CSVWriter("out.csv", columns=["a"], delimiter="|")
    assert pickle.loads(pickle.dumps(writer)) == writer
    assert writer.given() == {"path": "out.csv", "delimiter": "|", "columns": ("a",)}
