"""The code blocks of README.md run, and print what the page shows.

```python   is run by itself, in a folder with nothing but data/ and examples/ of the project. It must print what
            stands in the ```text block behind it (`...` for anything), or nothing if no such block follows.
```scl      is checked as a pipeline file.

Other blocks are for reading. A block behind the comment `<!-- not run: REASON -->` is left alone.
"""

import doctest
import re
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from plait import Pipeline, PlaitError
from plait.pipeline.load import load_text

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
FENCE = re.compile(r"(?P<indent> {0,3})(?P<ticks>`{3,})(?P<language>[\w+-]*)\s*")
LEFT_ALONE = re.compile(r"<!-- not run: \S.*-->")
CHECKED = ("python", "scl")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, the line of its fence, and whether a comment says to leave it alone."""

    language: str
    text: str
    line: int
    left_alone: bool = False


def blocks_of(page: str) -> list[Block]:
    lines, blocks, place, before = page.splitlines(), [], 0, ""
    while place < len(lines):
        fence = FENCE.fullmatch(lines[place])
        if fence is None:
            before = lines[place].strip() or before
            place += 1
            continue
        ends = (n for n in range(place + 1, len(lines)) if lines[n].strip() == fence["ticks"])
        end = next(ends, len(lines))
        text = "".join(f"{line.removeprefix(fence['indent'])}\n" for line in lines[place + 1 : end])
        blocks.append(Block(fence["language"], text, place + 1, LEFT_ALONE.fullmatch(before) is not None))
        place, before = end + 1, ""
    return blocks


def faults_of(page: str, folder: Path) -> list[str]:
    """Run the blocks of a page in a folder, and say what each of them does otherwise than the page says."""
    for name in ("data", "examples"):
        (folder / name).symlink_to(ROOT / name)
    blocks, faults = blocks_of(page), []
    if page.strip() and not any(block.language in CHECKED and not block.left_alone for block in blocks):
        faults.append("there is no code to run")
    for block, following in pairwise([*blocks, Block("", "", 0)]):
        if block.language == "python" and not block.left_alone:
            shown = following.text if following.language == "text" else ""
            faults += [f"line {block.line}: {fault}" for fault in faults_of_python(block.text, shown, folder)]
        elif block.language == "scl" and not block.left_alone:
            faults += [f"line {block.line}: {fault}" for fault in faults_of_scl(block.text, folder)]
    return faults


def faults_of_python(code: str, shown: str, folder: Path) -> list[str]:
    script = folder / "block.py"  # a file, not -c: worker processes import it
    script.write_text(code, encoding="utf-8")
    done = subprocess.run([sys.executable, script.name], cwd=folder, capture_output=True, text=True, timeout=60)
    if done.returncode:
        return [f"ended with status {done.returncode}:\n{done.stderr}"]
    if not doctest.OutputChecker().check_output(shown, done.stdout, doctest.ELLIPSIS):
        return [f"printed\n{done.stdout}instead of\n{shown}"]
    return []


def faults_of_scl(script: str, folder: Path) -> list[str]:
    try:
        plan = Pipeline.from_spec(load_text(script), base=folder).plan()
    except PlaitError as error:
        return [str(error)]
    return list(plan.notes)


@pytest.mark.processes
@pytest.mark.timeout(300)
def test_the_readme_does_what_it_shows(tmp_path):
    faults = faults_of(README.read_text(encoding="utf-8"), tmp_path)
    assert not faults, "\n\n".join(faults)


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/*.md")), ids=lambda page: page.stem)
def test_the_pipelines_in_the_docs_have_no_mistakes(page, tmp_path):
    (tmp_path / "data").symlink_to(ROOT / "data")
    pipelines = [block for block in blocks_of(page.read_text(encoding="utf-8")) if block.language == "scl"]
    assert [fault for block in pipelines for fault in faults_of_scl(block.text, tmp_path)] == []


PYTHON = "```python\nfrom plait.fields import parse_duration\n\nprint(parse_duration('2s'))\n```\n"
SCL = '```scl\nreader=csv(path="data/sf-temps.csv")\nfilter=where(condition=(temp>70))\nwriter=console()\n```\n'


@pytest.mark.processes
@pytest.mark.parametrize(
    "page",
    [
        "",
        f"{PYTHON}\nwhich prints\n\n```text\n0:00:02\n```\n",
        f"{PYTHON}```text\n0:...2\n```\n{SCL}",
        "```python\nx = 1\n```\n```sh\nnot run\n```\n",
        "1. in a list:\n\n   ```python\n   if True:\n       print(1)\n   ```\n   ```text\n   1\n   ```\n",
        "```python\npass\n```\n<!-- not run: needs a server -->\n\n```python\n1 / 0\n```\n",
        "````text\n```python\n1 / 0\n```\n````\n```python\n```\n",
    ],
)
def test_a_page_that_is_true_has_no_faults(page, tmp_path):
    assert faults_of(page, tmp_path) == []


@pytest.mark.processes
@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ("Only words.\n\n```text\n$ plait\n```\n", "there is no code to run"),
        (f"{PYTHON}```text\n0:00:03\n```\n", "line 1: printed\n0:00:02"),
        (f"words\n\n{PYTHON}", "line 3: printed\n0:00:02\ninstead of\n"),
        ("```python\n```\n```text\nnever printed\n```\n", "instead of\nnever printed"),
        ("```python\n1 / 0\n```\n", "ZeroDivisionError"),
        (f"```python\n```\n{SCL.replace('temp>', 'tmep>')}", "line 3: <string>:2:"),
        (SCL.replace("sf-temps", "la-temps"), "la-temps.csv"),
        ("<!-- not run: -->\n```python\n1 / 0\n```\n", "ZeroDivisionError"),
        ("<!-- not run: needs a server -->\nwords\n```python\n1 / 0\n```\n", "ZeroDivisionError"),
        ("```python\n1 / 0\n", "ZeroDivisionError"),
        ("<!-- not run: needs a server -->\n```python\n1 / 0\n```\n", "there is no code to run"),
    ],
)
def test_a_page_that_is_not_true_is_found_out(page, fault, tmp_path):
    faults = faults_of(page, tmp_path)
    assert len(faults) == 1
    assert fault in faults[0]
