"""What is said about malformed text, class by class: each snippet with all its mistakes, place and message."""

import pytest
from plait.errors import ScriptError
from plait.lexer import SCLLexer, parse, parse_nodes

_ENVIRONMENT = "an environment value is ${NAME} or ${NAME:-default}; among other text it stands in double quotes"

MALFORMED = {
    "nothing where a value is due": [
        ("a=", ["1:3: the value of 'a' is missing"]),
        ("a=\n", ["1:3: the value of 'a' is missing"]),
        ("a=  # b", ["1:3: the value of 'a' is missing; # starts a comment"]),
        ("color=#fff", ["1:7: the value of 'color' is missing; # starts a comment"]),
        ("a=)", ["1:3: the value of 'a' is missing"]),
        ("x=(a=)", ["1:6: the value of 'a' is missing"]),
        ("a=\nb=2", ["1:3: the value of 'a' is missing"]),
        ("a= b=2 c=3", ["1:4: the value of 'a' is missing"]),
        ("a=b.c=2", ["1:3: the value of 'a' is missing"]),
        ("a=1 b=", ["1:7: the value of 'b' is missing"]),
        ("x=y(a= b=(c=))", ["1:8: the value of 'a' is missing", "1:13: the value of 'c' is missing"]),
        ("a=]", ["1:3: the value of 'a' is missing"]),
    ],
    "nothing where a key is due": [
        ("=5", ["1:1: the key before '=' is missing"]),
        ("a=1 =5", ["1:5: the key before '=' is missing"]),
        ("a=1 >5", ["1:5: the key before '>' is missing"]),
        ("x=(=5)", ["1:4: the key before '=' is missing"]),
        ("(a=1)", ["1:1: the key before '(' is missing"]),
        ("a=b(c=1)(d=2)", ["1:9: the key before '(' is missing"]),
        ("a=b ((c=1))", ["1:6: the key before '(' is missing"]),
    ],
    "nothing where an operator is due": [
        ("a", ["1:2: '=' and a value are missing after 'a'"]),
        ("a.b", ["1:4: '=' and a value are missing after 'a.b'"]),
        ("a\nb\nc=1", ["1:2: '=' and a value are missing after 'a'", "2:2: '=' and a value are missing after 'b'"]),
        ("key value", ["1:5: '=' is missing after 'key'"]),
        ("key value more=1", ["1:5: '=' is missing after 'key'"]),
        ("foo bar=1", ["1:5: '=' and a value are missing after 'foo'"]),
        ("a(b=1)", ["1:2: '=' is missing after 'a'"]),
        ("a [1 2]", ["1:3: '=' is missing after 'a'"]),
        ('a "x"', ["1:3: '=' is missing after 'a'"]),
        ("a -1 b=2", ["1:3: '=' is missing after 'a'"]),
        ("x=(a)", ["1:5: '=' and a value are missing after 'a'"]),
        ("x=(a]", ["1:5: '=' and a value are missing after 'a'"]),
        ("the quick brown fox", ["1:5: '=' is missing after 'the'"]),
        ("the quick brown=fox", ["1:5: '=' is missing after 'the'"]),
    ],
    "text without quotes": [
        (
            "path=my file.csv",
            ["1:17: '=' and a value are missing after 'file.csv'; text with blanks stands in double quotes"],
        ),
        (
            "print=hello world",
            ["1:18: '=' and a value are missing after 'world'; text with blanks stands in double quotes"],
        ),
        ("path=data/file.csv", ["1:10: '/' cannot stand in a word: put 'data/file.csv' in double quotes"]),
        ("path=file.csv", ["1:6: 'file.csv' is not a keyword: put it in double quotes"]),
        ("at=2024-01-01", ["1:8: '-' cannot stand in a word: put '2024-01-01' in double quotes"]),
        ("n=5,000", ["1:4: ',' cannot stand in a word: separate values by blanks, or put text in double quotes"]),
        ("v=1.2.3", ["1:3: '1.2.3' is not a keyword: put it in double quotes"]),
        ("t=1.5s", ["1:3: '1.5s' is not a keyword: put it in double quotes"]),
        ("u=http://x.org", ["1:7: ':' cannot stand in a word: write key=value, or put the text in double quotes"]),
        ("m=me@x.org", ["1:5: '@' cannot stand in a word: put 'me@x.org' in double quotes"]),
        ("w=half-open", ["1:7: '-' cannot stand in a word: put 'half-open' in double quotes"]),
        ("s='it is'", ['1:3: "\'" cannot stand in a word: strings stand in double quotes']),
        (
            "s='it is",
            [
                '1:3: "\'" cannot stand in a word: strings stand in double quotes',
                "1:9: '=' and a value are missing after 'is'; text with blanks stands in double quotes",
            ],
        ),
        (
            's=it"s x=1',
            ["1:5: '\"' cannot stand in a word: a string stands alone, and a quote inside it is written \\\""],
        ),
        ("p=50%", ["1:5: '%' cannot stand in a word: put '50%' in double quotes"]),
        ("x=-", ["1:3: '-' cannot stand in a word: put '-' in double quotes"]),
        (
            "l=[file.csv a/b]",
            [
                "1:4: 'file.csv' is not a keyword: put it in double quotes",
                "1:14: '/' cannot stand in a word: put 'a/b' in double quotes",
            ],
        ),
    ],
    "values that are too many": [
        ("a=1 2", ["1:5: '2' stands without a key"]),
        ('a=1 "x"', ["1:5: '\"x\"' stands without a key"]),
        ('a="x" "y"', ["1:7: '\"y\"' stands without a key"]),
        ("a=b [c]", ["1:5: a list stands without a key"]),
        ("a=1 ${B}", ["1:5: '${B}' stands without a key"]),
        ("a=[b][c]", ["1:6: a list stands without a key"]),
    ],
    "keys that are none": [
        ("5=6", ["1:1: '5' cannot be a key"]),
        ("a=1 5=6", ["1:5: '5' cannot be a key"]),
        ("1e5=2", ["1:1: '1e5' cannot be a key"]),
        ('"x"=6', ["1:1: '\"x\"' cannot be a key"]),
        ("${A}=1", ["1:1: '${A}' cannot be a key"]),
        (
            "my-key=1",
            ["1:3: '-' cannot stand in a word: a key has letters, digits and underscores, and dots between them"],
        ),
        (".a=1", ["1:1: '.' cannot stand in a word: a key has letters, digits and underscores, and dots between them"]),
        (
            "a..b=1",
            ["1:2: '.' cannot stand in a word: a key has letters, digits and underscores, and dots between them"],
        ),
        ("a.=1", ["1:2: '.' cannot stand in a word: a key has letters, digits and underscores, and dots between them"]),
        ("key: value", ["1:4: ':' cannot stand in a word: write key=value, or put the text in double quotes"]),
    ],
    "operators that are none": [
        ("a==b", ["1:2: '==' is no operator"]),
        ("a=>5", ["1:2: '=>' is no operator"]),
        ("a=<5", ["1:2: '=<' is no operator"]),
        ('a=~"x"', ["1:2: '=~' is no operator"]),
        ("a!b", ["1:2: '!' is no operator"]),
        ("a=!5", ["1:2: '=!' is no operator"]),
        ("a<>5", ["1:2: '<>' is no operator"]),
        ("a= =b", ["1:4: '=' cannot follow another operator"]),
        ("a != = b", ["1:6: '=' cannot follow another operator"]),
        ("a=1 ! b=2", ["1:5: '!' is no operator"]),
    ],
    "parentheses": [
        ("a=(", ["1:3: '(' is not closed"]),
        ("a=b(", ["1:4: '(' is not closed"]),
        ("a=(b=1", ["1:3: '(' is not closed"]),
        ("a=b(c=1", ["1:4: '(' is not closed"]),
        ("a=b(c=1\nd=e(f=2)", ["1:4: '(' is not closed"]),
        ("a=(b=(c=1", ["1:3: '(' is not closed", "1:6: '(' is not closed"]),
        ("a=1)", ["1:4: ')' closes nothing"]),
        ("a=(b=1))", ["1:8: ')' closes nothing"]),
        ("a=1) b=2) c=3", ["1:4: ')' closes nothing", "1:9: ')' closes nothing"]),
        (")", ["1:1: ')' closes nothing"]),
        ("a=(b=1)c=2", ["1:8: a blank is missing after ')'"]),
        ("a=b(c=1)d=2", ["1:9: a blank is missing after ')'"]),
    ],
    "brackets": [
        ("a=[", ["1:3: '[' is not closed"]),
        ("a=[b c", ["1:3: '[' is not closed"]),
        ("a=b(c=[d e)", ["1:7: '[' is not closed"]),
        ("x=y(from=[a b name=d e=(f=1))", ["1:10: '[' is not closed"]),
        ("from=[a b\nname=d\ne=[f]", ["1:6: '[' is not closed"]),
        ("a=[b=c]", ["1:5: a list holds values, not statements"]),
        ("a=[b=c d=e]", ["1:5: a list holds values, not statements"]),
        ("a=[b)", ["1:5: ')' cannot close '['"]),
        ("a=(b=1]", ["1:7: ']' cannot close '('"]),
        ("a=b]", ["1:4: ']' closes nothing"]),
        ("]", ["1:1: ']' closes nothing"]),
        ("a=[b (c=1) d] e=4", ["1:6: parentheses cannot stand in a list"]),
        ("a=[(b=1", ["1:3: '[' is not closed", "1:4: parentheses cannot stand in a list"]),
        ("a=[b, c]", ["1:5: ',' cannot stand in a word: separate values by blanks, or put text in double quotes"]),
        ("a=[b]c=1", ["1:6: a blank is missing after ']'"]),
        ("a=[b.c=1", ["1:3: '[' is not closed", "1:4: 'b.c' is not a keyword: put it in double quotes"]),
    ],
    "strings": [
        ('a="x', ["1:3: the string is not closed"]),
        ('a="', ["1:3: the string is not closed"]),
        ('a="x\\"', ["1:3: the string is not closed"]),
        ('a="x\nb=2', ["1:3: the string is not closed"]),
        ('a="x\nb="y"\nc=3', ["1:3: the string is not closed; the next quote runs into other text"]),
        ('a=b(x="y)\nc=d', ["1:7: the string is not closed"]),
        ('a=(\n  x="y\n  z=1)\nb=2', ["2:5: the string is not closed"]),
        (
            'print="He said "hello" to" x=1',
            ['1:17: a blank is missing after the string; a quote inside a string is written \\"'],
        ),
        ('a="x"y', ['1:6: a blank is missing after the string; a quote inside a string is written \\"']),
        ('a="x"1 b=2', ['1:6: a blank is missing after the string; a quote inside a string is written \\"']),
        ('x=["a""b"]', ['1:7: a blank is missing after the string; a quote inside a string is written \\"']),
        ('a="x"(b=1)y', ["1:11: a blank is missing after ')'"]),
    ],
    "environment": [
        ("a=${}", [f"1:3: '$' cannot stand in a word: {_ENVIRONMENT}"]),
        ("a=${1}", [f"1:3: '$' cannot stand in a word: {_ENVIRONMENT}"]),
        ("a=${HOME", [f"1:3: '$' cannot stand in a word: {_ENVIRONMENT}"]),
        ("a=${HOME}/x", [f"1:3: '$' cannot stand in a word: {_ENVIRONMENT}"]),
        ("a=x${HOME}", [f"1:4: '$' cannot stand in a word: {_ENVIRONMENT}"]),
        ("a=${A}${B}", [f"1:3: '$' cannot stand in a word: {_ENVIRONMENT}"]),
        ("a=$HOME", [f"1:3: '$' cannot stand in a word: {_ENVIRONMENT}"]),
        ("a=${A-b}", [f"1:3: '$' cannot stand in a word: {_ENVIRONMENT}"]),
    ],
    "characters": [
        ("@", ["1:1: '@' cannot stand in a word: put '@' in double quotes"]),
        ("a=@", ["1:3: '@' cannot stand in a word: put '@' in double quotes"]),
        ("a=va@lue b=2", ["1:5: '@' cannot stand in a word: put 'va@lue' in double quotes"]),
        ("a=b ; c=d", ["1:5: ';' cannot stand in a word: put ';' in double quotes"]),
        ("a=b, c=d", ["1:4: ',' cannot stand in a word: separate values by blanks, or put text in double quotes"]),
        (
            "{a=1}",
            [
                "1:1: '{' cannot stand in a word: a key has letters, digits and underscores, and dots between them",
                "1:5: '}' cannot stand in a word: put '1}' in double quotes",
            ],
        ),
        ("a=\x00", ["1:3: '\\x00' cannot stand in a word: put '\\x00' in double quotes"]),
        ("a=\u20ac", ["1:3: '\u20ac' cannot stand in a word: put '\u20ac' in double quotes"]),
        ("a=\\", ["1:3: '\\\\' cannot stand in a word: put '\\\\' in double quotes"]),
        ("a=1 \ufeff b=2", ["1:5: '\\ufeff' cannot stand in a word: put '\\ufeff' in double quotes"]),
        ("a=\ud800", ["1:3: '\\ud800' cannot stand in a word: put '\\ud800' in double quotes"]),
    ],
    "numbers": [
        ("a=1e99999999999999999999", ["1:3: '1e99999999999999999999' has an exponent beyond all numbers"]),
        ("a=1e1000000000000000000", ["1:3: '1e1000000000000000000' has an exponent beyond all numbers"]),
        ("a=1.", ["1:4: '.' cannot stand in a word: put '1.' in double quotes"]),
        ("a=1e+", ["1:5: '+' cannot stand in a word: put '1e+' in double quotes"]),
        ("a=+", ["1:3: '+' cannot stand in a word: put '+' in double quotes"]),
        ("a=1_0.5", ["1:3: '1_0.5' is not a keyword: put it in double quotes"]),
        ("a=--1", ["1:3: '-' cannot stand in a word: put '--1' in double quotes"]),
        ("a=+-1", ["1:3: '+' cannot stand in a word: put '+-1' in double quotes"]),
        ("a=1.5.", ["1:6: '.' cannot stand in a word: put '1.5.' in double quotes"]),
    ],
    "several": [
        (
            "a=\nb=@\nc=)\nd=1 2\n=3",
            [
                "1:3: the value of 'a' is missing",
                "2:3: '@' cannot stand in a word: put '@' in double quotes",
                "3:3: the value of 'c' is missing",
                "4:5: '2' cannot be a key",
            ],
        ),
        (
            "x=(a= b=@\n c d=1 e=[f",
            [
                "1:3: '(' is not closed",
                "1:7: the value of 'a' is missing",
                "1:9: '@' cannot stand in a word: put '@' in double quotes",
                "2:4: '=' and a value are missing after 'c'",
                "2:10: '[' is not closed",
            ],
        ),
        (
            "a=1\r\nb=@\r\nc=@\rd=@\n\te=@",
            [
                "2:3: '@' cannot stand in a word: put '@' in double quotes",
                "3:3: '@' cannot stand in a word: put '@' in double quotes",
                "4:3: '@' cannot stand in a word: put '@' in double quotes",
                "5:4: '@' cannot stand in a word: put '@' in double quotes",
            ],
        ),
        ("\ufeffa=@", ["1:3: '@' cannot stand in a word: put '@' in double quotes"]),
        (
            "\xe9=@ \xfc=@",
            [
                "1:3: '@' cannot stand in a word: put '@' in double quotes",
                "1:7: '@' cannot stand in a word: put '@' in double quotes",
            ],
        ),
        (
            "a=\U0001f300\U0001f300 b=@",
            [
                "1:3: '\U0001f300' cannot stand in a word: put '\U0001f300\U0001f300' in double quotes",
                "1:8: '@' cannot stand in a word: put '@' in double quotes",
            ],
        ),
    ],
}
CASES = [(kind, text, mistakes) for kind, cases in MALFORMED.items() for text, mistakes in cases]


