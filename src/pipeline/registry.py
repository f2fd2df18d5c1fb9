"""Which components there are: one table, and the entry points of other packages.

Another package adds a component by an entry point in the group `plait.readers`, `plait.writers` or `plait.operators`,
whose name is the variant and whose object is the component's class (a frozen dataclass below `Reader`, `Writer` or
`Transform`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from ..errors import SpecError, nearest
from ..fields import Component

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["FAMILIES", "all_components", "component_class", "find_components"]


class _Variants(Mapping[str, type[Component]]):
    """The components of a family by their variants; each is imported when it is looked up."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places

    def __getitem__(self, variant: str) -> type[Component]:
        module, _, name = self._places[variant].partition(":")
        found: type[Component] = getattr(import_module(f"..{module}", __package__), name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


FAMILIES: Mapping[str, Mapping[str, type[Component]]] = {
    "reader": _Variants(
        {
            "csv": "readers.csv_reader:CSVReader",
            "file": "readers.file_reader:FileReader",
            "jsonl": "readers.file_reader:JSONLReader",
            "zeromq": "readers.zeromq_reader:ZeroMQReader",
            "memory": "readers.memory_reader:MemoryReader",
        }
    ),
    "merge": _Variants({"sorted": "operators.sorted_merge:SortedMerge"}),
    "join": _Variants(
        {
            "interval": "operators.join:IntervalJoin",
            "window": "operators.join:WindowJoin",
            "asof": "operators.join:AsofJoin",
        }
    ),
    "late": _Variants({"rows": "operators.late:LateRows"}),
    "filter": _Variants({"where": "operators.where:Where"}),
    "derive": _Variants({"columns": "operators.derive:Derive"}),
    "map": _Variants({"python": "operators.map:PythonMap"}),
    "select": _Variants({"columns": "operators.select:Select"}),
    "rename": _Variants({"columns": "operators.select:Rename"}),
    "drop": _Variants({"columns": "operators.select:Drop"}),
    "window": _Variants(
        {
            "tumbling": "operators.window:TumblingWindow",
            "sliding": "operators.window:SlidingWindow",
            "session": "operators.window:SessionWindow",
            "rolling": "operators.rolling:RollingWindow",
        }
    ),
    "event": _Variants({"when": "operators.when:When", "rules": "operators.rules:Rules"}),
    "writer": _Variants(
        {
            "console": "writers.console_writer:ConsoleWriter",
            "csv": "writers.csv_writer:CSVWriter",
            "jsonl": "writers.jsonl_writer:JSONLWriter",
            "text": "writers.text_writer:TextWriter",
            "chart": "writers.chart_writer:ChartWriter",
            "memory": "writers.memory_writer:MemoryWriter",
        }
    ),
}

_GROUPS = ("plait.readers", "plait.writers", "plait.operators")


def _installed() -> list[EntryPoint]:
    from importlib.metadata import entry_points  # reads a file of every package there is: only when it must be

    return [point for group in _GROUPS for point in entry_points(group=group)]


def _load(point: EntryPoint) -> type[Component]:
    try:
        found = point.load()
    except Exception as error:
        raise SpecError(point.value, f"the component {point.name!r} cannot be imported: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Component) and found.family):
        raise SpecError(point.value, f"the entry point {point.name!r} is not a component with a family")
    return found


def component_class(family: str, variant: str) -> type[Component]:
    """Return the class behind `family=variant`.

    Raises:
        SpecError: there is none; `allowed` and `suggestion` say which there are.
    """
    own = FAMILIES.get(family, {})
    if variant in own:
        return own[variant]
    foreign = {point.name: point for point in _installed()}
    if variant in foreign and (found := _load(foreign[variant])).family == family:
        return found
    families = {*FAMILIES, "pipeline"}
    if family not in families and not any(_load(point).family == family for point in foreign.values()):
        raise SpecError(
            family, "there is no such family of stages", allowed=sorted(families), suggestion=nearest(family, families)
        )
    variants = [*own, *(name for name, point in foreign.items() if _load(point).family == family)]
    raise SpecError(
        f"{family}={variant}",
        f"there is no {family} called {variant!r}",
        allowed=variants,
        suggestion=nearest(variant, variants),
    )


def all_components() -> list[type[Component]]:
    """Return every component there is, family by family; those of other packages last."""
    own = [component for variants in FAMILIES.values() for component in variants.values()]
    return own + [_load(point) for point in _installed()]


def find_components(words: str) -> list[type[Component]]:
    """Return the components that a person means by `csv`, `reader=csv`, `reader` or a class name.

    Raises:
        SpecError: there is none.
    """
    known = all_components()
    found = [c for c in known if words in (c.title(), c.variant, c.family, c.__name__)]
    if found:
        return found
    names = [name for c in known for name in (c.title(), c.variant, c.family)]
    raise SpecError(
        "show",
        f"there is no component or file {words!r}",
        allowed=[c.title() for c in known],
        suggestion=nearest(words, names),
    )
