"""bytewax: a source that yields the merged rows (by heapq.merge), a filter, and session windows by sensor."""

import csv
import heapq
import sys
from datetime import datetime, timedelta
from pathlib import Path

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import DynamicSource, StatelessSourcePartition, batch
from bytewax.operators import windowing
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

COLUMNS = ["timestamp", "window_start", "sensor", "failures", "peak"]
GAP = timedelta(minutes=2)


def read(path):
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            row["temperature"] = float(row["temperature"])
            row["time"] = datetime.fromisoformat(row["timestamp"])
            yield row


class MergedRows(StatelessSourcePartition):
    def __init__(self, paths):
        rows = heapq.merge(*map(read, paths), key=lambda row: row["timestamp"])
        self._batches = batch(rows, 1000)

    def next_batch(self):
        return next(self._batches)


class MergedFiles(DynamicSource):
    def __init__(self, paths):
        self._paths = paths

    def build(self, step_id, worker_index, worker_count):
        return MergedRows(self._paths)


class CSVPartition(StatelessSinkPartition):
    def __init__(self, path):
        self._file = path.open("w", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(COLUMNS)

    def write_batch(self, items):
        self._writer.writerows(items)

    def close(self):
        self._file.close()


class CSVSink(DynamicSink):
    def __init__(self, path):
        self._path = path

    def build(self, step_id, worker_index, worker_count):
        return CSVPartition(self._path)


def stamp(time):
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def is_failure(row):
    return row["status"] == "fail"


def result(item):
    sensor, (_, rows) = item
    times = [row["time"] for row in rows]
    peak = max(row["temperature"] for row in rows)
    return stamp(max(times) + GAP), stamp(min(times)), sensor, len(rows), peak


def main(data, output):
    paths = sorted(Path(data).glob("in*.csv"))
    flow = Dataflow("sessions")
    rows = op.input("rows", flow, MergedFiles(paths))
    # The watermark goes on with the clock of the machine, too: without a wait, rows were late while it was busy.
    clock = windowing.EventClock(lambda row: row["time"], wait_for_system_duration=timedelta(minutes=5))
    failures = op.key_on("sensor", op.filter("failures", rows, is_failure), lambda row: row["sensor"])
    sessions = windowing.collect_window("sessions", failures, clock, windowing.SessionWindower(gap=GAP))
    op.output("write", op.map("result", sessions.down, result), CSVSink(Path(output)))
    run_main(flow)


if __name__ == "__main__":
    main(*sys.argv[1:])
