"""Plain Python: csv.DictReader, heapq.merge, and the open session of each sensor in a dict."""

import csv
import heapq
import sys
from datetime import datetime, timedelta
from pathlib import Path

GAP = timedelta(minutes=2)


def read(path):
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            row["temperature"] = float(row["temperature"])
            yield row


def stamp(time):
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def sessions(rows):
    sensors = {}
    for row in rows:
        if row["status"] == "fail":
            time = datetime.fromisoformat(row["timestamp"])
            found = sensors.setdefault(row["sensor"], [])
            if not found or time - found[-1][1] > GAP:
                found.append([time, time, 0, row["temperature"]])
            session = found[-1]
            session[1], session[2], session[3] = time, session[2] + 1, max(session[3], row["temperature"])
    done = [(last + GAP, first, sensor, *more) for sensor, found in sensors.items() for first, last, *more in found]
    for end, start, *others in sorted(done):
        yield stamp(end), stamp(start), *others


def main(data, output):
    inputs = [read(path) for path in sorted(Path(data).glob("in*.csv"))]
    with Path(output).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["timestamp", "window_start", "sensor", "failures", "peak"])
        writer.writerows(sessions(heapq.merge(*inputs, key=lambda row: row["timestamp"])))


if __name__ == "__main__":
    main(*sys.argv[1:])
