"""Two million rows in eight files, merged into one by an SCL file: equal to a plain sort, in bounded memory."""

import filecmp
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.processes, pytest.mark.timeout(300)]

FILES, ROWS = 8, 250_000
MOST_MEBIBYTES = 450
HEADER = "timestamp,sensor,temperature,humidity,co2,status"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Eight CSV files, each in time order, all overlapping, with many equal times within and across files."""
    place = tmp_path_factory.mktemp("two_million")
    for number in range(FILES):
        chance = np.random.default_rng(number)
        millis = np.cumsum(chance.integers(0, 200, ROWS)) + np.datetime64("2026-01-01T00:00:00.000").astype(np.int64)
        a, b, c = chance.integers(-500, 9_000, (3, ROWS))
        sensors = np.array([f"s{number:02d}{sensor:02d}" for sensor in range(25)])
        status = np.array(["ok", "warn", "fail"])[chance.choice(3, ROWS, p=[0.9, 0.08, 0.02])]
        stamps = pl.from_epoch(pl.Series(millis), time_unit="ms").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
        columns = [stamps, sensors[a % 25], a / 100, b / 100, c, status]
        table = pl.DataFrame(dict(zip(HEADER.split(","), columns, strict=True)))
        table.write_csv(place / f"in{number}.csv", float_precision=2)
    return place


@pytest.fixture(scope="module")
def peaks(folder) -> dict[str, float]:
    """Run both engines; return the memory of the largest process of each in MiB.

    This happens before anything large is held here: a child starts with the peak of its parent on its account.
    """
    readers = "".join(f'reader=csv(name=f{number} path="in{number}.csv")\n' for number in range(FILES))
    found = {}
    for engine in ("serial", "local"):
        writers = f'writer=csv(from=all path="{engine}.csv")\nwriter=csv(from=all path="{engine}.txt" as_read=yes)\n'
        (folder / "p.scl").write_text(f"{readers}merge=sorted(name=all)\n{writers}")
        command = [sys.executable, "-m", "plait", "run", "p.scl", "--engine", engine]
        subprocess.run(command, cwd=folder, check=True, timeout=240)
        found[engine] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return found


@pytest.fixture(scope="module")
def merged(folder, peaks) -> list[str]:
    """What `sort --stable` makes of the rows: by the time stamp, which has one width; ties by file, then by line."""
    lines: list[str] = []
    for number in range(FILES):
        lines += (folder / f"in{number}.csv").read_text().splitlines()[1:]
    return sorted(lines, key=lambda line: line[:24])


def test_eight_files_become_one_in_time_order(folder, merged):
    assert (folder / "serial.txt").read_text().splitlines() == [HEADER, *merged]
    assert (folder / "serial.csv").read_text().splitlines() == [HEADER, *map(canonical, merged)]


def test_both_engines_write_the_same_bytes(folder, peaks):
    for name in ("txt", "csv"):
        assert filecmp.cmp(folder / f"serial.{name}", folder / f"local.{name}", shallow=False)


def test_memory_does_not_grow_with_the_input(peaks):
    assert max(peaks.values()) < MOST_MEBIBYTES, peaks


def canonical(line: str) -> str:
    """Print the fields of a line as the csv writer does: floats as Python has them."""
    stamp, sensor, temperature, humidity, co2, status = line.rstrip("\n").split(",")
    return f"{stamp},{sensor},{float(temperature)!r},{float(humidity)!r},{co2},{status}"
