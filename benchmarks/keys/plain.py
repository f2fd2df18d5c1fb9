"""Plain Python: csv.reader, and what is known of each key in a dict. All rows are of one day."""

import csv
import sys
from datetime import datetime, timedelta
from pathlib import Path


def main(data, output):
    keys = {}
    with (Path(data) / "in0.csv").open(newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for time, key, text in rows:  # noqa: B007 - the last time is that of the day
            value = float(text)
            known = keys.get(key)
            if known is None:
                keys[key] = [1, value, value]
            else:
                known[0] += 1
                known[1] += value
                known[2] = max(known[2], value)
    end = (datetime.fromisoformat(time[:10]) + timedelta(days=1)).strftime("%Y-%m-%dT00:00:00.000Z")
    with Path(output).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["timestamp", "key", "readings", "mean", "peak"])
        writer.writerows((end, key, n, total / n, peak) for key, (n, total, peak) in sorted(keys.items()))


if __name__ == "__main__":
    main(*sys.argv[1:])
