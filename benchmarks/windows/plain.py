"""Plain Python: csv.DictReader, heapq.merge, a dict of the sensors of this minute."""

import csv
import heapq
import sys
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path


def read(path):
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            row["temperature"] = float(row["temperature"])
            yield row


def minutes(rows):
    for minute, group in groupby(rows, key=lambda row: row["timestamp"][:16]):
        temperatures = {}
        for row in group:
            if row["temperature"] > 20 and row["status"] != "fail":
                temperatures.setdefault(row["sensor"], []).append(row["temperature"])
        end = (datetime.fromisoformat(f"{minute}:00") + timedelta(minutes=1)).isoformat(timespec="milliseconds") + "Z"
        for sensor, found in sorted(temperatures.items()):
            yield end, sensor, len(found), round(sum(found) / len(found), 6), max(found)


def main(data, output):
    inputs = [read(path) for path in sorted(Path(data).glob("in*.csv"))]
    with Path(output).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["timestamp", "sensor", "readings", "mean", "peak"])
        writer.writerows(minutes(heapq.merge(*inputs, key=lambda row: row["timestamp"])))


if __name__ == "__main__":
    main(*sys.argv[1:])
