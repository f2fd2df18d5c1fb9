"""Faults, really caused: killed workers, signals, full disks, closed pipes. Right message, right status, no orphan."""

import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.processes,
    pytest.mark.timeout(60),
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes as Linux shows them"),
]

ROWS = 300_000


@pytest.fixture(scope="module")
def big(tmp_path_factory) -> Path:
    """Two CSV files that take a second or so to read."""
    folder = tmp_path_factory.mktemp("big")
    for name in ("a", "b"):
        with (folder / f"{name}.csv").open("w") as file:
            file.write("timestamp,n\n")
            file.writelines(
                f"2010-01-01T{n // 36000 % 24:02d}:{n // 600 % 60:02d}:{n // 10 % 60:02d}.{n % 10}00Z,{n}\n"
                for n in range(ROWS)
            )
    return folder


def script(folder: Path, text: str) -> Path:
    path = folder / "p.scl"
    path.write_text('pipeline=p(dead_letters="dead.jsonl")\n' + text)
    return path


def start(folder: Path, *words: str, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "plait", *words],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, **options,
    )  # fmt: skip


def descendants(pid: int) -> list[int]:
    """Return the processes below one, its children first."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        parent = waiting.pop(0)
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            children = [int(child) for child in task.read_text().split()]
            found += children
            waiting += children
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_gone(pids: list[int], seconds: float = 10) -> list[int]:
    """Wait, in the kernel, until the processes have ended; return those that have not."""
    deadline = time.monotonic() + seconds
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            selector.select(max(0, deadline - time.monotonic()))
        os.close(descriptor)
    return [pid for pid in pids if alive(pid)]


# A live source that says so on stdout as soon as it is read, and then stays silent for ever.
LIVE = """
from dataclasses import dataclass
from typing import ClassVar
from multiprocessing import connection
from plait.readers.base import Reader
from plait.running import Batch


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentReader(Reader):
    variant: ClassVar[str] = "silent"
    live: ClassVar[bool] = True

    def open(self, context):
        import os
        import polars as pl
        from datetime import datetime, timezone

        times = pl.Series([datetime(2010, 1, 1, tzinfo=timezone.utc)], dtype=pl.Datetime("us", "UTC"))
        yield Batch(pl.DataFrame({"timestamp": times, "n": [1]}), "silent")
        os.write(1, f"reading in {os.getpid()}\\n".encode())
        connection.wait([context.stopping])
