"""CSVReader: options, types, times, several files."""

from __future__ import annotations

import csv
import gzip
import pickle
import queue
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from plait.errors import SourceError, SpecError
from plait.fields import options_of
from plait.formats import csv_examine
from plait.readers import CSVReader
from plait.record import END, TEXT
from plait.running import Context

TIME = pl.Datetime("us", "UTC")


def read(path, tmp_path, **options):
    """Read all: the rows as one frame, the dead letters, the notes."""
    dead = []
    context = Context(stage="s", base=tmp_path, dead=dead.append, keep_text=options.pop("keep_text", False))
    batches = list(CSVReader(path, **options).open(context))
    frame = pl.concat([batch.frame for batch in batches]) if batches else pl.DataFrame()
    return frame, dead, list(context.notes)


@pytest.fixture
def write(tmp_path):
    def write_file(text, name="a.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return name

    return write_file


def test_types_are_inferred_and_the_event_time_becomes_timestamp_in_its_place(write, tmp_path):
    name = write("id,date,temp,n,ok,code\na,2010-01-01T00:00:00Z,1.5,1,true,007\nb,2010-01-02,2,2,false,012\n")
    frame, dead, _ = read(name, tmp_path, timestamp="date")
    assert dict(frame.schema) == {
        "id": pl.String, "timestamp": TIME, "temp": pl.Float64, "n": pl.Int64, "ok": pl.Boolean, "code": pl.String,
    }  # fmt: skip
    assert frame["timestamp"].to_list() == [datetime(2010, 1, 1, tzinfo=UTC), datetime(2010, 1, 2, tzinfo=UTC)]
    assert frame["code"].to_list() == ["007", "012"]
    assert dead == []


def test_columns_are_known_before_the_run_and_agree_with_it(write, tmp_path):
    name = write("timestamp,a,b\n2010-01-01,1,x\n")
    columns = CSVReader(name).columns(Context(base=tmp_path))
    assert columns == dict(read(name, tmp_path)[0].schema)
    assert list(columns) == ["timestamp", "a", "b"]


def test_a_column_called_timestamp_is_the_event_time_if_it_looks_like_times(write, tmp_path):
    assert read(write("timestamp,a\n2010-01-01 00:00,1\n"), tmp_path)[0].schema["timestamp"] == TIME
    frame, dead, notes = read(write("timestamp,a\n1262304000,1\n"), tmp_path)
    assert frame.schema["timestamp"] == pl.Int64
    assert dead == []
    assert any("unit=" in note for note in notes)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("1262304000", {"unit": "s"}),
        ("1262304000.000", {"unit": "s"}),
        ("1262304000000", {"unit": "ms"}),
        ("01/01/10 12:00:00 am", {"format": "%m/%d/%y %I:%M:%S %p"}),
        ("2010-01-01 01:00", {"zone": "Europe/Berlin"}),
        ("2010-01-01T01:00:00+01:00", {"zone": "America/New_York"}),
    ],
)
def test_the_event_time_is_read_as_the_options_say(write, tmp_path, text, options):
    frame, dead, _ = read(write(f"timestamp,a\n{text},1\n{text},2\n"), tmp_path, **options)
    assert frame["timestamp"].to_list() == [datetime(2010, 1, 1, tzinfo=UTC)] * 2
    assert dead == []


def test_naive_times_are_utc_and_the_report_says_so_once(write, tmp_path):
    _, _, notes = read(write("timestamp\n" + "2010-01-01\n" * 1000), tmp_path, block=100)
    assert [note for note in notes if "UTC" in note] == [
        "times that name no zone were taken as UTC; zone= says otherwise"
    ]
    assert read(write("timestamp\n2010-01-01T00Z\n"), tmp_path)[2] == []


def test_schema_decides_and_other_columns_are_inferred(write, tmp_path):
    name = write("a,b,c,d\n1,2,2010-01-01,007\n")
    frame, _, _ = read(name, tmp_path, schema={"a": "text", "b": float, "c": "time", "d": "integer"})
    assert frame.row(0) == ("1", 2.0, datetime(2010, 1, 1, tzinfo=UTC), 7)


def test_a_column_that_is_text_because_of_a_few_values_is_noted(write, tmp_path):
    name = write("a,b\n" + "1,x\n" * 20 + "n/a,y\n")
    frame, _, notes = read(name, tmp_path)
    assert frame.schema["a"] == pl.String
    assert ["column 'a'" in note and "'n/a'" in note and "schema=(a=float)" in note for note in notes] == [True]


