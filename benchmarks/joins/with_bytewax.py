"""bytewax: a source that yields the merged rows (by heapq.merge), a filter, and an operator with state by sensor."""

import csv
import heapq
import sys
from collections import deque
from datetime import datetime, timedelta
from pathlib import Path

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import DynamicSource, StatelessSourcePartition, batch
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

COLUMNS = ["timestamp", "sensor", "temperature", "temperature_right", "timestamp_right"]
MINUTE = timedelta(minutes=1)


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


def is_trouble(row):
    return row["status"] != "ok"


def announced(warnings, row):
    warnings = warnings or deque()
    if row["status"] == "warn":
        warnings.append(row)
        return warnings, []
    while warnings and warnings[0]["time"] < row["time"] - MINUTE:
        warnings.popleft()
    failure = row["timestamp"], row["sensor"], row["temperature"]
    return warnings, [(*failure, other["temperature"], other["timestamp"]) for other in warnings]


def main(data, output):
    paths = sorted(Path(data).glob("in*.csv"))
    flow = Dataflow("joins")
    rows = op.input("rows", flow, MergedFiles(paths))
    troubles = op.key_on("sensor", op.filter("troubles", rows, is_trouble), lambda row: row["sensor"])
    found = op.key_rm("results", op.stateful_flat_map("announced", troubles, announced))
    op.output("write", found, CSVSink(Path(output)))
    run_main(flow)


if __name__ == "__main__":
    main(*sys.argv[1:])