"""

STUBBORN = LIVE.replace("SilentReader", "StubbornReader").replace('"silent"', '"stubborn"').replace(
    "connection.wait([context.stopping])", "connection.wait([os.pipe()[0]])"
)  # fmt: skip


@pytest.fixture(scope="module")
def live(tmp_path_factory) -> dict[str, str]:
    """An environment in which `reader=silent` and `reader=stubborn` are installed."""
    place = tmp_path_factory.mktemp("live")
    (place / "live_readers.py").write_text(LIVE + STUBBORN)
    info = place / "live_readers-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: live-readers\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[plait.readers]\nsilent = live_readers:SilentReader\nstubborn = live_readers:StubbornReader\n"
    )
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(place), os.environ.get("PYTHONPATH", "")])}


def reading(run: subprocess.Popen) -> int:
    """Wait until the live source is being read; return the process that reads it."""
    line = run.stdout.readline().decode()
    assert line.startswith("reading in"), run.stderr.read().decode()
    return int(line.split()[-1])


def ended(run: subprocess.Popen, below: list[int]) -> tuple[int, str]:
    """Wait for the end; return status and stderr. No process is left."""
    _, errors = run.communicate(timeout=30)
    assert wait_gone(below) == []
    text = errors.decode()
    assert "Traceback" not in text, text
    return run.returncode, text


SILENT = 'reader=silent(name=quiet)\nmerge=sorted(name=m)\nwriter=csv(path="out.csv")\n'


def test_a_killed_worker_is_named_and_the_run_fails_without_output(tmp_path, live):
    script(tmp_path, SILENT)
    run = start(tmp_path, "run", "p.scl", "--engine", "local", env=live)
    worker = reading(run)
    below = descendants(run.pid)
    assert worker in below
    os.kill(worker, signal.SIGKILL)
    status, errors = ended(run, below)
    assert status == 1
    assert "quiet" in errors
    assert str(worker) in errors
    assert "signal 9" in errors or "SIGKILL" in errors
    assert not (tmp_path / "out.csv").exists()
    assert not list(tmp_path.glob(".*part*"))


@pytest.mark.parametrize("engine", ["serial", "local"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_drains_a_live_run_and_completes_its_output(tmp_path, live, engine, number):
    script(tmp_path, SILENT)
    run = start(tmp_path, "run", "p.scl", "--engine", engine, env=live)
    reading(run)
    below = descendants(run.pid)
    began = time.monotonic()
    os.killpg(run.pid, number) if number == signal.SIGINT else os.kill(run.pid, number)
    status, errors = ended(run, below)
    assert time.monotonic() - began < 5
    assert (status, (tmp_path / "out.csv").read_text()) == (0, "timestamp,n\n2010-01-01T00:00:00Z,1\n"), errors


def test_a_signal_to_the_whole_group_is_one_request(tmp_path, live):
    script(tmp_path, SILENT)
    run = start(tmp_path, "run", "p.scl", "--engine", "local", env=live)
    reading(run)
    below = descendants(run.pid)
    os.killpg(run.pid, signal.SIGTERM)
    status, errors = ended(run, below)
    assert (status, (tmp_path / "out.csv").exists()) == (0, True), errors


@pytest.mark.parametrize("engine", ["serial", "local"])
def test_a_second_signal_kills_a_run_that_does_not_drain(tmp_path, live, engine):
    script(tmp_path, SILENT.replace("silent", "stubborn"))
    run = start(tmp_path, "run", "p.scl", "--engine", engine, env=live)
    reading(run)
    below = descendants(run.pid)
    os.kill(run.pid, signal.SIGINT)
    assert b"once more kills" in run.stderr.readline()
    os.kill(run.pid, signal.SIGINT)
    status, _ = ended(run, below)
    assert status == 130


def test_a_run_that_does_not_drain_is_given_up_within_two_seconds(tmp_path, live):
    script(tmp_path, SILENT.replace("silent", "stubborn"))
    run = start(tmp_path, "run", "p.scl", "--engine", "local", env=live)
    reading(run)
    below = descendants(run.pid)
    began = time.monotonic()
    os.kill(run.pid, signal.SIGINT)
    status, errors = ended(run, below)
    assert status == 130
    assert "did not end within" in errors
    assert time.monotonic() - began < 6


def test_the_workers_do_not_outlive_a_killed_run(tmp_path, live):
    script(tmp_path, SILENT)
    run = start(tmp_path, "run", "p.scl", "--engine", "local", env=live)
    worker = reading(run)
    below = descendants(run.pid)
    assert worker in below
    os.kill(run.pid, signal.SIGKILL)
    run.communicate(timeout=30)
    assert wait_gone(below) == []


@pytest.mark.parametrize("engine", ["serial", "local"])
def test_a_signal_in_a_file_leaves_nothing_that_looks_complete(tmp_path, big, engine):
    text = f'reader=csv(name=a path="{big}/a.csv")\nreader=csv(name=b path="{big}/b.csv")\nmerge=sorted(name=m)\n'
    text += 'event=when(name=first condition=(n=0) print="began")\nwriter=csv(from=m path="out.csv")\n'
    script(tmp_path, text)
    run = start(tmp_path, "run", "p.scl", "--engine", engine)
    run.stdout.readline()
    below = descendants(run.pid)
    os.kill(run.pid, signal.SIGINT)
    status, errors = ended(run, below)
    assert status in (0, 130), errors  # 0: it was quicker than the signal
    assert (tmp_path / "out.csv").exists() == (status == 0)
    assert not list(tmp_path.glob(".*part*"))


PRINTING = ["writer=console(format=csv)", 'event=when(condition=(n>=0) print="{n}")']


@pytest.mark.parametrize("printing", PRINTING)
@pytest.mark.parametrize("engine", ["serial", "local"])
def test_a_closed_stdout_ends_the_run_with_a_message(tmp_path, big, engine, printing):
    script(tmp_path, f'reader=csv(name=a path="{big}/a.csv")\n{printing}\n')
    run = start(tmp_path, "run", "p.scl", "--engine", engine)
    run.stdout.readline()
    run.stdout.close()
    below = descendants(run.pid)
    with run.stderr:
        errors = run.stderr.read().decode()
    assert run.wait(timeout=30) == 1
    assert "stdout was closed by its reader" in errors
    assert "Traceback" not in errors
    assert wait_gone(below) == []


@pytest.mark.parametrize("engine", ["serial", "local"])
def test_a_full_disk_ends_the_run_with_a_message(tmp_path, big, engine):
    place = tmp_path / "full"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", place], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small disk")
    try:
        script(tmp_path, f'reader=csv(name=a path="{big}/a.csv")\nwriter=csv(path="full/out.csv")\n')
        run = start(tmp_path, "run", "p.scl", "--engine", engine)
        below = descendants(run.pid)
        status, errors = ended(run, below)
        assert status == 1
        assert "No space left on device" in errors
        assert "full/out.csv" in errors
        assert list(place.iterdir()) == []
    finally:
        subprocess.run(["umount", place], check=True)