def test_null_texts(write, tmp_path):
    frame, dead, _ = read(write("a,b\n1,NA\nNA,x\n"), tmp_path, null=["NA"])
    assert frame.rows() == [(1, None), (None, "x")]
    assert dead == []


def test_columns_name_what_has_no_header(write, tmp_path):
    assert read(write("1,2\n3,4\n"), tmp_path, columns=["a", "b"])[0].rows(named=True)[0] == {"a": 1, "b": 2}
    assert read(write("x,y\n3,4\n"), tmp_path, columns=["a", "b"], header=True)[0].rows(named=True) == [
        {"a": 3, "b": 4}
    ]
    assert read(write("1,2\n"), tmp_path, header=False)[0].columns == ["column_1", "column_2"]


def test_delimiters_and_quotes(write, tmp_path):
    assert read(write("a\tb\n1\t2\n"), tmp_path, delimiter="tab")[0].rows() == [(1, 2)]
    assert read(write("a;b\n'1;2';2,5\n"), tmp_path, delimiter=";", quote="'")[0].rows() == [("1;2", "2,5")]
    assert read(write('a,b\n"1,2\n'), tmp_path, quote="none")[0].rows() == [('"1', 2)]


@pytest.mark.parametrize("members", [1, 3])
def test_gzip_is_recognised_by_its_first_bytes(write, tmp_path, members):
    lines = ["timestamp,a\n", "2010-01-01,1\n", "2010-01-02,2\n"]
    parts = lines if members == 3 else ["".join(lines)]
    name = write(b"".join(gzip.compress(part.encode()) for part in parts), "a.dat")
    assert read(name, tmp_path)[0]["a"].to_list() == [1, 2]


