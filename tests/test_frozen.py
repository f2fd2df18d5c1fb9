"""What plait hands on inside is compared, hashed, shown and pickled as a frozen dataclass is."""

import pickle
from dataclasses import dataclass, field, replace

import pytest
from plait.frozen import frozen


class Quick:
    @frozen
    class Row:
        """A row."""

        at: int
        said: str = "x"
        seen: list[int] = field(default_factory=list, compare=False, repr=False)

    @frozen
    class One:
        """One value."""

        value: float


class Usual:
    @dataclass(frozen=True, slots=True)
    class Row:
        """A row."""

        at: int
        said: str = "x"
        seen: list[int] = field(default_factory=list, compare=False, repr=False)

    @dataclass(frozen=True, slots=True)
    class One:
        """One value."""

        value: float


@frozen(eq=False)
class Itself:
    """Equal to nothing else."""

    value: int


@pytest.mark.parametrize("make", [Quick, Usual])
def test_a_frozen_class_behaves_as_a_frozen_dataclass(make):
    row, nan = make.Row(1, seen=[3]), float("nan")
    assert row == make.Row(1) == replace(make.Row(2), at=1)
    assert row != make.Row(1, "y")
    assert row != (1, "x")
    assert make.One(1) != make.Row(1)
    assert make.One(nan) == make.One(nan)
    assert len({row, make.Row(1), make.One(1), make.One(1)}) == 2
    assert repr(row) == f"{make.__name__}.Row(at=1, said='x')"
    assert pickle.loads(pickle.dumps(row)).seen == [3]
    assert not hasattr(row, "__dict__")
    match row:
        case make.Row(at, said):
            assert (at, said) == (1, "x")


def test_a_class_without_equality_is_itself():
    one = Itself(1)
    assert one != Itself(1)
    assert len({one, one, Itself(1)}) == 2
    assert repr(one) == "Itself(value=1)"
