"""Text of CSV means the same wherever it comes from: files, lines, groups of a pattern, messages."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from plait.formats.framing import FrameBuilder, Layout
from plait.formats.payload import make_payload
from plait.readers import CSVReader, FileReader
from plait.running import Context

NAMES = ("k", "a", "b")
PATTERN = r"(?P<k>[^,]*),(?P<a>[^,]*),(?P<b>[^,]*)"
FIELDS = st.sampled_from(
    ["", "0", "1", "-2", "2.5", "+5", " 7", "7 ", "007", "-0", "-0.5", ".5", "5.", "1e5", "1e400", "nan", "-inf",
     "true", "True", "TRUE", "TRUe", "false", "yes", "no", "0x10", "1_0", "x", "9223372036854775807",
     "9223372036854775808",
     "9007199254740993", "2010-01-01", "\u0661"]
) | st.text("0123456789+-.eE_ infa", max_size=6)  # fmt: skip
QUOTED = FIELDS | FIELDS.map(lambda text: f'"{text}"') | st.sampled_from(['"a,b"', '"a""b"', '""""'])


def rows_of(fields, least=1):
    """Draw rows whose first field is there, so that no line is blank; half of the columns are of few spellings."""
    few = st.lists(fields, min_size=1, max_size=2).flatmap(st.sampled_from)
    return st.lists(st.tuples(st.just("r"), fields | few, few), min_size=least, max_size=8)


def frame(reader):
    """Return what a reader delivers as one frame; nothing may be lost."""
    letters = []
    frames = [batch.frame for batch in reader.open(Context(stage="read", dead=letters.append))]
    assert letters == []
    return pl.concat(frames)


def written(rows, directory):
    path = Path(directory) / "rows.csv"
    path.write_bytes("".join(",".join(row) + "\n" for row in rows).encode())
    return str(path)


def same(one, other):
    """Tell that two frames have the same values and types; a column without any value may be of no type yet."""
    empty = [name for name in other.columns if other[name].dtype == pl.Null]
    assert all(one[name].null_count() == len(one) for name in empty)
    return one.drop(empty).equals(other.drop(empty)) and one.drop(empty).schema == other.drop(empty).schema


@given(rows_of(QUOTED))
@example([("r", "+5", "TRUe"), ("r", " 7", "TRUe")])
@example([("r", "yes", '""'), ("r", "no", "x")])
@example([("r", "1", '""'), ("r", '""', "2")])
def test_lines_of_csv_have_the_values_and_types_of_files_of_csv(rows):
    with tempfile.TemporaryDirectory() as directory:
        path = written(rows, directory)
        whole = frame(CSVReader(path=path, columns=NAMES))
        assert same(whole, frame(FileReader(path=path, payload="csv", columns=NAMES)))


@given(rows_of(FIELDS))
def test_groups_of_a_pattern_have_the_values_and_types_of_fields_of_csv(rows):
    with tempfile.TemporaryDirectory() as directory:
        path = written(rows, directory)
        assert same(frame(CSVReader(path=path, columns=NAMES)), frame(FileReader(path=path, pattern=PATTERN)))


@pytest.mark.parametrize("kind", ["integer", "float", "boolean", "text"])
@given(rows=rows_of(QUOTED))
def test_declared_types_take_the_same_texts_and_refuse_the_same(kind, rows):
    with tempfile.TemporaryDirectory() as directory:
        path = written(rows, directory)
        said = {"path": path, "columns": NAMES, "schema": {"a": kind, "b": "text"}}
        kept = [_kept(reader) for reader in (CSVReader(**said), FileReader(payload="csv", **said))]
    assert kept[0] == kept[1]


def _kept(reader):
    letters = []
    batches = list(reader.open(Context(stage="read", dead=letters.append)))
    rows = [repr(row) for batch in batches for row in batch.frame.iter_rows()]
    return rows, {batch.frame["a"].dtype for batch in batches if rows}, [letter.line for letter in letters]


def stream(messages, cuts):
    """Return the rows of a live stream of CSV that comes in groups, and which messages are refused."""
    payload = make_payload("csv", columns=NAMES)
    builder = FrameBuilder(Layout(textual=True, live=True), note=lambda sentence: None)
    rows, refused = [], []
    for start, stop in itertools.pairwise([0, *cuts, len(messages)]):
        for built in builder.build([payload.decode(data) for data in messages[start:stop]]):
            rows += map(repr, built.frame.iter_rows())
            refused += [start + row for row in built.rejects]
    return rows, sorted(refused)


@given(rows_of(QUOTED), st.data())
@example([("r", "1", "x"), ("r", "2.5", "x"), ("r", "9007199254740993", "x")], None)
@example([("r", '""', "x"), ("r", "5", "x")], None)
def test_messages_of_csv_mean_the_same_however_they_are_grouped(rows, data):
    messages = [",".join(row).encode() for row in rows]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(rows))))) if data else []
    assert stream(messages, cuts) == stream(messages, range(1, len(rows)))


@given(FIELDS.filter(bool))
def test_a_first_message_is_typed_as_a_file_with_one_row(text):
    with tempfile.TemporaryDirectory() as directory:
        reader = CSVReader(path=written([("r", text, "x")], directory), columns=NAMES)
        ((_, value, _),) = frame(reader).rows()
    ((shown,), refused) = stream([f"r,{text},x".encode()], [])
    assert refused == []
    assert shown == repr(("r", value, "x"))


def test_codes_and_longer_numbers_are_refused_by_a_live_column_of_numbers():
    messages = [f"r,{text},x".encode() for text in ("1", "007", "+5", " 7", "99999999999999999999", "2.5", "3")]
    rows, refused = stream(messages, [])
    assert rows == ["('r', 1, 'x')", "('r', 2.5, 'x')", "('r', 3.0, 'x')"]
    assert refused == [1, 2, 3, 4]
