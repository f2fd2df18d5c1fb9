"""select=columns, rename=columns, drop=columns: which columns go on, and under which names."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from plait.errors import SpecError
from plait.lexer import parse_nodes
from plait.operators.select import Drop, NewNames, Rename, Select
from plait.record import TEXT
from plait.running import Context

FRAME = pl.DataFrame({"timestamp": [datetime(2010, 1, 1, tzinfo=UTC)], "a": [1], "b": ["x"], "^c.*$": [2.0]})
CHOICES = [
    (Select(keep=["b", "a"]), {"timestamp": "timestamp", "b": "b", "a": "a"}),
    (Select(keep=["a", "timestamp"]), {"a": "a", "timestamp": "timestamp"}),
    (Select(keep="^c.*$"), {"timestamp": "timestamp", "^c.*$": "^c.*$"}),
    (Drop(names=["a", "^c.*$"]), {"timestamp": "timestamp", "b": "b"}),
    (Rename(set={"n": "b"}), {"timestamp": "timestamp", "a": "a", "n": "b", "^c.*$": "^c.*$"}),
    (Rename(set={"a": "b", "b": "a"}), {"timestamp": "timestamp", "b": "a", "a": "b", "^c.*$": "^c.*$"}),
]


@pytest.mark.parametrize(("choice", "olds"), CHOICES)
def test_the_frame_has_the_columns_that_were_told_before(choice: Any, olds: dict[str, str]) -> None:
    (made,) = choice.open(Context()).on_frame(FRAME)
    assert made.columns == list(olds)
    assert made.row(0) == tuple(FRAME[old][0] for old in olds.values())
    assert list(choice.columns(FRAME.schema).items()) == list(made.schema.items())
    assert choice.columns(None) is None
    assert pickle.loads(pickle.dumps(choice)) == choice


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        (Select, {"keep": ["aa"]}, "keep: there is no column 'aa'; did you mean 'a'?"),
        (Drop, {"names": ["zzz"]}, "names: there is no column 'zzz'; allowed: timestamp, a, b"),
        (Rename, {"set": {"x": "bb"}}, "set: there is no column 'bb'"),
        (Rename, {"set": {"a": "b"}}, "there would be two columns 'a'"),
    ],
)
def test_unknown_columns_are_named_at_check_and_at_the_first_frame(kind: Any, options: Any, said: str) -> None:
    choice = kind(**options)
    for use in (lambda: choice.columns(FRAME.schema), lambda: choice.open(Context()).on_frame(FRAME)):
        with pytest.raises(SpecError) as caught:
            use()
        assert said in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        (Drop, {"names": ["timestamp"]}, "orders the stream"),
        (Rename, {"set": {"t": "timestamp"}}, "orders the stream"),
        (Rename, {"set": {"timestamp": "t"}}, "orders the stream"),
        (Rename, {"set": [("x", "a"), ("x", "b")]}, "x is a new name twice"),
        (Rename, {"set": [("x", "a"), ("y", "a")]}, "a is an old name twice"),
        (Rename, {"set": {}}, "is not new names with the old ones"),
        (Select, {"keep": ["a", "a"]}, "'a' is named twice"),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_made(kind: Any, options: Any, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        kind(**options)
    assert said in str(caught.value)


def test_the_text_of_the_rows_goes_along() -> None:
    frame = FRAME.with_columns(pl.lit("1,x").alias(TEXT))
    assert Select(keep=["a"]).open(Context()).on_frame(frame)[0].columns == ["timestamp", TEXT, "a"]
    assert TEXT in Drop(names=["a"]).open(Context()).on_frame(frame)[0].columns


def test_new_names_read_from_scl_and_written_again() -> None:
    (statement,) = parse_nodes('set=(new=old other="two words")')
    kind = NewNames()
    value = kind.from_nodes(statement.value.statements)
    assert value == (("new", "old"), ("other", "two words"))
    (again,) = parse_nodes(f"set={kind.write(value)}")
    assert kind.from_nodes(again.value.statements) == value
    for text in ("set=(new>old)", "set=(new=[a b])", "set=(new=old(a=b))"):
        (wrong,) = parse_nodes(text)
        with pytest.raises(ValueError):
            kind.from_nodes(wrong.value.statements)
