"""The file of a state: what survives, who may have it, and what is said when it cannot be used."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from plait.errors import StateError
from plait.state import KeyedState, problem_of

COUNTING = """
import sys
from plait.state import KeyedState
state = KeyedState(sys.argv[1], autocommit=False)
state.set("start", True)
for block in range(10**6):
    for key in range(300):
        state.update(key, lambda old: old + 1, 0)
        if key == 150:
            print("middle", flush=True)
    state.set("block", block)
    state.commit()
    print("committed", block, flush=True)
"""
FULL = """
import resource, sys
from plait.errors import StateError
from plait.state import KeyedState
state = KeyedState(sys.argv[1], autocommit=False)
state.set("safe", 1)
state.commit()
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
try:
    for key in range(10_000):
        state.set(key, "x" * 1000)
        if key % 100 == 0:
            state.commit()
except StateError as error:
    print(error)
for ask in (lambda: state.get("safe"), lambda: state.set("safe", 2), state.commit):
    try:
        ask()
    except StateError:
        print("refused")
state.close()
"""


HOLDING = """
import sys
from pathlib import Path
from plait.errors import StateError
from plait.state import KeyedState, problem_of
state = KeyedState(sys.argv[1])
assert problem_of(Path(sys.argv[1])) is None
try:
    KeyedState(sys.argv[1])
except StateError:
    print("held", flush=True)
sys.stdin.read()
"""


def started(program: str, path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)


@pytest.mark.processes
@pytest.mark.timeout(60)
@pytest.mark.parametrize(("word", "times"), [("committed", 1), ("committed", 7), ("middle", 1), ("middle", 6)])
def test_what_was_committed_survives_a_kill_and_nothing_else_does(word: str, times: int, tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with started(COUNTING, path) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while sum(line.startswith(word) for line in lines) < times:
            lines.append(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
    told = sum(line.startswith("committed") and line.endswith("\n") for line in lines)
    with KeyedState(path) as state:
        blocks = state.get("block", -1) + 1
        assert blocks in (told, told + 1), "what was told as committed is there; one may not have been told yet"
        assert ("start" in state) == (blocks > 0)
        assert {state.get(key, 0) for key in range(300)} == {blocks}, "a transaction is there as a whole or not at all"


@pytest.mark.processes
@pytest.mark.timeout(60)
def test_a_full_disk_is_said_and_what_was_committed_is_still_there(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with started(FULL, path) as process:
        told, _ = process.communicate()
    assert process.returncode == 0, told
    first, *rest = told.splitlines()
    assert first.startswith(f"{path}: ")
    assert "what was committed before is in the file" in first
    assert rest == ["refused"] * 3
    with KeyedState(path) as state:
        assert state.get("safe") == 1
        kept = [key for key in range(10_000) if key in state]
        assert kept == list(range(len(kept)))
        assert len(kept) % 100 == (1 if kept else 0)


@pytest.mark.processes
@pytest.mark.timeout(60)
def test_a_state_belongs_to_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with started(COUNTING, path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(StateError, match="another process has it open"):
            KeyedState(path)
        assert problem_of(path) is None
        process.kill()
    with KeyedState(path), pytest.raises(StateError, match="has it open"):
        KeyedState(path)


@pytest.mark.processes
@pytest.mark.timeout(60)
def test_a_look_at_the_file_does_not_let_others_in(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    command = [sys.executable, "-c", HOLDING, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(StateError, match="another process has it open"):
            KeyedState(path)
        process.communicate("")
    KeyedState(path).close()


def test_an_error_in_the_with_block_drops_what_was_gathered(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "state.sqlite"
    with KeyedState(path, autocommit=False) as state:
        state.set("k", 1)
    with suppress(LookupError), KeyedState(path, autocommit=False) as state:
        state.set("k", 2)
        raise LookupError("on the way")
    with KeyedState(path) as state:
        assert state.get("k") == 1
        state.set("k", 3)
        state.close(keep=False)
    with KeyedState(path) as state:
        assert state.get("k") == 3, "autocommit commits at once"


def made(path: Path, *sentences: str) -> Path:
    connection = sqlite3.connect(path)
    for sentence in sentences:
        connection.execute(sentence)
    connection.commit()
    connection.close()
    return path


def test_a_file_that_is_no_state_is_refused_in_words_and_left_as_it_is(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database, but long enough to have a head of a hundred bytes" * 3)
    short = tmp_path / "short"
    short.write_bytes(b"SQLite format 3\0")
    with KeyedState(tmp_path / "newer") as state:
        state.set("k", 1)
    cases: list[tuple[Any, str]] = [
        (text, "it is not of SQLite"),
        (short, "it is not of SQLite"),
        (made(tmp_path / "other", "CREATE TABLE t (a)"), "an SQLite file of another program"),
        (made(tmp_path / "newer", "PRAGMA user_version = 9"), "of version 9, and this plait knows version 1"),
        (tmp_path, "it is a folder"),
        (text / "below", "Not a directory"),
    ]
    for path, reason in cases:
        before = path.read_bytes() if path.is_file() else None
        with pytest.raises(StateError, match=reason) as caught:
            KeyedState(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert before is None or path.read_bytes() == before
        assert reason in (problem_of(path) or "")


def test_a_damaged_file_is_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with KeyedState(path) as state:
        for key in range(2000):
            state.set(key, "x" * 100, namespace="n")
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(StateError, match="damaged"), KeyedState(path) as state:
        state.get(1, namespace="n")


def test_an_empty_file_becomes_a_state(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    path.touch()
    assert problem_of(path) is None
    with KeyedState(path) as state:
        state.set("k", 1)
    assert problem_of(path) is None


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no folder that not even root may write to")
def test_a_folder_that_may_not_be_written_is_said_so() -> None:
    with pytest.raises(StateError, match=r"/proc/state\.sqlite: it cannot be opened or made there"):
        KeyedState("/proc/state.sqlite")
    with pytest.raises(StateError, match=r"/proc/deeper/state\.sqlite: "):
        KeyedState("/proc/deeper/state.sqlite")


def test_a_read_only_file_is_said_so() -> None:
    with tempfile.TemporaryDirectory() as folder:  # where others than its owner may look
        Path(folder).chmod(0o755)
        path = Path(folder) / "state.sqlite"
        KeyedState(path).close()
        path.chmod(0o444)
        with _as_somebody_else(), pytest.raises(StateError, match="may not be written"):
            KeyedState(path)


@contextmanager
def _as_somebody_else() -> Iterator[None]:
    """Be no root, who may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)
