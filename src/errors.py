"""Every error that plait raises on purpose: one root, the object at fault as an attribute, text built in the class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "CallbackError",
    "MissingSourceError",
    "Mistake",
    "OrderError",
    "PlaitError",
    "ScriptError",
    "SinkError",
    "SourceError",
    "SpecError",
    "StateError",
    "WorkerError",
    "nearest",
]

_LINE_SHOWN = 160


class PlaitError(Exception):
    """The root of all errors that plait raises on purpose."""


def nearest(word: Any, known: Iterable[str]) -> str | None:
    """Return the known name that looks most like `word`, or None when none is close, or it is no text at all."""
    import difflib  # for mistakes only

    if not isinstance(word, str):
        return None
    names = list(known)
    by_folded_case = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(word.casefold(), by_folded_case, n=1, cutoff=0.6)
    return by_folded_case[close[0]] if close else None


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong in a script: where it is (1-based line and column), what it is, what instead."""

    line: int
    column: int
    message: str
    length: int = 1
    expected: tuple[str, ...] = ()
    suggestion: str | None = None

    def render(self, path: str, lines: Sequence[str]) -> str:
        """Show the mistake as a compiler does: place, message, the line, a caret, what was expected."""
        shown = [f"{path}:{self.line}:{self.column}: {self.message}"]
        if self.line <= len(lines):
            shown += self._excerpt(lines[self.line - 1])
        if self.expected:
            shown.append(f"  expected {', '.join(self.expected)}")
        if self.suggestion:
            shown.append(f"  did you mean {self.suggestion!r}?")
        return "\n".join(shown)

    def _excerpt(self, line: str) -> list[str]:
        start = max(0, self.column - 1 - _LINE_SHOWN // 2)
        window = line[start : start + _LINE_SHOWN]
        before = "".join("\t" if c == "\t" else " " for c in window[: self.column - 1 - start])
        carets = "^" * max(1, min(self.length, len(window) - len(before)))
        return [f"    {window}", f"    {before}{carets}"]


class ScriptError(PlaitError):
    """A text in SCL is not well formed, or does not say a pipeline that can be built.

    Attributes:
        path: the file, or "<string>".
        mistakes: all that is wrong, in the order of the text; never empty.
        line, column: where the first mistake is, 1-based.
    """

    def __init__(self, mistakes: Iterable[Mistake], *, path: str = "<string>", text: str = "") -> None:
        self.path = path
        self.text = text
        self.mistakes = tuple(sorted(mistakes, key=lambda m: (m.line, m.column)))
        assert self.mistakes, "a ScriptError needs at least one mistake"
        self.line, self.column = self.mistakes[0].line, self.mistakes[0].column
        super().__init__(self._render())

    def _render(self) -> str:
        lines = self.text.split("\n")
        return "\n".join(mistake.render(self.path, lines) for mistake in self.mistakes)

    def __reduce__(self) -> tuple[Any, ...]:
        return _script_error, (self.mistakes, self.path, self.text), self.__dict__


def _script_error(mistakes: tuple[Mistake, ...], path: str, text: str) -> ScriptError:
    return ScriptError(mistakes, path=path, text=text)


class SpecError(PlaitError, ValueError):
    """A component was given an option that it does not have, or a value that it cannot take.

    Attributes:
        component: what was being configured, such as `reader=csv`.
        option: the option at fault, or None when the component as a whole is.
        part: the name within the option that is at fault, such as that of one aggregate; None: the option as a whole.
        others: what else is wrong with the component, if it was found together with this.
        value: what was given (never a value that came from the environment).
        allowed: what would have been right, in words or as the list of names.
        suggestion: the nearest known name, if there is one.
    """

    def __init__(
        self,
        component: str,
        message: str,
        *,
        option: str | None = None,
        value: Any = None,
        allowed: Sequence[str] = (),
        suggestion: str | None = None,
        part: str | None = None,
    ) -> None:
        self.component = component
        self.message = message
        self.option = option
        self.value = value
        self.allowed = tuple(allowed)
        self.suggestion = suggestion
        self.part = part
        self.others: tuple[SpecError, ...] = ()
        super().__init__(component, message)

    @classmethod
    def together(cls, errors: Sequence[SpecError]) -> SpecError:
        """Return the first of some errors, with the others in its notes and in `others`."""
        first, *others = errors
        first.others = tuple(others)
        for error in others:
            first.add_note(str(error))
        return first

    def __str__(self) -> str:
        place = f"{self.component}: {self.option}" if self.option else self.component
        return self.with_hints(f"{place}: {self.message}")

    def with_hints(self, text: str) -> str:
        """Return the text with what would have been right behind it."""
        if self.allowed:
            text += f"; allowed: {', '.join(self.allowed)}"
        if self.suggestion:
            text += f"; did you mean {self.suggestion!r}?"
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        arguments = (self.component, self.message, self.option, self.value, self.allowed, self.suggestion)
        return _spec_error, arguments, self.__dict__


def _spec_error(
    component: str, message: str, option: str | None, value: Any, allowed: Sequence[str], suggestion: str | None
) -> SpecError:
    return SpecError(component, message, option=option, value=value, allowed=allowed, suggestion=suggestion)


class SourceError(PlaitError):
    """A source cannot be read any further: a missing file, a refused connection, an unusable header."""


class MissingSourceError(SourceError):
    """There is no such file, or no file that matches. It may be there when the pipeline runs."""


class SinkError(PlaitError):
    """A sink cannot take what it is given: a full disk, a closed pipe, a file that may not be written."""


class StateError(PlaitError):
    """A keyed state cannot be opened, read or written: no such file, a full disk, another process has it."""


class OrderError(PlaitError):
    """A record came too late, under the policy `late="fail"`.

    Attributes:
        timestamp: the event time of the record.
        frontier: the time before which nothing more was to come.
    """

    def __init__(self, message: str, *, timestamp: Any = None, frontier: Any = None) -> None:
        self.timestamp = timestamp
        self.frontier = frontier
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        return _order_error, (str(self), self.timestamp, self.frontier), self.__dict__


def _order_error(message: str, timestamp: Any, frontier: Any) -> OrderError:
    return OrderError(message, timestamp=timestamp, frontier=frontier)


class WorkerError(PlaitError):
    """A worker process died or raised; the remote traceback is the cause where there is one."""


class CallbackError(PlaitError):
    """A callback or a predicate of the user's raised; the original error is the cause."""
