"""Keyed state against a dict that remembers when each value was written."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from plait.errors import StateError
from plait.state import KeyedState, SharedStates, StateStatistics
from plait.state.keys import canonical, decode, encode

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


# Keys

zones = st.sampled_from([None, UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=8))])
moments = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=zones)
plain_keys = st.one_of(
    st.sampled_from([0, 1, -1, 1.0, True, False, "1", b"1", "", b"", None, (), (1,), ("1",), 2**70, 2.0**70]),
    st.text(st.characters(), max_size=3),
    st.floats(allow_nan=False),
    st.integers(),
    st.binary(max_size=3),
    moments,
)
all_keys = st.recursive(plain_keys, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=4)


@given(all_keys, all_keys)
def test_keys_are_the_same_as_they_are_in_a_dict(one: Any, other: Any) -> None:
    assert (encode(canonical(one)) == encode(canonical(other))) == (one == other)


@given(all_keys)
def test_a_key_comes_back_equal_and_in_its_canonical_form(key: Any) -> None:
    back = decode(encode(canonical(key)))
    assert back == key
    assert repr(back) == repr(canonical(back))


LONG = pytest.param(1 << 9000, id="long")


@pytest.mark.parametrize("key", [float("nan"), (1, float("nan")), [1], {"a": 1}, object(), timedelta(1), LONG])
def test_what_is_no_key_is_refused_by_every_method(key: Any) -> None:
    state = KeyedState()
    for ask in (
        lambda: state.get(key),
        lambda: state.set(key, 1),
        lambda: state.update(key, lambda old: 1),
        lambda: state.delete(key),
        lambda: key in state,
        lambda: state.of(key),
    ):
        with pytest.raises((TypeError, ValueError), match="key"):
            ask()
    assert len(state) == 0


# All operations, in any order, with and without a file, against the definition

names = st.sampled_from(["a", "b", 1, True, 1.0, "1", (1, "a"), None])
spaces = st.sampled_from(["default", "other"])
values = st.sampled_from([None, 0, True, "text", [1], {"a": [2]}, (1, 2), b"bytes"])
scopes = st.sampled_from([None, ("of", "a"), ("of", 1), ("window", 0, 10), ("window", 5, 20)])
lives = st.sampled_from([None, 0, 3, 10])


class AgainstADict(RuleBasedStateMachine):
    """The oracle holds (value, expires, waits) by (namespace, scope, key), and drops nothing."""

    path: Path | None = None

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[Any, tuple[Any, float | None, float | None]] = {}
        self.now: float | None = None
        self.state = self.opened()

    def opened(self) -> KeyedState:
        return KeyedState(self.path, ttl="7s", autocommit=False, cache_bytes=2000)

    def scope(self, scope: Any) -> Any:
        if scope is None:
            return self.state
        return self.state.of(scope[1]) if scope[0] == "of" else self.state.of_window(at(scope[1]), at(scope[2]))

    def live(self, slot: Any) -> bool:
        if slot not in self.model:
            return False
        expires = self.model[slot][1]
        return expires is None or self.now is None or self.now <= expires

    @rule(key=names, space=spaces, scope=scopes, value=values, ttl=lives)
    def set(self, key: Any, space: str, scope: Any, value: Any, ttl: int | None) -> None:
        self.scope(scope).set(key, value, namespace=space, ttl=None if ttl is None else timedelta(seconds=ttl))
        length = 7 if ttl is None else ttl
        slot = (space, scope, key)
        if not self.live(slot):
            self.model.pop(slot, None)
        if scope is not None and scope[0] == "window":
            self.model[slot] = (value, scope[2] + length, None)
        elif self.now is None:
            self.model[slot] = (value, None, length)
        else:
            self.model[slot] = (value, self.now + length, None)

    @rule(key=names, space=spaces, scope=scopes)
    def get(self, key: Any, space: str, scope: Any) -> None:
        slot = (space, scope, key)
        expected = self.model[slot][0] if self.live(slot) else "nothing"
        assert self.scope(scope).get(key, "nothing", namespace=space) == expected

    @rule(key=names, space=spaces, scope=scopes)
    def delete(self, key: Any, space: str, scope: Any) -> None:
        slot = (space, scope, key)
        assert self.scope(scope).delete(key, namespace=space) == self.live(slot)
        self.model.pop(slot, None)

    @rule(space=spaces)
    def clear(self, space: str) -> None:
        self.state.clear(space)
        self.model = {slot: entry for slot, entry in self.model.items() if slot[0] != space}

    @rule(seconds=st.integers(-2, 6))
    def advance(self, seconds: int) -> None:
        time = (self.now or 0) + seconds
        self.state.advance(at(time))
        if self.now is None:
            for slot, (value, expires, waits) in self.model.items():
                self.model[slot] = (value, expires if waits is None else time + waits, None)
        self.now = time if self.now is None else max(self.now, time)

    @rule()
    def commit(self) -> None:
        self.state.commit()

    @rule()
    def open_again(self) -> None:
        if self.path is not None:
            self.state.close()
            self.state = self.opened()

    @invariant()
    def holds_what_the_dict_holds(self) -> None:
        live = {slot: value for slot, (value, _, _) in self.model.items() if self.live(slot)}
        assert len(self.state) == len(live)
        assert self.state.namespaces() == sorted({space for space, _, _ in live})
        for space in ("default", "other"):
            expected = {key: value for (its, scope, key), value in live.items() if (its, scope) == (space, None)}
            assert dict(self.state.items(namespace=space)) == expected
            assert set(self.state.keys(namespace=space)) == set(expected)
        assert self.state.time == (None if self.now is None else at(self.now))

    def teardown(self) -> None:
        self.state.close()


TestInMemory = AgainstADict.TestCase
TestInMemory.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


def test_in_a_file_that_is_closed_and_opened_it_is_the_same(tmp_path: Path) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    numbers: Iterator[int] = iter(range(10**6))

    class InAFile(AgainstADict):
        def __init__(self) -> None:
            self.path = tmp_path / f"{next(numbers)}.sqlite"
            super().__init__()

    run_state_machine_as_test(InAFile, settings=settings(max_examples=25, stateful_step_count=30, deadline=None))


# Copies


@pytest.mark.parametrize("cache_bytes", [0, 1 << 20])
def test_what_was_got_or_set_can_be_changed_without_changing_the_state(cache_bytes: int) -> None:
    state = KeyedState(cache_bytes=cache_bytes)
    mine = {"readings": [1]}
    state.set("sf", mine)
    mine["readings"].append(2)
    got = state.get("sf")
    assert got == {"readings": [1]}
    got["readings"].append(3)
    assert state.get("sf") == {"readings": [1]}
    ((_, listed),) = state.items()
    listed["readings"].clear()
    new = state.update("sf", lambda old: {**old, "n": 1})
    new["n"] = 99
    assert state.get("sf") == {"readings": [1], "n": 1}


def test_an_update_that_raises_changes_nothing_not_even_what_it_was_given() -> None:
    state = KeyedState()
    state.set("k", [1])

    def spoil(old: list[int]) -> list[int]:
        old.append(2)
        raise LookupError("spoilt")

    with pytest.raises(LookupError):
        state.update("k", spoil)
    assert state.get("k") == [1]


def test_a_value_that_cannot_be_pickled_is_refused_at_once_and_the_old_one_stays() -> None:
    state = KeyedState()
    state.set("k", 1)
    with pytest.raises(TypeError, match="the value of 'k' cannot be pickled"):
        state.set("k", threading.Lock())
    assert state.get("k") == 1


def test_keys_come_in_the_order_in_which_they_were_first_set() -> None:
    state = KeyedState()
    for key in ("c", "a", "b", "a"):
        state.set(key, 1)
    assert list(state.keys()) == ["c", "a", "b"]
    state.delete("c")
    state.set("c", 1)
    assert list(state.keys()) == ["a", "b", "c"]
    assert ("a" in state, "z" in state, bool(KeyedState())) == (True, False, True)


def test_more_keys_than_are_listed_at_a_time() -> None:
    with KeyedState(autocommit=False, cache_bytes=1000) as state:
        for key in range(2500):
            state.set(key, key)
        assert list(state.items()) == [(key, key) for key in range(2500)]


# Time


def test_a_value_is_there_until_the_time_has_passed_its_time_to_live() -> None:
    state = KeyedState(ttl=timedelta(seconds=10))
    state.advance(at(3))
    state.set("k", 1)
    for seconds, expected in ((9, 1), (5, 1), (13, 1), (13.000001, None), (13, None)):
        state.advance(at(seconds))
        assert state.get("k") == expected


def test_time_without_a_zone_is_utc_and_only_times_are_times() -> None:
    state = KeyedState()
    state.advance(datetime(1970, 1, 1, 0, 0, 5))
    assert state.time == at(5)
    with pytest.raises(TypeError, match="5 is no datetime"):
        state.advance(5)  # type: ignore[arg-type]
    for wrong in ("fortnight", timedelta(seconds=-1)):
        with pytest.raises(ValueError):
            state.set("k", 1, ttl=wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="time to live"):
        KeyedState(ttl=5)  # type: ignore[arg-type]


def test_what_has_expired_is_deleted_from_the_table_when_all_who_use_it_have_passed_it() -> None:
    states = SharedStates(Path())
    one = states.open(None)
    one.advance(at(0))
    for key in range(100):
        one.set(key, key, ttl="5s")
    states.commit()
    one.advance(at(6))
    assert one.statistics() == StateStatistics(0, 100, 0, 0, 100, 0, at(6))
    states.commit()
    assert one.statistics().purged == 100
    states.close()


def test_each_of_those_who_share_a_file_sees_what_is_gone_by_its_own_clock(tmp_path: Path) -> None:
    states = SharedStates(tmp_path)
    fast, slow = states.open("s.sqlite"), states.open("./s.sqlite")
    slow.advance(at(0))
    slow.set("k", 1, ttl="5s")
    fast.advance(at(100))
    states.commit()
    assert (fast.get("k"), slow.get("k")) == (None, 1)
    slow.advance(at(6))
    states.commit()
    assert (slow.get("k"), slow.statistics().purged) == (None, 1)
    states.close()


def test_the_state_of_a_window_goes_with_the_window() -> None:
    state = KeyedState()
    window, with_key = state.of_window(at(0), at(10)), state.of_window(at(0), at(10), "sf")
    window.set("count", 1)
    with_key.set("count", 2, ttl="5s")
    state.set("count", 3)
    for seconds, expected in ((0, [1, 2]), (10, [1, 2]), (11, [None, 2]), (15, [None, 2]), (16, [None, None])):
        state.advance(at(seconds))
        assert [window.get("count"), with_key.get("count")] == expected
    assert list(state.keys()) == ["count"]
    with pytest.raises(ValueError, match="holds nothing"):
        state.of_window(at(1), at(1))


def test_the_state_of_a_key_is_apart_from_that_of_others() -> None:
    state = KeyedState()
    state.of("sf").set("n", 1)
    assert state.of("seattle").update("n", lambda old: old + 1, 0) == 1
    state.of("sf").clear()
    assert (state.of("sf").get("n"), state.of("seattle").get("n"), state.get("n")) == (None, 1, None)
    state.clear()
    assert len(state) == 0


# Bounds, threads, ends


def test_the_cache_is_bounded_however_much_the_state_holds() -> None:
    with KeyedState(autocommit=False, cache_bytes=100_000) as state:
        for key in range(5_000):
            state.set(key, "x" * 600)
            assert state.statistics().cached <= 100 if key % 500 == 0 else True
        assert state.statistics().cached <= 100
        assert all(state.get(key) == "x" * 600 for key in range(0, 5_000, 50))
        assert len(state) == 5_000


def test_updates_of_many_threads_are_all_counted() -> None:
    state = KeyedState(autocommit=False)

    def count() -> None:
        for _ in range(500):
            state.update("n", lambda old: old + 1, 0)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state.get("n") == 2000


def test_a_closed_state_says_so_and_can_be_closed_again() -> None:
    state = KeyedState()
    state.set("k", 1)
    state.close()
    state.close()
    for ask in (lambda: state.get("k"), lambda: state.set("k", 2), state.commit, lambda: len(state)):
        with pytest.raises(StateError, match="a state in memory: the state is closed"):
            ask()
    with pytest.raises(StateError, match="another process"):
        pickle.dumps(state)


def test_what_cannot_be_written_to_a_file_is_refused_before_it_takes_others_with_it() -> None:
    state = KeyedState(autocommit=False)
    state.advance(at(0))
    state.set("k", 1, ttl=timedelta.max)  # longer than all time: for ever
    for name, error in (("\ud800", ValueError), (None, TypeError), (5, TypeError)):
        for ask in (state.get, state.delete, lambda key, namespace: state.set(key, 1, namespace=namespace)):
            with pytest.raises(error, match="no name of a namespace"):
                ask("k", namespace=name)  # type: ignore[operator]
    with pytest.raises(ValueError, match="beyond the years"):
        state.set(datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))), 1)
    state.commit()
    state.advance(datetime.max)
    assert dict(state.items()) == {"k": 1}
