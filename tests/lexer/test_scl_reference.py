"""The parser against a second one that shares nothing with it: short, recursive, and without a word on mistakes."""

import re
from decimal import Decimal, InvalidOperation

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plait.errors import ScriptError
from plait.lexer import cut, parse, parse_nodes, plain, scl_trees
from plait.lexer.scl_report import Report, end_of
from plait.lexer.scl_scanner import Scanner
from plait.lexer.scl_trees import trees_alike

PIECE = re.compile(
    r"""(?P<blank> \s+ | \#[^\r\n]*) | (?P<op> [=<>!~]+) | (?P<mark> [()\[\]]) | (?P<string> "(?:\\[\s\S]|[^"\\])*")
    | (?P<word> \$\{[^}\r\n]*\} | [^\s()\[\]\#=<>!~"]+)""",
    re.VERBOSE,
)
NUMBER = re.compile(r"[+-]?(\d+|\d*\.\d+)([eE][+-]?\d+)?")
ENVIRONMENT = re.compile(r"\$\{[^\W\d]\w*(:-[^}\r\n]*)?\}")
OPERATORS = {"=", "!=", ">", ">=", "<", "<=", "~"}


class NotSCL(Exception):  # noqa: N818
    pass


def check(condition):
    if not condition:
        raise NotSCL


def pieces(text):
    """Cut the text; check that blanks stand where they must."""
    at, closed = 0, False
    while at < len(text):
        match = PIECE.match(text, at)
        check(match)
        kind, piece = match.lastgroup, match[0]
        check(not (closed and kind in ("word", "string")))
        closed = kind in ("word", "string") or piece in (")", "]")
        check(kind != "op" or piece in OPERATORS)
        at = match.end()
        if kind != "blank":
            yield kind, piece


def scalar(kind, piece):
    if kind == "string":
        return re.sub(r"\\([\s\S])", r"\1", piece[1:-1])
    check(kind == "word")
    if NUMBER.fullmatch(piece):
        try:
            return Decimal(piece)
        except InvalidOperation:
            raise NotSCL from None
    check(re.fullmatch(r"\w+", piece) or ENVIRONMENT.fullmatch(piece))
    return piece


def value(rest):
    kind, piece = rest.pop()
    if piece != "[" or kind != "mark":
        return scalar(kind, piece)
    items = []
    while rest[-1] != ("mark", "]"):
        items.append(value(rest))
    rest.pop()
    return items


def statement(rest):
    (_, key), (kind, op) = rest.pop(), rest.pop()
    check(re.fullmatch(r"\w+(\.\w+)*", key) and not NUMBER.fullmatch(key) and kind == "op")
    tree = {"key": key, "op": op} if op != "=" else {"key": key}
    if rest[-1] == ("mark", "("):
        return {**tree, "value": group(rest)}
    tree["value"] = value(rest)
    children = group(rest) if rest[-1] == ("mark", "(") else []
    return {**tree, "children": children} if children else tree


def group(rest):
    rest.pop()
    statements = []
    while rest[-1] != ("mark", ")"):
        statements.append(statement(rest))
    rest.pop()
    return statements


def reference(text):
    """Return the tree, or raise NotSCL."""
    rest = [("mark", ")"), *reversed(list(pieces(text.removeprefix("\ufeff")))), ("mark", "(")]
    try:
        tree = group(rest)
    except IndexError:
        raise NotSCL from None
    check(not rest)
    return tree


# Sentences of the grammar that SCL began with: one kind of blank, keys without dots, `=` only, nothing empty.

words = st.from_regex(r"\w{1,6}", fullmatch=True).filter(lambda word: not NUMBER.fullmatch(word))
numbers = st.from_regex(r"[+-]?([0-9]{1,4}|[0-9]{0,3}\.[0-9]{1,3})([eE][+-]?[0-9]{1,2})?", fullmatch=True)
strings = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
around_equals = st.sampled_from(["=", " =", "= ", "  =  ", "\n=\t"])
between = st.sampled_from([" ", "   ", "\n ", " \n  "])
inside = st.sampled_from(["", " ", "   ", "\n", " \n "])


def quoted(text):
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


