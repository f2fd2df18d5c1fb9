"""What is put is copied at once, whatever it is made of; and what comes out is equal to it, and of its types."""

import enum
import importlib.resources
import pickle
import zlib
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plait.queue import Queue
from plait.queue.blocks import COPIES, Loose, Packed, arrived
from plait.queue.sealing import sealed
from plait.util import MultiProcessing


class Text(str):
    __slots__ = ()


class Level(enum.IntEnum):
    HIGH = 3


class Row(dict):
    pass


ODD = [
    {},
    {"a": Text("subclass")},
    {Text("key"): 1},
    {np.int64(1): 1.0, np.str_("s"): 2.0},
    {"a": np.float64(1.5), "b": np.datetime64("2020-01-01")},
    {"a": True, "b": 1, "c": 1.0, "d": Level.HIGH},
    {1: "int", 1.5: "float", None: "none", b"b": "bytes", (1, 2): "tuple", date(2020, 1, 1): "date"},
    {"a": datetime(2020, 1, 1), "b": datetime(2020, 1, 1, tzinfo=UTC), "c": date(2020, 1, 1), "d": time(1, 2)},
    {"a": datetime(2020, 7, 1, tzinfo=ZoneInfo("Europe/Berlin")), "b": timedelta(1)},
    {"a": datetime(2020, 7, 1, tzinfo=timezone(timedelta(hours=5.5), "IST")), "b": Decimal("0.10")},
    {"a": {"b": {"c": [1, {"d": ()}]}}},
    {"a": -0.0, "b": float("inf"), "c": 2**200, "d": "\ud800", "e": b"\0", "f": 1j, "g": ...},
    Row(a=1),
    {"a": [datetime(2020, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1)], "b": (time(2, 30, fold=1),)},
    [1, 2],
    (1, 2),
    (b"a tuple that looks like a pickle",),
    "text",
    None,
    7,
]


def types_of(item):
    """Return the item with types instead of values, all the way down; of times, which of two of one name they are."""
    if isinstance(item, datetime | time):
        return type(item), item.fold
    if isinstance(item, dict):
        return type(item), [(types_of(key), types_of(value)) for key, value in item.items()]
    return (type(item), [types_of(part) for part in item]) if isinstance(item, list | tuple) else type(item)


@pytest.fixture(scope="module")
def pool():
    pool = MultiProcessing().ProcessPool(1)
    yield pool
    pool.terminate()
    pool.join()


@pytest.mark.parametrize("item", ODD, ids=repr)
def test_what_comes_out_is_equal_and_of_the_same_types(item):
    q = Queue()
    q.put(item)
    q.put_block([item])
    for out in (q.get(), q.get()):
        assert out == item
        assert types_of(out) == types_of(item)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(ODD), min_size=1, max_size=30), st.data())
def test_a_block_says_the_same_packed_or_loose_and_wherever_it_is_split(items, data):
    parts = [sealed(item) for item in items]
    packed = Packed(len(parts), Loose(parts).payload())
    assert Loose(parts).items() == packed.items() == items
    if len(items) > 1:
        first, rest = packed.split(data.draw(st.integers(1, len(items) - 1)))
        assert first.items() + rest.items() == items
        assert list(map(types_of, rest.items())) == list(map(types_of, items[first.count :]))


@pytest.mark.processes
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([item for item in ODD if type(item) is not Row]), max_size=40), st.integers(1, 60))
def test_it_is_so_between_processes(pool, items, times):
    back = Queue()
    pool.submit(lambda back, items, times: [back.put(item) for _ in range(times) for item in items], back, items, times)
    for _ in range(times):
        for item in items:
            out = back.get(timeout=30)
            assert (out, types_of(out)) == (item, types_of(item))


def changed(value):
    """Change a value in place."""
    value[:1] = b"X" if isinstance(value, bytearray) else [99]


@pytest.mark.parametrize("value", [[1, 2], bytearray(b"12"), np.array([1, 2])], ids=["list", "bytearray", "array"])
def test_a_value_that_is_used_again_is_copied_when_it_is_put(value):
    q = Queue()
    q.put({"plain": 1})
    row = {"n": 1, "value": value}
    before = list(value)
    q.put(row)
    changed(value)
    row["n"] = 2
    q.put(row)
    assert q.get() == {"plain": 1}
    first, second = q.get(), q.get()
    assert (first["n"], list(first["value"])) == (1, before)
    assert (second["n"], list(second["value"])) == (2, list(value)) != (2, before)


