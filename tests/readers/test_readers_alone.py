"""Readers without an engine lose no record without a word."""

import logging
import queue
import subprocess
import sys

import pytest
from plait.queue import Queue
from plait.readers import CSVReader, FileReader, JSONLReader
from plait.record import END, DeadLetter
from plait.running import Context
from plait.util import MultiProcessing


@pytest.fixture
def mess(tmp_path):
    """A file of eight rows, seven of which have too many fields."""
    path = tmp_path / "mess.csv"
    path.write_text("a,b\n1,2\n" + "3,4,5\n" * 7)
    return path


def taken(source):
    return list(iter(source.get, END))


def test_unreadable_rows_are_logged_and_counted_at_the_end(mess, caplog):
    rows = queue.Queue()
    assert CSVReader(str(mess), rows).run() == 1
    *first, last = caplog.records
    assert [record.levelno for record in first] == [logging.WARNING] * 5
    assert f"{mess}:3: " in first[0].getMessage()
    assert "field" in first[0].getMessage()
    assert last.getMessage().startswith("reader=csv: 7 in all could not be read")
    assert taken(rows) == [{"a": 1, "b": 2}]


def test_nothing_is_logged_if_nothing_is_lost(tmp_path, caplog):
    path = tmp_path / "good.csv"
    path.write_text("a\n1\n")
    assert list(CSVReader(str(path)).records()) == [{"a": 1}]
    assert caplog.records == []


@pytest.mark.parametrize("reader", [JSONLReader, lambda path: FileReader(path, payload="json")])
def test_readers_of_lines_log_and_count_too(tmp_path, caplog, reader):
    path = tmp_path / "mess.jsonl"
    path.write_text('{"a": 1}\n' + "x\n" * 7)
    assert list(reader(str(path)).records()) == [{"a": 1}]
    assert len(caplog.records) == 6
    assert "7 in all" in caplog.records[-1].getMessage()


def test_dead_letters_may_be_a_function(mess, caplog):
    dead = []
    assert list(CSVReader(str(mess)).records(dead_letters=dead.append)) == [{"a": 1, "b": 2}]
    assert [letter.line for letter in dead] == [3, 4, 5, 6, 7, 8, 9]
    assert caplog.records == []


def test_dead_letters_of_a_context_are_the_callers(mess, caplog):
    of_context, own = [], []
    list(CSVReader(str(mess)).records(Context(dead=of_context.append)))
    list(CSVReader(str(mess)).records(Context(dead=of_context.append), dead_letters=own.append))
    assert (len(of_context), len(own)) == (7, 7)
    assert caplog.records == []


def test_dead_letters_may_be_a_queue(mess):
    rows, dead = queue.Queue(), queue.Queue()
    CSVReader(str(mess), rows).run(dead_letters=dead)
    letters = [dead.get_nowait() for _ in range(7)]
    assert all(isinstance(letter, DeadLetter) for letter in letters)
    assert letters[0].text == "3,4,5"
    assert dead.empty()


def test_notes_are_logged_where_no_report_will_show_them(tmp_path, caplog):
    path = tmp_path / "times.csv"
    path.write_text("timestamp\n2024-10-27T02:30\n")
    with caplog.at_level(logging.INFO, "plait"):
        list(CSVReader(str(path), zone="Europe/Berlin").records())
    assert ["repeats in autumn" in message for message in caplog.messages] == [True]


@pytest.mark.processes
def test_dead_letters_come_back_from_a_pool_worker(mess):
    pool = MultiProcessing().ProcessPool(1)
    rows, dead = Queue(), Queue()
    assert pool.apipe(CSVReader(str(mess), rows).run, dead_letters=dead).get(60) == 1
    assert list(rows) == [{"a": 1, "b": 2}]
    assert [dead.get(timeout=10).line for _ in range(7)] == [3, 4, 5, 6, 7, 8, 9]
    pool.terminate()
    pool.join()


PROGRAM = """
import sys
from plait.queue import Queue
from plait.readers import CSVReader
from plait.util import MultiProcessing

if __name__ == "__main__":
    print(MultiProcessing().ProcessPool(1).apipe(CSVReader(sys.argv[1], Queue()).run).get(60))
"""


@pytest.mark.processes
def test_a_pool_worker_logs_what_is_lost(mess, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), str(mess)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "1\n"
    assert "7 in all could not be read" in done.stderr
