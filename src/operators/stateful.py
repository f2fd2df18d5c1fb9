"""Functions of the user's that may want a keyed state: which do, and how they are called with it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from ..errors import SpecError, StateError
from ..event import name_of
from ..fields import Component
from ..record import TIMESTAMP
from ..running import Context
from .functions import RowFunction, find_function

if TYPE_CHECKING:
    import polars as pl

    from ..state import KeyedState

__all__ = ["StateCall", "check_state"]


def check_state(component: Component, option: str, context: Context) -> bool:
    """Say whether the function that an option names takes a state as its second argument.

    Raises:
        SpecError: there is no such function, it takes neither a row alone nor a row and a state, or the file that
            `state` names cannot be one.
    """
    name, path = getattr(component, option), component.state  # type: ignore[attr-defined]
    function = find_function(name, context.imports, component.title(), option)
    takes_state = _takes_state(component, option, function, given=path is not None)
    if path is not None:
        from ..state import problem_of

        problem = problem_of(context.base / path)
        if problem is not None:
            raise component.wrong("state", f"{path}: {problem}")
    return takes_state


def _takes_state(component: Component, option: str, function: Any, *, given: bool) -> bool:
    """Decide by the signature: one that takes both ways gets the state if there is one."""
    takes_row, takes_both = _accepts(function, 1), _accepts(function, 2)
    if not (takes_row or takes_both):
        message = f"{name_of(function)} takes {_shown(function)}; it is called with a row, or with a row and a state"
        raise component.wrong(option, message)
    if given and not takes_both:
        raise component.wrong("state", f"{name_of(function)} takes a row alone; add a second parameter for the state")
    return given or not takes_row


def _accepts(function: Any, count: int) -> bool:
    try:
        _signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # some builtins do not say what they take
        return True
    return True


def _signature(function: Any) -> inspect.Signature:
    """Return what a function takes; of an object whose `__call__` is static, Python itself says one too few."""
    call = inspect.getattr_static(type(function), "__call__", None)
    return inspect.signature(function.__call__ if isinstance(call, staticmethod) else function)


def _shown(function: Any) -> str:
    return str(_signature(function))


class StateCall:
    """Calls a function with a row and the state, whose time is that of the row."""

    def __init__(self, function: Any, component: Component, context: Context) -> None:
        """Open the state. Raises SpecError if its file cannot be used."""
        path = component.state  # type: ignore[attr-defined]
        try:
            self._state: KeyedState = context.keyed_state(path)
        except StateError as error:
            raise SpecError(component.title(), str(error), option="state", value=path) from error
        self._function = function

    @classmethod
    def around(cls, component: Component, option: str, context: Context) -> tuple[RowFunction, StateCall | None]:
        """Return what is to be called with each row, and the same again if it has a state to look after."""
        takes_state = check_state(component, option, context)
        function = find_function(getattr(component, option), context.imports, component.title(), option)
        if not takes_state:
            return function, None
        call = cls(function, component, context)
        return call, call

    def __call__(self, row: Any) -> Any:
        timestamp = row.get(TIMESTAMP)
        if timestamp is not None:
            self._state.advance(timestamp)
        return self._function(row, self._state)

    def reached(self, timestamp: Any) -> None:
        """Take note that the stream has come so far, though no row of it called the function."""
        self._state.advance(timestamp)

    def saw(self, frame: pl.DataFrame) -> None:
        """Take note of the times of a frame, once all its rows have been called with."""
        if TIMESTAMP in frame.columns and (last := frame.get_column(TIMESTAMP).max()) is not None:
            self.reached(last)
