"""Memory is bounded by the queues, not by the input: six times the input takes the same."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.processes,
    pytest.mark.timeout(120),
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc"),
]

SMALL, LARGE = 5_000_000, 30_000_000
MOST_MEBIBYTES = 300

# Runs in a process of its own, so that nothing else has left its mark on the peaks. Says the peak of each process.
RUN = """
import json, os, re, sys
from pathlib import Path
from plait import Pipeline

def family():
    found = [os.getpid()]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            found += map(int, task.read_text().split())
    return found

def peak(pid):
    found = re.search(r"VmHWM:\\s+(\\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0

if __name__ == "__main__":
    p = Pipeline("p")
    inputs = [p.reader("csv", name=name, path=f"{name}.csv", lateness="5s") for name in "ab"]
    m = p.merge("sorted", inputs=inputs, tag="from").filter("where", condition={"x": {">": 10}})
    m.writer("csv", path="out.csv").writer("jsonl", path="out.jsonl")
    report = p.run(sys.argv[1])
    print(json.dumps({"peaks": [peak(pid) for pid in family()], "rows": report.rows_in, "code": report.exit_code}))
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    """Two CSV files of 5 MB each, and two of 30 MB each. One of each two runs an hour ahead of the other."""
    found = {}
    for name, size in (("small", SMALL), ("large", LARGE)):
        folder = found[name] = tmp_path_factory.mktemp(name)
        (folder / "run.py").write_text(RUN)
        for first, file in ((0, "a"), (3600, "b")):
            write(folder / f"{file}.csv", first, size)
    return found


def write(path: Path, first: int, size: int) -> None:
    with path.open("w") as file:
        left = size - file.write("timestamp,x,text\n")
        second = first
        while left > 0:
            day, clock = f"2010-01-{1 + second // 86400:02d}", f"{second // 3600 % 24:02d}:{second // 60 % 60:02d}"
            left -= file.write(
                "".join(f"{day}T{clock}:{second % 60:02d}.{n:03d}Z,{n},some text {n}\n" for n in range(0, 1000, 4))
            )
            second += 1


def run(folder: Path, engine: str) -> dict:
    done = subprocess.run([sys.executable, "run.py", engine], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["code"] == 0
    return found


@pytest.mark.parametrize("engine", ["serial", "local"])
def test_six_times_the_input_takes_no_more_memory(folders, engine):
    small, large = run(folders["small"], engine), run(folders["large"], engine)
    assert large["rows"] > 5.9 * small["rows"]
    assert max(large["peaks"]) < MOST_MEBIBYTES, large
    assert max(large["peaks"]) < 1.2 * max(small["peaks"]), (small, large)
    if engine == "local":
        assert sum(large["peaks"]) < 1.2 * sum(small["peaks"]), (small, large)
