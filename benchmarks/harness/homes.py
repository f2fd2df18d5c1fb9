"""The virtual environments of the contenders: `build/benchmarks/plait` and `build/benchmarks/apart`.

Made with the Python that runs this and the pins of requirements.txt and requirements-apart.txt. A contender that cannot
be installed is left out with the reason, and the rest goes on. Nothing but the standard library is used here, as this
runs before anything is installed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import venv
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["BUILD", "HERE", "ROOT", "Home", "compile_pins", "make_homes", "wanted_packages"]

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent
BUILD = ROOT / "build" / "benchmarks"  # not below benchmarks/: what looks through the sources shall not find it
PINS = {"plait": "requirements", "apart": "requirements-apart"}


@dataclass(slots=True)
class Home:
    """A virtual environment, and the packages that could not be installed into it, with the reason."""

    folder: Path
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"


def make_homes() -> dict[str, Home]:
    """Make or update both environments; says what it does, as it takes minutes the first time."""
    return {name: _make_home(BUILD / name, HERE / f"{pins}.txt") for name, pins in PINS.items()}


def _make_home(folder: Path, pins: Path) -> Home:
    home, record, wanted = Home(folder), folder / "installed.json", pins.read_text()
    if record.exists():
        installed = json.loads(record.read_text())
        if installed["pins"] == wanted and not installed["missing"]:
            return home
    print(f"installing {pins.name} into {folder.relative_to(ROOT)}", flush=True)
    venv.create(folder, with_pip=True, clear=not home.python.exists())
    home.missing = _install(home, pins)
    if folder.name == "plait":
        _pip(home, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)).check_returncode()
    record.write_text(json.dumps({"pins": wanted, "missing": home.missing}))
    return home


def _install(home: Home, pins: Path) -> dict[str, str]:
    """Install all pins; if that fails, each contender by itself, so that one does not keep out the others."""
    if _pip(home, "-r", str(pins)).returncode == 0:
        return {}
    if home.folder.name == "plait":
        _pip(home, "-r", str(ROOT / "requirements.txt")).check_returncode()
    tries = {name: _pip(home, "-c", str(pins), name) for name in wanted_packages(pins.with_suffix(".in"))}
    return {name: _reason(done.stderr) for name, done in tries.items() if done.returncode}


def wanted_packages(path: Path) -> list[str]:
    """Return the names in a requirements.in, without options and comments."""
    return re.findall(r"^([A-Za-z][\w.-]*)", path.read_text(), re.MULTILINE)


def _reason(errors: str) -> str:
    """Return the first line in which pip says what went wrong, without addresses and paths."""
    line = next((line for line in errors.splitlines() if line.startswith("ERROR:")), "ERROR: pip failed")
    return re.sub(r"(\w+://|/)\S+", "...", line.removeprefix("ERROR:")).strip()


def _pip(home: Home, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(home.python), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def compile_pins() -> None:
    """Pin both requirements files anew; needs pip-tools in the Python that runs this."""
    for pins in PINS.values():
        subprocess.run(
            [
                *(sys.executable, "-m", "piptools", "compile", "--quiet", "--allow-unsafe", "--strip-extras"),
                *("--annotation-style=line", "--no-emit-index-url", "--no-emit-trusted-host", "--no-emit-find-links"),
                *("--no-emit-options", f"--output-file={pins}.txt", f"{pins}.in"),
            ],
            cwd=HERE,
            env={**_environment(), "CUSTOM_COMPILE_COMMAND": "python benchmarks/run.py --compile"},
            check=True,
        )


def _environment() -> dict[str, str]:
    import os

    return dict(os.environ)
