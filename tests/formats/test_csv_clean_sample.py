"""The quick look at a sample of CSV files: it finds what the careful one finds, or leaves the sample to it."""

from __future__ import annotations

import tempfile
from contextlib import nullcontext
from pathlib import Path
from unittest import mock
from unittest.mock import Mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from plait.errors import SourceError
from plait.formats import csv_examine
from plait.formats.csv_block import Dialect
from plait.formats.csv_clean_sample import CleanSample
from plait.formats.csv_examine import examine
from plait.formats.csv_options import CsvOptions
from plait.formats.files import FoundFile
from plait.formats.timestamps import EventTimes

NUMBERS = ["0", "1", "-5", "42", "1.5", "-0.25", "20.0", "1e3", "5e3", ".5", "999999999999999999"]
TIMES = ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.5Z", "2024-01-01T00:00:00.123Z", "2024-01-01 00:00:00.123456Z"]
KINDS = {
    "integers": st.integers(-(10**18), 10**19).map(str),
    "floats": st.floats(allow_nan=False, allow_infinity=False).map(repr),
    "numbers": st.sampled_from(NUMBERS),
    "booleans": st.sampled_from(["true", "False", "TRUE"]),
    "texts": st.sampled_from(["ok", "warn", "nine", "inside", "é", "s1"]),
    "times": st.sampled_from(TIMES),
    "times, some missing": st.sampled_from(["", "", "NA", *TIMES]),
    "empty": st.just(""),
    "mixed": st.sampled_from(["", "NA", "1", "2.5", "true", "ok"]),
}
ODD = [
    "",
    "007",
    "+5",
    "-0",
    "-0.0",
    "0x1F",
    " 5",
    "nan",
    "inf",
    "1e400",
    "9223372036854775808",
    "NA",
    "-",
    "true",
    "x",
]
ODD += [
    '"5"',
    '"a,b"',
    '"a\nb"',
    "5,6",
    "\r",
    "\0",
    "\n",
    "\udcff",
    "\ufeff5",
    "2024-01-01",
    "2024-13-01T00:00:00Z",
    "é",
]
ODD += ["0000-01-01T00:00:00Z", "2024-01-01T00:00:00", "2024-01-01T00:00:00.1234567Z", "1_000", "\u0663", "1e-9", "5."]


@st.composite
def samples(draw):
    """Draw the bytes of one to three files of the same columns: mostly of one kind each, but for odd values."""
    kinds = draw(st.dictionaries(st.sampled_from(["timestamp", "a", "b", "c"]), st.sampled_from([*KINDS]), min_size=1))
    files = []
    for _ in range(draw(st.integers(1, 3))):
        names = draw(st.permutations([*kinds]))
        rows = [[draw(KINDS[kinds[name]]) for name in names] for _ in range(draw(st.integers(0, 14)))]
        if rows and draw(st.integers(0, 3)) == 0:
            draw(st.sampled_from(rows))[draw(st.integers(0, len(names) - 1))] = draw(st.sampled_from(ODD))
        rows *= draw(st.sampled_from([1, 1, 40]))
        text = "\n".join(map(",".join, [names, *rows])) + draw(st.sampled_from(["\n", ""]))
        files.append(text.encode("utf-8", "surrogateescape"))
    return files


OPTIONS = st.sampled_from(
    [
        {},
        {},
        {},
        {"nulls": ("NA", "0")},
        {"schema": {"a": "float"}},
        {"timestamp": "a"},
        {"times": EventTimes(zone="Europe/Berlin")},
        {"timestamp": "a", "times": EventTimes(unit="s")},
        {"sample": 1 << 10},
    ]
)


def found(files, options, *, careful):
    """Return what the files show, in one of the two ways, and whether it was the quick one."""
    notes = []
    refusing = {"look": Mock(return_value=False), "settle": Mock(return_value=False)}
    with mock.patch.multiple(CleanSample, **refusing) if careful else nullcontext():
        try:
            return examine(files, options, notes.append), notes
        except SourceError as error:
            return str(error), notes


DELIMITERS = st.sampled_from([b",", b",", b",", b"\t", *(b"%c" % code for code in b";|~^_[`{\\")])
GAPS = b"timestamp,a\n%s,1\n2024-01-01T00:00:00Z,2\n"


@given(samples(), OPTIONS, st.sampled_from([0, 1 << 14]), DELIMITERS)
@example([b"a\n1\n" + b"2\n" * 9999 + b"2.5\n"], {}, 0, b",")
@example([b"a,b\n" + b"1,x\n" * 30 + b"y,x\n"], {}, 0, b",")
@example([b"a\n1\n", b"a\n1.5\n"], {}, 0, b",")
@example([b"a\n999999999999999999\n", b"a\n1000000000000000000\n", b"a\n1.5\n"], {}, 0, b",")
@example([GAPS % b""], {}, 0, b",")
@example([GAPS % b"NA"], {"nulls": ("NA",)}, 0, b",")
@example([b"a,b\n5,x\n-0,x\n"], {}, 0, b"|")
@settings(max_examples=120, deadline=None)
def test_the_quick_look_finds_what_the_careful_one_finds(samples, options, least, delimiter):
    with tempfile.TemporaryDirectory() as folder, mock.patch("plait.formats.csv_examine._LEAST_SAMPLE", max(least, 64)):
        files = [FoundFile(Path(folder, f"{number}.csv"), f"{number}.csv") for number in range(len(samples))]
        for file, data in zip(files, samples, strict=True):
            file.path.write_bytes(data.replace(b",", delimiter))
        chosen = CsvOptions(**{"sample": 1 << 15, "dialect": Dialect(ord(delimiter)), **options})
        assert found(files, chosen, careful=False) == found(files, chosen, careful=True)


def test_a_file_whose_rows_have_another_width_is_refused_before_the_next_one_is_opened(tmp_path, monkeypatch):
    first, second = (FoundFile(tmp_path / name, name) for name in ("first.csv", "second.csv"))
    first.path.write_text("a,b\n1\n2\n")
    second.path.write_text("a,b\n1,2\n")
    opened, drawn = [], []
    open_bytes, draw = csv_examine.open_bytes, csv_examine.draw
    monkeypatch.setattr(csv_examine, "open_bytes", lambda file: opened.append(file.name) or open_bytes(file))
    monkeypatch.setattr(csv_examine, "draw", lambda *given: drawn.append(draw(*given)) or drawn[-1])
    with pytest.raises(SourceError, match=r"first\.csv: the header names 2 columns, but every row has 1 field"):
        examine([first, second], CsvOptions(), lambda _: None)
    assert opened == ["first.csv"]
    with pytest.raises(SourceError, match="every row has 1 field"):
        drawn[0].check_width()


@pytest.mark.parametrize("row", ["2024-01-01T00:00:00.5Z,1,2.5,true,ok,", "2024-01-01T00:00:00Z,-3,1e5,FALSE,é,"])
def test_a_clean_sample_is_not_looked_at_value_by_value(tmp_path, row):
    file = FoundFile(tmp_path / "a.csv", "a.csv")
    file.path.write_text("timestamp,i,f,b,t,e\n" + f"{row}\n" * 5000, encoding="utf-8")
    with mock.patch("plait.formats.csv_examine.TextEvidence", side_effect=AssertionError):
        sheet = examine([file], CsvOptions(), lambda _: None)
    kinds = [column.kind for column in sheet.types.values()]
    assert kinds == ["time", "integer", "float", "boolean", "text", "text"]
    assert sheet.time == "timestamp"
