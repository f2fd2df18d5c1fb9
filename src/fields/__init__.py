"""Options of components: typed, validated once, documented where they are declared.

A component (`CSVReader`, `Where`, ...) is a frozen dataclass whose fields are declared with `option`. Each option has a
`Kind`, which turns what a person wrote (in SCL, in Python) into the value that the component holds, says in words
what it takes, and can write the value as SCL again. The card that `plait show csv` prints is made from the same fields.

* The base of what people choose, here: `Component`; `option` declares, `options_of` lists as `Option`.
* What options take, in `kinds`: `Kind` and those that several rooms use; `each_part`, `PartsError` if they have parts.
* How values are written: `parse_duration`, `format_duration`, `quote`, `as_key`, `NUMBER`; `ALL_TIME` bounds them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field
from typing import Any, ClassVar

from ..errors import SpecError
from ..frozen import frozen
from .kinds import (
    ALL_TIME,
    NUMBER,
    Choice,
    Duration,
    Integer,
    Kind,
    Names,
    Number,
    PartsError,
    SignedDuration,
    Size,
    Text,
    Value,
    YesNo,
    ZoneName,
    as_key,
    each_part,
    format_duration,
    parse_duration,
    quote,
)

__all__ = [
    "ALL_TIME",
    "NUMBER",
    "Choice",
    "Component",
    "Duration",
    "Integer",
    "Kind",
    "Names",
    "Number",
    "Option",
    "PartsError",
    "SignedDuration",
    "Size",
    "Text",
    "Value",
    "YesNo",
    "ZoneName",
    "as_key",
    "each_part",
    "format_duration",
    "option",
    "options_of",
    "parse_duration",
    "quote",
]


def option(
    doc: str,
    kind: Kind | None = None,
    *,
    default: Any = MISSING,
    kw_only: bool = True,
    runtime: bool = False,
    internal: bool = False,
    called: str | None = None,
) -> Any:
    """Declare one option of a component.

    Args:
        doc: one sentence for the card; it names the unit.
        kind: what the option takes; a text if not said.
        default: what holds when the option is not given. Without one, the option must be given.
        kw_only: False for the few that Python callers may give by position.
        runtime: True for what only Python can give (a queue, a callable): not an option of SCL, not compared.
        internal: True for what only our own code sets (tests, say): not an option of SCL, not on the card.
        called: what a person calls it, where the component needs that name otherwise (it then takes it as InitVar).
    """
    return field(
        default=default,
        kw_only=kw_only,
        compare=not runtime,
        repr=not runtime,
        metadata={"doc": doc, "kind": kind or Text(), "scl": not runtime and not internal, "called": called},
    )


@frozen
class Option:
    """One option of a component class, as the card, the loader and `fmt` see it."""

    name: str
    doc: str
    kind: Kind
    default: Any
    attribute: str = ""
    """The attribute of the component that holds it: almost always `name`."""

    @property
    def required(self) -> bool:
        return self.default is MISSING


def options_of(component: type[Component]) -> dict[str, Option]:
    """Return the options that a person can give to a component: its own as they are declared, then its bases'."""
    inherited = {name for base in component.__mro__[1:] for name in getattr(base, "__dataclass_fields__", ())}
    fields = sorted(dataclasses.fields(component), key=lambda f: f.name in inherited)
    named = [(f.metadata.get("called") or f.name, f) for f in fields if f.metadata.get("scl")]
    return {name: Option(name, f.metadata["doc"], f.metadata["kind"], f.default, f.name) for name, f in named}


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """The base of everything that a person chooses: options in, validated and immutable.

    Subclasses are `@dataclass(frozen=True, slots=True, kw_only=True)`, declare `family` and `variant` (as in
    `reader=csv`), declare each field with `option`, and override `check` for what concerns several options at once.
    They hold configuration only and can be pickled; what runs is another object, made by `open`. An option that is
    None is one that is not given.
    """

    family: ClassVar[str] = ""
    variant: ClassVar[str] = ""
    in_scl: ClassVar[bool] = True
    """False for what only Python can say, such as rows in memory."""

    def __post_init__(self) -> None:
        for f in dataclasses.fields(self):
            given = getattr(self, f.name)
            if "kind" in f.metadata and given is not f.default:
                name = f.metadata.get("called") or f.name
                value = f.default if given is None else self._parsed(name, f.metadata["kind"].parse, given)
                if value is MISSING:
                    raise SpecError(self.title(), "must be given, and is None", option=name)
                object.__setattr__(self, f.name, value)
        self.check()

    def check(self) -> None:
        """Raise SpecError if the options do not fit together. Called once, when all options are parsed."""

    def wrong(self, option_name: str | None, message: str, **more: Any) -> SpecError:
        """Return the SpecError that says what is wrong with one option of this component."""
        value = getattr(self, option_name, None) if option_name else None
        return SpecError(self.title(), message, option=option_name, value=value, **more)

    @classmethod
    def title(cls) -> str:
        """Say what this is as SCL does: `reader=csv`."""
        return f"{cls.family}={cls.variant}"

    @classmethod
    def _parsed(cls, name: str, parse: Callable[[Any], Any], given: Any) -> Any:
        try:
            return parse(given)
        except ValueError as error:
            raise SpecError(cls.title(), str(error), option=name, value=given) from error

    def given(self) -> Mapping[str, Any]:
        """Return the options whose values differ from their defaults, in the order of declaration."""
        known = options_of(type(self))
        values = {name: getattr(self, known[name].attribute) for name in known}
        return {name: value for name, value in values.items() if value != known[name].default}
