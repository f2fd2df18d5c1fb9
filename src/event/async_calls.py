"""Callbacks on a pool: started without waiting, watched until they are done, given up on when time is out."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeAlias

from ..errors import SpecError
from ..frozen import frozen

__all__ = ["AsyncCalls", "submitter"]

Submit: TypeAlias = Callable[[Callable[[Any], Any], Any], Any]


def submitter(pool: Any) -> Submit:
    """Return the function that starts `callback(event)` on a pool and returns a handle without waiting.

    Takes pools of pathos (`apipe`), executors of `concurrent.futures` (`submit`) and pools of `multiprocessing`.

    Raises:
        SpecError: the object is no such pool.
    """
    if hasattr(pool, "apipe"):
        return lambda callback, event: pool.apipe(callback, event)
    if hasattr(pool, "submit"):
        return lambda callback, event: pool.submit(callback, event)
    if hasattr(pool, "apply_async"):
        return lambda callback, event: pool.apply_async(callback, (event,))
    allowed = ("a pathos pool", "an executor of concurrent.futures", "a pool of multiprocessing")
    raise SpecError("EventManager", f"{pool!r} is no pool", option="async_pool", value=pool, allowed=allowed)


@frozen
class _Started:
    handle: Any
    failed: Callable[[BaseException], None]

    def is_done(self) -> bool:
        return bool(self.handle.done() if isinstance(self.handle, Future) else self.handle.ready())

    def wait(self, seconds: float) -> None:
        """Block until it is done, for at most that long."""
        if isinstance(self.handle, Future):
            try:
                self.handle.exception(seconds)
            except TimeoutError:
                return  # `is_done` will say so
        else:
            self.handle.wait(seconds)

    def report(self) -> None:
        """Tell `failed` of the error of a call that is done, if it has one."""
        if isinstance(self.handle, Future):
            error = None if self.handle.cancelled() else self.handle.exception()
            if error is not None:
                self.failed(error)
            return
        try:
            self.handle.get()
        except Exception as error:
            self.failed(error)


class AsyncCalls:
    """The calls that were started on a pool and are not known to be done. Not safe for several threads at once.

    Handles of pathos do not say when they are done, so they are looked at now and then: at a cost that is constant for
    each call, however many hang.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._started: list[_Started] = []
        self._look_at = 16

    def __len__(self) -> int:
        return len(self._started)

    def is_full(self) -> bool:
        """Tell whether as many calls as are allowed are pending still."""
        if len(self._started) >= self._most:
            self.look()
        return len(self._started) >= self._most

    def add(self, handle: Any, failed: Callable[[BaseException], None]) -> None:
        """Watch one more call; `failed` is called with its error, if it raises, when that is noticed."""
        self._started.append(_Started(handle, failed))
        if len(self._started) >= self._look_at:
            self.look()
            self._look_at = max(16, 2 * len(self._started))

    def look(self) -> None:
        """Forget the calls that are done, and report those that failed."""
        done = [call for call in self._started if call.is_done()]
        if done:
            finished = set(map(id, done))
            self._started = [call for call in self._started if id(call) not in finished]
        for call in done:
            call.report()

    def waiter(self) -> Callable[[float], None]:
        """Return a function that blocks until all calls of now are done, for at most so many seconds.

        It needs no lock: callbacks that it waits for may want the one that guards this object.
        """
        calls = list(self._started)

        def wait(seconds: float) -> None:
            until = time.monotonic() + seconds
            for call in calls:
                call.wait(max(0.0, until - time.monotonic()))

        return wait
