"""Plain Python: csv.DictReader, types, heapq.merge, and a generator that filters and derives."""

import csv
import heapq
import sys
from pathlib import Path

COLUMNS = ["timestamp", "sensor", "temperature", "humidity", "co2", "status", "fahrenheit", "dew_point"]


def read(path):
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            row["temperature"] = float(row["temperature"])
            row["humidity"] = float(row["humidity"])
            row["co2"] = int(row["co2"])
            yield row


def warm(rows):
    for row in rows:
        if row["temperature"] > 20 and row["status"] != "fail":
            row["fahrenheit"] = row["temperature"] * 1.8 + 32
            row["dew_point"] = row["temperature"] - (100 - row["humidity"]) * 0.2
            yield row


def main(data, output):
    inputs = [read(path) for path in sorted(Path(data).glob("in*.csv"))]
    with Path(output).open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(warm(heapq.merge(*inputs, key=lambda row: row["timestamp"])))


if __name__ == "__main__":
    main(*sys.argv[1:])
