"""The rules of the house: who may import whom, what is installed, what importing costs."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src"
MODULES = sorted(SRC.rglob("*.py"))
ROOMS = sorted(path.parent for path in SRC.rglob("__init__.py"))

FLOORS = [
    {"errors", "fields", "frozen", "lazily", "record", "running"},
    {"lexer", "state", "util"},
    {"formats"},  # text in SCL is a format too, so the lexer stands under it
    {"queue", "event", "expression"},
    {"windows"},
    {"joins"},
    {"readers", "writers", "operators"},
    {"pipeline"},
    {"engines"},
    {"api", "testing", "processing", "dashboard", "progress", "summary"},
    {"cli"},
    {"__main__"},
]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
HEAVY = ["numpy", "pathos", "polars", "pyarrow", "rich", "sqlglot", "zmq"]


def name_of(path: Path) -> str:
    """`src/queue/merge.py` -> `queue/merge.py`, for the names of tests."""
    return str(path.relative_to(SRC))


def package_name(folder: Path) -> str:
    return ".".join(("plait", *folder.relative_to(SRC).parts))


def absolute_imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""


def imported_rooms(path: Path) -> Iterator[str]:
    """Yield the room of src/ (or the module at its top) that each relative import leads to."""
    inside = path.relative_to(SRC).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = inside[: len(inside) - (node.level - 1)]
            target = (*above, *(node.module or "").split(".")) if node.module else above
            yield from [target[0]] if target else [alias.name for alias in node.names]


def test_every_folder_under_src_is_in_the_list_of_packages():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    assert listed == sorted(package_name(folder) for folder in ROOMS)
    assert {path.parent for path in MODULES} == set(ROOMS), "a folder with modules has no __init__.py"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_down_the_floors(path):
    here = path.relative_to(SRC).parts[0].removesuffix(".py")
    if here == "__init__":
        return
    assert here in FLOOR_OF, f"{here} is on no floor"
    for room in imported_rooms(path):
        if room == here or room.startswith("__"):
            continue
        assert room in FLOOR_OF, f"{room} is on no floor"
        assert FLOOR_OF[room] < FLOOR_OF[here] or (FLOOR_OF[room] == 0 == FLOOR_OF[here]), f"{here} imports {room}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_inside_the_house_imports_are_relative(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not [name for name in absolute_imports(tree) if name.split(".")[0] in ("plait", "src")]


FINDS_FUNCTIONS = SRC / "operators" / "functions.py"
"""Puts the pipeline file's folder on the path while it imports the functions of `call="module:function"`."""


def test_nobody_imports_src_or_puts_it_on_the_path():
    folders = [ROOT / name for name in ("src", "tests", "examples", "benchmarks", "docs")]
    paths = [ROOT / "main.py", ROOT / "conftest.py", *(path for folder in folders for path in folder.rglob("*.py"))]
    for path in paths:
        text = path.read_text(encoding="utf-8")
        if "src" not in text and "sys.path" not in text:
            continue
        tree = ast.parse(text)
        assert not [name for name in absolute_imports(tree) if name.split(".")[0] == "src"], path
        attributes = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        touched = {name for name in attributes if name.startswith("sys.path.")}
        assert not touched or path == FINDS_FUNCTIONS, f"{path} changes sys.path"
    options = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert "pythonpath" not in options
    assert "--import-mode=importlib" in options


@pytest.mark.parametrize("folder", ROOMS, ids=package_name)
def test_a_room_has_a_map_with_its_names_in_order(folder):
    tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    assigned = [node for node in tree.body if isinstance(node, ast.Assign)]
    lists = [node.value for node in assigned if ast.unparse(node.targets[0]) == "__all__"]
    assert ast.get_docstring(tree), "there is no docstring"
    assert len(lists) == 1, "there is no __all__"
    names = ast.literal_eval(lists[0])
    assert names
    assert names == sorted(set(names), key=lambda name: (name.isidentifier() and not name.isupper(), name))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nobody_sleeps_or_prints(path):
    may_print = path.name == "cli.py" or path.stem.endswith("_example")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        place = f"line {getattr(node, 'lineno', '?')}"
        assert called not in ("time.sleep", "sleep"), place
        assert called != "print" or may_print, place


def test_importing_the_house_imports_nothing_heavy():
    rooms = [package_name(folder) for folder in ROOMS]
    code = (
        "import importlib, json, sys\n"
        f"for room in {rooms!r}:\n"
        "    module = importlib.import_module(room)\n"
        "    missing = [name for name in module.__all__ if not hasattr(module, name)]\n"
        "    assert not missing, (room, missing)\n"
        f"print(json.dumps(sorted(set({HEAVY!r}) & set(sys.modules))))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("folder", ROOMS, ids=package_name)
def test_a_room_can_be_imported_first(folder):
    """No circle of imports is hidden by the order in which others are imported."""
    code = f"import sys, {package_name(folder)}; sys.exit(str(sorted(set({HEAVY!r}) & set(sys.modules)) or ''))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.stderr.strip() == ""


def test_tests_are_no_packages_and_their_names_are_unique():
    assert not list((ROOT / "tests").rglob("__init__.py")), "it would shadow modules of the standard library"
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) == len(set(names))


def test_the_data_is_as_it_came():
    told = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    for name, digest in re.findall(r"`(\S+\.csv)` \| `([0-9a-f]{64})`", told):
        assert hashlib.sha256((ROOT / "data" / name).read_bytes()).hexdigest() == digest
    assert {path.name for path in (ROOT / "data").glob("*.csv")} == set(re.findall(r"`(\S+\.csv)` \| `[0-9a-f]", told))


def test_every_requirement_is_pinned():
    for name in ("requirements", "requirements-dev"):
        asked = re.findall(r"^([a-z][\w-]*)", (ROOT / f"{name}.in").read_text(encoding="utf-8"), re.MULTILINE)
        pinned = re.findall(r"^([a-z][\w-]*)==", (ROOT / f"{name}.txt").read_text(encoding="utf-8"), re.MULTILINE)
        assert set(asked) <= set(pinned), f"run ./requirements.sh --compile ({name})"
