"""Plain Python: csv.DictReader, types, heapq.merge, and a lambda for each rule."""

import csv
import heapq
import runpy
import sys
from pathlib import Path


def read(path):
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            row["temperature"] = float(row["temperature"])
            row["humidity"] = float(row["humidity"])
            row["co2"] = int(row["co2"])
            yield row


def triggers(rows, rules):
    for row in rows:
        for name, holds in rules:
            if holds(row):
                yield row["timestamp"], name


def main(data, output, folder):
    rules = runpy.run_path(f"{folder}/rules_python.py")["RULES"]

    inputs = [read(path) for path in sorted(Path(data).glob("in*.csv"))]
    with Path(output).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["timestamp", "rule"])
        writer.writerows(triggers(heapq.merge(*inputs, key=lambda row: row["timestamp"]), rules))


if __name__ == "__main__":
    main(*sys.argv[1:])