def test_a_damaged_gzip_is_an_error_after_the_rows_before_it(write, tmp_path):
    data = gzip.compress("".join(f"{n},{n * 7919 % 1000}\n" for n in range(200_000)).encode())
    name = write(b"".join([data[: len(data) // 2]]), "a.gz")
    with pytest.raises(SourceError, match="cut short"):
        read(name, tmp_path, columns=["a", "b"], sample=1 << 14, block=1 << 16)


def test_a_glob_reads_its_files_in_name_order_and_matches_columns_by_name(write, tmp_path):
    write("a,b\n3,4\n", "x2.csv")
    write("b,a\n2,1\n", "x1.csv")
    write("b,a\n6,5.5\n", "x3.csv")
    frame, _, _ = read("x*.csv", tmp_path)
    assert frame.columns == ["b", "a"]
    assert frame.rows() == [(2, 1.0), (4, 3.0), (6, 5.5)]
    origins = [batch.origin for batch in CSVReader("x*.csv").open(Context(base=tmp_path))]
    assert origins == ["x1.csv", "x2.csv", "x3.csv"]


def test_files_of_a_glob_with_other_columns_are_an_error_that_names_both(write, tmp_path):
    write("a,b\n1,2\n", "x1.csv")
    write("a,c\n1,2\n", "x2.csv")
    with pytest.raises(SourceError, match=r"x2.csv has no column 'b', which x1.csv has; x2.csv has a column 'c'"):
        read("x*.csv", tmp_path)


def test_an_empty_file_in_a_glob_is_noted(write, tmp_path):
    write("a\n1\n", "x1.csv")
    write("", "x2.csv")
    frame, _, notes = read("x*.csv", tmp_path)
    assert len(frame) == 1
    assert notes == ["x2.csv is empty"]


def test_a_file_with_a_header_alone_takes_its_types_from_the_others(write, tmp_path):
    write("timestamp,a\n", "x1.csv")
    write("timestamp,a\n2010-01-01,1\n", "x2.csv")
    assert dict(read("x*.csv", tmp_path)[0].schema) == {"timestamp": TIME, "a": pl.Int64}


def test_types_come_from_the_whole_file_not_from_its_beginning(write, tmp_path):
    rows = ["1,1"] * 200_000 + ["2.5,x"] * 50_000
    frame, dead, _ = read(write("a,b\n" + "\n".join(rows) + "\n"), tmp_path, sample=100_000)
    assert dict(frame.schema) == {"a": pl.Float64, "b": pl.String}
    assert (len(frame), dead) == (250_000, [])


def test_the_sample_is_not_misled_by_line_ends_in_quotes(write, tmp_path):
    row = '1,"x, y\nz ""quoted"" and, more\n"\n'
    frame, dead, _ = read(write("a,b\n" + row * 5000), tmp_path, sample=20_000)
    assert dict(frame.schema) == {"a": pl.Int64, "b": pl.String}
    assert (len(frame), dead) == (5000, [])


def test_keep_text_brings_the_very_text_of_each_row(write, tmp_path):
    frame, _, _ = read(write('a,b\r\n 1,"x\n""y"\r\n2,é\r\n'), tmp_path, keep_text=True)
    assert frame[TEXT].to_list() == [' 1,"x\n""y"', "2,é"]


def test_lines_and_batches_follow_the_file(write, tmp_path):
    name = write('a,b\n1,"x\ny"\n\n2,z\n')
    (batch,) = CSVReader(name).open(Context(base=tmp_path))
    assert (batch.origin, list(batch.lines)) == (name, [2, 5])


@pytest.mark.parametrize("block", [1, 50, 997, 1 << 20])
def test_rows_do_not_depend_on_the_block_size(write, tmp_path, block):
    rows = [[f"2010-01-01T00:00:{n % 60:02}", n, f'say "{n}",\n ok' if n % 3 else ""] for n in range(300)]
    with (tmp_path / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["timestamp", "n", "text"], *rows])
    frame, dead, _ = read("a.csv", tmp_path, block=block)
    assert frame["n"].to_list() == list(range(300))
    assert [text or "" for text in frame["text"]] == [row[2] for row in rows]
    assert dead == []


def test_reading_is_lazy(write, tmp_path):
    name = write("a\n" + "1\n" * 10_000)
    batches = CSVReader(name, block=1000).open(Context(base=tmp_path))
    assert len(next(batches).frame) < 2000
    batches.close()


def test_without_an_engine_dicts_go_to_the_queue_and_then_end(write, tmp_path):
    target = queue.Queue()
    name = str(tmp_path / write("timestamp,a\n2010-01-01,1\n"))
    assert CSVReader(name, target).run() == 1
    assert target.get() == {"timestamp": datetime(2010, 1, 1, tzinfo=UTC), "a": 1}
    assert target.get() is END
    assert list(CSVReader(name, None, lambda row: row["a"]).records()) == [1]
    assert list(CSVReader(filename=name, wrapper=len).records()) == [2]


def test_a_reader_can_be_pickled():
    reader = CSVReader("x.csv", columns=["a"], schema={"a": "text"}, timestamp="a", zone="UTC")
    assert pickle.loads(pickle.dumps(reader)) == reader


def test_the_options_are_called_as_documented():
    assert {"path", "columns", "header", "delimiter", "quote", "schema", "null", "max_record"} <= set(
        options_of(CSVReader)
    )
    assert not {"queue", "wrapper", "filename", "block"} & set(options_of(CSVReader))
    assert CSVReader("x.csv", columns=["a", "b"], lateness=timedelta(seconds=1)).given() == {
        "path": "x.csv",
        "columns": ("a", "b"),
        "lateness": timedelta(seconds=1),
    }


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "path: is missing"),
        ({"path": "a", "filename": "b"}, "given twice"),
        ({"path": "a", "delimiter": ",,"}, "delimiter"),
        ({"path": "a", "delimiter": ";", "quote": ";"}, "same character"),
        ({"path": "a", "quote": "ab"}, "quote"),
        ({"path": "a", "columns": ["a", "a"]}, "more than once"),
        ({"path": "a", "columns": ["a", ""]}, "empty"),
        ({"path": "a", "schema": {"a": "flaot"}}, "float"),
        ({"path": "a", "format": "%H"}, "no year"),
        ({"path": "a", "format": "%Y", "unit": "s"}, "not both"),
        ({"path": "a", "zone": "Mars/Base"}, "zone"),
        ({"path": "a", "unit": "h"}, "unit"),
        ({"path": "a", "max_record": "big"}, "size"),
    ],
)
def test_a_wrong_option_is_a_spec_error(options, says):
    with pytest.raises(SpecError, match=says):
        CSVReader(**options)


