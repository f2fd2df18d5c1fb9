"""pathway: tumbling windows by sensor; its tables have no order, so the rows are compared as a set."""

import sys
from datetime import timedelta

import pathway as pw

STAMP = "%Y-%m-%dT%H:%M:%S%.3fZ"
MINUTE = timedelta(minutes=1)


class Reading(pw.Schema):
    timestamp: str
    sensor: str
    temperature: float
    humidity: float
    co2: int
    status: str


def main(data, output):
    rows = pw.io.csv.read(f"{data}/in*.csv", schema=Reading, mode="static")
    warm = rows.filter((rows.temperature > 20) & (rows.status != "fail"))
    timed = warm.select(pw.this.sensor, pw.this.temperature, time=pw.this.timestamp.dt.strptime(STAMP))
    minutes = timed.windowby(timed.time, window=pw.temporal.tumbling(duration=MINUTE), instance=timed.sensor)
    results = minutes.reduce(
        timestamp=pw.this._pw_window_end.dt.strftime(STAMP),
        sensor=pw.this._pw_instance,
        readings=pw.reducers.count(),
        mean=pw.apply(round, pw.reducers.avg(pw.this.temperature), 6),
        peak=pw.reducers.max(pw.this.temperature),
    )
    pw.io.csv.write(results, output)
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)


if __name__ == "__main__":
    main(*sys.argv[1:])
