"""The two commands of the README: what they say when something is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOOLS = ["sh", "dirname", "cat", "ls", "grep", "rm", "mv", "env"]
COPIED = ["requirements.sh", "requirements.txt", "pyproject.toml", "main.py"]


@pytest.fixture
def checkout(tmp_path):
    """A fresh checkout, as far as the door needs one, in a folder with a blank in its name."""
    folder = tmp_path / "a checkout"
    folder.mkdir()
    for name in COPIED:
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def machine(tmp_path):
    """A machine with the few tools that every system has, and no Python: the folder is all of its PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (folder / tool).symlink_to(found)
    return folder


def add_python(machine: Path, name: str, body: str) -> Path:
    """Put a program on the machine that behaves as some Python."""
    path = machine / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def run_script(checkout: Path, machine: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "requirements.sh", *arguments],
        env={"PATH": str(machine), **variables},
        cwd="/",
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


OLD = 'case "$2" in *version_info*3,\\ 11*) exit 1;; *stdout*) printf " 3.8";; esac'
NO_VENV = 'case "$2" in *ensurepip*) exit 1;; esac'
BREAKS = '[ "$2" = venv ] && { echo "disk full" >&2; exit 1; }; exit 0'


def test_no_python_is_named(checkout, machine):
    done = run_script(checkout, machine)
    assert done.returncode == 1
    assert "plait needs Python 3.11 or newer; found here: none." in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_old_python_is_named(checkout, machine):
    add_python(machine, "python3", OLD)
    done = run_script(checkout, machine)
    assert done.returncode == 1
    assert "plait needs Python 3.11 or newer; found here: 3.8." in done.stderr


def test_a_python_without_venv_is_named_with_what_to_install(checkout, machine):
    add_python(machine, "python3.12", NO_VENV)
    add_python(machine, "python3", OLD)
    done = run_script(checkout, machine)
    assert done.returncode == 1
    assert "python3.12 cannot make virtual environments" in done.stderr
    assert "apt install python3-venv" in done.stderr


def test_a_chosen_python_is_the_only_one_looked_at(checkout, machine):
    chosen = add_python(machine, "my python", OLD)
    add_python(machine, "python3.12", NO_VENV)
    done = run_script(checkout, machine, PYTHON=str(chosen))
    assert "found here: 3.8." in done.stderr


def test_a_venv_that_cannot_be_made_is_named(checkout, machine):
    add_python(machine, "python3", BREAKS)
    done = run_script(checkout, machine)
    assert done.returncode == 1
    assert "disk full" in done.stderr
    assert "python3 could not make" in done.stderr


def test_what_is_no_venv_is_not_thrown_away(checkout, machine):
    add_python(machine, "python3", "exit 0")
    (checkout / "venv").mkdir()
    (checkout / "venv" / "diary.txt").write_text("dear diary")
    done = run_script(checkout, machine)
    assert done.returncode == 1
    assert "is no virtual environment" in done.stderr
    assert (checkout / "venv" / "diary.txt").read_text() == "dear diary"


def test_an_unknown_option_is_refused(checkout, machine):
    done = run_script(checkout, machine, "--colour")
    assert done.returncode == 1
    assert "unknown option --colour" in done.stderr


def run_main(checkout: Path, python: str = sys.executable, **variables: str) -> subprocess.CompletedProcess[str]:
    isolated = {name: value for name, value in os.environ.items() if not name.startswith("PLAIT")}
    return subprocess.run(
        [python, str(checkout / "main.py"), "run", "a b"],
        env={**isolated, **variables},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def bare(checkout):
    """A Python in the checkout's ./venv that has nothing installed."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(checkout / "venv")], check=True)
    return checkout


def test_main_says_what_to_run_if_nothing_is_installed(checkout):
    (checkout / "venv").mkdir()
    done = run_main(checkout)
    assert done.returncode == 1
    assert "./requirements.sh" in done.stderr
    assert "Traceback" not in done.stderr


def test_main_says_what_to_run_if_the_venv_is_not_complete(bare):
    done = run_main(bare)
    assert done.returncode == 1
    assert "not complete" in done.stderr
    assert "./requirements.sh" in done.stderr
    assert "Traceback" not in done.stderr


def test_main_becomes_the_python_of_the_venv(bare):
    (package,) = (bare / "venv" / "lib").glob("python*/site-packages")
    (package / "plait").mkdir()
    (package / "plait" / "__init__.py").touch()
    (package / "plait" / "cli.py").write_text(
        "import os, sys\ndef main(argv, home):\n"
        "    print(sys.prefix, argv, home, [n for n in os.environ if n.startswith('PLAIT')], sep='|')\n    return 3\n"
    )
    for python in (sys.executable, str(bare / "venv" / "bin" / "python")):
        done = run_main(bare, python)
        assert done.stdout == f"{bare / 'venv'}|['run', 'a b']|{bare}|[]\n"
        assert done.returncode == 3


def test_main_does_not_send_itself_on_for_ever(checkout):
    """A program that is no real venv's Python comes back here again: the second time it stops."""
    (checkout / "venv" / "bin").mkdir(parents=True)
    (checkout / "venv" / "bin" / "python").symlink_to(sys.executable)
    done = run_main(checkout)
    assert done.returncode == 1
    assert "./requirements.sh" in done.stderr


def test_main_stays_where_plait_is_if_there_is_no_venv(checkout):
    done = run_main(checkout)
    assert "./requirements.sh" not in done.stderr
