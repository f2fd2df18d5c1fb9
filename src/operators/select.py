"""Which columns go on, and under which names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import SpecError, nearest
from ..fields import Kind, Names, as_key, each_part, option, quote
from ..formats.direct import with_only
from ..record import TEXT, TIMESTAMP
from ..running import Context, Operator
from .base import Transform

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Drop", "NewNames", "Rename", "Select"]


class NewNames(Kind):
    """New names with the old ones, `set=(celsius=temp)`; held as a tuple of (new, old) pairs."""

    says: ClassVar[str] = "new names with the old ones such as (new=old)"

    def parse(self, value: Any) -> tuple[tuple[str, str], ...]:
        pairs = list(value.items()) if isinstance(value, Mapping) else value
        if isinstance(pairs, str) or not isinstance(pairs, Sequence) or not pairs:
            raise self._wrong(value)
        for pair in pairs:
            if not isinstance(pair, tuple | list) or len(pair) != 2 or not all(isinstance(name, str) for name in pair):
                raise self._wrong(value)
        for place, names in enumerate(zip(*pairs, strict=True)):
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise ValueError(f"{twice} is {('a new', 'an old')[place]} name twice")
        return tuple((new, old) for new, old in pairs)

    def from_nodes(self, nodes: Sequence[Any]) -> tuple[tuple[str, str], ...]:
        return self.parse(each_part(self._from_node, nodes))

    @staticmethod
    def _from_node(node: Any) -> tuple[str, Any]:
        if node.op != "=" or node.children is not None:
            raise ValueError(f"{node.key}: takes new=old")
        return node.key, node.value.plain()

    def write(self, value: Sequence[tuple[str, str]]) -> str:
        return "(" + " ".join(f"{as_key(new)}={quote(old)}" for new, old in value) + ")"


class _Choosing(Operator):
    """Passes each frame on with other columns; the choice is made once for each schema."""

    def __init__(self, transform: _Choice) -> None:
        self._transform = transform
        self._schema: Any = None
        self._chosen: dict[str, str] = {}

    def on_frame(self, frame: pl.DataFrame) -> tuple[pl.DataFrame]:
        if frame.schema != self._schema:
            self._chosen = self._transform.chosen(frame.columns)
            self._schema = frame.schema
        chosen = with_only(frame, self._chosen.values())
        chosen.columns = list(self._chosen)
        return (chosen,)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice(Transform):
    changes_values: ClassVar[bool] = True
    variant: ClassVar[str] = "columns"

    def chosen(self, names: Iterable[str]) -> dict[str, str]:
        """Return the old name of each column of the output by its new name, in order."""
        raise NotImplementedError

    def columns(self, inputs: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if inputs is None:
            return None
        return {new: inputs[old] for new, old in self.chosen(inputs).items()}

    def open(self, context: Context) -> Operator:
        return _Choosing(self)

    def stateless(self) -> bool:
        return True

    def _check_known(self, option_name: str, wanted: Mapping[str, str | None], names: Iterable[str]) -> None:
        """Raise SpecError for the columns that are not there, each with the part of the option that names it."""
        known = [each for each in names if each != TEXT]
        mistakes: list[SpecError] = []
        for name, part in wanted.items():
            if name not in known:
                near = nearest(name, known)
                hints: dict[str, Any] = {"allowed": () if near else known, "suggestion": near, "part": part}
                mistakes.append(self.wrong(option_name, f"there is no column {name!r}", **hints))
        if mistakes:
            raise SpecError.together(mistakes)

    def _not_the_time(self, option_name: str, name: str) -> None:
        if name in (TIMESTAMP, TEXT):
            raise self.wrong(option_name, f"{name!r} orders the stream; it keeps its name and stays")


@dataclass(frozen=True, slots=True, kw_only=True)
class Select(_Choice):
    """Keep some columns, in the order given.

    Input: any stream. Output: its rows with the columns of `keep`; `timestamp` is kept, as the first, if not named.
    Holds: nothing. Waits: for nothing.

    Example:
        select=columns(name=slim keep=[timestamp temp])

    See also: drop=columns, rename=columns.
    """

    family: ClassVar[str] = "select"

    keep: tuple[str, ...] = option("names of the columns to keep", Names())

    def check(self) -> None:
        twice = next((name for name in self.keep if self.keep.count(name) > 1), None)
        if twice is not None:
            raise self.wrong("keep", f"{twice!r} is named twice")

    def chosen(self, names: Iterable[str]) -> dict[str, str]:
        known = list(names)
        self._check_known("keep", dict.fromkeys(self.keep), known)
        always = [name for name in (TIMESTAMP, TEXT) if name in known and name not in self.keep]
        return {name: name for name in (*always, *self.keep)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename(_Choice):
    """Give columns other names; each keeps its place.

    Input: any stream. Output: its rows, with the new names. Two columns may exchange their names. `timestamp` keeps
    its own.
    Holds: nothing. Waits: for nothing.

    Example:
        rename=columns(set=(celsius=temp place=station))

    See also: derive=columns, select=columns.
    """

    family: ClassVar[str] = "rename"

    set: tuple[tuple[str, str], ...] = option("the new names: new=old", NewNames())

    def check(self) -> None:
        for pair in self.set:
            for name in pair:
                self._not_the_time("set", name)

    def chosen(self, names: Iterable[str]) -> dict[str, str]:
        known = list(names)
        new_names = {old: new for new, old in self.set}
        self._check_known("set", new_names, known)
        chosen: dict[str, str] = {}
        for name in known:
            new = new_names.get(name, name)
            if new in chosen:
                raise self.wrong("set", f"there would be two columns {new!r}; rename or drop the other")
            chosen[new] = name
        return chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop(_Choice):
    """Leave out some columns.

    Input: any stream. Output: its rows without the columns of `names`. `timestamp` stays.
    Holds: nothing. Waits: for nothing.

    Example:
        drop=columns(names=[raw checksum])

    See also: select=columns.
    """

    family: ClassVar[str] = "drop"

    names: tuple[str, ...] = option("names of the columns to leave out", Names())

    def check(self) -> None:
        for name in self.names:
            self._not_the_time("names", name)

    def chosen(self, names: Iterable[str]) -> dict[str, str]:
        known = list(names)
        self._check_known("names", dict.fromkeys(self.names), known)
        return {name: name for name in known if name not in self.names}
