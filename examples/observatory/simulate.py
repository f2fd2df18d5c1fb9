"""A small airborne observatory, simulated: the same seed gives the same flight, byte for byte.

    ./venv/bin/python examples/observatory/simulate.py             write what was recorded on board to out/observatory/
    ./venv/bin/python examples/observatory/simulate.py --publish   ... and then publish the live part over ZeroMQ

| what | where it goes | how it looks |
|---|---|---|
| pointing of the telescope | mount.csv | 20 readings a second, times in ISO 8601 |
| temperature of the cryostat | cryostat.csv | one reading a second, times in milliseconds since 1970 |
| commands | commands.scl | one SCL statement per line |
| responses to the commands | responses.jsonl | in the order of their arrival, which is not that of their times |
| pressure in the cabin | ZeroMQ | 2 readings a second, numbered, JSON; at the end a message that says so |

On purpose, some readings are out of limits, one command is never answered, and three messages are lost on the way.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2010, 12, 1, 4, 0, tzinfo=UTC)
SECONDS = 120
COMMANDS = ("slew", "track", "expose", "read_out", "park")
NEVER_ANSWERED = 13
MESSAGES_LOST = range(60, 63)
FOLDER = Path("out/observatory")
ADDRESS = "tcp://127.0.0.1:5599"
TOPIC = "cabin"
LAST = "end of flight"
SUBSCRIBES, LEAVES = b"\x01", b"\x00"  # what a publisher gets to see before a topic


@dataclass(frozen=True)
class Flight:
    """Everything that happens on one flight, as lists of records in the order in which they are written or sent."""

    mount: list[dict[str, Any]]
    cryostat: list[dict[str, Any]]
    commands: list[dict[str, Any]]
    responses: list[dict[str, Any]]
    cabin: list[dict[str, Any]]


def fly(seed: int = 7) -> Flight:
    """Simulate a flight."""
    chance = random.Random(seed)
    commands = list(_commands(chance))
    return Flight(
        mount=list(_mount(chance)),
        cryostat=list(_cryostat(chance)),
        commands=commands,
        responses=_responses(chance, commands),
        cabin=list(_cabin(chance)),
    )


def _every(milliseconds: int) -> Iterator[tuple[int, datetime]]:
    for number in range(SECONDS * 1_000 // milliseconds):
        yield number, START + number * timedelta(milliseconds=milliseconds)


def _some(chance: random.Random, least: int, most: int) -> timedelta:
    return timedelta(milliseconds=chance.randrange(least, most))


def _mount(chance: random.Random) -> Iterator[dict[str, Any]]:
    for number, time in _every(50):
        kick = 6 if 1_000 <= number < 1_010 else 0
        azimuth = 180 + 20 * math.sin(number / 400)
        yield {"time": time, "azimuth": round(azimuth, 4), "pointing_error": round(kick + chance.gauss(0, 0.4), 3)}


def _cryostat(chance: random.Random) -> Iterator[dict[str, Any]]:
    for number, time in _every(1_000):
        leak = 0.8 if 70 <= number < 75 else 0
        yield {"time": time, "stage": "detector", "kelvin": round(4.2 + leak + chance.gauss(0, 0.03), 3)}


def _commands(chance: random.Random) -> Iterator[dict[str, Any]]:
    for number, time in _every(6_000):
        yield {"time": time + _some(chance, 0, 900), "command": COMMANDS[number % len(COMMANDS)], "id": number}


def _responses(chance: random.Random, commands: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Answer each command twice. An answer is up to 2 s on its way to the log, so they overtake each other."""
    arrivals = []
    for command in commands:
        for response, least, most in (("accepted", 50, 400), ("done", 400, 2_500)):
            time = command["time"] + _some(chance, least, most)
            arrival = time + _some(chance, 0, 1_900)
            if command["id"] != NEVER_ANSWERED:
                arrivals.append((arrival, {"time": time, "response": response, "id": command["id"]}))
    return [record for _, record in sorted(arrivals, key=lambda pair: pair[0])]


def _cabin(chance: random.Random) -> Iterator[dict[str, Any]]:
    for number, time in _every(500):
        drop = 90 if 150 <= number < 153 else 0
        reading = {"time": time, "pressure": round(756 - drop + chance.gauss(0, 1.5), 1), "seq": number}
        if number not in MESSAGES_LOST:
            yield reading


def record(flight: Flight, folder: Path) -> None:
    """Write what is recorded on board."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_csv(folder / "mount.csv", [{**row, "time": _iso(row["time"])} for row in flight.mount])
    _write_csv(folder / "cryostat.csv", [{**row, "time": _milliseconds(row["time"])} for row in flight.cryostat])
    _write_lines(folder / "commands.scl", [_scl(row) for row in flight.commands])
    _write_lines(folder / "responses.jsonl", [_json(row) for row in flight.responses])


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _milliseconds(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _scl(row: dict[str, Any]) -> str:
    return f'command={row["command"]}(id={row["id"]} time="{_iso(row["time"])}")'


def _json(row: dict[str, Any]) -> str:
    return json.dumps({**row, "time": _iso(row["time"])})


def _write_lines(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def publish(flight: Flight, address: str) -> None:
    """Publish the live part, once somebody listens: a publisher throws away what nobody has subscribed to.

    Returns when the subscriber has left.
    Prints the address; with port `*`, as in tcp://127.0.0.1:*, a free port is taken.
    """
    import zmq

    with zmq.Context() as context, context.socket(zmq.XPUB) as socket:
        socket.linger = 5_000
        socket.sndhwm = 0  # nothing is dropped: what was not sent yet waits here
        socket.bind(address)
        print(f"waiting for a subscriber on {socket.getsockopt_string(zmq.LAST_ENDPOINT)}", flush=True)
        while socket.recv() != SUBSCRIBES + TOPIC.encode():
            pass
        for row in flight.cabin:
            socket.send_multipart([TOPIC.encode(), _json(row).encode()])
        socket.send_multipart([TOPIC.encode(), LAST.encode()])
        while socket.recv() != LEAVES + TOPIC.encode():  # who leaves has seen the last message, or is gone
            pass
    print(f"published {len(flight.cabin)} messages", flush=True)


def main() -> None:
    """Fly once."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seed", type=int, default=7, help="another seed is another flight")
    arguments.add_argument("--folder", type=Path, default=FOLDER, help="where the records go")
    arguments.add_argument("--publish", action="store_true", help="publish the live part over ZeroMQ, too")
    arguments.add_argument("--address", default=ADDRESS, help="where to publish it")
    given = arguments.parse_args()
    flight = fly(given.seed)
    record(flight, given.folder)
    print(f"wrote mount.csv, cryostat.csv, commands.scl, responses.jsonl to {given.folder}", flush=True)
    if given.publish:
        publish(flight, given.address)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
