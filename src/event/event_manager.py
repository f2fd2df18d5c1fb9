"""Callbacks on events: what is registered is called with each event that its condition matches."""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, TypeAlias

from ..errors import CallbackError, SpecError, WorkerError, nearest
from ..frozen import frozen
from ..record import END, Failure, is_mark
from .async_calls import AsyncCalls, Submit, submitter
from .condition import Condition
from .index import RuleIndex
from .places import name_of

__all__ = ["EventManager", "EventStatistics"]

_log = logging.getLogger(__name__)
_OPTIONS: Final = ("async", "name")
_ERRORS_KEPT: Final = 100

Callback: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class EventStatistics:
    """What an EventManager has done so far.

    Attributes:
        rules: registered now.
        events: triggered, by hand or from the queue.
        matches: pairs of an event and a rule whose condition it met.
        errors: conditions and callbacks that raised; each is logged, and the last 100 are in `EventManager.errors`.
        errors_by_rule: the same by the name of the rule.
        pending: callbacks started on the pool that are not known to be done.
        dropped: callbacks not started because as many as allowed were pending.
    """

    rules: int
    events: int
    matches: int
    errors: int
    errors_by_rule: Mapping[str, int]
    pending: int
    dropped: int


@frozen(eq=False)
class _Rule:
    index: int
    callback: Callback
    condition: Condition
    title: str
    on_pool: bool
    once: bool

    @property
    def name(self) -> str:
        """The name it was given, and what is called where: `heat: notify (alerts.py:12)`."""
        return f"{self.title}: {name_of(self.callback)}"