def mistakes_of(text):
    with pytest.raises(ScriptError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(("kind", "text", "mistakes"), CASES)
def test_malformed_text_gets_these_mistakes(kind, text, mistakes):
    assert [f"{m.line}:{m.column}: {m.message}" for m in mistakes_of(text).mistakes] == mistakes


@pytest.mark.parametrize(("kind", "text", "mistakes"), CASES)
def test_both_parsers_say_the_same(kind, text, mistakes):
    with pytest.raises(ScriptError) as caught:
        parse_nodes(text, "x.scl")
    assert caught.value.mistakes == mistakes_of(text).mistakes
    assert str(caught.value).startswith(f"x.scl:{mistakes[0]}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=1", ("a key", "the end of the text")),
        ("x=(=1)", ("')'", "a key")),
        ("a=1 2", ("'('", "a key", "the end of the text")),
        ("x=(a=1 2)", ("'('", "')'", "a key")),
        ("a", ("'='", "another operator")),
        ("a=", ("${NAME}", "'('", "'['", "a keyword", "a number", "a string")),
        ("a=@", ("${NAME}", "'('", "'['", "a keyword", "a number", "a string")),
        ("a= b=1", ("${NAME}", "'('", "'['", "a keyword", "a number", "a string")),
        ("a=[@]", ("${NAME}", "'['", "']'", "a keyword", "a number", "a string")),
        ("a=(b=1", ("')'",)),
        ("a=[b", ("']'",)),
        ('a="b', ("'\"'",)),
        ("a==b", ("'!='", "'<'", "'<='", "'='", "'>'", "'>='", "'~'")),
    ],
)
def test_a_mistake_says_what_was_expected(text, expected):
    assert mistakes_of(text).mistakes[0].expected == expected


