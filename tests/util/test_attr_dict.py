"""AttrDict: a dict with attribute access, all the way down."""

import copy
import pickle

import pytest
from plait.util import AttrDict


def test_items_are_attributes_and_attributes_are_items():
    d = AttrDict(a=1)
    d.b = 2
    d["c"] = 3
    assert (d.a, d["b"], d.c) == (1, 2, 3)
    del d.a
    assert d == {"b": 2, "c": 3}


def test_what_is_missing_is_an_attribute_error_that_names_what_is_there():
    d = AttrDict(temperature=1)
    with pytest.raises(AttributeError, match=r"'pressure'.*temperature"):
        _ = d.pressure
    with pytest.raises(AttributeError, match="pressure"):
        del d.pressure
    with pytest.raises(KeyError):
        _ = d["pressure"]
    assert not hasattr(d, "pressure")
    assert getattr(d, "pressure", 7) == 7


def test_dicts_inside_behave_alike_however_they_came_in():
    d = AttrDict({"a": {"b": {"c": 1}}}, rows=[{"x": 1}])
    d.update(e={"f": 2})
    d.setdefault("g", {"h": 3})
    d |= {"i": {"j": 4}}
    d.k = {"l": 5}
    assert (d.a.b.c, d.rows[0].x, d.e.f, d.g.h, d.i.j, d.k.l) == (1, 1, 2, 3, 4, 5)


def test_to_dict_gives_plain_dicts():
    plain = AttrDict(a={"b": 1}, rows=[{"x": 1}]).to_dict()
    assert plain == {"a": {"b": 1}, "rows": [{"x": 1}]}
    assert [type(plain), type(plain["a"]), type(plain["rows"][0])] == [dict] * 3


def test_methods_are_not_hidden_by_items():
    d = AttrDict(items=1)
    assert list(d.items()) == [("items", 1)]
    assert d["items"] == 1


def test_copies_and_pickles_are_attr_dicts_of_their_own():
    d = AttrDict(a={"b": 1})
    for other in (pickle.loads(pickle.dumps(d)), copy.deepcopy(d), d.copy()):
        assert isinstance(other, AttrDict)
        assert other == d
        other.a.b = 2
        assert d.a.b == 1
