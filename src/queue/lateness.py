"""The rule of lateness, decided record by record in the order of the source.

    lateness = 3
    arrival:   10  12  11  15  11  13  14
    largest:   10  12  12  15  15  15  15
    limit:      7   9   9  12  12  12  12        (largest so far - lateness)
                                ^ 11 < 12: late

A record is late if and only if its time is less than the largest time seen so far in its own source minus the
lateness. So the answer never depends on timing or block size. The rule is written twice: record by record, which says
what it is, and by columns, which is fast; tests hold them against each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import OrderError
from ..frozen import frozen
from .ordering import Descending
from .runs import Run

if TYPE_CHECKING:
    import polars as pl

__all__ = ["EARLIER", "Judgement", "Refusal", "Rule"]

EARLIER = -1
"""The index of a leader that came in an earlier block."""


class Refusal(NamedTuple):
    """A record that is refused: its index in the run, "late" or "ahead", the index of the largest before it."""

    row: int
    kind: str
    leader: int


class Judgement(NamedTuple):
    """The records refused, in order, and the index of the record that has the largest time after all of them."""

    refused: list[Refusal]
    leader: int


@frozen
class Rule:
    """How far behind the largest before it a record may be, and how far ahead (None: as far as it likes)."""

    lateness: Any = None
    max_ahead: Any = None

    def limit(self, largest: Any) -> Any:
        """Return the time before which a record is late."""
        if not self.lateness:
            return largest
        try:
            return largest - self.lateness
        except OverflowError:
            return _farthest_back(largest)

    def check(self, time: Any) -> None:
        """Raise OrderError if lateness or max_ahead are no distances between times such as this."""
        for name in ("lateness", "max_ahead"):
            distance = getattr(self, name)
            try:
                fits = not distance or (time - time) < distance
            except TypeError:
                fits = False
            if not fits:
                raise OrderError(
                    f"{name} {distance!r} is no distance between times such as {time!r}: "
                    "give a timedelta for datetimes, a number for numbers, and more than zero"
                )

    def judge(self, run: Run, largest: Any, promised: Any = None) -> Judgement:
        """Decide which records of a run are late or too far ahead.

        Args:
            run: the records in the order in which they came.
            largest: the largest time before them; None if there was none.
            promised: the source has said that nothing before this will follow; None if it has said nothing.

        Raises:
            TypeError: two times cannot be compared.
        """
        floor = _later(promised, None if largest is None else self.limit(largest))
        # The comparison stands first: it is what raises TypeError if the source has changed its kind of time.
        in_order = (floor is None or not run.first < floor) and run.is_sorted()
        if in_order and not self._may_jump(run, largest):
            moved = largest is None or largest < run.last
            return Judgement([], run.count(run.last, inclusive=False) if moved else EARLIER)
        if run.is_columnar:
            return self._by_column(run.times, largest, promised)
        return self._one_by_one(run.times, largest, promised)

    def _may_jump(self, run: Run, largest: Any) -> bool:
        if self.max_ahead is None:
            return False
        if largest is not None and run.first - largest > self.max_ahead:
            return True
        if run.is_columnar:
            return bool((run.times.diff() > self.max_ahead).any())
        return any(time - before > self.max_ahead for before, time in pairwise(run.times))

    def _one_by_one(self, times: Iterable[Any], largest: Any, promised: Any) -> Judgement:
        refused = []
        leader = EARLIER
        limit = _later(promised, None if largest is None else self.limit(largest))
        for index, time in enumerate(times):
            if limit is not None and time < limit:
                refused.append(Refusal(index, "late", leader))
            elif largest is None or time > largest:
                if largest is not None and self.max_ahead is not None and time - largest > self.max_ahead:
                    refused.append(Refusal(index, "ahead", leader))
                    continue
                largest, leader, limit = time, index, _later(promised, self.limit(time))
        return Judgement(refused, leader)

    def _by_column(self, times: pl.Series, largest: Any, promised: Any) -> Judgement:
        """Do as `_one_by_one`, unless some record is too far ahead: what follows then hangs on each such record."""
        import polars as pl

        start = times.head(1) if largest is None else pl.Series([largest], dtype=times.dtype)
        before = pl.concat([start.alias(""), times.alias("")]).cum_max().head(len(times))
        if self.max_ahead is not None and (promised is not None or ((times - before) > self.max_ahead).any()):
            return self._one_by_one(times.to_list(), largest, promised)
        late = times < (before - self.lateness if self.lateness else before)
        if promised is not None:
            late |= times < promised
        first = 0 if largest is None and not late.item(0) else EARLIER
        moved = pl.when((times > before) & ~late).then(pl.int_range(len(times))).forward_fill().fill_null(first)
        leaders = pl.select(moved).to_series()
        indices = late.arg_true()
        refused = [Refusal(i, "late", leader) for i, leader in zip(indices, leaders.gather(indices), strict=True)]
        return Judgement(refused, leaders.item(-1))


def _later(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


def _farthest_back(time: Any) -> Any:
    """Return the first time that there is in the order of `time`: lateness may reach beyond the first year."""
    if isinstance(time, Descending):
        return Descending(_with_zone(time.time, type(time.time).max))
    return _with_zone(time, type(time).min)


def _with_zone(time: date, bound: Any) -> Any:
    return bound.replace(tzinfo=time.tzinfo) if isinstance(time, datetime) else bound
