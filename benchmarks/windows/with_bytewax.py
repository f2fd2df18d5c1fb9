"""bytewax: a source that yields the merged rows (by heapq.merge), a filter, and tumbling windows by sensor."""

import csv
import heapq
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import DynamicSource, StatelessSourcePartition, batch
from bytewax.operators import windowing
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

COLUMNS = ["timestamp", "sensor", "readings", "mean", "peak"]
EPOCH, MINUTE = datetime(2026, 1, 1, tzinfo=UTC), timedelta(minutes=1)


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


def is_warm(row):
    return row["temperature"] > 20 and row["status"] != "fail"


def gather(temperatures, row):
    temperatures.append(row["temperature"])
    return temperatures


def result(item):
    sensor, (window, found) = item
    end = EPOCH + (window + 1) * MINUTE
    return stamp(end), sensor, len(found), round(sum(found) / len(found), 6), max(found)


def main(data, output):
    paths = sorted(Path(data).glob("in*.csv"))
    flow = Dataflow("windows")
    rows = op.input("rows", flow, MergedFiles(paths))
    # The watermark goes on with the clock of the machine, too: without a wait, rows were late while it was busy.
    clock = windowing.EventClock(lambda row: row["time"], wait_for_system_duration=timedelta(minutes=5))
    warm = op.key_on("sensor", op.filter("warm", rows, is_warm), lambda row: row["sensor"])
    windower = windowing.TumblingWindower(align_to=EPOCH, length=MINUTE)
    minutes = windowing.fold_window("minutes", warm, clock, windower, list, gather, list.__add__)
    op.output("write", op.map("result", minutes.down, result), CSVSink(Path(output)))
    run_main(flow)


if __name__ == "__main__":
    main(*sys.argv[1:])
