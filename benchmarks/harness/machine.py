"""What the numbers were measured on: the machine's size and the versions of everything."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from .homes import Home
from .jobs import JOBS, Contender

__all__ = ["describe_machine", "versions"]

_ASK = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"


def describe_machine() -> dict[str, str | int]:
    """Return cores, memory, processor, kernel and Python; nothing that names the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count() or 1,
        "memory_gib": round(memory / 2**30),
        "processor": _processor(),
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    with Path("/proc/cpuinfo").open() as lines:
        found = next((line.split(":", 1)[1] for line in lines if line.startswith("model name")), platform.machine())
    return re.sub(r"\((R|TM)\)", "", found).strip()


def versions(homes: Mapping[str, Home]) -> dict[str, str]:
    """Return the version of each package that a contender stands for, and of GNU sort; those that are there."""
    found = {one.package: _version(one, homes[one.home]) for one in _packages()}
    sort = subprocess.run(["sort", "--version"], capture_output=True, text=True, check=False).stdout
    found["sort"] = sort.partition("\n")[0].rpartition(" ")[2]
    return {str(name): version for name, version in sorted(found.items(), key=str) if version}


def _packages() -> Iterable[Contender]:
    return {one.package: one for job in JOBS for one in job.contenders if one.package}.values()


def _version(contender: Contender, home: Home) -> str:
    asked = [str(home.python), "-c", _ASK, str(contender.package)]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
