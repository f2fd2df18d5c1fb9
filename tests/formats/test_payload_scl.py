"""A line of SCL is a record."""

import pytest
from plait.formats.payload import UnreadableError, make_payload


def read(text):
    return make_payload("scl").decode(text.encode())


@pytest.mark.parametrize(
    ("line", "record"),
    [
        (
            'command=slew(id=17 timestamp="2010-01-01T00:00:00Z" az=12.5)',
            {"command": "slew", "id": 17, "timestamp": "2010-01-01T00:00:00Z", "az": 12.5},
        ),
        ("temp=20 unit=C", {"temp": 20, "unit": "C"}),
        ("a=1(b=2) c=3", {"a": 1, "b": 2, "c": 3}),
        (
            "command=slew(target=star(ra=1 dec=-2.0))",
            {"command": "slew", "target": {"value": "star", "ra": 1, "dec": -2.0}},
        ),
        ("limits=(low=1 high=2)", {"limits": {"low": 1, "high": 2}}),
        ("command=set(limits=(low=1 high=(soft=2 hard=3)))",
         {"command": "set", "limits": {"low": 1, "high": {"soft": 2, "hard": 3}}}),
        ('ids=[1 2.5 "x y" z]', {"ids": [1, 2.5, "x y", "z"]}),
        ('text="say \\"hi\\""', {"text": 'say "hi"'}),
    ],
)  # fmt: skip
def test_statements_become_fields(line, record):
    assert read(line) == record


def test_numbers_without_a_point_are_integers_and_others_floats():
    record = read("a=1 b=1.0 c=1e3")
    assert [type(value) for value in record.values()] == [int, float, float]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("command=slew(id=1", "not SCL"),
        ("== nonsense", "not SCL"),
        ("temp>20", "comparison"),
        ("check=limits(temp>20)", "comparison"),
        ("a=1 a=2", "'a' is given twice"),
        ("command=slew(command=2)", "'command' is given twice"),
        ("a=(b=c(value=1))", "'value' is given twice"),
        ("", "empty message"),
        ("# only a comment", "empty message"),
    ],
)
def test_what_is_no_record_is_unreadable_and_says_why(line, says):
    with pytest.raises(UnreadableError, match=says):
        read(line)


def test_line_that_is_not_utf_8_is_unreadable():
    with pytest.raises(UnreadableError, match="not UTF-8"):
        make_payload("scl").decode(b"a=\xff")
