"""Runs of live sources that do what they are told through a pipe; whoever waits for a row waits in the kernel."""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import connection
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from plait.engines import Control, run_plan
from plait.fields import Value, option
from plait.pipeline import PipelineSpec, Stage, checked_plan
from plait.readers.base import Reader
from plait.record import Idle
from plait.running import Batch, Context, Sink
from plait.writers.base import Writer

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


def seconds(value):
    return int((value - START).total_seconds()) if isinstance(value, datetime) else value


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
            self.rows.put({name: seconds(value) for name, value in row.items()})

    def take(self, count, *names):
        """Wait for so many rows, and return these columns of each."""
        rows = [self.rows.get(timeout=20) for _ in range(count)]
        return [tuple(row.get(name) for name in names or ("timestamp", "from")) for row in rows]

    def left(self, *names):
        """Return what is left of a run that is over."""
        return self.take(self.rows.qsize(), *names)

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


class Running:
    """A run of stages in a thread of its own; what the last of them gives is taken from the tap meanwhile."""

    def __init__(self, folder: Path, stages: Sequence[Stage], engine: str):
        self.tap, self._folder = Tap(), folder
        self.control = Control(on_start=lambda flow, assembly: setattr(self.tap, "states", assembly.states))
        spec = PipelineSpec("p", (*stages, Stage("out", TapWriter(tap=self.tap), (stages[-1].name,))))
        self._thread = threading.Thread(target=self._run, args=[checked_plan(spec, folder), engine], daemon=True)
        self._thread.start()

    def _run(self, plan, engine):
        self.report = run_plan(plan, engine, control=self.control)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.control.stop()
        self.join()

    def join(self):
        """Wait for the end of the run."""
        self._thread.join()

    def letters(self):
        """Return the dead letters of a run that is over."""
        path = self._folder / "p.dead.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class Play(Running):
    """A run of sources that are told what to do: `tell(name, order)` tells, `close()` ends them and the run.

    Args:
        folder: where it runs.
        names: a letter for each source.
        stages: what is behind them.
        engine: which.
        options: of all sources.
    """

    def __init__(self, folder: Path, names: str, stages: Sequence[Stage], engine: str, **options: Any):
        for name in names:
            os.mkfifo(folder / name)
        self._orders = {name: os.open(folder / name, os.O_RDWR) for name in names}  # so that opening waits for nobody
        readers = [Stage(name, ToldReader(pipe=str(folder / name), **options)) for name in names]
        super().__init__(folder, [*readers, *stages], engine)

    def __exit__(self, *args):
        super().__exit__(*args)
        for order in self._orders.values():
            os.close(order)

    def tell(self, name: str, order):
        os.write(self._orders[name], json.dumps(order).encode() + b"\n")

    def close(self, *names):
        for name in names or tuple(self._orders):
            os.close(self._orders.pop(name))
        if not self._orders:
            self.join()


@pytest.fixture(params=["serial", "local"])
def play(tmp_path, request):
    """Start a run of sources, named by a letter each, on either engine: `with play("ab", stages) as play:`."""
    return lambda names, stages, **options: Play(tmp_path, names, stages, request.param, **options)


@pytest.fixture(params=["serial", "local"])
def running(tmp_path, request):
    """Start a run of stages, the last of which is tapped, on either engine: `with running(stages) as run:`."""
    return lambda stages: Running(tmp_path, stages, request.param)