class EventManager:
    """Calls callbacks with the events that their conditions match.

    Events come from `trigger`, or from a queue that `run` listens to. What is registered and unregistered while events
    are coming counts from the next event on. All methods may be called from any thread, and from callbacks.

    A callback or a condition that raises is an error of its rule: it is logged with the rule's name and place and
    counted, and stops nothing else.

    With the option `{"async": True}` a callback runs on the pool. On a pool of threads it can do what any function can;
    on a pool of processes it gets a copy of the event and of all that it refers to, so that appending to a list, say,
    appends to the copy there: use what it returns (the handle in the results) or a queue. A callback that hangs on the
    pool holds back neither events nor `close`.

    >>> manager = EventManager()
    >>> manager.register(lambda event: event["temp"] - 30, {"temp": {">": 30}})
    0
    >>> manager.trigger({"temp": 31}), manager.trigger({"temp": 12})
    ([1], [])

    Args:
        queue: where `run` gets events from: anything with a blocking `get`. It ends with END (`queue.Empty`).
        async_pool: a pathos pool, an executor of concurrent.futures or a pool of multiprocessing, used for callbacks
            with the option async; it stays the caller's to close. None: the program's global thread pool.
        most_pending: how many callbacks may be under way on the pool; what comes on top is dropped and counted.
    """

    def __init__(self, queue: Any = None, async_pool: Any = None, *, most_pending: int = 10_000) -> None:
        if queue is not None and not hasattr(queue, "get"):
            raise SpecError("EventManager", f"{queue!r} has no method get", option="queue", value=queue)
        self._queue = queue
        self._submit: Submit | None = None if async_pool is None else submitter(async_pool)
        self._lock = threading.RLock()
        self._rules: dict[int, _Rule] = {}
        self._index = RuleIndex()
        self._next = self._to_call_once = 0
        self._calls = AsyncCalls(most_pending)
        self._events = self._matches = self._dropped = 0
        self._errors_by_rule: Counter[str] = Counter()
        self._errors: deque[CallbackError] = deque(maxlen=_ERRORS_KEPT)
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    def register(
        self, callback: Callback, condition: Mapping[str, Any] | None, options: Mapping[str, Any] | None = None
    ) -> int:
        """Call `callback(event)` for each event that the condition matches; return the index of the rule.

        Args:
            callback: takes the event.
            condition: a `Condition`, or what one is made of; None and `{}` match every event.
            options: "async": run it on the pool; "name": how messages call the rule.

        Raises:
            SpecError: the condition or the options are wrong.
        """
        return self._register(callback, condition, options, once=False)

    def register_once(
        self, callback: Callback, condition: Mapping[str, Any] | None, options: Mapping[str, Any] | None = None
    ) -> int:
        """Register a callback for the first event that the condition matches, and no other, even if it raises then."""
        return self._register(callback, condition, options, once=True)

    def _register(
        self,
        callback: Callback,
        condition: Mapping[str, Any] | None,
        options: Mapping[str, Any] | None,
        *,
        once: bool,
    ) -> int:
        if not callable(callback):
            raise SpecError("EventManager", f"{callback!r} cannot be called", option="callback", value=callback)
        known = condition if isinstance(condition, Condition) else Condition(condition)
        chosen = _checked(options)
        with self._lock:
            title = str(chosen.get("name") or f"rule {self._next}")
            rule = _Rule(self._next, callback, known, title, bool(chosen.get("async")), once)
            self._next += 1
            self._rules[rule.index] = rule
            self._to_call_once += once
            self._index.add(rule.index, known)
        return rule.index

    def unregister(self, rule: int | Callback, condition: Mapping[str, Any] | None = None) -> int:
        """Forget rules; return how many there were.

        Args:
            rule: the index that `register` returned, or the callback: then all its rules.
            condition: if given, only rules with an equal condition.
        """
        wanted = None if condition is None else Condition(condition)
        with self._lock:
            if isinstance(rule, int):
                chosen = [self._rules[rule]] if rule in self._rules else []
            else:
                chosen = [each for each in self._rules.values() if each.callback == rule]
            chosen = [each for each in chosen if wanted is None or each.condition == wanted]
            for each in chosen:
                self._forget(each)
        return len(chosen)

    def _forget(self, rule: _Rule) -> None:
        self._index.remove(rule.index)
        self._to_call_once -= rule.once
        del self._rules[rule.index]

    def trigger(self, event: Any, options: Mapping[str, Any] | None = None) -> list[Any]:
        """Call all callbacks whose conditions the event matches; return their results in order of registration.

        For a callback on the pool the result is the pool's handle (`get()` or `result()` waits for it). A callback that
        raises has no result: the list is shorter by one. Does not wait for the pool.

        Args:
            event: a mapping, or an object with attributes.
            options: overrides those of the rules for this event.
        """
        chosen = _checked(options) if options else {}
        on_pool = bool(chosen["async"]) if "async" in chosen else None
        results: list[Any] = []
        for rule in self._matching(event):
            if rule.on_pool if on_pool is None else on_pool:
                results += self._call_on_pool(rule, event)
                continue
            try:
                results.append(rule.callback(event))
            except Exception as error:
                self._failed(rule, error)
        return results

    def _matching(self, event: Any) -> list[_Rule]:
        with self._lock:
            matching = self._index.match(event, self._condition_failed)
            self._events += 1
            if not matching:
                return []
            self._matches += len(matching)
            rules = [self._rules[index] for index in matching if index in self._rules]
            if self._to_call_once:
                for rule in rules:
                    if rule.once:
                        self._forget(rule)
        return rules

    def _condition_failed(self, index: int, error: CallbackError) -> None:
        self._failed(self._rules[index], error, "condition")

    def _call_on_pool(self, rule: _Rule, event: Any) -> list[Any]:
        with self._lock:
            if self._calls.is_full():
                self._drop(rule)
                return []
            try:
                handle = self._pool()(rule.callback, event)
            except Exception as error:  # the pool is closed, or cannot take the callback
                self._failed(rule, error)
                return []
            self._calls.add(handle, lambda error: self._failed(rule, error))
        return [handle]

    def _pool(self) -> Submit:
        if self._submit is None:
            from ..util import MultiProcessing

            self._submit = submitter(MultiProcessing().GlobalThreadPool())
        return self._submit

    def _drop(self, rule: _Rule) -> None:
        if not self._dropped:
            _log.error("%s: not called: %d callbacks are pending on the pool; dropping", rule.name, len(self._calls))
        self._dropped += 1

    def _failed(self, rule: _Rule, error: BaseException, what: str = "callback") -> None:
        told = CallbackError(f"{rule.name}: the {what} raised {type(error).__name__}: {error}")
        told.__cause__ = error
        with self._lock:
            self._errors.append(told)
            self._errors_by_rule[rule.name] += 1
        _log.error("%s", told, exc_info=error)

    def run(self) -> EventManager:
        """Start to trigger the events of the queue, in a thread, until END comes; return self.

        May be chained to the constructor: rules can be registered before and after. Without a queue, and while it runs
        already, there is nothing to start.
        """
        with self._lock:
            if self._queue is not None and self._thread is None:
                self._thread = threading.Thread(target=self._listen, name="plait-events", daemon=True)
                self._thread.start()
        return self

    def _listen(self) -> None:
        try:
            get, trigger = self._queue.get, self.trigger
            while (event := get()) is not END:
                if type(event) is dict or not is_mark(event):
                    trigger(event)
                elif isinstance(event, Failure):
                    self._failure = event.error
                    _log.error("the source of the events failed: %s", event.error)
        except Exception as error:  # the queue broke: `join` raises it
            self._failure = error
            _log.exception("no more events: the queue cannot be read")

    def join(self, timeout: float | None = None) -> bool:
        """Block until END has come and its thread is done, for at most `timeout` seconds; return whether it has.

        Does not wait for callbacks on the pool: `close` does.

        Raises:
            WorkerError: the queue broke or its producer failed; the error is the cause.
        """
        if self._thread is not None:
            self._thread.join(timeout)
            if self._thread.is_alive():
                return False
        if self._failure is not None:
            raise WorkerError(f"the events ended early: {self._failure}") from self._failure
        return True

    def close(self, timeout: float = 2.0) -> int:
        """Wait for the callbacks on the pool, for at most `timeout` seconds; return how many are still not done.

        The pool is left as it is. A thread that still listens to the queue goes on until END.
        """
        with self._lock:
            wait = self._calls.waiter()
        wait(timeout)
        with self._lock:
            self._calls.look()
            left = len(self._calls)
        if left:
            _log.warning("%d callbacks on the pool were not done after %.1f s", left, timeout)
        return left

    def __enter__(self) -> EventManager:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def errors(self) -> tuple[CallbackError, ...]:
        """The last errors of callbacks and conditions, oldest first; each with the original as its cause."""
        with self._lock:
            self._calls.look()
            return tuple(self._errors)

    def statistics(self) -> EventStatistics:
        """Return what has been done so far."""
        with self._lock:
            self._calls.look()
            return EventStatistics(
                rules=len(self._rules),
                events=self._events,
                matches=self._matches,
                errors=self._errors_by_rule.total(),
                errors_by_rule=dict(self._errors_by_rule),
                pending=len(self._calls),
                dropped=self._dropped,
            )


def _checked(options: Mapping[str, Any] | None) -> Mapping[str, Any]:
    for name in options or ():
        if name not in _OPTIONS:
            near = nearest(str(name), _OPTIONS)
            raise SpecError(
                "EventManager", f"unknown option {name!r}", option=str(name), allowed=_OPTIONS, suggestion=near
            )
    return dict(options or {})