def test_year_9999_is_read(write, tmp_path):
    frame, _, _ = read(write("timestamp\n2010-01-01\n9999-12-31T23:59:59.999999Z\n"), tmp_path)
    assert frame["timestamp"].max() == datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


def test_times_out_of_order_are_delivered_in_the_order_of_the_file(write, tmp_path):
    frame, dead, _ = read(write("timestamp\n2010-01-02\n2010-01-01\n"), tmp_path)
    assert [time.day for time in frame["timestamp"]] == [2, 1]
    assert dead == []


def test_names_that_look_like_patterns_are_names(write, tmp_path):
    frame, _, _ = read(write("^a$,*,b\n1,2,3\n"), tmp_path)
    assert frame.rows(named=True) == [{"^a$": 1, "*": 2, "b": 3}]


def test_size_is_that_of_the_files(write, tmp_path):
    write("a\n1\n", "x1.csv")
    write("a\n1\n", "x2.csv")
    assert CSVReader("x*.csv").size(Context(base=tmp_path)) == 8


AUTUMN = "2024-10-27T02:30 2024-10-27T02:40 2024-10-27T02:10"


def test_the_hour_that_a_zone_repeats_is_noted_for_event_times(write, tmp_path):
    name = write("\n".join(["timestamp", *AUTUMN.split()]))
    frame, _, notes = read(name, tmp_path, zone="Europe/Berlin")
    assert [time.strftime("%H:%M") for time in frame["timestamp"]] == ["00:30", "00:40", "00:10"]
    assert notes == ["times in the hour that Europe/Berlin repeats in autumn were taken as its first pass"]


def test_the_hour_that_a_zone_repeats_is_noted_for_other_columns_of_times(write, tmp_path):
    name = write("\n".join(["timestamp,sent", *(f"2024-10-27T00:00Z,{time}" for time in AUTUMN.split())]))
    frame, _, notes = read(name, tmp_path, schema={"sent": "time"}, zone="Europe/Berlin")
    assert [time.strftime("%H:%M") for time in frame["sent"]] == ["00:30", "00:40", "00:10"]
    assert notes == ["times in the hour that Europe/Berlin repeats in autumn were taken as its first pass"]


def test_other_columns_of_times_without_a_zone_are_noted(write, tmp_path):
    name = write("sent\n2024-10-27T02:30\n")
    assert read(name, tmp_path, schema={"sent": "time"})[2] == [
        "times that name no zone were taken as UTC; zone= says otherwise"
    ]


def test_files_are_examined_once_unless_they_change(write, tmp_path, monkeypatch):
    looks = []
    examine = csv_examine.examine
    monkeypatch.setattr(csv_examine, "examine", lambda *args: looks.append(1) or examine(*args))
    name = write("timestamp,a\n1262304000,1\n")
    context = Context(base=tmp_path)
    CSVReader(name).columns(context)
    later = Context(base=tmp_path, learnt=pickle.loads(pickle.dumps(context.learnt)))
    assert [len(batch.frame) for batch in CSVReader(name).open(later)] == [1]
    assert list(later.notes) == list(context.notes) != []
    assert looks == [1]
    write("timestamp,a\n1262304000,x\n")
    (tmp_path / name).touch()
    assert next(iter(CSVReader(name).open(later))).frame["a"].to_list() == ["x"]
    assert looks == [1, 1]


def test_columns_that_nobody_reads_are_not_looked_at_unless_their_type_was_said(write, tmp_path):
    name = write("timestamp,a,b,c,d\n2010-01-01,1,1,x,1\n2010-01-02,oops,2,y,2\n2010-01-03,3,3,z,oops\n2010-01-04,4\n")
    dead = []
    context = Context(base=tmp_path, dead=dead.append, keep_text=True, wanted=frozenset(["b"]))
    frame = pl.concat([batch.frame for batch in CSVReader(name, schema={"a": "text", "d": "integer"}).open(context)])
    assert frame.columns == ["timestamp", "b", TEXT]
    assert frame[TEXT].to_list() == ["2010-01-01,1,1,x,1", "2010-01-02,oops,2,y,2"]
    assert [letter.line for letter in dead] == [4, 5]
    everything = Context(base=tmp_path, keep_text=True, wanted=None)
    assert next(CSVReader(name).open(everything)).frame.columns == ["timestamp", "a", "b", "c", "d", TEXT]
