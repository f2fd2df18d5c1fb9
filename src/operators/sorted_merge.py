"""The merge: many ordered streams into one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from ..fields import Choice, Component, Duration, option
from ..formats.schema import shown_type
from ..record import TEXT, TIMESTAMP

if TYPE_CHECKING:
    from ..queue.merge import Merge

__all__ = ["SortedMerge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SortedMerge(Component):
    """Lay several streams into one, in the order of event time; ties go by the order of the inputs, then by arrival.

    ```
    seattle   1     3     5          (numbers are event times)
    sf           2  3  4
    merged    1  2  3  3  4  5       seattle's 3 comes first: it is the first input
    ```

    Input: any number of streams whose rows have a `timestamp`. Output: their columns united by name, in the order in
    which they first appear; what an input does not have is null. Integers and floats of one name become floats.
    Holds: what has come from some inputs while another has yet to say that nothing earlier follows.
    Waits: for the slowest input; one that is live and silent for its `idle` is gone on without, and the run says so.
    Late: a record is late if its time is less than the largest time seen in its own source minus `lateness`.

    Example:
        merge=sorted(name=coast from=[seattle sf] lateness=2s tag=source)

    See also: reader options `lateness`, `late` and `max_ahead`, which override those of the merge for one source;
    late=rows, which makes a stream of late records.
    """

    family: ClassVar[str] = "merge"
    variant: ClassVar[str] = "sorted"

    lateness: timedelta = option(
        "how far a record may be behind the latest of its source", Duration(), default=timedelta(0)
    )
    late: str = option(
        "what to do with later ones: to the dead letters, drop (counted), or fail the run",
        Choice(("divert", "drop", "fail")),
        default="divert",
    )
    max_ahead: timedelta | None = option(
        "divert a record that is further than this ahead of all before it in its source", Duration(), default=None
    )
    tag: str | None = option("add a column of this name that holds the name of the input", default=None)

    def columns(self, inputs: Sequence[tuple[str, Mapping[str, Any] | None]]) -> dict[str, Any] | None:
        """Return the columns of the merged stream, or None if those of one input are not known.

        Args:
            inputs: name and columns (name -> polars type) of each input; none where no row will come.

        Raises:
            SpecError: an input has no event time, two inputs have one name with types that do not go together, or the
                tag is the name of a column.
        """
        from ..queue.columns import unite

        for name, columns in inputs:
            if columns:
                self._check_time(name, columns)
        united = unite([(name, columns) for name, columns in inputs if columns is not None])
        if self.tag in united:
            raise self.wrong("tag", f"there is a column {self.tag!r} already; choose another name")
        if any(columns is None for _, columns in inputs):
            return None
        return {**united, **self._tag_column()} if united else {}

    def open(self, inputs: Sequence[str], *, least: int = 1) -> Merge:
        """Return the running merge of the stages of these names, which waits for so many rows (`Merge`)."""
        from ..queue.merge import Merge

        return Merge(inputs, tag=self.tag, least=least)

    def _tag_column(self) -> dict[str, Any]:
        import polars as pl

        return {self.tag: pl.String} if self.tag else {}

    def _check_time(self, name: str, columns: Mapping[str, Any]) -> None:
        import polars as pl

        dtype = columns.get(TIMESTAMP)
        if dtype is None:
            names = ", ".join(column for column in columns if column != TEXT)
            raise self.wrong(None, f"{name!r} has no event time; name its column with timestamp= (it has: {names})")
        if not isinstance(dtype, pl.Datetime):
            raise self.wrong(
                None,
                f"the column `timestamp` of {name!r} is {shown_type(dtype)}, not a time; "
                "name its column, format= or unit= in the reader",
            )
