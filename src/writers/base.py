"""What all writers share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..errors import nearest
from ..fields import Component
from ..running import Context, Sink

__all__ = ["Writer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer(Component):
    """The base of all writers: a place where a stream ends."""

    family: ClassVar[str] = "writer"

    @property
    def wants_text(self) -> bool:
        """True if the rows are to be written with the very text they came in with (`record.TEXT`)."""
        return False

    def check_columns(self, columns: Mapping[str, Any]) -> None:
        """Raise SpecError if rows with these columns (name -> polars type) cannot be written.

        Called before the run, where the columns are known by then.
        """

    def check_template(self, template: str, columns: Mapping[str, Any]) -> None:
        """Raise SpecError if a line made by the template would need a column that is not there."""
        from ..formats.template import Template

        missing = Template(template).missing(columns)
        if missing is not None:
            near = nearest(missing, columns)
            raise self.wrong("template", f"there is no column {missing!r}", suggestion=near)

    def open(self, context: Context) -> Sink:
        """Return the running writer. Raises SinkError if the place cannot be written to."""
        raise NotImplementedError
