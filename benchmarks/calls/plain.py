"""Plain Python: csv.DictReader, types, heapq.merge, and a loop."""

import csv
import heapq
import sys
from pathlib import Path

from tally import count


def read(path):
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            row["temperature"] = float(row["temperature"])
            row["humidity"] = float(row["humidity"])
            row["co2"] = int(row["co2"])
            yield row


def main(data):
    inputs = [read(path) for path in sorted(Path(data).glob("in*.csv"))]
    for row in heapq.merge(*inputs, key=lambda row: row["timestamp"]):
        if row["co2"] > 0:
            count(row)


if __name__ == "__main__":
    main(*sys.argv[1:])
