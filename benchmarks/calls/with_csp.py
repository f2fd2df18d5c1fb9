"""csp: a pull adapter per file, the bursts of one instant laid out as ticks, and a node that calls."""

import csv
import sys
from datetime import datetime
from pathlib import Path

import csp
from csp import ts
from csp.impl.pulladapter import PullInputAdapter
from csp.impl.wiring import py_pull_adapter_def
from tally import count


class CSVFile(PullInputAdapter):
    def __init__(self, path):
        self._path = path
        super().__init__()

    def start(self, start_time, end_time):
        self._file = open(self._path, newline="")
        self._rows = csv.DictReader(self._file)
        super().start(start_time, end_time)

    def stop(self):
        self._file.close()

    def next(self):
        row = next(self._rows, None)
        if row is None:
            return None
        row["temperature"] = float(row["temperature"])
        row["humidity"] = float(row["humidity"])
        row["co2"] = int(row["co2"])
        return datetime.fromisoformat(row["timestamp"][:-1]), row


read = py_pull_adapter_def("read", CSVFile, ts[dict], path=str)


@csp.node
def in_order(files: [ts[[dict]]]) -> ts[[dict]]:
    """Return what falls into one instant, in the order of the files."""
    if csp.ticked(files):
        return [row for _, burst in sorted(files.tickeditems()) for row in burst]


@csp.node
def call(row: ts[dict]):
    if csp.ticked(row) and row["co2"] > 0:
        count(row)


@csp.graph
def watch(data: str):
    paths = sorted(Path(data).glob("in*.csv"))
    call(csp.unroll(in_order([read(str(path), push_mode=csp.PushMode.BURST) for path in paths])))


def main(data):
    csp.run(watch, data, starttime=datetime(2026, 1, 1), endtime=datetime(2027, 1, 1))


if __name__ == "__main__":
    main(*sys.argv[1:])
