"""On a terminal a run shows its progress, and ends with the ledger; the rows on stdout stay what they are."""

import errno
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


def on_a_terminal(folder: Path, *words: str) -> tuple[int, str, str]:
    """Run plait with a terminal as stderr; return its status, stdout, and what the terminal was sent."""
    ours, theirs = pty.openpty()
    with (folder / "stdout").open("w") as stdout:
        run = subprocess.Popen([sys.executable, "-m", "plait", *words], cwd=folder, stdout=stdout, stderr=theirs)
    os.close(theirs)
    shown = "".join(pieces(ours))
    os.close(ours)
    return run.wait(timeout=60), (folder / "stdout").read_text(), shown


def pieces(terminal: int) -> Iterator[str]:
    """Yield what is sent to a terminal, until nobody has it open any more: Linux calls that an error."""
    try:
        while piece := os.read(terminal, 4096):
            yield piece.decode(errors="replace")
    except OSError as error:
        if error.errno != errno.EIO:
            raise


def test_progress_and_the_ledger_go_to_the_terminal_and_rows_to_stdout(tmp_path):
    rows = "".join(f"2010-01-01T00:{n // 60:02d}:{n % 60:02d}Z,{n}\n" for n in range(3_000))
    (tmp_path / "a.csv").write_text("timestamp,n\n" + rows)
    (tmp_path / "p.scl").write_text('reader=csv(path="a.csv")\nmerge=sorted(name=m)\nwriter=console(format=csv)\n')
    status, printed, shown = on_a_terminal(tmp_path, "run", "p.scl")
    assert status == 0
    assert printed.splitlines() == ["timestamp,n", *rows.splitlines()]
    assert "3,000 rows" in shown
    assert "p: 3,000 rows in, 3,000 rows written" in shown


def test_quiet_keeps_the_terminal_quiet(tmp_path):
    (tmp_path / "a.csv").write_text("timestamp,n\n2010-01-01T00:00:00Z,1\n")
    (tmp_path / "p.scl").write_text('reader=csv(path="a.csv")\nwriter=csv(path="out.csv")\n')
    assert on_a_terminal(tmp_path, "run", "p.scl", "--quiet") == (0, "", "")
