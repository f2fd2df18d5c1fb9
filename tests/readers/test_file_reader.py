"""Files of which each line is a record."""

import gzip
import json
import os
import pickle
import queue as stdlib_queue
import re
from datetime import UTC, datetime

import polars as pl
import pytest
from plait import Pipeline
from plait.errors import SourceError, SpecError
from plait.fields import options_of
from plait.readers import FileReader, JSONLReader
from plait.record import END, TEXT
from plait.running import Context


class Run:
    """The outcome of reading: frames, rows, dead letters, counts."""

    def __init__(self, reader, base, **more):
        self.letters = []
        self.context = Context(stage="log", base=base, dead=self.letters.append, **more)
        self.batches = list(reader.open(self.context))
        self.rows = [row for batch in self.batches for row in batch.frame.to_dicts()]
        self.lines = [line for batch in self.batches for line in batch.lines]
        self.dead = {letter.line: letter.reason for letter in self.letters}


def write(path, data):
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def texts(base, data, **options):
    write(base / "log.txt", data)
    return [row["text"] for row in Run(FileReader("log.txt", **options), base).rows]


def test_each_line_is_a_row_with_the_column_text(tmp_path):
    write(tmp_path / "log.txt", "one\n\n 3 \n")
    run = Run(FileReader("log.txt"), tmp_path)
    assert run.rows == [{"text": "one"}, {"text": ""}, {"text": " 3 "}]
    assert run.lines == [1, 2, 3]
    assert run.batches[0].origin == "log.txt"
    assert run.batches[0].frame["text"].dtype == pl.String


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lf_crlf_and_cr_end_a_line_with_or_without_one_at_the_end(tmp_path, end):
    assert texts(tmp_path, f"a{end}b{end}{end}c") == ["a", "b", "", "c"]
    assert texts(tmp_path, f"a{end}b{end}") == ["a", "b"]


def test_byte_order_mark_nul_and_odd_separators_are_no_line_ends(tmp_path):
    assert texts(tmp_path, "\ufeffa\0b\u2028c\x0bd\x85\n") == ["a\0b\u2028c\x0bd\x85"]


def test_empty_file_is_an_empty_stream(tmp_path):
    assert texts(tmp_path, "") == []
    assert FileReader("log.txt").columns(Context(base=tmp_path)) == {}


def test_line_that_is_not_utf_8_is_a_dead_letter_with_its_place(tmp_path):
    write(tmp_path / "log.txt", b"good\nb\xffd\nalso good\n")
    run = Run(FileReader("log.txt"), tmp_path)
    assert [row["text"] for row in run.rows] == ["good", "also good"]
    (letter,) = run.letters
    assert (letter.stage, letter.kind, letter.origin, letter.line, letter.offset) == ("log", "dead", "log.txt", 2, 5)
    assert letter.text == "b\\xffd"
    assert "not UTF-8" in letter.reason


def test_utf_16_is_refused_as_a_whole(tmp_path):
    write(tmp_path / "log.txt", "hello\n".encode("utf-16"))
    with pytest.raises(SourceError, match=r"log\.txt: this is UTF-16"):
        Run(FileReader("log.txt"), tmp_path)


def test_line_longer_than_max_record_is_a_dead_letter_that_names_the_option(tmp_path):
    write(tmp_path / "log.txt", b"short\n" + b"x" * 3_000_000 + b"\nend\n")
    run = Run(FileReader("log.txt", max_record="1MB"), tmp_path)
    assert [row["text"] for row in run.rows] == ["short", "end"]
    assert run.lines == [1, 3]
    (letter,) = run.letters
    assert (letter.line, letter.offset) == (2, 6)
    assert "3000001 bytes" in letter.reason
    assert "max_record" in letter.reason
    assert len(letter.text) < 300


def run_script(folder, text):
    write(folder / "a.scl", text)
    Pipeline.load(folder / "a.scl", base=folder).run("serial")
    return [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]


def test_the_pattern_in_the_card_reads_the_line_beside_it(tmp_path):
    line, pattern = re.search(r"^    (2010.*?) {6}(pattern=.*)$", FileReader.__doc__, re.MULTILINE).groups()
    write(tmp_path / "log.txt", line + "\n")
    script = f'reader=file(path="log.txt" {pattern})\nwriter=jsonl(path="out.jsonl")\n'
    assert run_script(tmp_path, script) == [{"timestamp": "2010-01-01T00:00:00Z", "text": "dome open"}]


