"""Ctrl-C while a pipeline that was started from Python waits for a live source."""

import signal
import subprocess
import sys

import pytest

SCRIPT = """
from plait import Pipeline

pipeline = Pipeline("waiting")
pipeline.reader("zeromq", connect="ipc://nobody").writer("csv", path="out.csv")
print("started", flush=True)
try:
    pipeline.run("serial")
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.processes
@pytest.mark.timeout(60)
def test_ctrl_c_is_seen_while_nothing_comes(tmp_path):
    with subprocess.Popen([sys.executable, "-c", SCRIPT], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "started\n"
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1.5)
            process.send_signal(signal.SIGINT)
            printed, _ = process.communicate(timeout=10)
        finally:
            process.kill()
    assert printed == "interrupted\n"
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == [], "an output that is not complete was left behind"
