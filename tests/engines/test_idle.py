"""A source that falls silent holds the merge back until it says so; then the merge goes on, and says without whom.

The sources here do what they are told through a pipe, and whoever waits for a row waits in the kernel.
"""

import json
import os
import queue
import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import connection
from pathlib import Path
from typing import ClassVar

import polars as pl
import pytest
from plait.engines import Control, run_plan
from plait.fields import Value, option
from plait.operators import LateRows, SortedMerge
from plait.operators.window import TumblingWindow
from plait.pipeline import PipelineSpec, Stage, checked_plan
from plait.readers.base import Reader
from plait.record import Idle
from plait.running import Batch, Context, Sink
from plait.writers import JSONLWriter
from plait.writers.base import Writer

pytestmark = [pytest.mark.processes, pytest.mark.timeout(30)]

ENGINES = pytest.mark.parametrize("engine", ["serial", "local"])
START = datetime(2010, 1, 1, tzinfo=UTC)
TIME = pl.Datetime("us", "UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldReader(Reader):
    """A live source that reads from a named pipe, a line each, what it shall do: rows (a list of seconds), or idle."""

    variant: ClassVar[str] = "told"
    live: ClassVar[bool] = True

    pipe: str = option("where the orders come from")

    def columns(self, context: Context):
        return {"timestamp": TIME}

    def open(self, context: Context):
        with Path(self.pipe).open("rb", buffering=0) as orders:  # a buffer would hide what can be read
            for order in map(json.loads, self.lines(orders, context)):
                if isinstance(order, list):
                    times = [START + timedelta(seconds=second) for second in order]
                    yield Batch(pl.DataFrame({"timestamp": pl.Series(times, dtype=TIME)}), "told")
                else:
                    yield Idle(context.clock() + order["after"])

    def lines(self, orders, context: Context):
        while connection.wait([orders, context.stopping]) == [orders] and (line := orders.readline()):
            yield line


class Tap(Sink):
    """A sink from which rows can be taken while the run goes on, and that is told when the run waits for more."""

    def __init__(self):
        self.rows = queue.SimpleQueue()
        self.waits = queue.SimpleQueue()
        self.states = {}

    def __reduce__(self):
        return Tap, ()  # workers are sent the whole pipeline, but nothing is written there

    def flush(self):
        self.waits.put({name: state.counts.received for name, state in self.states.items()})

    def write(self, frame):
        for row in frame.iter_rows(named=True):
            self.rows.put((int((row["timestamp"] - START).total_seconds()), row.get("from")))

    def take(self, count):
        return [self.rows.get(timeout=20) for _ in range(count)]

    def until(self, stage, received):
        """Wait until so many rows have come to a stage and all is done with them that can be."""
        while self.waits.get(timeout=20)[stage] < received:
            pass


@dataclass(frozen=True, slots=True, kw_only=True)
class TapWriter(Writer):
    """Writes to a tap."""

    variant: ClassVar[str] = "tap"

    tap: Tap = option("where the rows go", Value(), runtime=True)

    def open(self, context: Context):
        return self.tap


class Play:
    """A run of sources that are told what to do; `tell(name, order)` tells, `close()` ends them and the run."""

    def __init__(self, folder: Path, names: str, merges, engine: str):
        self.tap = Tap()
        self.control = Control(on_start=lambda flow, assembly: setattr(self.tap, "states", assembly.states))
        readers = [Stage(name, ToldReader(pipe=str(folder / name))) for name in names]
        for name in names:
            os.mkfifo(folder / name)
        last = merges[-1].name
        spec = PipelineSpec("p", (*readers, *merges, Stage("out", TapWriter(tap=self.tap), (last,))))
        plan = checked_plan(spec, folder)
        self._orders = {name: os.open(folder / name, os.O_RDWR) for name in names}  # so that opening waits for nobody
        self._thread = threading.Thread(target=self._run, args=[plan, engine], daemon=True)
        self._thread.start()

    def _run(self, plan, engine):
        self.report = run_plan(plan, engine, control=self.control)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.control.stop()
        self._thread.join()
        for order in self._orders.values():
            os.close(order)

    def tell(self, name: str, order):
        os.write(self._orders[name], json.dumps(order).encode() + b"\n")

    def close(self, *names):
        for name in names or tuple(self._orders):
            os.close(self._orders.pop(name))
        if not self._orders:
            self._thread.join()


def merge(name: str, inputs, **options) -> Stage:
    return Stage(name, SortedMerge(**options), tuple(inputs))


@ENGINES
def test_the_merge_goes_on_without_a_silent_source_and_says_which_since_when_and_how_many_waited(tmp_path, engine):
    with Play(tmp_path, "ab", [merge("m", "ab", tag="from")], engine) as play:
        play.tell("a", [0, 1, 2, 3, 4])
        play.tell("b", [1])
        assert play.tap.take(3) == [(0, "a"), (1, "a"), (1, "b")]
        play.tell("b", {"after": 7})
        assert play.tap.take(3) == [(2, "a"), (3, "a"), (4, "a")]
        play.close()
    (note,) = play.report.notes
    found = re.fullmatch(
        r"m went on without 'b', .* silent since (\d+\.\d) s into the run; 3 rows had been waiting", note
    )
    assert 7 <= float(found[1]) < 30
    assert play.report.exit_code == 0
    assert play.report.imbalances == ()


@ENGINES
def test_what_comes_too_late_from_a_source_that_wakes_is_a_dead_letter_and_the_rest_is_in_order(tmp_path, engine):
    late = [Stage("late b", LateRows(), ("b",)), Stage("log", JSONLWriter(path="late.jsonl"), ("late b",))]
    with Play(tmp_path, "ab", [*late, merge("m", "ab", tag="from")], engine) as play:
        play.tell("a", [0, 4])
        play.tell("b", [1])
        assert play.tap.take(2) == [(0, "a"), (1, "b")]
        play.tell("b", {"after": 0})
        assert play.tap.take(1) == [(4, "a")]
        play.tell("b", [2, 4, 6])
        play.tell("b", [5])  # late in its own source, which the clock does not change
        play.tap.until("m", 6)
        play.tell("a", [5, 9])
        assert play.tap.take(3) == [(4, "b"), (5, "a"), (6, "b")]
        play.close()
    assert play.tap.take(1) == [(9, "a")]
    assert (tmp_path / "late.jsonl").read_text() == '{"timestamp":"2010-01-01T00:00:05Z"}\n'
    (letter,) = [json.loads(line) for line in (tmp_path / "p.dead.jsonl").read_text().splitlines()]
    assert (letter["stage"], letter["kind"], letter["origin"]) == ("m", "late", "b")
    assert letter["record"] == {"timestamp": "2010-01-01T00:00:02Z"}
    assert "b had been silent, and the merge had gone on without it" in letter["reason"]
    counts = play.report["m"].counts
    assert (counts.received, counts.delivered, counts.late, counts.inside) == (8, 7, 1, 0)
    assert play.report.exit_code == 3
    assert play.report.imbalances == ()


@ENGINES
def test_a_source_is_waited_for_again_when_it_has_woken(tmp_path, engine):
    with Play(tmp_path, "ab", [merge("m", "ab")], engine) as play:
        play.tell("a", [0])
        play.tell("b", {"after": 0})
        assert play.tap.take(1) == [(0, None)]
        play.tell("b", [1])
        play.tap.until("m", 2)
        play.tell("a", [5])
        assert play.tap.take(1) == [(1, None)]
        play.tell("b", [2])
        assert play.tap.take(1) == [(2, None)]
        play.tell("b", {"after": 0})
        assert play.tap.take(1) == [(5, None)]
        play.close()
    assert play.report["m"].extra == {"times that 'b' was not waited for": 2}
    assert len(play.report.notes) == 1


@ENGINES
def test_an_idle_source_lets_go_of_what_its_lateness_held_back(tmp_path, engine):
    with Play(tmp_path, "ab", [merge("m", "ab", lateness="10s")], engine) as play:
        play.tell("a", [3, 1, 2])
        play.tell("b", [20])
        play.tell("a", {"after": 0})
        play.tell("b", {"after": 0})
        assert play.tap.take(4) == [(1, None), (2, None), (3, None), (20, None)]
        play.close()
    assert play.report.exit_code == 0


@ENGINES
def test_a_merge_whose_sources_are_all_idle_is_idle_for_the_next(tmp_path, engine):
    with Play(tmp_path, "abc", [merge("inner", "ab"), merge("outer", ["inner", "c"], tag="from")], engine) as play:
        play.tell("c", [5, 6])
        play.tell("a", {"after": 0})
        play.tell("b", {"after": 0})
        assert play.tap.take(2) == [(5, "c"), (6, "c")]
        play.tell("a", [7])
        play.tap.until("inner", 1)
        play.tell("c", [8])
        assert play.tap.take(1) == [(7, "inner")]
        play.close("a")
        assert play.tap.take(1) == [(8, "c")]
        play.close()
    assert sorted(note.split(",")[0] for note in play.report.notes) == [
        "inner went on without 'a'", "inner went on without 'b'", "outer went on without 'inner'",
    ]  # fmt: skip
    assert play.report.exit_code == 0


@ENGINES
def test_a_source_alone_is_nobody_s_delay(tmp_path, engine):
    with Play(tmp_path, "a", [merge("m", "a")], engine) as play:
        play.tell("a", [0])
        play.tell("a", {"after": 0})
        play.tell("a", [1])
        assert play.tap.take(2) == [(0, None), (1, None)]
        play.close()
    assert play.report.notes == ()


def tumbling(name: str, source: str) -> Stage:
    return Stage(name, TumblingWindow(size="10s", aggregate={"n": "count"}), (source,))


@ENGINES
@pytest.mark.parametrize("merged", [True, False])
def test_the_clock_closes_the_last_window_of_silent_sources(tmp_path, engine, merged):
    stages = [merge("m", "ab"), tumbling("w", "m")] if merged else [tumbling("w", "a")]
    with Play(tmp_path, "ab" if merged else "a", stages, engine) as play:
        play.tell("a", [0, 4])
        if merged:
            play.tell("b", [3])
            play.tell("b", {"after": -7})
        play.tell("a", {"after": -7})  # silent for seven seconds: it is 11 now
        assert play.tap.take(1) == [(10, None)]
        play.tell("a", [5, 12])
        play.close()
    assert play.tap.take(1) == [(20, None)]
    counts = play.report["w"].counts
    assert (counts.absorbed, counts.made, counts.late) == ((4 if merged else 3), 2, 1)
    assert play.report.imbalances == ()
    (letter,) = [json.loads(line) for line in (tmp_path / "p.dead.jsonl").read_text().splitlines()]
    assert (letter["stage"], letter["kind"], letter["record"]) == ("w", "late", {"timestamp": "2010-01-01T00:00:05Z"})
    assert "had gone on by the clock to 2010-01-01T00:00:1" in letter["reason"]
