"""pathway: a function that tries the lambdas (a table for each rule takes six times as long). Rows come in no order."""

import runpy
import sys

import pathway as pw


class Reading(pw.Schema):
    timestamp: str
    sensor: str
    temperature: float
    humidity: float
    co2: int
    status: str


def main(data, output, folder):
    rules = runpy.run_path(f"{folder}/rules_python.py")["RULES"]

    @pw.udf
    def matching(sensor: str, temperature: float, humidity: float, co2: int, status: str) -> list[str]:
        row = {"sensor": sensor, "temperature": temperature, "humidity": humidity, "co2": co2, "status": status}
        return [name for name, holds in rules if holds(row)]

    rows = pw.io.csv.read(f"{data}/in*.csv", schema=Reading, mode="static")
    names = matching(rows.sensor, rows.temperature, rows.humidity, rows.co2, rows.status)
    triggers = rows.select(rows.timestamp, rule=names).flatten(pw.this.rule)
    pw.io.csv.write(triggers.select(pw.this.timestamp, pw.this.rule), output)
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)


if __name__ == "__main__":
    main(*sys.argv[1:])
