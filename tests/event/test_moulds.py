"""Rules made in moulds, against each of them read by itself."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.errors import ScriptError
from plait.event import Condition, moulds
from plait.event.named_conditions import NamedConditions, read_rules
from plait.lexer import parse_nodes

FORMS = [
    "", "f>{}", "s={} f>{}", "f>={} f<{} i<={}", "f>{} f>{}", "s={} s={}", "s!={}", "not=(s={})", "none=(f={} f={})",
    "s=[{} {}] any=(f>{} all=(i<{} s!={}))", "all=(f>{}) all=(f<{})", "s=(not={})", "s=(not=[{} {}])",
    "a.b=(c={} d>{})", "f=(any=(f={} f={}))", "s~{}", "s=(prefix={} exists=yes)", "s=(exists={})", "s=[[{}] {}]",
    "s=[] f={}", "x=()", "not={} any={}", "s=(wrong={})(a={})",
]  # fmt: skip
VALUES = [
    "a", "b", "2s", "true", "null", '"true"', '"two words"', r'"a \"b\""', '"value 0"', '"2020-01-01"', "${HOME}",
    "yes", "5", "0.5", "1.5", "-3", "1e3", "1e300", "+.5", "12345678901234567890", "1e99999999999999999999",
]  # fmt: skip


@st.composite
def rules(draw: Any) -> str:
    """Named rules, of which some are written alike."""
    chosen = draw(st.lists(st.sampled_from(FORMS), min_size=1, max_size=3))
    lines = []
    for number, form in enumerate(chosen * draw(st.integers(1, 4))):
        name = draw(st.sampled_from([f"r{number}", f"r{number}", f"r.{number}", "same"]))
        values = draw(st.lists(st.sampled_from(VALUES), min_size=5, max_size=5))
        lines.append(f"{name}=({form.format(*values)})")
    return "  # one\n".join(lines)


def shown(piece: Any) -> Any:
    """Show a rule, the types of its values, and its functions by what they are made of."""
    if is_dataclass(piece):
        return type(piece), [shown(getattr(piece, each.name)) for each in fields(piece) if each.name != "holds"]
    return [shown(each) for each in piece] if isinstance(piece, tuple) else (type(piece), piece)


def all_of(found: Any) -> Any:
    return [(name, repr(condition), shown(condition.rule)) for name, condition in found]


@given(rules())
@settings(max_examples=200, deadline=None)
def test_rules_in_moulds_are_what_each_is_by_itself(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moulds, "_WORTH", 0)
        made = moulds.rules_alike(text)
    try:
        expected = NamedConditions().from_nodes(parse_nodes(text))
    except ScriptError:
        assert made is None
        return
    if made is None:
        assert "[[" in text
        return
    assert all_of(made) == all_of(expected)
    for (_, one), (_, other) in zip(made, expected, strict=True):
        assert isinstance(one, Condition)
        assert one == other


ALIKE = [f"r{number}=(sensor=s{number % 7} temperature>{number / 10})" for number in range(60)]


def test_of_rules_that_are_written_alike_one_is_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rules.scl"
    parsed: list[str] = []
    monkeypatch.setattr(moulds, "parse_nodes", lambda text: parsed.append(text) or parse_nodes(text))
    path.write_text("\n".join(ALIKE), "utf-8")
    found = read_rules(path)
    assert len(parsed) == 2  # a mould for numbers such as 3, and one for numbers such as 3.1
    assert dict(found)["r17"] == {"sensor": "s3", "temperature": {">": 1.7}}
    assert dict(found)["r17"].matches({"sensor": "s3", "temperature": 1.8})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("r17=(sensor=s1 temperature>true)", "rules.scl:18:16: > takes a number, a text or a time, not True"),
        ("r17=(sensor=s1 temperature>3", "rules.scl:18:5: '(' is not closed"),
        ("r17=(sensor=s1 temperature>3.4.5)", "rules.scl:18:28: '3.4.5' is not a keyword"),
        ("r17=(sensor=s1 temperature>3,5)", "rules.scl:18:29: ',' cannot stand in a word"),
        ("r17=(sensor=s1 temperature~5)", "rules.scl:18:16: regex takes a text, not 5"),
        ("r17=s1(temperature>5)", "rules.scl:18:1: a rule is written r17=( )"),
        ("r16=(sensor=s1 temperature>5)", "rules.scl:18:1: there is a rule 'r16' above already"),
    ],
)
def test_a_mistake_among_many_alike_is_said_with_its_place(tmp_path: Path, wrong: str, message: str) -> None:
    path = tmp_path / "rules.scl"
    path.write_text("\n".join([*ALIKE[:17], wrong, *ALIKE[18:]]), "utf-8")
    with pytest.raises(ValueError, match=re.escape(message)):
        read_rules(path)
