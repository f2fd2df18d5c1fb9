"""What all operators share."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeGuard

from ..fields import Component
from ..running import Context, Operator

if TYPE_CHECKING:
    from ..event import Condition
    from .join import Join

__all__ = ["Transform", "is_join", "is_late"]


def is_join(component: Component) -> TypeGuard[Join]:
    """Tell whether it is a join, without importing joins, which only pipelines that have one are to pay for."""
    return component.family == "join"


def is_late(component: Component) -> bool:
    """Tell whether it takes the late rows of a reader: `late=rows`, or one of another package."""
    return component.family == "late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform(Component):
    """The base of all components with one input and one output.

    `columns` in, `columns` out are names with their polars types; None means: not known before the run.
    """

    changes_values: ClassVar[bool] = False
    """True if rows may leave with other values or columns than they came with (`as_read` is then impossible)."""

    drops_rows: ClassVar[bool] = False
    """True if rows may stay behind by design: the ledger counts them as filtered. Else each row must come out."""

    native: ClassVar[bool] = True
    """True if the work is done outside the interpreter: on whole columns. False for what calls Python row by row."""

    needs_order: ClassVar[bool] = False
    """True if rows must come in the order of time: what is late is then decided at their sources, as for a merge."""

    absorbs: ClassVar[bool] = False
    """True if rows go into results: of columns that it does not look at (`reads`) nothing comes out."""

    def stateless(self) -> bool:
        """Return whether what comes of a row, in its place and with its time, depends on nothing but that row.

        Such a stage may work ahead of a merge, in several threads at once, each with an operator of its own; it has no
        dead letters.
        """
        return False

    def sieve(self) -> Condition | None:
        """Return what a row must be like to be more than counted as filtered; None if any may be.

        Rows that all who read a stream would leave behind need not come to them.
        """
        return None

    def open(self, context: Context) -> Operator:
        """Return the running operator."""
        raise NotImplementedError

    def probe(self, context: Context) -> None:
        """Raise SpecError if something that it needs besides its input is not there. Called by the check of a plan."""

    def reads(self, columns: Collection[str]) -> frozenset[str]:
        """Return which of the input's columns are looked at; all others only pass. `timestamp` may be left out."""
        return frozenset(columns)

    def columns(self, inputs: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """Return the columns of the output. Raises SpecError if the input's columns cannot be used."""
        return inputs
