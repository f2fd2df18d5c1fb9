"""csp: a pull adapter per file, the bursts of one instant laid out as ticks, and a node that tries the lambdas."""

import csv
import runpy
import sys
from datetime import datetime
from pathlib import Path

import csp
from csp import ts
from csp.impl.pulladapter import PullInputAdapter
from csp.impl.wiring import py_pull_adapter_def


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
def triggers(row: ts[dict], rules: object) -> ts[[str]]:
    if csp.ticked(row):
        names = [name for name, holds in rules if holds(row)]
        if names:
            return names


@csp.node
def write(row: ts[dict], names: ts[[str]], path: str):
    with csp.state():
        s_file = None
        s_writer = None
    with csp.start():
        s_file = open(path, "w", newline="")
        s_writer = csv.writer(s_file, lineterminator="\n")
        s_writer.writerow(["timestamp", "rule"])
    with csp.stop():
        s_file.close()
    if csp.ticked(names):
        s_writer.writerows((row["timestamp"], name) for name in names)


@csp.graph
def watch(data: str, output: str, rules: object):
    paths = sorted(Path(data).glob("in*.csv"))
    rows = csp.unroll(in_order([read(str(path), push_mode=csp.PushMode.BURST) for path in paths]))
    write(rows, triggers(rows, rules), output)


def main(data, output, folder):
    rules = runpy.run_path(f"{folder}/rules_python.py")["RULES"]

    csp.run(watch, data, output, rules, starttime=datetime(2026, 1, 1), endtime=datetime(2027, 1, 1))


if __name__ == "__main__":
    main(*sys.argv[1:])
