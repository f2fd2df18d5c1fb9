"""csp: a pull adapter per file, and a node that keeps the open sessions until their alarms ring."""

import csv
import sys
from datetime import datetime, timedelta
from pathlib import Path

import csp
from csp import ts
from csp.impl.pulladapter import PullInputAdapter
from csp.impl.wiring import py_pull_adapter_def

GAP, LEAST = timedelta(minutes=2), timedelta(microseconds=1)


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


def stamp(time):
    return f"{time.isoformat(timespec='milliseconds')}Z"


read = py_pull_adapter_def("read", CSVFile, ts[Reading], path=str)


@csp.node
def sessions(files: [ts[[Reading]]]) -> ts[[tuple]]:
    with csp.alarms():
        a_end: ts[str] = csp.alarm(str)
    with csp.state():
        s_open = {}
    if csp.ticked(a_end) and a_end in s_open and csp.now() - s_open[a_end][1] > GAP:
        start, last, failures, peak = s_open.pop(a_end)
        csp.output([(stamp(last + GAP), stamp(start), a_end, failures, peak)])
    if csp.ticked(files):
        now = csp.now()
        for _, burst in sorted(files.tickeditems()):
            for row in burst:
                if row.status == "fail":
                    session = s_open.setdefault(row.sensor, [now, now, 0, row.temperature])
                    session[1], session[2], session[3] = now, session[2] + 1, max(session[3], row.temperature)
                    csp.schedule_alarm(a_end, GAP + LEAST, row.sensor)


@csp.node
def write(rows: ts[[tuple]], path: str):
    with csp.state():
        s_file = None
        s_writer = None
        s_held = []  # those that end at one instant, which ring in the order in which they were set
    with csp.start():
        s_file = open(path, "w", newline="")
        s_writer = csv.writer(s_file, lineterminator="\n")
        s_writer.writerow(["timestamp", "window_start", "sensor", "failures", "peak"])
    with csp.stop():
        s_writer.writerows(sorted(s_held))
        s_file.close()
    if csp.ticked(rows):
        if s_held and s_held[0][0] != rows[0][0]:
            s_writer.writerows(sorted(s_held))
            s_held.clear()
        s_held.extend(rows)


@csp.graph
def troubles(data: str, output: str):
    paths = sorted(Path(data).glob("in*.csv"))
    write(sessions([read(str(path), push_mode=csp.PushMode.BURST) for path in paths]), output)


def main(data, output):
    csp.run(troubles, data, output, starttime=datetime(2026, 1, 1), endtime=datetime(2027, 1, 1))


if __name__ == "__main__":
    main(*sys.argv[1:])
