"""Plain Python: csv.DictReader, types, heapq.merge. Times stay text, which sorts as they do."""

import csv
import heapq
import sys
from pathlib import Path


def read(path):
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            row["temperature"] = float(row["temperature"])
            row["humidity"] = float(row["humidity"])
            row["co2"] = int(row["co2"])
            yield row


def main(data, output):
    inputs = [read(path) for path in sorted(Path(data).glob("in*.csv"))]
    with Path(output).open("w", newline="") as file:
        columns = ["timestamp", "sensor", "temperature", "humidity", "co2", "status"]
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(heapq.merge(*inputs, key=lambda row: row["timestamp"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
