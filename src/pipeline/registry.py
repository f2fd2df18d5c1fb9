"""Which components there are: one table, and the entry points of other packages.

Another package adds a component by an entry point in the group `plait.readers`, `plait.writers` or `plait.operators`,
whose name is the variant and whose object is the component's class (a frozen dataclass below `Reader`, `Writer` or
`Transform`).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from ..errors import SpecError, nearest
from ..fields import Component
from ..operators import Derive, Drop, Rename, Select, SortedMerge, When, Where
from ..readers import CSVReader, FileReader, JSONLReader, MemoryReader, ZeroMQReader
from ..writers import ConsoleWriter, CSVWriter, JSONLWriter, MemoryWriter, TextWriter

__all__ = ["FAMILIES", "all_components", "component_class", "find_components"]

FAMILIES: Mapping[str, Mapping[str, type[Component]]] = {
    "reader": {
        "csv": CSVReader,
        "file": FileReader,
        "jsonl": JSONLReader,
        "zeromq": ZeroMQReader,
        "memory": MemoryReader,
    },
    "merge": {"sorted": SortedMerge},
    "filter": {"where": Where},
    "derive": {"columns": Derive},
    "select": {"columns": Select},
    "rename": {"columns": Rename},
    "drop": {"columns": Drop},
    "event": {"when": When},
    "writer": {
        "console": ConsoleWriter,
        "csv": CSVWriter,
        "jsonl": JSONLWriter,
        "text": TextWriter,
        "memory": MemoryWriter,
    },
}

_GROUPS = ("plait.readers", "plait.writers", "plait.operators")


def _installed() -> list[EntryPoint]:
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
