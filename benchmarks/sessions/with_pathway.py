"""pathway: session windows by sensor; its tables have no order, so the rows are compared as a set."""

import sys
from datetime import timedelta

import pathway as pw

STAMP = "%Y-%m-%dT%H:%M:%S%.3fZ"
GAP = timedelta(minutes=2)


class Reading(pw.Schema):
    timestamp: str
    sensor: str
    temperature: float
    humidity: float
    co2: int
    status: str


def main(data, output):
    rows = pw.io.csv.read(f"{data}/in*.csv", schema=Reading, mode="static")
    failures = rows.filter(rows.status == "fail")
    timed = failures.select(pw.this.sensor, pw.this.temperature, time=pw.this.timestamp.dt.strptime(STAMP))
    window = pw.temporal.session(max_gap=GAP + timedelta(milliseconds=1))  # its gap is exclusive, and times are in ms
    sessions = timed.windowby(timed.time, window=window, instance=timed.sensor)
    results = sessions.reduce(
        timestamp=(pw.reducers.max(pw.this.time) + GAP).dt.strftime(STAMP),
        window_start=pw.reducers.min(pw.this.time).dt.strftime(STAMP),
        sensor=pw.this._pw_instance,
        failures=pw.reducers.count(),
        peak=pw.reducers.max(pw.this.temperature),
    )
    pw.io.csv.write(results, output)
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)


if __name__ == "__main__":
    main(*sys.argv[1:])
