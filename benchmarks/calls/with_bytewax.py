"""bytewax: a source that yields the merged rows (by heapq.merge, as it has no ordered merge); the sink calls."""

import csv
import heapq
import sys
from pathlib import Path

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import DynamicSource, StatelessSourcePartition, batch
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main
from tally import count


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


class CallPartition(StatelessSinkPartition):
    def write_batch(self, items):
        for row in items:
            count(row)


class CallSink(DynamicSink):
    def build(self, step_id, worker_index, worker_count):
        return CallPartition()


def main(data):
    paths = sorted(Path(data).glob("in*.csv"))
    flow = Dataflow("calls")
    rows = op.input("rows", flow, MergedFiles(paths))
    op.output("call", op.filter("all", rows, lambda row: row["co2"] > 0), CallSink())
    run_main(flow)


if __name__ == "__main__":
    main(*sys.argv[1:])
