"""Plain Python: csv.DictReader, heapq.merge, and the warnings of the last minute of each sensor in a deque."""

import csv
import heapq
import sys
from collections import defaultdict, deque
from datetime import datetime, timedelta
from pathlib import Path

MINUTE = timedelta(minutes=1)


def read(path):
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["status"] != "ok":
                row["temperature"] = float(row["temperature"])
                row["time"] = datetime.fromisoformat(row["timestamp"])
                yield row


def announced(rows):
    warnings = defaultdict(deque)
    for row in rows:
        latest = warnings[row["sensor"]]
        if row["status"] == "warn":
            latest.append(row)
            continue
        while latest and latest[0]["time"] < row["time"] - MINUTE:
            latest.popleft()
        for other in latest:
            yield row["timestamp"], row["sensor"], row["temperature"], other["temperature"], other["timestamp"]


def main(data, output):
    inputs = [read(path) for path in sorted(Path(data).glob("in*.csv"))]
    with Path(output).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["timestamp", "sensor", "temperature", "temperature_right", "timestamp_right"])
        writer.writerows(announced(heapq.merge(*inputs, key=lambda row: row["timestamp"])))


if __name__ == "__main__":
    main(*sys.argv[1:])