def test_a_dead_letter_quotes_the_pattern_as_it_was_understood(tmp_path):
    write(tmp_path / "log.txt", "2010-01-01T00:00:00Z dome open\n")
    script = r'reader=file(path="log.txt" pattern="(?P<timestamp>\S+) (?P<text>.*)")'
    run_script(tmp_path, script + '\nwriter=jsonl(path="out.jsonl")\n')
    (letters,) = tmp_path.glob("*.dead.jsonl")
    assert "does not match the pattern (?P<timestamp>S+) (?P<text>.*)" in letters.read_text()


def test_groups_of_the_pattern_are_typed_columns_and_a_line_without_match_is_a_dead_letter(tmp_path):
    write(tmp_path / "log.txt", "2010-01-01T00:00:00Z 21.5 dome open\n???\n2010-01-01T00:00:01Z 20 closed\n")
    reader = FileReader("log.txt", pattern=r"(?P<timestamp>\S+) (?P<temp>\S+) (?P<what>.*)")
    run = Run(reader, tmp_path)
    assert run.rows == [
        {"timestamp": datetime(2010, 1, 1, tzinfo=UTC), "temp": 21.5, "what": "dome open"},
        {"timestamp": datetime(2010, 1, 1, 0, 0, 1, tzinfo=UTC), "temp": 20.0, "what": "closed"},
    ]
    assert list(run.dead) == [2]
    assert run.dead[2].startswith("does not match the pattern (?P<")
    assert reader.columns(run.context) == {
        "timestamp": pl.Datetime("us", "UTC"), "temp": pl.Float64, "what": pl.String
    }  # fmt: skip


def test_event_time_has_a_name_a_format_and_a_zone(tmp_path):
    write(tmp_path / "log.txt", "01.07.2010 12:00|x\nlater|y\n|z\n")
    reader = FileReader(
        "log.txt", pattern=r"(?P<when>[^|]*)\|(?P<text>.*)", timestamp="when", format="%d.%m.%Y %H:%M",
        zone="Europe/Berlin",
    )  # fmt: skip
    run = Run(reader, tmp_path)
    assert run.rows == [{"timestamp": datetime(2010, 7, 1, 10, tzinfo=UTC), "text": "x"}]
    assert set(run.dead) == {2, 3}
    assert all("'when'" in reason for reason in run.dead.values())


def test_epoch_in_a_text_is_read_by_its_unit(tmp_path):
    write(tmp_path / "log.txt", "1262304000500 x\n")
    reader = FileReader("log.txt", pattern=r"(?P<t>\S+) (?P<x>.*)", timestamp="t", unit="ms")
    assert Run(reader, tmp_path).rows[0]["timestamp"] == datetime(2010, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)


def test_times_without_a_zone_are_utc_and_the_report_says_so_once(tmp_path):
    write(tmp_path / "a.jsonl", '{"timestamp": "2010-01-01"}\n' * 3)
    run = Run(JSONLReader("a.jsonl"), tmp_path)
    assert run.rows[0]["timestamp"] == datetime(2010, 1, 1, tzinfo=UTC)
    assert len(run.context.notes) == 1


def test_scl_log_becomes_rows_and_comments_and_blank_lines_are_counted(tmp_path):
    write(
        tmp_path / "commands.scl",
        '# the command log\n\ncommand=slew(id=17 timestamp="2010-01-01T00:00:00Z" az=12.5)\ncommand=stop(\n'
        'command=stop(id=18 timestamp="2010-01-01T00:00:09Z")\n',
    )
    run = Run(FileReader("commands.scl", payload="scl"), tmp_path)
    assert run.rows == [
        {"command": "slew", "id": 17, "timestamp": datetime(2010, 1, 1, tzinfo=UTC), "az": 12.5},
        {"command": "stop", "id": 18, "timestamp": datetime(2010, 1, 1, 0, 0, 9, tzinfo=UTC), "az": None},
    ]
    assert run.lines == [3, 5]
    assert "not SCL" in run.dead[4]
    assert run.context.counts["blank lines"] == 2


