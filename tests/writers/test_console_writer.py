"""Rows on standard output, and what happens when it goes away."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from plait.errors import SinkError, SpecError
from plait.record import TEXT
from plait.running import Context
from plait.writers import ConsoleWriter

T = datetime(2010, 1, 1, tzinfo=UTC)
FRAME = pl.DataFrame({"timestamp": [T, T], "temp": [1.55, None], "city": ["sf", None], TEXT: ["", ""]})


def shown(*frames, **options):
    sink = ConsoleWriter(**options).open(Context())
    for frame in frames:
        sink.write(frame)
    sink.close()


def test_rows_stand_in_columns(capsys):
    shown(FRAME[:1], FRAME[1:])
    assert capsys.readouterr().out == (
        "timestamp                         temp  city\n"
        "2010-01-01T00:00:00Z              1.55  sf\n"
        "2010-01-01T00:00:00Z              null  null\n"
    )


def test_other_columns_get_a_header_of_their_own(capsys):
    shown(pl.DataFrame({"a": [1]}), pl.DataFrame({"b": [2]}))
    assert capsys.readouterr().out == "           a\n           1\n           b\n           2\n"


def test_csv_and_jsonl_look_as_in_files(capsys):
    shown(FRAME[:1], FRAME[1:], format="csv")
    assert capsys.readouterr().out == "timestamp,temp,city\n2010-01-01T00:00:00Z,1.55,sf\n2010-01-01T00:00:00Z,,\n"
    shown(FRAME[1:], format="jsonl")
    assert capsys.readouterr().out == '{"timestamp":"2010-01-01T00:00:00Z","temp":null,"city":null}\n'


def test_a_template_says_how_a_row_looks(capsys):
    shown(FRAME, template="{city}: {temp:.1f}")
    assert capsys.readouterr().out == "sf: 1.6\nnull: null\n"


def test_a_limit_counts_what_is_not_shown(capsys):
    shown(FRAME, FRAME, FRAME[:0], template="{city}", limit=1)
    assert capsys.readouterr().out == "sf\n... and 3 more\n"
    shown(FRAME, format="jsonl", limit=0)
    assert capsys.readouterr().out == ""


def test_a_stream_without_rows_shows_nothing(capsys):
    shown(FRAME[:0], pl.DataFrame())
    assert capsys.readouterr().out == ""


def test_texts_cannot_steer_the_terminal(capsys):
    evil = pl.DataFrame({"a": ["\x1b[31mred\n\x9b"]})
    shown(evil)
    shown(evil, template="{a}\n-")
    assert capsys.readouterr().out == (
        "a\n\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}\n"
        "\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}\n-\n"
    )


def test_what_stands_in_for_stdout_gets_the_rows():
    with contextlib.redirect_stdout(io.StringIO()) as out:
        shown(FRAME[:1], template="{city} é")
    assert out.getvalue() == "sf é\n"


def test_no_stdout_and_a_template_that_does_not_fit_are_named(monkeypatch):
    with pytest.raises(SinkError, match="no column 'x'"):
        shown(FRAME, template="{x}")
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SinkError, match="stdout is closed"):
        shown(FRAME)


def test_format_and_template_exclude_each_other():
    with pytest.raises(SpecError, match="cannot go with format"):
        ConsoleWriter(format="csv", template="{a}")
    with pytest.raises(SpecError, match="at least 0"):
        ConsoleWriter(limit=-1)


SCRIPT = """
import sys
import polars as pl
from plait.errors import SinkError
from plait.running import Context
from plait.writers import ConsoleWriter
sink = ConsoleWriter(format="csv").open(Context())
try:
    for number in range(1_000):
        sink.write(pl.DataFrame({"a": range(1_000)}))
except SinkError as error:
    sys.exit(f"said: {error}")
"""


@pytest.mark.processes
def test_a_closed_pipe_is_named_and_nothing_complains_at_exit():
    child = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline() == b"a\n"
        child.stdout.close()
        assert child.stderr.read() == b"said: stdout was closed by its reader\n"
        assert child.wait() == 1


@pytest.mark.processes
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_behind_stdout_is_named():
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([sys.executable, "-c", SCRIPT], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.stderr == b"said: stdout cannot be written: No space left on device\n"
    assert done.returncode == 1
