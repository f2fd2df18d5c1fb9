"""csp: a pull adapter per file, the bursts of one instant laid out as ticks, and a node that filters and derives."""

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


class Derived(Reading):
    fahrenheit: float
    dew_point: float


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
def in_order(files: [ts[[Reading]]]) -> ts[[Reading]]:
    """Return what falls into one instant, in the order of the files."""
    if csp.ticked(files):
        return [row for _, burst in sorted(files.tickeditems()) for row in burst]


@csp.node
def derive(row: ts[Reading]) -> ts[Derived]:
    if csp.ticked(row) and row.temperature > 20 and row.status != "fail":
        return Derived(
            timestamp=row.timestamp,
            sensor=row.sensor,
            temperature=row.temperature,
            humidity=row.humidity,
            co2=row.co2,
            status=row.status,
            fahrenheit=row.temperature * 1.8 + 32,
            dew_point=row.temperature - (100 - row.humidity) * 0.2,
        )


@csp.node
def write(row: ts[Derived], path: str):
    with csp.state():
        s_file = None
        s_writer = None
    with csp.start():
        s_file = open(path, "w", newline="")
        s_writer = csv.DictWriter(s_file, list(Derived.metadata()), lineterminator="\n")
        s_writer.writeheader()
    with csp.stop():
        s_file.close()
    if csp.ticked(row):
        s_writer.writerow(row.to_dict())


@csp.graph
def warm(data: str, output: str):
    paths = sorted(Path(data).glob("in*.csv"))
    rows = csp.unroll(in_order([read(str(path), push_mode=csp.PushMode.BURST) for path in paths]))
    write(derive(rows), output)


def main(data, output):
    csp.run(warm, data, output, starttime=datetime(2026, 1, 1), endtime=datetime(2027, 1, 1))


if __name__ == "__main__":
    main(*sys.argv[1:])