scalars = st.one_of(
    words.map(lambda word: (word, word)),
    numbers.map(lambda number: (number, Decimal(number))),
    strings.map(lambda text: (quoted(text), text)),
)


@st.composite
def statements_of(draw, children):
    key, equals = draw(words), draw(around_equals)
    value, tree = draw(scalars)
    if children is None or (form := draw(st.integers(0, 2))) == 0:
        return key + equals + value, {"key": key, "value": tree}
    text, within = draw(children)
    if form == 1:
        return f"{key}{equals}({draw(inside)}{text}{draw(inside)})", {"key": key, "value": within}
    gap = draw(st.sampled_from(["", " ", "\n"]))
    text = f"{key}{equals}{value}{gap}({draw(inside)}{text}{draw(inside)})"
    return text, {"key": key, "value": tree, "children": within}


@st.composite
def sequences_of(draw, one):
    drawn = draw(st.lists(one, min_size=1, max_size=4))
    text = drawn[0][0]
    for more, _ in drawn[1:]:
        text += draw(between) + more
    return text, [tree for _, tree in drawn]


sentences = st.recursive(
    sequences_of(statements_of(None)), lambda within: sequences_of(statements_of(within)), max_leaves=8
)


@given(sentences, inside, inside)
def test_every_sentence_of_the_first_grammar_parses_to_the_same_tree(sentence, before, after):
    text, tree = sentence
    assert parse(before + text + after) == tree
    assert reference(before + text + after) == tree


# Anything at all: the two parsers agree on what is SCL, and on what it says.

SOUP = [
    "a", "b.c", "1", "-2.5", "1e", "2s", ".", "+", '"x"', '"', "\\", "(", ")", "[", "]", "=", "!=", ">", ">=", "~", "!",
    "#", " ", " ", " ", "\n", "\r", "\t", "\xa0", "${A}", "${A:-b c}", "${", "}", "@", "'", ",", "é", "\ufeff", "\x00",
]  # fmt: skip
soups = st.lists(st.sampled_from(SOUP), max_size=30).map("".join)


@st.composite
def damaged(draw):
    """A good sentence in which one short piece is replaced by another."""
    text, _ = draw(sentences)
    at, length = draw(st.integers(0, len(text))), draw(st.integers(0, 2))
    return text[:at] + draw(st.sampled_from(SOUP)) + text[at + length :]


def mistakes_of(text):
    """Return the mistakes that are reported; none if the text is well formed."""
    try:
        parse(text)
    except ScriptError as error:
        return error.mistakes
    return ()


@given(st.one_of(soups, damaged(), st.text(), st.binary().map(lambda raw: raw.decode("latin-1"))))
def test_the_parser_takes_what_the_reference_takes(text):
    try:
        tree = reference(text)
    except NotSCL:
        assert 1 <= len(mistakes_of(text)) <= 50
    else:
        assert parse(text) == tree
        assert plain(parse_nodes(text)) == tree


@given(st.one_of(soups, damaged(), sentences.map(lambda drawn: drawn[0])))
def test_what_is_cut_into_statements_is_what_the_parser_reads(text):
    report = Report(text)
    statements = cut(report.text)
    if statements is None:
        assert mistakes_of(text) or "[[" in re.sub(r"\s|#.*", "", text)  # lists within lists are not cut
        return
    pieces = [words for _, words in statements]
    assert [word for words in pieces for word in words] == [
        report.text[token.lexpos : end_of(token)] for token in Scanner(report)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scl_trees, "_WORTH", 0)
        assert (trees_alike(report.text) or []) == ([] if mistakes_of(text) else parse(text))
    if not mistakes_of(text):
        assert [tree for words in pieces for tree in parse(" ".join(words))] == parse(text)


@given(st.one_of(soups, damaged()))
def test_every_mistake_lies_in_the_text_and_no_two_at_one_place(text):
    lines = re.split("\r\n?|\n", text.removeprefix("\ufeff"))
    mistakes = mistakes_of(text)
    assert [(m.line, m.column) for m in mistakes] == sorted({(m.line, m.column) for m in mistakes})
    for mistake in mistakes:
        assert 1 <= mistake.line <= len(lines)
        assert 1 <= mistake.column <= len(lines[mistake.line - 1]) + 1
        assert list(mistake.expected) == sorted(mistake.expected)
