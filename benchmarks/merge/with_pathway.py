"""pathway: its tables have no order, so the rows come out as they come: they are compared as a set."""

import sys

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
    pw.io.csv.write(rows, output)
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)


if __name__ == "__main__":
    main(*sys.argv[1:])
