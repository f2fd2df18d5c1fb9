"""bytewax: a source that yields the merged rows (by heapq.merge, as it has no ordered merge), a filter and a map."""

import csv
import heapq
import sys
from pathlib import Path

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import DynamicSource, StatelessSourcePartition, batch
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

COLUMNS = ["timestamp", "sensor", "temperature", "humidity", "co2", "status", "fahrenheit", "dew_point"]


def read(path):
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            row["temperature"] = float(row["temperature"])
            row["humidity"] = float(row["humidity"])
            row["co2"] = int(row["co2"])
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
        self._writer = csv.DictWriter(self._file, COLUMNS, lineterminator="\n")
        self._writer.writeheader()

    def write_batch(self, items):
        self._writer.writerows(items)

    def close(self):
        self._file.close()


class CSVSink(DynamicSink):
    def __init__(self, path):
        self._path = path

    def build(self, step_id, worker_index, worker_count):
        return CSVPartition(self._path)


def is_warm(row):
    return row["temperature"] > 20 and row["status"] != "fail"


def derive(row):
    row["fahrenheit"] = row["temperature"] * 1.8 + 32
    row["dew_point"] = row["temperature"] - (100 - row["humidity"]) * 0.2
    return row


def main(data, output):
    paths = sorted(Path(data).glob("in*.csv"))
    flow = Dataflow("derive")
    rows = op.input("rows", flow, MergedFiles(paths))
    warm = op.filter("warm", rows, is_warm)
    op.output("write", op.map("derive", warm, derive), CSVSink(Path(output)))
    run_main(flow)


if __name__ == "__main__":
    main(*sys.argv[1:])
