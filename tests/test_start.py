"""What the start of plait costs: which modules are imported for what, and what else a start leaves out."""

import ast
import atexit
import gc
import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import plait.pipeline.registry
import plait.queue
import plait.readers
import plait.util.crew
import pytest
from plait.cli import main
from plait.fields import Component
from plait.pipeline.registry import FAMILIES, component_class

SRC = Path(__file__).parent.parent / "src"
LAZY_ROOMS = sorted(path for path in SRC.rglob("__init__.py") if "lazily(" in path.read_text(encoding="utf-8"))

NEVER_FOR_FILES = {"dill", "msgspec", "multiprocess", "pandas", "pathos", "rich", "zmq"}
ROWS = "timestamp,sensor,temp\n" + "".join(
    f"2024-01-01T00:{n // 60:02}:{n % 60:02}Z,s{n % 7},{n}.5\n" for n in range(200)
)
MERGE = """
reader=csv(name=a path="a.csv")
reader=csv(name=b path="b.csv")
merge=sorted(name=all)
"""
WRITE = 'writer=csv(path="out.csv")\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two CSV files, and a module `pandas` that is not to be touched."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(ROWS)
    (tmp_path / "path" / "pandas").mkdir(parents=True)
    (tmp_path / "path" / "pandas" / "__init__.py").write_text("__version__ = '3.0.0'\n")
    return tmp_path


