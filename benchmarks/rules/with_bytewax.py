"""bytewax: a source that yields the merged rows (by heapq.merge, as it has no ordered merge); lambdas in a flat_map."""

import csv
import heapq
import runpy
import sys
from pathlib import Path

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import DynamicSource, StatelessSourcePartition, batch
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

COLUMNS = ["timestamp", "rule"]


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


def main(data, output, folder):
    rules = runpy.run_path(f"{folder}/rules_python.py")["RULES"]

    def triggers(row):
        return [(row["timestamp"], name) for name, holds in rules if holds(row)]

    paths = sorted(Path(data).glob("in*.csv"))
    flow = Dataflow("rules")
    rows = op.input("rows", flow, MergedFiles(paths))
    op.output("write", op.flat_map("rules", rows, triggers), CSVSink(Path(output)))
    run_main(flow)


if __name__ == "__main__":
    main(*sys.argv[1:])
