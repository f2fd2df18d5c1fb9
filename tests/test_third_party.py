"""A reader and a writer of another package are found by their entry points and used from SCL like those of plait."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = {
    "pyproject.toml": """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "plait-counting"
version = "1.0"
[project.entry-points."plait.readers"]
counting = "plait_counting:CountingReader"
[project.entry-points."plait.writers"]
tally = "plait_counting:TallyWriter"
[tool.setuptools]
py-modules = ["plait_counting"]
""",
    "plait_counting.py": '''
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import ClassVar

from plait.fields import Integer, option
from plait.readers.base import Reader
from plait.running import Batch, Sink
from plait.writers.base import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class CountingReader(Reader):
    """Count seconds."""

    variant: ClassVar[str] = "counting"
    upto: int = option("how far to count", Integer(least=1))

    def open(self, context):
        import polars as pl

        start = datetime(2010, 1, 1, tzinfo=timezone.utc)
        times = [start + timedelta(seconds=n) for n in range(self.upto)]
        types = {"timestamp": pl.Datetime("us", "UTC")}
        frame = pl.DataFrame({"timestamp": times, "n": range(self.upto)}, schema_overrides=types)
        yield Batch(frame, "counting")


@dataclass(frozen=True, slots=True, kw_only=True)
class TallyWriter(Writer):
    """Write the number of rows."""

    variant: ClassVar[str] = "tally"
    path: str = option("file to write")

    def open(self, context):
        return Tally(context.base / self.path)


class Tally(Sink):
    def __init__(self, path):
        self.path, self.rows = path, 0

    def write(self, frame):
        self.rows += frame.height

    def close(self):
        self.path.write_text(str(self.rows))
''',
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """Install the package as pip does, into a folder of its own."""
    source = tmp_path_factory.mktemp("source")
    for name, text in PACKAGE.items():
        (source / name).write_text(text)
    target = tmp_path_factory.mktemp("target")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", target]
    subprocess.run([*command, source], check=True, capture_output=True, timeout=100)
    return target


def plait(installed: Path, folder: Path, *words: str, status: int = 0) -> str:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-m", "plait", *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("engine", ["serial", "local"])
def test_they_run_from_scl(installed, tmp_path, engine):
    (tmp_path / "p.scl").write_text('reader=counting(upto=7)\nmerge=sorted()\nwriter=tally(path="rows.txt")\n')
    plait(installed, tmp_path, "run", "p.scl", "--engine", engine)
    assert (tmp_path / "rows.txt").read_text() == "7"


def test_their_options_are_checked(installed, tmp_path):
    (tmp_path / "p.scl").write_text('reader=counting(upot=7 upto=0)\nwriter=tally(path="rows.txt")\n')
    errors = plait(installed, tmp_path, "check", "p.scl", status=1)
    assert "did you mean 'upto'?" in errors
    assert "0 is not a whole number at least 1" in errors


def test_their_cards_are_shown(installed, tmp_path):
    assert "how far to count" in plait(installed, tmp_path, "show", "reader=counting")
    assert "reader=counting" in plait(installed, tmp_path, "show")