def test_json_lines_keep_bad_ones_as_dead_letters(tmp_path):
    lines = [
        b'{"timestamp": 1, "x": 1}', b"", b"[1]", b'{"x": 2}', b"  ", b"\x80\x04garbage",
        b'{"timestamp": 3, "x": "a"}', b'{"timestamp": 4, "x": 2}',
    ]  # fmt: skip
    write(tmp_path / "a.jsonl", b"\n".join(lines))
    run = Run(JSONLReader("a.jsonl", unit="s"), tmp_path)
    assert [row["x"] for row in run.rows] == [1, 2]
    assert run.lines == [1, 8]
    assert set(run.dead) == {3, 4, 6, 7}
    assert "pickle" in run.dead[6]
    assert "schema=(x=text)" in run.dead[7]
    assert run.context.counts["blank lines"] == 2


def test_csv_lines_have_the_given_columns(tmp_path):
    write(tmp_path / "a.csv", '1,"a;b",\n2,c\n3,d,true\n')
    run = Run(FileReader("a.csv", payload="csv", columns=["n", "text", "ok"]), tmp_path)
    assert run.rows == [{"n": 1, "text": "a;b", "ok": None}, {"n": 3, "text": "d", "ok": True}]
    assert "2 fields, not the 3" in run.dead[2]


def test_schema_overrides_what_a_column_looks_like(tmp_path):
    write(tmp_path / "a.jsonl", '{"id": 7, "x": 1}\n{"id": "b", "x": 2.5}\n')
    assert Run(JSONLReader("a.jsonl", schema={"id": "text"}), tmp_path).rows == [
        {"id": "7", "x": 1.0},
        {"id": "b", "x": 2.5},
    ]


def test_types_hold_over_all_files_of_a_glob_in_name_order(tmp_path):
    write(tmp_path / "2.jsonl", '{"x": "text"}\n{"x": 3, "y": true}\n')
    (tmp_path / "1.jsonl").write_bytes(gzip.compress(b'{"x": 1}\n'))
    run = Run(JSONLReader("*.jsonl"), tmp_path)
    assert [(batch.origin, batch.frame.to_dicts()) for batch in run.batches] == [
        ("1.jsonl", [{"x": 1}]),
        ("2.jsonl", [{"x": 3, "y": True}]),
    ]
    assert [(letter.origin, letter.line) for letter in run.letters] == [("2.jsonl", 1)]


def test_large_file_comes_in_blocks_that_the_bytes_alone_decide(tmp_path):
    lines = [json.dumps({"n": n, "pad": "x" * 100}) for n in range(30_000)]
    write(tmp_path / "a.jsonl", "\n".join(lines))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    plain, packed = (Run(JSONLReader(name), tmp_path) for name in ("a.jsonl", "a.jsonl.gz"))
    assert [row["n"] for row in plain.rows] == list(range(30_000))
    assert [batch.frame.height for batch in plain.batches] == [batch.frame.height for batch in packed.batches]
    assert len(plain.batches) > 2


def test_text_of_each_row_is_kept_if_asked_for(tmp_path):
    write(tmp_path / "a.jsonl", '{"x": 1}\r\nbad\n{"x":  2}\n')
    run = Run(JSONLReader("a.jsonl"), tmp_path, keep_text=True)
    assert [row[TEXT] for row in run.rows] == ['{"x": 1}', '{"x":  2}']


def test_looking_at_the_columns_reports_nothing(tmp_path):
    write(tmp_path / "a.jsonl", 'bad\n\n{"x": 1}\n')
    letters = []
    context = Context(base=tmp_path, dead=letters.append)
    assert JSONLReader("a.jsonl").columns(context) == {"x": pl.Int64}
    assert letters == []
    assert not context.counts


def test_columns_of_a_pipe_are_not_looked_at_because_it_can_be_read_only_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert JSONLReader("pipe").columns(Context(base=tmp_path)) is None


@pytest.mark.parametrize("path", ["nothing.log", "nowhere/x.log", "*.log", "."])
def test_source_that_is_not_there_is_an_error_of_the_source(tmp_path, path):
    for act in (lambda reader: Run(reader, tmp_path), lambda reader: reader.columns(Context(base=tmp_path))):
        with pytest.raises(SourceError):
            act(FileReader(path))