def test_the_error_shows_the_line_with_a_caret():
    error = mistakes_of("a=1\r\n\tb=half-open\r\nc=2")
    assert str(error) == (
        "<string>:2:8: '-' cannot stand in a word: put 'half-open' in double quotes\n"
        "    \tb=half-open\n"
        "    \t      ^\n"
        "  expected ${NAME}, '(', '[', a keyword, a number, a string"
    )
    assert (error.line, error.column, error.path) == (2, 8, "<string>")


def test_no_more_than_fifty_mistakes_are_kept():
    error = mistakes_of("a=@\n" * 1000)
    assert [m.line for m in error.mistakes] == list(range(1, 51))
    assert error.mistakes[-1].message == "more than 49 mistakes: what follows was not looked at"


def test_fortynine_mistakes_are_all_kept():
    assert [m.line for m in mistakes_of("a=@\n" * 49).mistakes] == list(range(1, 50))


@pytest.mark.parametrize(("opening", "closing"), [("a=(", ")"), ("a=b(", ")"), ("[", "]")])
def test_256_levels_are_parsed_and_the_257th_is_a_mistake(opening, closing):
    start = "a=" if opening == "[" else ""
    assert parse(start + opening * 256 + closing * 256)
    assert parse_nodes(start + opening * 256 + closing * 256)[0].plain()
    for text in (start + opening * 257 + closing * 257, start + opening * 5000):
        (mistake,) = mistakes_of(text).mistakes
        assert mistake.message == "nested more than 256 levels deep"
        assert (mistake.line, mistake.column) == (1, len(start + opening * 257))


def test_the_lexer_alone_stops_at_the_first_mistake():
    lexer = SCLLexer().lexer
    lexer.input("a=1\nb=@ c=@")
    with pytest.raises(ScriptError) as caught:
        list(lexer)
    assert [(m.line, m.column) for m in caught.value.mistakes] == [(2, 3)]
