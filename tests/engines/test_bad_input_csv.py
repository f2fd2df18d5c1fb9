"""What bad CSV comes to in a whole run: each row that is not delivered is a dead letter with its place, in the ledger.

Every case stands beside a healthy source `b`, whose rows arrive whatever becomes of `a`, and goes through both engines.
"""

import ctypes
import gzip
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from plait import Pipeline
from plait.errors import SourceError

pytestmark = [pytest.mark.processes, pytest.mark.timeout(60)]

ENGINES = pytest.mark.parametrize("engine", ["serial", "local"])
HEALTHY = b"timestamp,m\n2010-01-01T00:00:00Z,1\n2010-01-02T00:00:00Z,2\n2011-01-01T00:00:00Z,3\n"


@dataclass
class Run:
    """What a run left behind."""

    report: object
    folder: Path
    letters: list[dict] = field(default_factory=list)
    rows: list[dict] = field(default_factory=list)

    @property
    def of_a(self) -> list[dict]:
        """The rows that came from `a`, without what a merge adds to them."""
        return [{k: v for k, v in row.items() if k not in ("m", "from")} for row in self.rows if row["from"] == "a"]

    def check_ledger(self, delivered: int, late: int = 0) -> None:
        """All rows of `b` and these of `a` came out; the others are dead letters of `a`, or there is an error."""
        report = self.report
        assert report.error is None
        assert report.imbalances == ()
        counts = report["a"].counts
        assert (counts.delivered, counts.late, counts.dead) == (delivered, late, len(self.letters) - late)
        assert counts.received == delivered + len(self.letters) == report["a"].letters + delivered
        assert (report["b"].counts.delivered, report["out"].counts.delivered) == (3, 3 + delivered)
        assert len(self.rows) == 3 + delivered
        assert {(letter["stage"], letter["origin"]) for letter in self.letters} <= {("a", self.path)}
        assert report.exit_code == (3 if self.letters else 0)

    path: str = "a.csv"


def pipeline(folder: Path, path: str = "a.csv", **options) -> Pipeline:
    (folder / "b.csv").write_bytes(HEALTHY)
    p = Pipeline("p", dead_letters="dead.jsonl", base=folder)
    a = p.reader("csv", name="a", path=path, **options)
    b = p.reader("csv", name="b", path="b.csv")
    p.merge("sorted", name="m", inputs=[a, b], tag="from").writer("jsonl", name="out", path="out.jsonl")
    return p


def run(folder: Path, data: bytes | None, engine: str, path: str = "a.csv", **options) -> Run:
    if data is not None:
        (folder / path).write_bytes(data)
    done = Run(pipeline(folder, path, **options).run(engine, check=False), folder, path=path)
    done.letters = read_jsonl(folder / "dead.jsonl")
    done.rows = read_jsonl(folder / "out.jsonl")
    return done


