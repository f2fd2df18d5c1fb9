"""docs/semantics.md is true: its examples run, and its table of aggregates is what they are and give."""

import doctest
import math
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from plait.expression import Type
from plait.windows import AGGREGATES, Aggregate, Span, make_spans
from plait.windows.time_windows import TimeWindows

PAGE = Path(__file__).parent.parent / "docs" / "semantics.md"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
SCHEMA = {"timestamp": pl.Datetime("us", "UTC"), "value": pl.Float64}
EXAMPLES = ([3.0, None, 1.0, 1.0], [3.0, math.nan, 1.0], [None])


def result(name: str, values: list[float | None]) -> str:
    """Return what an aggregate gives of values, as the page writes it."""
    aggregate = Aggregate(function=name, of="value", q=0.25 if name == "quantile" else None)
    windows = TimeWindows(make_spans(Span.parse("1d")), [], {"result": aggregate}, SCHEMA)
    now = datetime(2010, 1, 1, tzinfo=UTC)
    windows.push(pl.DataFrame([(now, value) for value in values], schema=SCHEMA, orient="row"))
    [frame] = windows.end()
    return said(frame["result"].to_list()[0])


def said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(said(item) for item in value)
    if isinstance(value, dict):
        return f"{said(value['value'])}: {said(value['count'])}"
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else f"{value:.4g}"
    return "null" if value is None else str(value)


def taken(types: frozenset[Type]) -> str:
    return "any" if types == frozenset(Type) else ", ".join(sorted(map(str, types)))


def row(name: str) -> str:
    shape = AGGREGATES[name]
    title = f"{name}(q)" if "q" in shape.options else name
    cells = [f"`{title}`", shape.says, taken(shape.takes), *(result(name, values) for values in EXAMPLES)]
    return f"| {' | '.join(cells)} |"


@pytest.mark.parametrize("name", AGGREGATES)
def test_the_table_says_what_an_aggregate_is_and_gives(name):
    assert row(name) in PAGE.read_text(encoding="utf-8").splitlines()


def test_the_table_has_no_others():
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("| aggregate |"))
    assert lines[start + 2 : lines.index("", start)] == [row(name) for name in AGGREGATES]


def test_the_examples_give_what_stands_behind_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    test = doctest.DocTestParser().get_doctest(PAGE.read_text(encoding="utf-8"), {}, PAGE.name, str(PAGE), 0)
    assert len(test.examples) > 50
    said: list[str] = []
    outcome = doctest.DocTestRunner(verbose=False, optionflags=FLAGS).run(test, out=said.append)
    assert outcome.attempted == len(test.examples)
    assert not said, "".join(said)
