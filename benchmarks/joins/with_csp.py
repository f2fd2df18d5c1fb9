"""csp: a pull adapter per file, and a node that keeps the warnings of the last minute of each sensor."""

import csv
import sys
from collections import deque
from datetime import datetime, timedelta
from pathlib import Path

import csp
from csp import ts
from csp.impl.pulladapter import PullInputAdapter
from csp.impl.wiring import py_pull_adapter_def

MINUTE = timedelta(minutes=1)


class Reading(csp.Struct):
    timestamp: str
    sensor: str
    temperature: float
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
        return datetime.fromisoformat(row["timestamp"][:-1]), Reading(
            **{name: row[name] for name in Reading.metadata()}
        )


read = py_pull_adapter_def("read", CSVFile, ts[Reading], path=str)


@csp.node
def announced(files: [ts[[Reading]]]) -> ts[[tuple]]:
    with csp.state():
        s_warnings = {}
    if csp.ticked(files):
        now = csp.now()
        found = []
        for _, burst in sorted(files.tickeditems()):
            for row in burst:
                if row.status == "warn":
                    s_warnings.setdefault(row.sensor, deque()).append((now, row))
                elif row.status == "fail":
                    latest = s_warnings.get(row.sensor, ())
                    while latest and latest[0][0] < now - MINUTE:
                        latest.popleft()
                    found += [
                        (row.timestamp, row.sensor, row.temperature, w.temperature, w.timestamp) for _, w in latest
                    ]
        if found:
            return found


@csp.node
def write(rows: ts[[tuple]], path: str):
    with csp.state():
        s_file = None
        s_writer = None
    with csp.start():
        s_file = open(path, "w", newline="")
        s_writer = csv.writer(s_file, lineterminator="\n")
        s_writer.writerow(["timestamp", "sensor", "temperature", "temperature_right", "timestamp_right"])
    with csp.stop():
        s_file.close()
    if csp.ticked(rows):
        s_writer.writerows(rows)


@csp.graph
def failures(data: str, output: str):
    paths = sorted(Path(data).glob("in*.csv"))
    write(announced([read(str(path), push_mode=csp.PushMode.BURST) for path in paths]), output)


def main(data, output):
    csp.run(failures, data, output, starttime=datetime(2026, 1, 1), endtime=datetime(2027, 1, 1))


if __name__ == "__main__":
    main(*sys.argv[1:])