def read_jsonl(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


# Rows that cannot be read: all others are delivered.

HEAD = b"timestamp,x,y\n"
GOOD = [b"2010-01-01T00:00:%02dZ,%d,a\n" % (n, n) for n in range(4)]
BAD_ROWS = {
    "an unclosed quote": (b'2010-01-01T00:00:02Z,7,"open\n', "quote"),
    "text behind a quote": (b'2010-01-01T00:00:02Z,7,"a"b\n', "written twice"),
    "invalid UTF-8": (b"2010-01-01T00:00:02Z,7,caf\xe9\n", "UTF-8"),
    "a NUL byte": (b"2010-01-01T00:00:02Z,7,a\0\n", "NUL"),
    "too many fields": (b"2010-01-01T00:00:02Z,7,a,b\n", "4 fields, where 3 are expected"),
    "too few fields": (b"2010-01-01T00:00:02Z,7\n", "2 fields, where 3 are expected"),
    "a time that does not parse": (b"soon,7,a\n", "'soon' is not a time"),
    "a day that there is not": (b"2010-02-30T00:00:00Z,7,a\n", "2010-02-30"),
    "an empty time": (b",7,a\n", "time is empty"),
    "a value that is not of the type": (b"2010-01-01T00:00:02Z,seven,a\n", "'seven' is not an integer"),
}


@ENGINES
@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_row_that_cannot_be_read_is_a_dead_letter_with_line_and_offset(tmp_path, engine, case):
    row, reason = BAD_ROWS[case]
    before = HEAD + GOOD[0] + GOOD[1]
    done = run(tmp_path, before + row + GOOD[2] + GOOD[3], engine, timestamp="timestamp", schema={"x": "integer"})
    assert [each["x"] for each in done.of_a] == [0, 1, 2, 3]
    (letter,) = done.letters
    assert (letter["kind"], letter["line"], letter["offset"]) == ("dead", 4, len(before))
    assert letter["text"] == row.rstrip(b"\n").decode("utf-8", "backslashreplace").replace("\0", "\\x00")
    assert reason in letter["reason"]
    done.check_ledger(delivered=4)


@ENGINES
def test_a_row_cut_in_the_middle_is_a_dead_letter(tmp_path, engine):
    data = HEAD + GOOD[0] + GOOD[1] + b"2010-01-01T00:0"
    done = run(tmp_path, data, engine)
    (letter,) = done.letters
    assert (letter["line"], letter["offset"], letter["text"]) == (4, data.rindex(b"\n") + 1, "2010-01-01T00:0")
    assert "ends in the middle" in letter["reason"]
    done.check_ledger(delivered=2)


@ENGINES
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_byte_order_mark_and_any_line_end_change_nothing(tmp_path, engine, line_end, mark):
    data = mark + (HEAD + GOOD[0] + b"soon,7,a\n" + GOOD[1]).replace(b"\n", line_end)
    done = run(tmp_path, data, engine, timestamp="timestamp")
    assert done.of_a == [{"timestamp": f"2010-01-01T00:00:0{n}Z", "x": n, "y": "a"} for n in (0, 1)]
    assert [(letter["line"], letter["offset"]) for letter in done.letters] == [(3, data.index(b"soon"))]
    done.check_ledger(delivered=2)


@ENGINES
@pytest.mark.parametrize("data", [b"", b"\n\n", b"timestamp,x,y", b"timestamp,x,y\n", b"timestamp,m\n"])
def test_a_file_without_data_is_a_stream_without_rows(tmp_path, engine, data):
    run(tmp_path, data, engine).check_ledger(delivered=0)


@ENGINES
def test_a_column_that_changes_type_half_way_is_text_if_the_sample_shows_it(tmp_path, engine):
    done = run(tmp_path, HEAD + GOOD[0] + GOOD[1] + GOOD[2].replace(b",2,", b",two,"), engine)
    assert [row["x"] for row in done.of_a] == ["0", "1", "two"]
    done.check_ledger(delivered=3)


@ENGINES
def test_a_column_that_changes_type_behind_the_sample_costs_the_rows_that_do_not_fit(tmp_path, engine):
    rows = [b"2010-01-01T%02d:%02d:%02dZ,%d,a\n" % (n // 3600, n // 60 % 60, n % 60, n) for n in range(30_000)]
    odd = [rows[-1].replace(b",29999,", b",%s," % word) for word in (b"two", b"2.5")]
    data = HEAD + b"".join([*rows, *odd, rows[-1]])
    done = run(tmp_path, gzip.compress(data), engine, "a.csv.gz", sample=20_000)
    assert [(letter["line"], letter["offset"]) for letter in done.letters] == [
        (30_002, data.index(odd[0])), (30_003, data.index(odd[1])),
    ]  # fmt: skip
    assert ["schema=(x=text)" in done.letters[0]["reason"], "schema=(x=float)" in done.letters[1]["reason"]] == [
        True
    ] * 2
    done.check_ledger(delivered=30_001)


@ENGINES
def test_a_row_out_of_order_is_a_late_dead_letter_with_its_line(tmp_path, engine):
    done = run(tmp_path, HEAD + GOOD[0] + GOOD[2] + GOOD[1] + GOOD[3], engine)
    assert [row["x"] for row in done.of_a] == [0, 2, 3]
    (letter,) = done.letters
    assert (letter["kind"], letter["line"], letter["record"]["x"]) == ("late", 4, 1)
    done.check_ledger(delivered=3, late=1)


@ENGINES
def test_a_row_out_of_order_within_the_lateness_is_put_in_order(tmp_path, engine):
    done = run(tmp_path, HEAD + GOOD[0] + GOOD[2] + GOOD[1] + GOOD[3], engine, lateness="1s")
    assert [row["x"] for row in done.of_a] == [0, 1, 2, 3]
    done.check_ledger(delivered=4)


FAR = HEAD + GOOD[0] + b"9999-12-31T23:59:59Z,9,a\n" + b"".join(GOOD[1:])


@ENGINES
def test_the_year_9999_is_diverted_with_max_ahead(tmp_path, engine):
    done = run(tmp_path, FAR, engine, max_ahead="365d")
    assert [row["x"] for row in done.of_a] == [0, 1, 2, 3]
    (letter,) = done.letters
    assert (letter["line"], letter["record"]["x"]) == (3, 9)
    done.check_ledger(delivered=4, late=1)
    assert done.report.notes == ()


@ENGINES
def test_the_year_9999_without_max_ahead_is_named_as_what_made_all_others_late(tmp_path, engine):
    done = run(tmp_path, FAR, engine)
    assert [row["x"] for row in done.of_a] == [0, 9]
    assert [letter["line"] for letter in done.letters] == [4, 5, 6]
    assert all("9999-12-31T23:59:59Z (line 3)" in letter["reason"] for letter in done.letters)
    done.check_ledger(delivered=2, late=3)
    (note,) = done.report.notes
    assert "3 records are late since line 3 ran ahead to 9999-12-31T23:59:59Z" in note
    assert "max_ahead" in note


# Large.


def family() -> list[int]:
    """Return this process and all below it."""
    found = [os.getpid()]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            found += map(int, task.read_text().split())
    return found


def memory(pid: int, what: str) -> int:
    """Return VmRSS or VmHWM of a process in MB; 0 if it is no more."""
    try:
        return int(re.search(rf"{what}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) >> 10
    except (FileNotFoundError, TypeError):
        return 0


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")
@ENGINES
def test_a_field_of_100_mb_is_a_dead_letter_in_bounded_memory(tmp_path, engine):
    with (tmp_path / "a.csv").open("wb") as file:
        file.write(HEAD + GOOD[0] + b"2010-01-01T00:00:02Z,7,")
        for _ in range(100):
            file.write(b"y" * 1_000_000)
        file.write(b"\n" + GOOD[3])
    run(tmp_path, None, engine, path="b.csv")  # the pool is warm, all is imported
    before = {pid: memory(pid, "VmRSS") for pid in family()}
    for pid in before:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    done = run(tmp_path, None, engine, max_record="4MB")
    assert max(memory(pid, "VmHWM") - size for pid, size in before.items()) < 60
    assert [row["x"] for row in done.of_a] == [0, 3]
    (letter,) = done.letters
    assert (letter["line"], letter["offset"]) == (3, len(HEAD + GOOD[0]))
    assert letter["text"].startswith("2010-01-01T00:00:02Z,7,yyy")
    assert "100000023 bytes in all" in letter["text"]
    assert "max_record" in letter["reason"]
    done.check_ledger(delivered=2)


# Sources that are unusable as a whole.

UNUSABLE = {
    "a missing file": ("seatle.csv", "there is no file 'seatle.csv' .*did you mean 'seattle.csv'"),
    "a folder": ("folder", "'folder' is a folder"),
    "a glob without a match": ("none*.csv", r"no file matches 'none\*.csv'"),
    "a header one name short": (
        "short.csv",
        r"short.csv: the header names 2 columns, but every row has 3 .*columns=\[ \]",
    ),
    "UTF-16": ("utf16.csv", "UTF-16"),
    "no such time": ("seattle.csv", "timestamp=time: there is no such column; there are date, temp"),
}


@ENGINES
@pytest.mark.parametrize("case", UNUSABLE)
def test_a_source_that_cannot_be_used_ends_the_run_with_a_message_that_names_it(tmp_path, engine, case):
    path, says = UNUSABLE[case]
    (tmp_path / "seattle.csv").write_bytes(b"date,temp\n2010-01-01,1\n")
    (tmp_path / "short.csv").write_bytes(b"timestamp,x\n2010-01-01,1,2\n2010-01-02,1,2\n")
    (tmp_path / "utf16.csv").write_bytes("timestamp,x\n2010-01-01,1\n".encode("utf-16"))
    (tmp_path / "folder").mkdir()
    options = {"timestamp": "time"} if case == "no such time" else {}
    done = run(tmp_path, None, engine, path=path, **options)
    assert isinstance(done.report.error, SourceError)
    assert re.search(says, str(done.report.error))
    assert done.report.error.__notes__ == ["in stage a"]
    assert done.report.exit_code == 1
    assert (done.rows, done.letters, (tmp_path / "out.jsonl").exists()) == ([], [], False)


def give_up_privileges() -> None:
    """Let the superuser, too, be bound by the rights of files (capabilities 1 and 2, `PR_CAPBSET_DROP`)."""
    if os.geteuid() == 0:
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        assert [prctl(24, capability, 0, 0, 0) for capability in (1, 2)] == [0, 0]


@ENGINES
@pytest.mark.skipif(sys.platform != "linux", reason="gives up privileges as Linux has it")
def test_no_permission_ends_the_run_with_a_message(tmp_path, engine):
    (tmp_path / "a.csv").write_bytes(HEAD)
    (tmp_path / "a.csv").chmod(0)
    (tmp_path / "p.scl").write_text('reader=csv(name=a path="a.csv")\nwriter=csv(path="out.csv")\n')
    command = [sys.executable, "-m", "plait", "run", "p.scl", "--engine", engine]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, preexec_fn=give_up_privileges
    )
    assert done.returncode == 1, done.stderr
    assert "a.csv: no permission" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.csv").exists()
