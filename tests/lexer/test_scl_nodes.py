"""Where the nodes say that they stand."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plait.lexer import Group, ListValue, Scalar, Statement, parse, parse_nodes, plain


def walk(statements):
    for statement in statements:
        yield statement
        yield from walk_value(statement.value)
        yield from walk(statement.children or ())


def walk_value(value):
    yield value
    if isinstance(value, Group):
        yield from walk(value.statements)
    elif isinstance(value, ListValue):
        for item in value.items:
            yield from walk_value(item)


def cut(text, node):
    """Cut out of the text what a node says it spans."""
    starts = [0, *(match.end() for match in re.finditer("\r\n?|\n", text))]
    start = starts[node.line - 1] + node.column - 1
    return text[start : start + node.length]


def test_a_statement_knows_the_place_of_its_key_and_of_its_value():
    (statement,) = parse_nodes("\n  name.type >= -2.50")
    assert statement == Statement(
        "name.type", Scalar(Decimal("-2.50"), "number", 2, 16, 5, "-2.50"), ">=", None, 2, 3, 9
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a=word", Scalar("word", "keyword", 1, 3, 4, "word")),
        ("a=2s", Scalar("2s", "keyword", 1, 3, 2, "2s")),
        ('a="x\\"y"', Scalar('x"y', "string", 1, 3, 6, '"x\\"y"')),
        ("a=${B:-c d}", Scalar("${B:-c d}", "environment", 1, 3, 9, "${B:-c d}")),
        ("a= [ b ]", ListValue((Scalar("b", "keyword", 1, 6, 1, "b"),), 1, 4, 5)),
        ("a=( )", Group((), 1, 3, 3)),
    ],
)
def test_a_value_knows_its_kind_and_its_text(text, value):
    assert parse_nodes(text)[0].value == value


def test_no_parentheses_and_empty_parentheses_differ():
    without, empty = parse_nodes("a=b a=b()")
    assert (without.children, empty.children) == (None, ())
    assert without.plain() == empty.plain() == {"key": "a", "value": "b"}


def test_plain_leaves_out_the_places():
    text = 'a=b(c!=[1 "x" [y]] d=(e=${F})) g=2'
    assert plain(parse_nodes(text)) == parse(text)


def test_a_byte_order_mark_counts_for_no_column():
    (statement,) = parse_nodes("\ufeffa=b")
    assert (statement.column, statement.value.column) == (1, 3)


TEXT = 'a = b ( c.d != [ -1 "x\\"" 2s ] # x\n e=(f="p\nq" )\t)\nü>${G:-h}'


@given(st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from(["", "\t", "\n\n "]))
def test_every_node_spans_its_own_text(line_end, before):
    text = before.replace("\n", line_end) + TEXT.replace("\n", line_end)
    found = [cut(text, node) for node in walk(parse_nodes(text))]
    string = f'"p{line_end}q"'
    listed = '[ -1 "x\\"" 2s ]'
    group = f"(f={string} )"
    assert found == ["a", "b", "c.d", listed, "-1", '"x\\""', "2s", "e", group, "f", string, "ü", "${G:-h}"]


def test_nodes_are_frozen_and_have_no_dict():
    for node in walk(parse_nodes("a=b(c=[d] e=(f=g))")):
        assert not hasattr(node, "__dict__")
        with pytest.raises(AttributeError):
            node.line = 7
