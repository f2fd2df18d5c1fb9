"""Make rows of rows with a Python function."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import CallbackError, StateError, nearest
from ..event import name_of
from ..fields import Choice, option
from ..formats.direct import without
from ..formats.framing import FrameBuilder, Layout
from ..formats.rows import row_dicts
from ..formats.schema import Schema, polars_type
from ..record import TEXT, TIMESTAMP, DeadLetter
from ..running import Context, Operator
from .base import Transform
from .functions import FunctionName, find_function
from .pace import Pace
from .stateful import StateCall, check_state

if TYPE_CHECKING:
    import polars as pl

__all__ = ["PythonMap"]

_ROWS = 50_000
"""Results in one frame, at most: a function may make many of one row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonMap(Transform):
    """Make rows of rows with a Python function: other values, other columns, fewer rows or more.

    The function is called with each row, a dict with a `datetime` under `timestamp`, in the order of the stream. It
    returns a dict (the new row), a list of dicts (several), or None (the row is dropped, and counts as filtered). The
    event time stays: a result without `timestamp` gets that of its row, a result with another is an error. To change
    the dict that it was given changes nothing else.

    A function with two parameters gets a `plait.state.KeyedState` as the second: `get`, `set`, `update` and `delete` by
    key, which `state=` keeps in a file; without, in memory for this stage and this run. Time to live follows the times
    of the rows. What is set is committed with each block of rows, when all stages are done with it: so after a crash
    the state is that of the last whole block, with its time. Outputs are no part of that: with follow=yes they have
    all that the state has seen, but for what a merge, window or join still held, and perhaps a block more. The next
    run reads its input again from the start: what counts rows counts them twice, unless it keeps in the state how far
    it has come and returns None up to there; then each is in the state exactly once, in outputs at least once, and time
    to live goes on where it was. Stages that name the same file share it; as blocks go from stage to
    stage, what one sees of the other's keys depends on how the stream is cut: let each key be set by one stage.

    Output: the columns of `schema`, behind `timestamp`; what a result lacks is null, a key that is not there is an
    error. Without it the results show the columns: types follow from the first values, integers become floats at the
    first fraction, a new key is a new column from there on. Values are None, bool, int, float, str, bytes, datetime,
    and lists and dicts of all but the last; others (a timedelta, a number of numpy) are to be made one of these.
    Dead letters: the rows for which the function raises (or returns something else), with its name and the error; the
    results that do not go with the columns, with the name of the column. What the function had put into the state by
    then stays there. errors=fail ends the run with the first of them instead.
    Order: kept; the results of a row follow each other. It runs in the process that was started and holds the stream
    back while it runs: about 4 us a row and what the function takes; 4 us more to update the state. A run that is
    stopped waits for the call that it is in, and leaves the rest of the block (of a live source, after a second).
    Holds: nothing but the state: in memory 32 MB of a file's, all of one without a file.

    Example:
        map=python(function="changes:since_last" state="out/changes.sqlite" schema=(station=text change=float))

    See also: derive=columns, which is faster for what an expression can say; event=when, to call without new rows.
    """

    family: ClassVar[str] = "map"
    variant: ClassVar[str] = "python"
    changes_values: ClassVar[bool] = True
    drops_rows: ClassVar[bool] = True
    native: ClassVar[bool] = False

    function: Any = option(
        "function to call with each row, and with the state if it takes two; its module may stand beside the file",
        FunctionName(),
    )
    state: str | None = option(
        "file of the keyed state, made if it is not there; several stages may name it", default=None
    )
    schema: tuple[tuple[str, str], ...] = option(
        "the columns of the results with their types: (station=text change=float); without: as the results show",
        Schema(),
        default=(),
    )
    errors: str = option(
        "what becomes of a row that the function raises for: divert (dead letter) or fail (end the run)",
        Choice(("divert", "fail")),
        default="divert",
    )

    def check(self) -> None:
        if TIMESTAMP in dict(self.schema):
            raise self.wrong("schema", "the event time stays as it is; leave `timestamp` out")

    def probe(self, context: Context) -> None:
        check_state(self, "function", context)

    def columns(self, inputs: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if inputs is None or not self.schema:
            return None
        time = {TIMESTAMP: inputs[TIMESTAMP]} if TIMESTAMP in inputs else {}
        return {**time, **{name: polars_type(kind) for name, kind in self.schema}}

    def open(self, context: Context) -> Operator:
        return _Mapping(self, context)


class _Mapping(Operator):
    def __init__(self, chosen: PythonMap, context: Context) -> None:
        self._function, self._state = StateCall.around(chosen, "function", context)
        self._name = name_of(find_function(chosen.function, context.imports, chosen.title(), "function"))
        self._results = _Results(chosen, context)
        self._pace = Pace(context)
        self._context = context
        self._fails = chosen.errors == "fail"

    def on_frame(self, frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
        made: list[dict[str, Any]] = []
        for piece in self._pace.pieces(without(frame, TEXT)):
            for number, row in enumerate(row_dicts(piece)):
                made += self._called(row, piece, number)
                if len(made) >= _ROWS:
                    yield from self._built(made)
                    made = []
            if self._state is not None:
                self._state.saw(piece)
        yield from self._built(made)

    def on_frontier(self, timestamp: Any) -> Iterable[pl.DataFrame]:
        if self._state is not None:
            self._state.reached(timestamp)
        return ()

    def _called(self, row: dict[str, Any], frame: pl.DataFrame, number: int) -> Sequence[dict[str, Any]]:
        """Return the results for a row; none for one that is dropped, or that the function raises for."""
        timestamp = row.get(TIMESTAMP)
        try:
            results = self._results.checked(self._function(row), timestamp)
        except StateError:  # not this row is at fault
            raise
        except (Exception, SystemExit) as error:
            said = "returned" if isinstance(error, _ResultError) else f"raised {type(error).__name__}:"
            self._refuse(f"{self._name} {said} {error}", frame.row(number, named=True), error)
            return ()
        if len(results) > 1:
            self._context.repeated(len(results) - 1)
        return results

    def _built(self, results: Sequence[dict[str, Any]]) -> Iterator[pl.DataFrame]:
        if not results:
            return
        for frame, rejects in self._results.frames(results):
            for row, reason in rejects.items():
                self._refuse(f"{self._name} returned what does not go with its column: {reason}", results[row])
            yield frame

    def _refuse(self, reason: str, record: Mapping[str, Any], error: BaseException | None = None) -> None:
        if self._fails:
            raise CallbackError(f"{reason} (row: {record!r:.300})") from error
        self._context.dead(DeadLetter(stage=self._context.stage, kind="dead", reason=reason, record=record))


class _ResultError(Exception):
    """What was returned is no result; the text says what it is."""


class _Results:
    """What the function returned: checked, then made into frames whose columns hold for the whole stream."""

    def __init__(self, chosen: PythonMap, context: Context) -> None:
        self._known = frozenset(dict(chosen.schema))
        self._names = {TIMESTAMP}  # those that need not be looked at again
        self._layout = _GrowingLayout(schema=dict(chosen.schema), live=True)
        self._builder = FrameBuilder(self._layout, context.note)

    def checked(self, returned: Any, timestamp: datetime | None) -> Sequence[dict[str, Any]]:
        """Return the results in a list, each with the event time of the row.

        Raises:
            _ResultError: it is no dict, list of dicts or None; or has another event time, or a column that is not in
                the schema.
        """
        if returned is None:
            return ()
        several = returned if isinstance(returned, list | tuple) else (returned,)
        return [self._checked(result, timestamp) for result in several]

    def _checked(self, result: Any, timestamp: datetime | None) -> dict[str, Any]:
        if not isinstance(result, dict):
            raise _ResultError(f"{result!r:.60}, which is no dict, list of dicts or None")
        if not result.keys() <= self._names:
            self._check_names(result)
        if timestamp is None or result.get(TIMESTAMP) == timestamp:
            return {**result}  # the function may go on changing its own
        if result.get(TIMESTAMP) is not None:
            raise _ResultError(f"another {TIMESTAMP}, {result[TIMESTAMP]}, but the event time stays: {timestamp}")
        made: dict[str, Any] = {TIMESTAMP: timestamp, **result}
        made[TIMESTAMP] = timestamp  # a null stood there
        return made

    def _check_names(self, result: dict[Any, Any]) -> None:
        for name in result:
            if type(name) is not str:
                raise _ResultError(f"a dict whose key {name!r:.60} is no text, as names of columns are")
            if self._known and name not in self._known and name != TIMESTAMP:
                near = nearest(name, self._known)
                hint = f"; did you mean {near!r}?" if near else ""
                raise _ResultError(f"a column {name!r}, which is not in schema=( ){hint}")
        self._names.update(result)

    def frames(self, results: Sequence[dict[str, Any]]) -> Iterator[tuple[pl.DataFrame, Mapping[int, str]]]:
        """Yield frames of the results, each with index and reason of those that do not go with the columns."""
        self._layout.learn(results)
        for built in self._builder.build(results):
            yield built.frame, built.rejects


@dataclass(frozen=True, slots=True, kw_only=True)
class _GrowingLayout(Layout):
    """A layout that finds out which columns hold times: those whose first value is one."""

    times_found: set[str] = field(default_factory=set)
    others_found: set[str] = field(default_factory=set)

    @property
    def columns_of_times(self) -> Any:
        declared = {name for name, kind in self.schema.items() if kind == "time"}
        self.times_found.update({TIMESTAMP}, declared)
        return self.times_found

    def learn(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Look at the first value of each column that has had none yet."""
        unknown = set().union(*records) - self.times_found - self.others_found - self.schema.keys()
        for name in unknown:
            first = next((value for record in records if (value := record.get(name)) is not None), None)
            if first is not None:
                (self.times_found if isinstance(first, datetime) else self.others_found).add(name)