def modules_after(code: str, folder: Path) -> set[str]:
    """Run the code in an interpreter of its own, and return the names of the modules that are there behind it."""
    code += "\nimport json, sys; sys.stderr.write('\\n' + json.dumps(sorted(sys.modules)))"
    path = os.pathsep.join(filter(None, [str(folder / "path"), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


def modules_of(command: str, script: str, folder: Path) -> set[str]:
    (folder / "p.scl").write_text(script)
    return modules_after(f"from plait.cli import main; assert main(['{command}', 'p.scl']) == 0", folder)


def ours(modules: set[str]) -> set[str]:
    return {name.removeprefix("plait.") for name in modules if name.startswith("plait.")}


def test_help_imports_no_room_and_nothing_heavy(folder):
    modules = modules_after("from plait.cli import main; main(['--help'])", folder)
    assert ours(modules) == {"cli", "errors", "frozen", "record"}
    assert not modules & {*NEVER_FOR_FILES, "importlib.metadata", "numpy", "polars", "pyarrow", "sqlglot"}


def test_a_program_that_wants_a_queue_waits_for_no_pipeline(folder):
    modules = modules_after("from plait.queue import Queue; Queue().close()", folder)
    assert {name.partition(".")[0] for name in ours(modules)} <= {"errors", "frozen", "lazily", "queue", "record"}
    assert not modules & {*NEVER_FOR_FILES, "click", "numpy", "polars", "pyarrow", "sqlglot"}


def test_the_check_of_a_csv_pipeline_imports_what_the_pipeline_names(folder):
    modules = modules_of("check", MERGE + WRITE, folder)
    assert not modules & {*NEVER_FOR_FILES, "multiprocessing", "sqlglot"}
    rooms = {name.partition(".")[0] for name in ours(modules)}
    assert not rooms & {"engines", "event", "expression", "progress", "summary", "util"}
    assert not ours(modules) & {"formats.template", "operators.derive", "queue.channel", "readers.zeromq_reader"}
    assert len(ours(modules)) < 76


def test_the_run_of_a_csv_pipeline_imports_what_the_pipeline_names(folder):
    modules = modules_of("run", MERGE + WRITE, folder)
    assert not modules & {*NEVER_FOR_FILES, "multiprocessing", "sqlglot"}
    assert not {name.partition(".")[0] for name in ours(modules)} & {"event", "expression", "progress", "util"}
    assert len(ours(modules)) < 108


@pytest.mark.parametrize("as_read", ["", " as_read=yes"])
def test_clean_csv_is_read_without_the_functions_of_arrow(folder, as_read):
    modules = modules_of("run", MERGE + f'writer=csv(path="out.csv"{as_read})\n', folder)
    assert "pyarrow.csv" in modules
    assert "pyarrow.compute" not in modules


def test_windows_and_joins_take_no_masked_arrays(folder):
    window = "window=tumbling(name=w from=all size=1m by=sensor aggregate=(n=count peak=max(of=temp)))\n"
    join = 'join=interval(name=j from=[a b] by=sensor lower="-1s" upper=1s)\n'
    writers = 'writer=csv(from=w path="w.csv")\nwriter=csv(from=j path="j.csv")\n'
    assert "numpy.ma" not in modules_of("run", MERGE + window + join + writers, folder)


def test_clean_csv_is_checked_without_the_functions_of_arrow_and_masked_arrays(folder):
    assert not modules_of("check", MERGE + WRITE, folder) & {"numpy.ma", "pyarrow.compute"}


def many_rows(folder: Path) -> None:
    last = ROWS.splitlines()[-1]
    for name in ("a", "b"):
        (folder / f"{name}.csv").write_text(ROWS + f"{last}\n" * 5_000)


def test_expressions_are_imported_for_a_stage_that_has_some(folder):
    many_rows(folder)
    derive = 'derive=columns(set=(double="temp * 2" third="temp / 3"))\n'
    modules = modules_of("run", MERGE + derive + WRITE, folder)
    assert "numpy.ma" not in modules
    assert "sqlglot" in modules
    assert not modules & {*NEVER_FOR_FILES, "multiprocessing"}
    assert "event" not in {name.partition(".")[0] for name in ours(modules)}


def test_many_rows_written_as_read_do_not_import_pandas(folder):
    many_rows(folder)
    modules = modules_of("run", MERGE + 'writer=csv(path="out.csv" as_read=yes)\n', folder)
    assert not modules & {*NEVER_FOR_FILES, "multiprocessing", "sqlglot"}


@pytest.mark.parametrize("layout", ["%Y-%m-%dT%H:%M:%SZ", None])
def test_times_that_are_odd_or_missing_do_not_import_pandas(folder, layout):
    (folder / "a.csv").write_text(ROWS + ",s1,2\nyesterday,s1,2\n2024-01-01,s1,2\n")
    reader = f'reader=csv(path="a.csv"{f" format={json.dumps(layout)}" if layout else ""})\n'
    (folder / "p.scl").write_text(reader + WRITE)
    modules = modules_after("from plait.cli import main; assert main(['run', 'p.scl']) == 3", folder)
    assert "pandas" not in modules


@pytest.mark.parametrize("path", LAZY_ROOMS, ids=lambda path: path.parent.name)
def test_the_map_of_a_room_says_where_each_name_is(path):
    """The three lists agree: what type checkers see, what is exported, and what is found at run time."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    [checked] = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.name: node.module for node in checked.body for alias in node.names}
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "lazily"]
    assert ast.literal_eval(found[0].args[1]) == seen
    [exported] = [n.value for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__"]
    assert set(seen) <= set(ast.literal_eval(exported))


def test_there_are_rooms_with_lazy_maps():
    assert {path.parent.name for path in LAZY_ROOMS} >= {"event", "formats", "queue", "readers", "writers"}


def test_a_name_that_a_room_does_not_have_is_an_attribute_error():
    assert not hasattr(plait.readers, "CVSReader")
    with pytest.raises(AttributeError, match=r"module 'plait.queue' has no attribute 'Queu'"):
        plait.queue.Queu  # noqa: B018


def test_all_names_of_a_room_are_listed_before_they_are_used():
    names = modules_after("import plait.readers; assert 'ZeroMQReader' in dir(plait.readers)", Path.cwd())
    assert "plait.readers.zeromq_reader" not in names


@pytest.mark.parametrize("family", FAMILIES)
def test_a_component_is_found_under_the_names_that_it_gives_itself(family):
    for variant, component in FAMILIES[family].items():
        assert issubclass(component, Component)
        assert (component.family, component.variant) == (family, variant)


def test_other_packages_are_not_asked_for_what_plait_has(monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: asked.append(group) or [])
    assert component_class("reader", "csv").title() == "reader=csv"
    assert not asked
    with pytest.raises(ValueError, match="no reader called 'cvs'"):
        component_class("reader", "cvs")
    assert asked


def test_garbage_is_collected_while_rows_flow_and_afterwards_as_before(folder, monkeypatch):
    (folder / "look.py").write_text("import gc\nseen = []\ndef look(row):\n    seen.append(gc.isenabled())\n")
    (folder / "p.scl").write_text(MERGE + 'event=when(condition=(temp>0) call="look:look")\n')
    monkeypatch.chdir(folder)
    assert main(["run", "p.scl", "--engine", "serial"]) == 0
    assert sys.modules.pop("look").seen == [True] * 400
    assert gc.isenabled()


def test_a_caller_without_garbage_collection_gets_it_back_so(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "p.scl").write_text(MERGE + WRITE)
    gc.disable()
    try:
        assert main(["check", "p.scl"]) == 0
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_no_garbage_is_looked_for_as_a_command_ends(folder):
    """All that was imported and planned would be looked through at once, for as long as a tenth of the command."""
    (folder / "p.scl").write_text(MERGE + WRITE)
    run = "assert main(['check', 'p.scl']) == 0; type('Something', (), {'new': 1}); assert not looked"
    look = "looked = []; gc.collect(); gc.callbacks.append(lambda *what: looked.append(what))"
    modules_after(f"import gc; from plait.cli import main; {look}; {run}", folder)


def test_a_program_that_runs_a_command_is_left_as_it_was(folder, monkeypatch):
    """What is frozen is never collected: not at the exit either, where others look for what was left behind."""
    monkeypatch.chdir(folder)
    (folder / "p.scl").write_text(MERGE + WRITE)
    run = ["run", "p.scl", "--engine", "serial"]
    assert main(run) == 0  # what is imported for it may have something to do at the exit
    before = gc.get_freeze_count(), atexit._ncallbacks()
    assert main(run) == 0
    assert (gc.get_freeze_count(), atexit._ncallbacks()) == before


@pytest.mark.parametrize(("given", "there"), [(None, "4"), ("20", "20")])
def test_the_threads_of_openblas_sleep_unless_the_user_says_otherwise(folder, monkeypatch, given, there):
    monkeypatch.delenv("OPENBLAS_THREAD_TIMEOUT", raising=False)
    if given is not None:
        monkeypatch.setenv("OPENBLAS_THREAD_TIMEOUT", given)
    code = "from plait.cli import main; import os; main(['--help'])\n"
    modules_after(f"{code}assert os.environ['OPENBLAS_THREAD_TIMEOUT'] == '{there}'", folder)


def test_what_the_fork_server_imports_for_its_workers_is_all_of_a_queue():
    """A map of names alone would leave the import to each worker."""
    imports = "".join(f"import {name}\n" for name in plait.util.crew._PRELOADED)
    before = f"{imports}import sys; before = set(sys.modules)\n"
    later = "from plait.queue import Queue, wait\nassert set(sys.modules) == before, set(sys.modules) - before"
    modules_after(before + later, Path.cwd())
