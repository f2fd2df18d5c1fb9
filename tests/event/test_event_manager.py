from __future__ import annotations

import logging
import multiprocessing
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool as StdlibThreadPool
from typing import Any

import pytest
from plait.errors import CallbackError, SpecError, WorkerError
from plait.event import Condition, EventManager
from plait.record import END, Failure, Frontier

SECONDS = 20


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


def fails(event: Any) -> None:
    raise ValueError("no good")


def test_results_come_in_order_of_registration() -> None:
    manager = EventManager()
    indices = [manager.register(lambda event, n=n: n, {"a": {">": n}}) for n in range(4)]
    assert indices == [0, 1, 2, 3]
    assert manager.trigger({"a": 3}) == [0, 1, 2]
    assert manager.trigger({"b": 3}) == []


def test_index_zero_is_an_index() -> None:
    manager = EventManager()
    assert manager.register(str, {"a": 1}) == 0
    assert manager.unregister(0) == 1
    assert manager.trigger({"a": 1}) == []
    assert manager.unregister(0) == 0
    assert manager.register(str, {"a": 1}) == 1, "an index is never used again"


def test_unregister_by_callback_and_condition() -> None:
    manager = EventManager()
    heard: list[Any] = []
    for condition in ({"a": 1}, {"a": 2}, {"a": [1, 2]}):
        manager.register(heard.append, condition)
    manager.register(print, {"a": 5})
    assert manager.unregister(heard.append, {"a": 2}) == 1
    manager.trigger({"a": 2})
    assert heard == [{"a": 2}]
    assert manager.unregister(heard.append) == 2
    assert manager.statistics().rules == 1


def test_register_once_is_called_once_even_if_it_raises(caplog: pytest.LogCaptureFixture) -> None:
    manager = EventManager()
    heard: list[Any] = []
    manager.register_once(heard.append, {"a": {"exists": True}})
    manager.register_once(fails, {})
    for number in range(3):
        manager.trigger({"a": number})
    assert heard == [{"a": 0}]
    assert manager.statistics().errors == 1
    assert manager.statistics().rules == 0


def test_a_callback_that_raises_is_named_counted_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    manager = EventManager()
    manager.register(lambda event: 1, {})
    manager.register(fails, {}, {"name": "heat"})
    manager.register(lambda event: 2, {})
    with caplog.at_level(logging.ERROR):
        assert manager.trigger({}) == [1, 2]
    (error,) = manager.errors
    assert isinstance(error, CallbackError)
    assert isinstance(error.__cause__, ValueError)
    assert str(error).startswith("heat: fails (")
    assert "test_event_manager.py:" in str(error)
    assert str(error) in caplog.text
    statistics = manager.statistics()
    assert (statistics.events, statistics.matches, statistics.errors) == (1, 3, 1)
    assert list(statistics.errors_by_rule.values()) == [1]


def test_a_condition_that_raises_is_an_error_of_its_rule() -> None:
    manager = EventManager()
    manager.register(str, {"a": lambda value: value.startswith("x")})
    manager.register(lambda event: 2, {"a": 1})
    assert manager.trigger({"a": 1}) == [2]
    assert "condition raised CallbackError" in str(manager.errors[0])
    assert manager.statistics().errors == 1


def test_a_condition_may_unregister_rules() -> None:
    manager = EventManager()
    manager.register(lambda event: 1, {"a": 1})
    manager.register(lambda event: 2, {"a": lambda value: [manager.unregister(0), manager.unregister(2)]})
    manager.register(lambda event: 3, {"a": lambda value: True})
    assert manager.trigger({"a": 1}) == [2]
    assert manager.statistics().errors == 0


def test_what_is_wrong_is_said_at_once() -> None:
    with pytest.raises(SpecError, match="has no method get"):
        EventManager([])
    with pytest.raises(SpecError, match="is no pool"):
        EventManager(async_pool=3)
    manager = EventManager()
    with pytest.raises(SpecError, match="cannot be called"):
        manager.register("x", {})  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="did you mean 'async'"):
        manager.register(str, {}, {"asinc": True})
    with pytest.raises(SpecError, match="unknown operator"):
        manager.register(str, {"a": {">>": 1}})


@pytest.mark.parametrize("make", [lambda: ThreadPoolExecutor(1), lambda: StdlibThreadPool(1)])
def test_the_usage_of_the_origin(make: Any) -> None:
    events: queue.Queue[Any] = queue.Queue()
    commands: list[Any] = []
    responses: list[Any] = []
    with make() as some_pool:
        manager = EventManager(events, async_pool=some_pool).run()
        manager.register(
            callback=lambda event: commands.append(event),
            condition={"name.type": ["command", "response"], "action": lambda x: x.startswith("test")},
            options={"async": True},
        )
        manager.register(lambda event: responses.append(event), condition={"type": "response"})
        events.put({"name": {"type": "command"}, "action": "testCommand"})
        events.put({"type": "response", "value": "success"})
        events.put(END)
        assert manager.join(SECONDS)
        manager.trigger({"type": "response", "value": "complete"})
        assert manager.close(SECONDS) == 0
    assert commands == [{"name": {"type": "command"}, "action": "testCommand"}]
    assert [event["value"] for event in responses] == ["success", "complete"]


