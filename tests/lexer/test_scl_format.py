"""Text laid out anew, and trees printed."""

import re
from decimal import Decimal
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plait.errors import ScriptError
from plait.lexer import format_text, parse, write

NUMBER = re.compile(r"[+-]?(\d+|\d*\.\d+)([eE][+-]?\d+)?")


def text(block):
    return dedent(block).removeprefix("\n")


LAYOUTS = {
    "one statement a line": ("a=1 b = 2\tc=(  d=3\ne=4 )", "a=1\nb=2\nc=(d=3 e=4)\n"),
    "values stay as written": ('a=+1.50 b="x\\(y" c=${D:-e f}', 'a=+1.50\nb="x\\(y"\nc=${D:-e f}\n'),
    "lists are closed up": ('a=[ b\n c  "d" [ 1 ] [] ]', 'a=[b c "d" [1] []]\n'),
    "operators are closed up": ("a != 1 b\n>=\n2 c ~ d", "a!=1\nb>=2\nc~d\n"),
    "one blank line is kept": ("\n\na=1\n\n\n\nb=2\n\n", "a=1\n\nb=2\n"),
    "nothing": (" \n", ""),
    "only a comment": ("  # x  ", "# x\n"),
    "comments of their own": ("# x\n#y\n\na=1\n  # z\n", "# x\n#y\n\na=1\n# z\n"),
    "comments behind": ("a=1 # x\nb=2# y\n", "a=1  # x\nb=2  # y\n"),
    "comments inside a statement move before it": (
        "a # 1\n= # 2\n[b # 3\n] # 4\n(c=d) # 5",
        "# 1\n# 2\n# 3\n# 4\na=[b](c=d)  # 5\n",
    ),
    "comments break a line": ("a=b(c=1 # x\nd=2)", "a=b(\n    c=1  # x\n    d=2)\n"),
    "a comment at the end pushes the parenthesis down": (
        "a=b(c=(d=1 # x\n) # y\n)",
        "a=b(\n    c=(\n        d=1  # x\n    )  # y\n)\n",
    ),
    "a comment alone in parentheses": ("a=b( # x\n)", "a=b(\n    # x\n)\n"),
    "blank lines in broken parentheses": ("a=(\n\n# x\n\nb=1\n\n\nc=2)", "a=(\n    # x\n\n    b=1\n\n    c=2)\n"),
    "a line break in a string breaks the line": ('a=(b="x\ny" c=1)', 'a=(\n    b="x\ny"\n    c=1)\n'),
    "empty parentheses stay": ("a=b ( ) c = ( )", "a=b()\nc=()\n"),
    "a byte order mark goes, and so do carriage returns": ("\ufeffa=1\r\n\r\nb=2\rc=3", "a=1\n\nb=2\nc=3\n"),
    "parentheses are broken from the outside in": (
        text("""
            window=tumbling(name=daily size=1d by=source tag=city
                aggregate=(readings=count mean=mean(of=celsius) peak=max(of=celsius)))
            """),
        text("""
            window=tumbling(
                name=daily
                size=1d
                by=source
                tag=city
                aggregate=(readings=count mean=mean(of=celsius) peak=max(of=celsius)))
            """),
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout(name):
    before, after = LAYOUTS[name]
    assert format_text(before) == after
    assert format_text(after) == after


@pytest.mark.parametrize(("length", "lines"), [(100, 1), (101, 2)])
def test_a_line_has_at_most_a_hundred_columns(length, lines):
    value = "x" * (length - len("a=b(c=)"))
    assert len(format_text(f"a=b(c={value})").splitlines()) == lines


@pytest.mark.parametrize(("length", "lines"), [(100, 5), (101, 6)])
def test_the_parentheses_that_follow_a_line_count_for_its_length(length, lines):
    value = "x" * (length - len("        d=e(f=)))"))
    formatted = format_text(f"a=( # 1\n b=( # 2\n d=e(f={value})))").splitlines()
    assert len(formatted) == lines
    assert formatted[4].startswith("        d=e(")
    assert formatted[-1].endswith(")))")


def test_malformed_text_is_not_formatted():
    with pytest.raises(ScriptError, match=r"^x\.scl:1:3: "):
        format_text("a=", "x.scl")


# Any text: the same tree, the same comments, and nothing left to do a second time.

gaps = st.sampled_from([" ", "  ", "\n", "\n\n", "\n\n\n", " # x\n", "\n# y \n", "\t#z\r\n", "\r"])
atoms = st.sampled_from(["a", "b2", "-1.50", '"s t"', '"x\\"y"', '"two\nlines"', "${E:-f}", "word" * 12])


@st.composite
def lists_of(draw):
    return "[" + "".join(draw(gaps) + draw(atoms) for _ in range(draw(st.integers(0, 3)))) + draw(gaps) + "]"


@st.composite
def statements_with(draw, groups):
    key = draw(st.sampled_from(["k", "key.sub", "k" * 40])) + draw(st.sampled_from(["", " ", " # o\n"]))
    head = key + draw(st.sampled_from(["=", ">", "!="])) + draw(st.sampled_from(["", " ", "# p\n", "\n"]))
    head += draw(st.one_of(atoms, lists_of()))
    return head if groups is None else head + draw(st.sampled_from(["", " ", " # q\n"])) + draw(groups)


def texts_of(statements):
    return st.lists(st.tuples(gaps, statements), max_size=4).map(lambda parts: "".join(map("".join, parts)))


def groups_of(texts):
    return st.tuples(texts, gaps).map(lambda parts: f"({parts[0]}{parts[1]})")


plain_texts = texts_of(statements_with(None))
nested = st.recursive(
    plain_texts,
    lambda texts: texts_of(st.one_of(statements_with(None), statements_with(groups_of(texts)))),
    max_leaves=6,
)
whole_texts = st.tuples(nested, gaps).map("".join)


def comments_of(text):
    """Return the comments of a text of which no string has a `#`."""
    return [found.strip() for found in re.findall(r"#[^\r\n]*", text)]


@given(whole_texts)
def test_formatting_keeps_the_tree_and_all_comments_and_is_done_once(text):
    formatted = format_text(text)
    assert parse(formatted) == parse(text)
    assert comments_of(formatted) == comments_of(text)
    assert format_text(formatted) == formatted
    assert "\n\n\n" not in formatted
    assert not re.search(r"[ \t\r]\n", formatted)


# Trees

keys = st.from_regex(r"\w{1,6}(\.\w{1,4}){0,2}", fullmatch=True).filter(lambda key: not NUMBER.fullmatch(key))
scalars = st.one_of(
    st.text(), st.from_regex(r"\w+", fullmatch=True), st.decimals(allow_nan=False, allow_infinity=False)
)
values = st.recursive(scalars, lambda items: st.lists(items, max_size=4), max_leaves=6)
operators = st.sampled_from(["!=", ">", ">=", "<", "<=", "~"])


def trees_of(children):
    leaf = st.fixed_dictionaries({"key": keys, "value": values}, optional={"op": operators})
    if children is None:
        return st.lists(leaf, max_size=4)
    some = children.filter(bool)
    inner = st.fixed_dictionaries({"key": keys, "value": values, "children": some}, optional={"op": operators})
    group = st.fixed_dictionaries({"key": keys, "value": some}, optional={"op": operators})
    return st.lists(st.one_of(leaf, inner, group), max_size=4)


trees = st.recursive(trees_of(None), trees_of, max_leaves=8)


@given(trees)
def test_a_printed_tree_parses_to_the_same_tree(tree):
    printed = write(tree)
    assert parse(printed) == tree
    assert format_text(printed) == printed


def test_a_tree_is_printed_in_the_canonical_layout():
    tree = [{"key": "a", "op": ">", "value": Decimal("1.50"), "children": [{"key": "b", "value": ["c", "d e", "2"]}]}]
    assert write(tree) == 'a>1.50(b=[c "d e" "2"])\n'


def test_python_numbers_can_be_printed():
    assert parse(write([{"key": "a", "value": [1, -2.5, 1e300]}])) == [
        {"key": "a", "value": [Decimal(1), Decimal("-2.5"), Decimal("1e300")]}
    ]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ({"key": "a b", "value": "x"}, "'a b' cannot be a key"),
        ({"key": "1.5", "value": "x"}, "'1.5' cannot be a key"),
        ({"key": "", "value": "x"}, "'' cannot be a key"),
        ({"key": "a", "op": "==", "value": "x"}, "'==' is no operator"),
        ({"key": "a", "value": None}, "None cannot be a value"),
        ({"key": "a", "value": True}, "True cannot be a value"),
        ({"key": "a", "value": float("nan")}, "nan cannot be a value"),
        ({"key": "a", "value": Decimal("-Infinity")}, "cannot be a value"),
        ({"key": "a", "value": [{"key": "b", "value": "c"}, "d"]}, "cannot be a value"),
        ({"key": "a", "value": [{"key": "b", "value": "c"}], "children": [{"key": "d", "value": "e"}]}, "children"),
    ],
)
def test_what_scl_cannot_say_is_not_printed(statement, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        write([statement])


def test_256_levels_can_be_printed_and_no_more():
    tree = [{"key": "a", "value": "b"}]
    for _ in range(256):
        tree = [{"key": "a", "value": tree}]
    assert parse(write(tree)) == tree
    assert format_text(write(tree)) == write(tree)
    with pytest.raises(ValueError, match="256 levels"):
        write([{"key": "a", "value": tree}])