@pytest.mark.parametrize(
    ("options", "option", "says"),
    [
        ({}, "path", "missing"),
        ({"path": "x", "filename": "y"}, "path", "twice"),
        ({"path": "x", "pattern": "(a"}, "pattern", "not a regular expression"),
        ({"path": "x", "pattern": "a"}, "pattern", "names no group"),
        ({"path": "x", "pattern": "(?P<a>.)", "payload": "json"}, "pattern", "payload=text"),
        ({"path": "x", "payload": "csv"}, "columns", "payload=csv"),
        ({"path": "x", "columns": ["a"]}, "columns", "payload=csv"),
        ({"path": "x", "payload": "json", "delimiter": ";"}, "delimiter", "payload=csv"),
        ({"path": "x", "payload": "xml"}, "payload", "not one of"),
        ({"path": "x", "timestamp": "ts"}, "timestamp", "pattern="),
        ({"path": "x", "zone": "Europe/Berln"}, "zone", "Europe/Berlin"),
        ({"path": "x", "payload": "json", "schema": {"a": "flaot"}}, "schema", "float"),
        ({"path": "x", "payload": "json", "unit": "s", "format": "%Y"}, None, "not both"),
    ],
)
def test_options_that_do_not_fit_are_refused_by_name(options, option, says):
    with pytest.raises(SpecError, match=says) as caught:
        FileReader(**options)
    assert caught.value.option == option


def test_script_knows_the_options_by_their_names_and_path_is_required():
    options = options_of(FileReader)
    assert {"path", "payload", "pattern", "columns", "delimiter", "max_record", "schema", "timestamp"} <= options.keys()
    assert not {"queue", "wrapper", "filename", "column_names"} & options.keys()
    assert options["path"].required
    assert "pattern" not in options_of(JSONLReader)


def test_reader_pickles():
    reader = FileReader("x", payload="csv", columns=["a"], schema={"a": "float"})
    assert pickle.loads(pickle.dumps(reader)) == reader


# Without an engine


def drain(queue):
    return list(iter(queue.get, END))


def test_lines_are_put_on_a_queue_as_str_and_then_the_end(tmp_path):
    path = write(tmp_path / "log.txt", "one\r\ntwo\n")
    queue = stdlib_queue.Queue()
    assert FileReader(str(path), queue, str.upper).run() == 2
    assert drain(queue) == ["ONE", "TWO"]


def test_filename_is_another_name_of_path(tmp_path):
    path = write(tmp_path / "log.txt", "one\n")
    assert list(FileReader(filename=path).records()) == ["one"]


def test_json_lines_are_put_as_they_are_written(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"a": 1, "timestamp": 5}\n{"a": "x"}\n{"b": [1, "y"]}\n')
    assert list(JSONLReader(path).records()) == [{"a": 1, "timestamp": 5}, {"a": "x"}, {"b": [1, "y"]}]


def test_json_lines_have_their_event_time_read_where_an_option_says_how(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"ts": 1, "x": 1}\n{"x": "no time"}\n')
    letters = []
    records = JSONLReader(path, timestamp="ts", unit="s").records(Context(dead=letters.append))
    assert list(records) == [{"timestamp": datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), "x": 1}]
    assert [letter.line for letter in letters] == [2]


def test_pattern_makes_dicts_for_the_wrapper(tmp_path):
    path = write(tmp_path / "log.txt", "a 1\nb 2\n")
    reader = FileReader(path, None, lambda record: (record["k"], record["v"]), pattern=r"(?P<k>\S+) (?P<v>\S+)")
    assert list(reader.records()) == [("a", 1), ("b", 2)]


def test_line_that_cannot_be_read_is_logged_if_nobody_keeps_it(tmp_path, caplog):
    path = write(tmp_path / "log.txt", b"\xff\ngood\n")
    assert list(FileReader(path).records()) == ["good"]
    assert "log.txt:1: not UTF-8" in caplog.text


def test_missing_file_ends_the_queue_and_raises(tmp_path):
    queue = stdlib_queue.Queue()
    with pytest.raises(SourceError):
        FileReader(tmp_path / "nothing", queue).run()
    assert drain(queue) == []
