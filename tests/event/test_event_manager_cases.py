"""Situations that event emitters and signal libraries are tested with, put to the EventManager."""

from __future__ import annotations

import functools
from collections import UserDict
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from plait.event import Condition, EventManager
from plait.queue import END, Queue


class Listener:
    """Has two ways to be called."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def __call__(self, event: Any) -> str:
        self.heard.append(event)
        return "called"

    def method(self, event: Any) -> str:
        self.heard.append(event)
        return "method"


def test_whatever_can_be_called_is_a_callback():
    manager, listener = EventManager(), Listener()
    for callback in (listener, listener.method, functools.partial(max, 3), len, lambda event: None):
        manager.register(callback, {})
    assert manager.trigger({"a": 1}) != []
    assert manager.statistics().matches == 5
    assert listener.heard == [{"a": 1}] * 2


def test_the_callback_gets_the_very_event():
    manager, listener = EventManager(), Listener()
    manager.register(listener, {"a": 1})
    event = {"a": 1}
    manager.trigger(event)
    assert listener.heard[0] is event


@pytest.mark.parametrize(
    "event", [{"a": 1}, UserDict(a=1), MappingProxyType({"a": 1}), SimpleNamespace(a=1), [{"a": 2}, {"a": 1}]]
)
def test_events_of_every_make(event):
    manager = EventManager()
    manager.register(lambda event: "yes", {"a": 1})
    assert manager.trigger(event) == ["yes"]


@pytest.mark.parametrize("event", [{}, {"a": None}, {1: 1}, None, 5, "a", [], object()])
def test_events_that_only_the_empty_condition_matches(event):
    manager = EventManager()
    manager.register(lambda event: "asked", {"a": 1})
    manager.register(lambda event: "any", {})
    assert manager.trigger(event) == ["any"]


def test_one_callback_may_be_registered_twice_and_is_called_for_each():
    manager, listener = EventManager(), Listener()
    assert [manager.register(listener, {}), manager.register(listener, {"a": 1})] == [0, 1]
    assert manager.trigger({"a": 1}) == ["called", "called"]
    assert manager.unregister(0) == 1
    assert manager.trigger({"a": 1}) == ["called"]
    assert manager.trigger({"b": 1}) == []


def test_an_index_is_never_given_again():
    manager = EventManager()
    first = manager.register(print, {"a": 1})
    manager.unregister(first)
    assert manager.register(print, {"a": 1}) == first + 1
    assert [manager.unregister(index) for index in (first, -1, 99)] == [0, 0, 0]
    assert manager.statistics().rules == 1


def test_unregister_takes_equal_methods_and_equal_conditions():
    manager, listener = EventManager(), Listener()
    for condition in ({"a": 1, "b": [2, 3]}, {"a": 1}, {"a": True}, Condition({"a": {"=": 1}})):
        manager.register(listener.method, condition)
    assert manager.unregister(listener, {"a": 1}) == 0
    assert manager.unregister(listener.method, {"b": [2, 3], "a": 1}) == 1
    assert manager.unregister(listener.method, {"a": 1}) == 2
    assert manager.unregister(listener.method) == 1
    assert manager.unregister(listener.method) == 0


def test_once_is_once_even_if_the_callback_triggers_the_same_event():
    manager, calls = EventManager(), []

    def again(event: Any) -> None:
        calls.append(event)
        manager.trigger(event)

    manager.register_once(again, {"a": 1})
    assert manager.trigger({"a": 2}) == []
    assert manager.trigger({"a": 1}) == [None]
    assert manager.trigger({"a": 1}) == []
    assert len(calls) == 1
    assert manager.statistics().rules == 0


def test_once_can_be_taken_back_before_it_happens():
    manager, listener = EventManager(), Listener()
    index = manager.register_once(listener, {})
    assert (index, manager.unregister(index), manager.trigger({})) == (0, 1, [])


def test_what_a_callback_registers_or_unregisters_counts_from_the_next_event():
    manager, calls = EventManager(), []

    def first(event: Any) -> None:
        calls.append("first")
        manager.unregister(first)
        manager.unregister(second)
        manager.register(third, {})

    def second(event: Any) -> None:
        calls.append("second")

    def third(event: Any) -> None:
        calls.append("third")

    manager.register(first, {})
    manager.register(second, {})
    manager.trigger({})
    assert calls == ["first", "second"]
    manager.trigger({})
    assert calls == ["first", "second", "third"]


def test_results_are_in_order_of_registration_whatever_finds_the_rules():
    manager = EventManager()
    conditions = [{"a": {">": 0}}, {}, {"a": 1}, {"b": {"prefix": "x"}}, {"$or": [{"a": 1}, {"c": 1}]}, {"a": [1, 2]}]
    for number, condition in enumerate(conditions * 2):
        manager.register(lambda event, number=number: number, condition)
    assert manager.trigger({"a": 1, "b": "xyz"}) == list(range(12))
    assert manager.trigger({"b": "xyz"}) == [1, 3, 7, 9]


def test_none_and_errors_among_results(caplog):
    manager = EventManager()
    manager.register(lambda event: None, {})
    manager.register(lambda event: 1 / 0, {}, {"name": "divides"})
    manager.register(lambda event: False, {})
    assert manager.trigger({}) == [None, False]
    assert [str(error).startswith("divides") for error in manager.errors] == [True]
    assert isinstance(manager.errors[0].__cause__, ZeroDivisionError)
    assert "divides" in caplog.text


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_is_no_error_of_a_rule(stop):
    def callback(event: Any) -> None:
        raise stop

    manager = EventManager()
    manager.register(callback, {})
    with pytest.raises(stop):
        manager.trigger({})
    assert manager.statistics().errors == 0


def test_two_managers_share_nothing():
    one, other = EventManager(), EventManager()
    one.register(lambda event: 1, {})
    assert (one.trigger({}), other.trigger({})) == ([1], [])


def test_events_put_before_it_runs_and_after_are_all_triggered_in_order():
    queue, listener = Queue(), Listener()
    for number in range(5):
        queue.put({"n": number})
    manager = EventManager(queue)
    manager.register(listener, {"n": {">=": 2}})
    assert manager.run() is manager.run()
    for number in range(5, 8):
        queue.put({"n": number})
    queue.put(END)
    assert manager.join(20)
    assert listener.heard == [{"n": number} for number in range(2, 8)]
    assert manager.statistics().events == 8
