"""csp: a pull adapter per file, and a node that gathers each minute until an alarm at its end."""

import csv
import sys
from datetime import datetime, timedelta
from pathlib import Path

import csp
from csp import ts
from csp.impl.pulladapter import PullInputAdapter
from csp.impl.wiring import py_pull_adapter_def

MINUTE = timedelta(minutes=1)


class Reading(csp.Struct):
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
        reading = Reading(sensor=row["sensor"], temperature=float(row["temperature"]), status=row["status"])
        return datetime.fromisoformat(row["timestamp"][:-1]), reading


read = py_pull_adapter_def("read", CSVFile, ts[Reading], path=str)


@csp.node
def minutes(files: [ts[[Reading]]]) -> ts[[tuple]]:
    with csp.alarms():
        a_end: ts[datetime] = csp.alarm(datetime)
    with csp.state():
        s_minutes = {}
    if csp.ticked(a_end):
        stamp = f"{a_end.isoformat(timespec='milliseconds')}Z"
        done = sorted(s_minutes.pop(a_end).items())
        csp.output([(stamp, name, len(t), round(sum(t) / len(t), 6), max(t)) for name, t in done])
    if csp.ticked(files):
        now = csp.now()
        end = now.replace(second=0, microsecond=0) + MINUTE
        for _, burst in sorted(files.tickeditems()):
            for row in burst:
                if row.temperature > 20 and row.status != "fail":
                    if end not in s_minutes:
                        s_minutes[end] = {}
                        csp.schedule_alarm(a_end, end, end)
                    s_minutes[end].setdefault(row.sensor, []).append(row.temperature)


@csp.node
def write(rows: ts[[tuple]], path: str):
    with csp.state():
        s_file = None
        s_writer = None
    with csp.start():
        s_file = open(path, "w", newline="")
        s_writer = csv.writer(s_file, lineterminator="\n")
        s_writer.writerow(["timestamp", "sensor", "readings", "mean", "peak"])
    with csp.stop():
        s_file.close()
    if csp.ticked(rows):
        s_writer.writerows(rows)


@csp.graph
def by_minute(data: str, output: str):
    paths = sorted(Path(data).glob("in*.csv"))
    write(minutes([read(str(path), push_mode=csp.PushMode.BURST) for path in paths]), output)


def main(data, output):
    csp.run(by_minute, data, output, starttime=datetime(2026, 1, 1), endtime=datetime(2027, 1, 1))


if __name__ == "__main__":
    main(*sys.argv[1:])
