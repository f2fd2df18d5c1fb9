"""Parse SCL text: to plain Python values, or to nodes that know their place."""

from __future__ import annotations

from typing import Any

from .scl_grammar import NodeBuilder, TreeBuilder, run
from .scl_nodes import Statement
from .scl_report import Report

__all__ = ["parse", "parse_nodes"]


def parse(text: str, path: str = "<string>") -> list[dict[str, Any]]:
    r"""Parse SCL text to dicts `{"key", "op"?, "value", "children"?}`.

    "op" stands only where it is not `=`, "children" only where there are any. Numbers are `Decimal`; a list, and a
    group that stands as a value, are Python lists. Safe to call from several threads.

    Raises:
        ScriptError: the text has mistakes; all of them are in it.

    >>> parse("filter=where(temp>-50)")
    [{'key': 'filter', 'value': 'where', 'children': [{'key': 'temp', 'op': '>', 'value': Decimal('-50')}]}]
    """
    from .scl_trees import trees_alike  # pipelines are read as nodes, and need none

    report = Report(text, path)
    return trees_alike(report.text) or run(report, TreeBuilder())


def parse_nodes(text: str, path: str = "<string>") -> tuple[Statement, ...]:
    """Parse SCL text to nodes with their places. Safe to call from several threads.

    Raises:
        ScriptError: the text has mistakes; all of them are in it.

    >>> statement, = parse_nodes("filter=where(temp>-50)")
    >>> statement.children[0].value.column
    19
    """
    report = Report(text, path)
    return tuple(run(report, NodeBuilder(report)))
