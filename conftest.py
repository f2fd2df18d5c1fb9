"""What pytest does here beyond its own: it runs the examples in docstrings, and counts what it skips.

`pytest src` and plain `pytest` run the examples in the docstrings of src/ as those of `plait.x`. pytest's own
`--doctest-modules` would import the files as `src.x`: a second copy of every class.
"""

from __future__ import annotations

import doctest
import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent

# How fast something is, no test asks: the machine may be busy. Other cases are tried at each run, so few do.
settings.register_profile("plait", deadline=None, max_examples=60)
settings.load_profile("plait")
SRC = ROOT / "src"
IN_CI = os.environ.get("CI") == "true"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


class ExampleError(Exception):
    """An example in a docstring did not do what it shows."""


class Examples(pytest.Item):
    """The examples of one docstring."""

    def __init__(self, *, test: doctest.DocTest, **rest: Any) -> None:
        super().__init__(**rest)
        self._test = test

    def runtest(self) -> None:
        said: list[str] = []
        doctest.DocTestRunner(verbose=False, optionflags=FLAGS).run(self._test, out=said.append, clear_globs=False)
        if said:
            raise ExampleError("".join(said))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, ExampleError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, self._test.lineno, self.name


class Docstrings(pytest.File):
    """A module of plait, for the examples in its docstrings."""

    def collect(self) -> Iterator[Examples]:
        parts = self.path.relative_to(SRC).with_suffix("").parts
        module = importlib.import_module(".".join(("plait", *parts)).removesuffix(".__init__"))
        for test in doctest.DocTestFinder(exclude_empty=True).find(module):
            if test.examples:
                yield Examples.from_parent(self, name=test.name, test=test)


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take the folders of src/ as folders: pytest would import them as packages, under the name `src`."""
    if path == SRC or SRC in path.parents:
        return pytest.Dir.from_parent(parent, path=path)
    return None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the modules of plait for their examples."""
    if file_path.suffix == ".py" and SRC in file_path.parents:
        return Docstrings.from_parent(parent, path=file_path)
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave what is slow to .ci/run."""
    if not IN_CI:
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow: runs with CI=true"))


def _refuse_to_skip(report: Any) -> Any:
    """With CI=true nothing may be skipped: what cannot run there is a failure."""
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"with CI=true nothing may be skipped: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Any:
    """Turn skipped tests into failures in .ci/run."""
    return _refuse_to_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Any:
    """Turn skipped modules into failures in .ci/run."""
    return _refuse_to_skip((yield))
