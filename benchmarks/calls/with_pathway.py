"""pathway: subscribe calls with every row, in no order."""

import sys

import pathway as pw
from tally import count


class Reading(pw.Schema):
    timestamp: str
    sensor: str
    temperature: float
    humidity: float
    co2: int
    status: str


def call(key, row, time, is_addition):
    count(row)


def main(data):
    rows = pw.io.csv.read(f"{data}/in*.csv", schema=Reading, mode="static")
    pw.io.subscribe(rows.filter(rows.co2 > 0), on_change=call)
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)


if __name__ == "__main__":
    main(*sys.argv[1:])
