"""Functions of the user's that a pipeline calls: found by name, called with rows, kept from doing harm."""

from __future__ import annotations

import importlib
import importlib.machinery
import inspect
import logging
import queue
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any, ClassVar, Final, TypeAlias

from ..errors import SpecError, nearest
from ..event import name_of
from ..fields import Kind
from ..record import END
from ..running import Context

__all__ = ["BackgroundCalls", "FunctionName", "Mishaps", "direct", "find_function"]

_log = logging.getLogger(__name__)
_NAME: Final = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_ROWS_WAITING: Final = 10_000
_SECONDS_STUCK: Final = 1.0
_SECONDS_AT_THE_END: Final = 2.0

RowFunction: TypeAlias = Callable[[Mapping[str, Any]], Any]


class FunctionName(Kind):
    """A function, by the module that it is in: `call="alerts:notify"`. From Python also the function itself."""

    says: ClassVar[str] = 'a function such as "module:function"'

    def parse(self, value: Any) -> Any:
        if callable(value) or (isinstance(value, str) and _NAME.fullmatch(value)):
            return value
        raise self._wrong(value)

    def write(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError(f"the function {name_of(value)} cannot be written in SCL; give 'module:function'")
        return super().write(value)


def find_function(name: Any, folder: Path | None, component: str, option: str = "call") -> RowFunction:
    """Import `module:function`; the module may be in `folder`, which comes first. A function is returned as it is.

    Args:
        name: what the option says.
        folder: that of the pipeline file.
        component: whose option it is, and
        option: which one, for messages.

    Raises:
        SpecError: there is no such module or function, or the module cannot be imported.
    """
    if not isinstance(name, str):
        return name  # type: ignore[no-any-return]
    module_name, _, path = name.partition(":")
    found: Any = _module(module_name, folder, component, option)
    for part in path.split("."):
        if not hasattr(found, part):
            near = nearest(part, [other for other in dir(found) if callable(getattr(found, other))])
            message = f"the module {module_name!r} has no function {path!r}"
            raise SpecError(component, message, option=option, value=name, suggestion=near)
        found = getattr(found, part)
    if not callable(found):
        raise SpecError(component, f"{name!r} is no function but {found!r:.80}", option=option, value=name)
    return found  # type: ignore[no-any-return]


def direct(function: RowFunction) -> RowFunction:
    """Return what Python calls when it calls an object, to be called very often: finding it takes 50 ns each time."""
    method = inspect.getattr_static(type(function), "__call__")
    return MethodType(method, function) if isinstance(method, FunctionType) else function


def _module(name: str, folder: Path | None, component: str, option: str) -> ModuleType:
    with _first_on_path(folder):
        _refuse_namesake(name, folder, component, option)
        try:
            return importlib.import_module(name)
        except (Exception, SystemExit) as error:
            is_missing = isinstance(error, ModuleNotFoundError) and error.name == name.partition(".")[0]
            place = f" (looked for in {folder} and among what is installed)" if folder is not None else ""
            problem = "there is no module" if is_missing else f"{type(error).__name__}: {error}; cannot import"
            here = [path.stem for path in folder.glob("*.py")] if folder is not None else []
            near = nearest(name, here) if is_missing else None
            message = f"{problem} {name!r}{place if is_missing else ''}"
            raise SpecError(component, message, option=option, value=name, suggestion=near) from error


def _refuse_namesake(name: str, folder: Path | None, component: str, option: str) -> None:
    """Raise SpecError if the module that is meant is not the one of that name that is loaded already."""
    top = name.partition(".")[0]
    loaded = getattr(sys.modules.get(top), "__file__", None)
    spec = importlib.machinery.PathFinder.find_spec(top, [str(folder)]) if folder is not None else None
    if loaded is None or spec is None or spec.origin is None:
        return
    if Path(spec.origin).resolve() != Path(loaded).resolve():
        message = f"another module {top!r} is loaded already, from {loaded}; call the one in {spec.origin} otherwise"
        raise SpecError(component, message, option=option, value=name)


@contextmanager
def _first_on_path(folder: Path | None) -> Iterator[None]:
    if folder is None:
        yield
        return
    entry = str(folder)
    importlib.invalidate_caches()
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        sys.path.remove(entry)


class Mishaps:
    """What went wrong in functions of the user's: counted in the run's report, the first of each sort told there."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._told: set[tuple[str, str]] = set()

    def count(self, name: str, error: BaseException, what: str = "callback errors") -> None:
        """Count an error of the function called `name`."""
        sort = (name, type(error).__name__)
        with self._lock:
            self._context.counts[what] += 1
            if sort in self._told:
                return
            self._told.add(sort)
            self._context.note(f"{self._context.stage}: {name} raised {sort[1]}: {error}")
        _log.debug("%s: %s raised", self._context.stage, name, exc_info=error)

    def add(self, what: str, number: int, sentence: str) -> None:
        """Count something else that the run's report shall say."""
        with self._lock:
            self._context.counts[what] += number
            self._context.note(f"{self._context.stage}: {sentence}")


class BackgroundCalls:
    """Calls a function with rows, one after the other, in a thread of its own.

    | buffered? | 10,000 rows |
    | full? | waits while the function gets on; when it has been stuck for a second, drops rows and counts them |
    | order kept? | yes |
    | at the end | waits for up to two seconds, then counts what is left over |
    """

    def __init__(self, function: RowFunction, mishaps: Mishaps) -> None:
        self._function = function
        self._mishaps = mishaps
        self._rows: queue.Queue[Any] = queue.Queue(_ROWS_WAITING)
        self._is_stuck = self._is_given_up = False
        self._thread = threading.Thread(target=self._run, name=f"plait-{name_of(function)}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._is_given_up and (row := self._rows.get()) is not END:
            try:
                self._function(row)
            except (Exception, SystemExit) as error:
                self._mishaps.count(name_of(self._function), error)

    def __call__(self, row: Mapping[str, Any]) -> None:
        """Have the function called with the row, sooner or later."""
        try:
            self._rows.put(row, block=not self._is_stuck, timeout=_SECONDS_STUCK)
            self._is_stuck = False
        except queue.Full:
            self._is_stuck = True
            self._mishaps.add("callbacks dropped", 1, f"{name_of(self._function)} does not keep up; rows were dropped")

    def close(self) -> None:
        """Let the function have the rows that wait, for up to two seconds; count those that it did not get."""
        if not self._thread.is_alive():
            return
        try:
            self._rows.put(END, timeout=_SECONDS_AT_THE_END)
        except queue.Full:
            self._is_given_up = True  # the thread ends with the call that it is in
            left = self._rows.qsize() + 1
        else:
            self._thread.join(_SECONDS_AT_THE_END)
            left = self._rows.qsize() if self._thread.is_alive() else 0
        if left:
            self._mishaps.add("callbacks left over", left, f"{name_of(self._function)} was not done at the end")
