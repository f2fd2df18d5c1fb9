"""Plain Python for rows that go out as they came in: heapq.merge over raw lines, by their first 24 characters."""

import heapq
import sys
from pathlib import Path


def stamp(line):
    return line[:24]


def main(data, output):
    files = [path.open("rb") for path in sorted(Path(data).glob("in*.csv"))]
    headers = [next(file) for file in files]
    with Path(output).open("wb") as out:
        out.write(headers[0])
        out.writelines(heapq.merge(*files, key=stamp))


if __name__ == "__main__":
    main(*sys.argv[1:])