def test_rules_may_be_registered_while_it_runs_and_from_callbacks() -> None:
    events: queue.Queue[Any] = queue.Queue()
    manager = EventManager(events).run()
    assert manager.run() is manager
    heard: list[Any] = []
    manager.register_once(lambda event: manager.register(heard.append, {}), {"n": 0})
    for number in range(3):
        events.put({"n": number})
    events.put(Frontier(5))
    events.put(END)
    assert manager.join(SECONDS)
    assert heard == [{"n": 1}, {"n": 2}]


def test_threads_may_trigger_and_register_at_once() -> None:
    manager = EventManager()
    seen: list[int] = []
    manager.register(lambda event: seen.append(event["n"]), {"n": {">=": 0}})

    def work(base: int) -> None:
        for number in range(200):
            index = manager.register(str, {"n": base + number})
            manager.trigger({"n": base + number})
            manager.unregister(index)

    threads = [threading.Thread(target=work, args=(base,)) for base in (0, 1000, 2000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert len(seen) == len(set(seen)) == 600
    assert manager.statistics().rules == 1


def test_a_source_that_fails_is_told_by_join() -> None:
    events: queue.Queue[Any] = queue.Queue()
    manager = EventManager(events).run()
    events.put(Failure(OSError("unplugged")))
    events.put(END)
    with pytest.raises(WorkerError, match="unplugged"):
        manager.join(SECONDS)


def test_a_queue_that_breaks_is_told_by_join() -> None:
    class Broken:
        def get(self) -> Any:
            raise EOFError("the manager is gone")

    with pytest.raises(WorkerError, match="the manager is gone"):
        EventManager(Broken()).run().join(SECONDS)


def test_join_gives_up_after_its_time() -> None:
    events: queue.Queue[Any] = queue.Queue()
    manager = EventManager(events).run()
    assert manager.join(0.01) is False
    events.put(END)
    assert manager.join(SECONDS) is True


def test_results_of_the_pool_are_its_handles(pool: ThreadPoolExecutor) -> None:
    manager = EventManager(async_pool=pool)
    manager.register(lambda event: event["a"] + 1, {}, {"async": True})
    manager.register(lambda event: event["a"], {})
    future, plain = manager.trigger({"a": 1})
    assert (future.result(SECONDS), plain) == (2, 1)
    assert manager.trigger({"a": 1}, {"async": False}) == [2, 1]


def test_errors_on_the_pool_are_counted(pool: ThreadPoolExecutor) -> None:
    manager = EventManager(async_pool=pool)
    manager.register(fails, {}, {"async": True, "name": "heat"})
    manager.trigger({})
    assert manager.close(SECONDS) == 0
    assert manager.statistics().errors == 1
    assert str(manager.errors[0]).startswith("heat: fails (")


def test_one_that_hangs_on_the_pool_stops_neither_events_nor_close(pool: ThreadPoolExecutor) -> None:
    released = threading.Event()
    events: queue.Queue[Any] = queue.Queue()
    heard: list[Any] = []
    manager = EventManager(events, pool, most_pending=3).run()
    manager.register(lambda event: released.wait(SECONDS), {}, {"async": True})
    manager.register(heard.append, {})
    try:
        for number in range(10):
            events.put({"n": number})
        events.put(END)
        assert manager.join(SECONDS)
        assert len(heard) == 10
        assert manager.close(0.01) == 3
        assert (manager.statistics().pending, manager.statistics().dropped) == (3, 7)
    finally:
        released.set()
    assert manager.close(SECONDS) == 0


def test_a_closed_pool_is_an_error_of_the_rule() -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    manager = EventManager(async_pool=executor)
    manager.register(str, {}, {"async": True})
    assert manager.trigger({}) == []
    assert manager.statistics().errors == 1


def test_a_pathos_pool_runs_lambdas() -> None:
    from pathos.pools import ThreadPool

    some_pool = ThreadPool(nodes=1)
    heard: list[Any] = []
    manager = EventManager(async_pool=some_pool)
    manager.register(lambda event: heard.append(event["a"]), Condition({"a": 1}), {"async": True})
    (handle,) = manager.trigger({"a": 1})
    handle.get(SECONDS)
    assert heard == [1]
    assert manager.close(SECONDS) == 0
    some_pool.close()
    some_pool.join()
    some_pool.clear()


def test_without_a_queue_there_is_nothing_to_run() -> None:
    with EventManager().run() as manager:
        assert manager.join()


@pytest.mark.processes
def test_a_managers_queue_is_listened_to() -> None:
    heard: list[Any] = []
    with multiprocessing.get_context("spawn").Manager() as server:
        events = server.Queue()
        manager = EventManager(events).run()
        manager.register(heard.append, {"type": "response"})
        for item in ({"type": "response", "value": 1}, {"type": "other"}, END):
            events.put(item)
        assert manager.join(SECONDS)
    assert heard == [{"type": "response", "value": 1}]


@pytest.mark.processes
def test_without_a_pool_the_programs_thread_pool_is_used_and_processes_get_copies() -> None:
    from plait.util import MultiProcessing

    heard: list[Any] = []
    manager = EventManager()
    manager.register(lambda event: heard.append(event) or len(heard), {"a": 1}, {"async": True})
    (handle,) = manager.trigger({"a": 1})
    assert handle.get(SECONDS) == 1
    elsewhere = EventManager(async_pool=MultiProcessing().ProcessPool(1))
    elsewhere.register(lambda event: heard.append(event) or len(heard), {"a": 1}, {"async": True})
    (handle,) = elsewhere.trigger({"a": 1})
    assert handle.get(SECONDS) == 2, "the list was copied with its one event"
    assert elsewhere.close(SECONDS) == 0
    assert len(heard) == 1
