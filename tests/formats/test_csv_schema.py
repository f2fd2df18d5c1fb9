"""The option `schema=( )`, as a script gives it and as Python does."""

from __future__ import annotations

import pytest
from plait.formats.schema import Schema
from plait.lexer import parse_nodes


def from_script(text):
    """Do what a loader does with `schema=...`."""
    value = parse_nodes(f"schema={text}")[0].value
    return Schema().from_nodes(value.statements) if hasattr(value, "statements") else Schema().parse(value.plain())


def test_types_come_from_a_script_as_they_come_from_python():
    assert from_script("(id=text temp=float)") == Schema().parse({"id": str, "temp": "float"})


def test_names_that_cannot_be_keys_stand_in_a_list():
    assert from_script('["wind speed" float id text]') == (("wind speed", "float"), ("id", "text"))


@pytest.mark.parametrize(
    ("text", "says"), [("(a=flaot)", "did you mean 'float'"), ("(a=(b=c))", "float"), ("(a>float)", "column=type")]
)
def test_what_is_no_type_is_refused_with_its_column(text, says):
    with pytest.raises(ValueError, match=f"a: .*{says}"):
        from_script(text)


def test_what_is_no_list_of_pairs_is_refused():
    with pytest.raises(ValueError, match="types of columns"):
        from_script("[a]")


@pytest.mark.parametrize(
    ("types", "written"),
    [
        ({"t.max": "float", "id": "text"}, "(t.max=float id=text)"),
        ({"wind speed": "float", "1st": "text"}, '["wind speed" float 1st text]'),
    ],
)
def test_a_schema_is_written_as_it_is_read(types, written):
    assert Schema().write(Schema().parse(types)) == written
    assert dict(from_script(written)) == types
