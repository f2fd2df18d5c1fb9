"""Plain Python: the bounds of each sensor in order, and a bisection: what a good programmer does with 10,000 rules."""

import csv
import heapq
import sys
from bisect import bisect_left
from collections import defaultdict
from pathlib import Path


def read(path):
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            row["temperature"] = float(row["temperature"])
            row["humidity"] = float(row["humidity"])
            row["co2"] = int(row["co2"])
            yield row


def read_rules(path):
    found = defaultdict(list)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            found[row["sensor"]].append((float(row["above"]), row["rule"]))
    return {
        sensor: ([above for above, _ in rules], [name for _, name in rules])
        for sensor, rules in ((sensor, sorted(rules)) for sensor, rules in found.items())
    }


def triggers(rows, rules):
    nothing = ([], [])
    for row in rows:
        bounds, names = rules.get(row["sensor"], nothing)
        for name in names[: bisect_left(bounds, row["temperature"])]:
            yield row["timestamp"], name


def main(data, output, folder):
    inputs = [read(path) for path in sorted(Path(data).glob("in*.csv"))]
    rules = read_rules(Path(folder, "rules.csv"))
    with Path(output).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["timestamp", "rule"])
        writer.writerows(triggers(heapq.merge(*inputs, key=lambda row: row["timestamp"]), rules))


if __name__ == "__main__":
    main(*sys.argv[1:])
