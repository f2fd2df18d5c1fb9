"""pathway: an interval join by sensor; its tables have no order, so the rows are compared as a set."""

import sys
from datetime import timedelta

import pathway as pw


class Reading(pw.Schema):
    timestamp: str
    sensor: str
    temperature: float
    humidity: float
    co2: int
    status: str


def main(data, output):
    rows = pw.io.csv.read(f"{data}/in*.csv", schema=Reading, mode="static")
    timed = rows.with_columns(time=pw.this.timestamp.dt.strptime("%Y-%m-%dT%H:%M:%S%.3fZ"))
    failures, warnings = timed.filter(timed.status == "fail"), timed.filter(timed.status == "warn")
    minute_before = pw.temporal.interval(timedelta(minutes=-1), timedelta(0))
    on = failures.sensor == warnings.sensor
    announced = failures.interval_join(warnings, failures.time, warnings.time, minute_before, on).select(
        failures.timestamp,
        failures.sensor,
        failures.temperature,
        temperature_right=warnings.temperature,
        timestamp_right=warnings.timestamp,
    )
    pw.io.csv.write(announced, output)
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)


if __name__ == "__main__":
    main(*sys.argv[1:])
