"""A join that runs: between the frames of an engine and the core that finds pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..errors import SpecError
from ..formats.direct import without
from ..formats.schema import shown_type
from ..joins import How, JoinError
from ..queue.columns import conform, unite
from ..record import TEXT, TIMESTAMP
from ..running import Context
from .join import Join
from .window_options import EPOCH, MICROSECOND

if TYPE_CHECKING:
    import polars as pl

    from ..joins.core import JoinCore

__all__ = ["RunningJoin"]

_SIDES = ("left", "right")


class RunningJoin:
    """A running join, between frames with times as the engine has them and its core.

    It begins when the columns of both sides are known, or all has come.

    Args:
        join: the options.
        context: of the stage.
        columns: those of either side, as far as they are known before the run.
    """

    def __init__(self, join: Join, context: Context, columns: Sequence[Mapping[str, Any] | None]) -> None:
        self._join = join
        self._context = context
        self._first = [dict(known) if known else None for known in columns]
        self._columns = list(self._first)  # with those that have come since
        self._waiting: list[tuple[int, pl.DataFrame]] = []
        self._core: JoinCore | None = None
        self._has_changed = False  # the columns, since the core has been told

    def push(self, side: int, frame: pl.DataFrame) -> None:
        """Take rows that `fitted` has seen: 0 left, 1 right."""
        self._context.absorbed(frame.height)
        self._waiting.append((side, frame))

    def fitted(self, side: int, frame: pl.DataFrame) -> pl.DataFrame:
        """Return rows with the columns of their side, in the order of its first rows.

        A column that comes later is one of the side from there on, null before; one that was null in all rows so far
        gets a type, and integers become floats at the first fraction.

        Raises:
            SpecError: a column has a type that does not go together with the one that it had.
        """
        frame = without(frame, TEXT)
        known = self._columns[side]
        if known is None:
            self._first[side] = self._columns[side] = dict(frame.schema)
        elif list(frame.schema.items()) != list(known.items()):
            self._columns[side] = united = self._united(side, known, dict(frame.schema))
            self._has_changed |= united != known
            return conform(frame, united)
        return frame

    def _united(self, side: int, known: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
        united: dict[str, Any] = {}
        for name in known | found:
            kinds = [own[name] for own in (known, found) if name in own]
            try:
                united |= unite((name, {name: kind}) for kind in kinds)
            except SpecError as error:
                was, now = map(shown_type, kinds)
                message = f"column {name!r} of the {_SIDES[side]} input was {was}, and is {now} in rows that came later"
                raise self._join.wrong(None, message) from error
        return united

    def advance(self, timestamp: datetime | None) -> tuple[pl.DataFrame | None, datetime | None]:
        """Return what may go out when nothing before this will follow (None: nothing at all), and its own frontier."""
        core = self._started(at_the_end=timestamp is None)
        if core is None:
            self._check_room()
            return None, self._first_alone(timestamp)
        waiting, self._waiting = self._waiting, []
        try:
            if self._has_changed:
                core.take_over(*self._both(self._columns))
                self._has_changed = False
            for side, frame in waiting:
                core.push(side, conform(frame, self._columns[side] or {}))
            self._context.holds(core.held, "rows")
            results, bound = core.advance(None if timestamp is None else (timestamp - EPOCH) // MICROSECOND)
        except JoinError as error:
            raise self._join.wrong(None, str(error)) from error
        if results is not None:
            self._context.made(results.height)
        return results, None if bound is None else EPOCH + bound * MICROSECOND

    def _check_room(self) -> None:
        """Raise SpecError if too many rows of one side wait until the columns of the other are known."""
        waiting = sum(frame.height for _, frame in self._waiting)
        if waiting > self._join.max_state:
            side = self._waiting[0][0]
            message = (
                f"it holds {waiting:,} rows of the {_SIDES[side]} input, and none has come of the {_SIDES[1 - side]}"
            )
            raise self._join.wrong(None, f"{message}; max_state allows {self._join.max_state:,}")

    def _first_alone(self, timestamp: datetime | None) -> datetime | None:
        """Return the frontier while the columns of a side, and so its rows, are awaited.

        A pair has the later of two times, so none is before that; a row without a partner has its own.
        """
        alone = How(self._join.how).sides
        times = [frame.get_column(TIMESTAMP)[0] for side, frame in self._waiting if alone[side]]
        return timestamp if timestamp is None else min([timestamp, *times])

    def _started(self, *, at_the_end: bool) -> JoinCore | None:
        if self._core is None and (all(self._first) or (at_the_end and any(self._first))):
            left, right = self._both(self._first)
            self._join.columns([("left", left), ("right", right)])
            self._core = self._join.start(left, right, self._context.zone)
        return self._core

    def _both(self, columns: Sequence[dict[str, Any] | None]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the columns of both sides; of one of which no row has come, what the other must find there."""
        left, right = columns
        return left or self._least(right or {}), right or self._least(left or {})

    def _least(self, other: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns of a side of which no row has come: what the other must find there."""
        return {name: other[name] for name in (TIMESTAMP, *self._join.by) if name in other}
