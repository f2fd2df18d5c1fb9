"""csp: a pull adapter per file; what falls into one instant is written in the order of the files."""

import csv
import sys
from datetime import datetime
from pathlib import Path

import csp
from csp import ts
from csp.impl.pulladapter import PullInputAdapter
from csp.impl.wiring import py_pull_adapter_def


class Reading(csp.Struct):
    timestamp: str
    sensor: str
    temperature: float
    humidity: float
    co2: int
    status: str


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
        return datetime.fromisoformat(row["timestamp"][:-1]), Reading(**row)


read = py_pull_adapter_def("read", CSVFile, ts[Reading], path=str)


@csp.node
def write(files: [ts[[Reading]]], path: str):
    with csp.state():
        s_file = None
        s_writer = None
    with csp.start():
        s_file = open(path, "w", newline="")
        s_writer = csv.writer(s_file, lineterminator="\n")
        s_writer.writerow(Reading.metadata())
    with csp.stop():
        s_file.close()
    if csp.ticked(files):
        for _, burst in sorted(files.tickeditems()):
            for row in burst:
                s_writer.writerow((row.timestamp, row.sensor, row.temperature, row.humidity, row.co2, row.status))


@csp.graph
def merge(data: str, output: str):
    paths = sorted(Path(data).glob("in*.csv"))
    write([read(str(path), push_mode=csp.PushMode.BURST) for path in paths], output)


def main(data, output):
    csp.run(merge, data, output, starttime=datetime(2026, 1, 1), endtime=datetime(2027, 1, 1))


if __name__ == "__main__":
    main(*sys.argv[1:])