@pytest.mark.processes
def test_a_row_that_is_used_again_is_copied_also_in_the_middle_of_a_stream(pool):
    q = Queue()

    def reuse(q):
        row, buffer = {}, bytearray(1)
        for n in range(5000):
            row["n"] = n
            q.put(row)
            if n % 1000 == 500:
                buffer[0] = n // 1000
                q.put({"buffer": buffer})

    pool.submit(reuse, q)
    for n in range(5000):
        assert q.get(timeout=30) == {"n": n}
        if n % 1000 == 500:
            assert q.get(timeout=30) == {"buffer": bytearray([n // 1000])}


class Nowhere(timezone.__base__):
    """A time zone that cannot be pickled."""

    def utcoffset(self, when):
        return timedelta(0)

    def __reduce__(self):
        raise TypeError("a zone of this place only")


def zone_of_a_file():
    with importlib.resources.files("tzdata").joinpath("zoneinfo/Europe/Berlin").open("rb") as file:
        return ZoneInfo.from_file(file)


@pytest.mark.parametrize(("zone", "reason"), [(Nowhere, "this place only"), (zone_of_a_file, "from a file")])
def test_a_time_in_a_zone_that_cannot_be_pickled_is_refused(zone, reason):
    q = Queue()
    with pytest.raises(pickle.PicklingError, match=reason):
        q.put({"t": datetime(2020, 1, 1, tzinfo=zone())})
    assert q.empty()


class Unhashable(Nowhere):
    __hash__ = None

    def __reduce__(self):
        return Unhashable, ()


def test_a_time_in_a_zone_without_a_hash_travels():
    q = Queue()
    row = {"t": datetime(2020, 1, 1, tzinfo=Unhashable())}
    q.put(row)
    out = q.get()
    assert out == row
    assert type(out["t"].tzinfo) is Unhashable


def grudging():
    """Make what can be pickled, and cannot be again once it has been unpickled."""
    return zlib.compressobj()


class Once:
    def __reduce__(self):
        return grudging, ()


def give_up(path):
    """Raise KeyboardInterrupt, the first time."""
    if path.exists():
        path.unlink()
        raise KeyboardInterrupt
    return "at last"


class Late:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return give_up, (self.path,)


@pytest.mark.parametrize("get", [Queue.get, lambda q: next(iter(q.get_block()))])
def test_an_interrupt_while_items_are_unpickled_loses_none(tmp_path, get):
    path = tmp_path / "first time"
    path.touch()
    q = Queue()
    q.put(Late(path))
    q.put({"a": 2})
    with pytest.raises(KeyboardInterrupt):
        get(q)
    assert q.qsize() == 2
    assert q.get() == "at last"
    assert q.get() == {"a": 2}


@pytest.mark.processes
def test_an_item_that_cannot_be_pickled_again_costs_its_reader_elsewhere_only_that(pool):
    q, back = Queue(), Queue()
    for item in ("first", {"a": 1}, Once(), {"a": 2}):
        q.put(item)
    assert q.get() == "first"  # now all the others are unpickled here

    def read(q, back):
        for _ in range(3):
            try:
                back.put(q.get(timeout=30))
            except pickle.PicklingError as error:
                back.put(str(error))

    pool.submit(read, q, back).result(timeout=60)
    assert back.get() == {"a": 1}
    assert "Compress" in back.get()
    assert back.get() == {"a": 2}


def test_what_a_taker_cannot_be_given_stays_at_the_head():
    class Clumsy:
        want = 2

        def take(self, block):
            raise MemoryError

    q = Queue()
    q.put_block([1, 2, 3])
    with pytest.raises(MemoryError):
        q._end.depot.ask_items(Clumsy())
    assert [q.get() for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("put", [Queue.put, Queue.put_block])
@pytest.mark.parametrize(
    ("dtype", "says"),
    [
        (pl.Object, "Python objects"),
        (pl.Int128, "Int128"),
        (pl.List(pl.Struct({"a": pl.UInt128})), "UInt128"),
    ],
)
def test_a_frame_with_a_column_that_arrow_does_not_have_is_refused_by_its_name(put, dtype, says):
    q = Queue(10)
    with pytest.raises(pickle.PicklingError, match=f"'thing' is of {says}"):
        put(q, pl.DataFrame({"n": [1], "thing": pl.Series([None], dtype=dtype)}))
    assert q.empty()
    q.put(pl.DataFrame({"n": [1], "deep": [[{"a": [1]}]]}))
    assert q.get() == {"n": 1, "deep": [{"a": [1]}]}


def test_a_key_that_turns_out_too_late_to_be_none_for_pickle_costs_only_its_item():
    bad = {zlib.compressobj(): 1}
    parts = [{"a": 1}, bad, {"a": 2}]
    q = Queue()
    q._end.depot.add(arrived(*Loose(parts, COPIES).message()))
    assert q.get() == {"a": 1}
    with pytest.raises(pickle.PicklingError, match="Compress"):
        q.get()
    assert q.get() == {"a": 2}
