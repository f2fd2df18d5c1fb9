"""What SCL says: each type of value by itself, together, and in parentheses."""

import re
from decimal import Decimal
from itertools import product

import pytest
from plait.lexer import SCLLexer, parse

VALUES = {
    "number": [
        "0",
        "7",
        "2.5",
        "+2.5",
        "-1.4",
        ".21",
        "+.5",
        "-.5",
        "3e1",
        "+6E2",
        "-6E2",
        ".6E1",
        "+4.1E-7",
        "-4.1E+7",
    ],
    "string": [
        "",
        "two words",
        'say "so"',
        "f(x)",
        '("both")',
        "a # b",
        "a=b",
        "back\\slash",
        "line\nbreak",
        "é ✓ \U0001f300",
    ],
    "keyword": [
        "word",
        "_word_",
        "123_hello",
        "hello_123",
        "1_2_x",
        "2s",
        "250ms",
        "1h30m",
        "1d",
        "16MB",
        "1e",
        "3e1x",
        "größe",
    ],
    "environment": ["${HOME}", "${PORT:-5555}", "${WHO:-nobody (yet)}", "${EMPTY:-}"],
}
PAIRS = [(kind, value) for kind, values in VALUES.items() for value in values]
BLANKS = ["%s", "  %s", "%s  ", " \t%s\n", "\n\n    %s  # a remark\n"]
SPLITS = [" ", "   ", "\n", "\r\n\t", " # a remark\n"]


def encode(kind, value):
    """Write one statement whose key is the kind of its value."""
    if kind == "string":
        value = '"' + re.sub(r'(["()\\])', r"\\\1", value) + '"'
    return f"{kind}={value}"


def decode(kind, value):
    """Say what one statement is to be parsed to."""
    return {"key": kind, "value": Decimal(value) if kind == "number" else value}


def encode_all(kinds, joint=" "):
    return joint.join(encode(kind, value) for kind in kinds for value in VALUES[kind])


def decode_all(kinds):
    return [decode(kind, value) for kind in kinds for value in VALUES[kind]]


@pytest.fixture
def scl():
    return SCLLexer()


@pytest.mark.parametrize(("kind", "value"), PAIRS)
def test_a_value_alone(scl, kind, value):
    assert scl.parser.parse(encode(kind, value)) == [decode(kind, value)]


@pytest.mark.parametrize(("kind", "joint"), list(product(VALUES, SPLITS)))
def test_statements_of_one_kind(scl, kind, joint):
    assert scl.parser.parse(encode_all([kind], joint)) == decode_all([kind])


def test_statements_of_all_kinds(scl):
    assert scl.parser.parse(encode_all(VALUES)) == decode_all(VALUES)


@pytest.mark.parametrize(("blanks", "kind", "size"), list(product(BLANKS, VALUES, [1, 2, 3])))
def test_blanks_around_statements_mean_nothing(scl, blanks, kind, size):
    values = VALUES[kind][:size]
    text = (" " * size).join(encode(kind, value) for value in values)
    assert scl.parser.parse(blanks % text) == [decode(kind, value) for value in values]


@pytest.mark.parametrize(("blanks", "pair"), list(product(BLANKS, PAIRS)))
def test_blanks_around_parentheses_mean_nothing(scl, blanks, pair):
    text = "".join(blanks % part for part in ("", encode(*pair), "(", encode(*pair), ")"))
    assert scl.parser.parse(text) == [{**decode(*pair), "children": [decode(*pair)]}]


@pytest.mark.parametrize("kind", VALUES)
def test_many_children(scl, kind):
    first = VALUES[kind][0]
    text = f"{encode(kind, first)}({encode_all([kind])})"
    assert scl.parser.parse(text) == [{**decode(kind, first), "children": decode_all([kind])}]


