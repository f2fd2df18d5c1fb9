"""What docs/scl.md shows is what happens."""

import doctest
import re
from pathlib import Path

import pytest
from plait.errors import ScriptError
from plait.lexer import format_text, parse

DOCS = Path(__file__).parents[2] / "docs" / "scl.md"
BLOCKS = DOCS.read_text(encoding="utf-8").split("```")[1::2]


def test_the_examples_in_python_run():
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner()
    for block in BLOCKS:
        runner.run(parser.get_doctest(block, {}, "scl.md", str(DOCS), 0))
    assert runner.tries > 0
    assert runner.failures == 0


@pytest.mark.parametrize("start", ["# weather.scl", "window=tumbling("])
def test_the_examples_in_scl_parse(start):
    (block,) = (block.strip("\n") for block in BLOCKS if block.startswith("\n" + start))
    assert parse(block)


def test_the_layout_is_the_one_shown():
    (block,) = (block.lstrip("\n") for block in BLOCKS if block.startswith("\nwindow="))
    assert format_text(block) == block


def test_the_mistakes_are_the_ones_shown():
    (block,) = (block.strip("\n") for block in BLOCKS if block.startswith("\nweather.scl:"))
    with pytest.raises(ScriptError) as caught:
        parse("# weather\nreader=csv(path= timestamp=date)\nfilter=x(from=2010-01-01)", "weather.scl")
    assert str(caught.value) == block


def test_the_regular_expressions_are_what_the_page_says():
    (strings,) = re.findall(
        r"`(\S+ \S+)` is\nthe expression `(.*?)`, while `(.*?)` is `(.*?)`", DOCS.read_text("utf-8")
    )
    written, means, single, is_only = strings
    assert [statement["value"] for statement in parse(f"a={written} b={single}")] == [means, is_only]