@pytest.mark.parametrize(("kind", "size"), list(product(VALUES, [1, 2, 3])))
def test_many_statements_with_a_child_each(scl, kind, size):
    values = VALUES[kind][:size]
    text = " ".join(f"{encode(kind, value)}({encode(kind, value)})" for value in values)
    assert scl.parser.parse(text) == [{**decode(kind, v), "children": [decode(kind, v)]} for v in values]


@pytest.mark.parametrize("op", ["!=", ">", ">=", "<", "<=", "~"])
@pytest.mark.parametrize("form", ["temp{}-50", "temp {} -50", "temp\t{}\n-50"])
def test_an_operator_that_is_not_equals_stands_in_the_tree(op, form):
    assert parse(form.format(op)) == [{"key": "temp", "op": op, "value": Decimal(-50)}]


def test_equals_does_not_stand_in_the_tree():
    assert parse("temp = -50") == [{"key": "temp", "value": Decimal(-50)}]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('[a b "c" 4]', ["a", "b", "c", Decimal(4)]),
        ("[]", []),
        ("[ ${A} -2.5\n2s # two\n]", ["${A}", Decimal("-2.5"), "2s"]),
        ("[[1] [] [x [y]]]", [[Decimal(1)], [], ["x", ["y"]]]),
    ],
)
def test_a_list(text, value):
    assert parse(f"key={text}") == [{"key": "key", "value": value}]
    assert parse(f"key={text}(a=1)") == [{"key": "key", "value": value, "children": parse("a=1")}]


def test_a_group_stands_as_the_value():
    assert parse("key=(a=1 b=(c=2))") == [{"key": "key", "value": [*parse("a=1"), {"key": "b", "value": parse("c=2")}]}]


def test_empty_parentheses_leave_no_children():
    assert parse("a=b() c=()") == [{"key": "a", "value": "b"}, {"key": "c", "value": []}]


@pytest.mark.parametrize("text", ["", " ", "\n", "\t\r\n", "# a remark", "\ufeff", "\ufeff# a remark\r"])
def test_a_text_without_statements_is_empty(text):
    assert parse(text) == []


@pytest.mark.parametrize("key", ["name.type", "a.b.c", "items.0.id", "1st", "_", "größe.höhe"])
def test_a_key_may_have_dots(key):
    assert parse(f"{key}=x") == [{"key": key, "value": "x"}]


def test_an_escape_gives_the_character_behind_it():
    assert parse(r'a="\n\t\\\"\(\$"') == [{"key": "a", "value": 'nt\\"($'}]
    assert parse('a="x\\\ny"') == [{"key": "a", "value": "x\ny"}]


def test_a_string_keeps_its_line_ends_as_they_are():
    assert parse('a="x\r\ny\rz"') == [{"key": "a", "value": "x\r\ny\rz"}]


def test_a_comment_needs_no_blank_before_it():
    assert parse("a=b#c\nd=(#e\nf=g)#h") == [{"key": "a", "value": "b"}, {"key": "d", "value": parse("f=g")}]


def test_a_number_keeps_its_digits():
    (statement,) = parse("a=1.50")
    assert str(statement["value"]) == "1.50"


def test_the_lexer_alone_gives_tokens_with_lines(scl):
    scl.lexer.input('key = "v\nw" (\r\nk!=-1.4)')
    tokens = [(token.type, token.value, token.lineno, token.lexpos) for token in scl.lexer]
    assert tokens == [
        ("KEYWORD", "key", 1, 0),
        ("EQUALS", "=", 1, 4),
        ("STRING", "v\nw", 1, 6),
        ("LPAREN", "(", 2, 12),
        ("KEYWORD", "k", 3, 15),
        ("COMPARE", "!=", 3, 16),
        ("NUMBER", Decimal("-1.4"), 3, 18),
        ("RPAREN", ")", 3, 22),
    ]
    assert scl.lexer.token() is None


def test_the_lexer_can_be_given_another_text(scl):
    scl.lexer.input("a b")
    assert scl.lexer.token().value == "a"
    scl.lexer.input("c")
    assert [token.value for token in scl.lexer] == ["c"]
