"""A small airborne observatory, simulated: the same seed gives the same flight, byte for byte.

    python examples/observatory/simulate.py                 writes the recorded part of the flight to out/observatory/
    python examples/observatory/simulate.py --publish       ... and then publishes the live part over ZeroMQ

Recorded are: the pointing of the telescope (mount.csv, 20 readings a second), the temperatures of the cryostat
(cryostat.csv, one reading a second, times in milliseconds since 1970), the log of commands (commands.scl) and the log
of responses (responses.jsonl). Live is the cabin (2 readings a second, JSON). Some readings are out of limits, on purpose.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

START = datetime(2010, 12, 1, 4, 0, tzinfo=timezone.utc)
SECONDS = 120
ADDRESS = "tcp://127.0.0.1:5599"
TOPIC = "cabin"
LAST = "end of flight"


@dataclass(frozen=True)
class Flight:
    """Everything that happens on one flight, as lists of records in the order of their times."""

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
        responses=sorted(_responses(chance, commands), key=lambda record: record["time"]),
        cabin=list(_cabin(chance)),
    )


def _every(seconds: float) -> Iterator[tuple[int, datetime]]:
    for number in range(int(SECONDS / seconds)):
        yield number, START + timedelta(seconds=number * seconds)


def _mount(chance: random.Random) -> Iterator[dict[str, Any]]:
    for number, time in _every(0.05):
        error = chance.gauss(0, 0.4) + (6 if 1_000 <= number < 1_010 else 0)
        azimuth = 180 + 20 * math.sin(number / 400)
        yield {"time": time, "azimuth": round(azimuth, 4), "pointing_error": round(error, 3)}


def _cryostat(chance: random.Random) -> Iterator[dict[str, Any]]:
    for number, time in _every(1):
        leak = 0.8 if 70 <= number < 75 else 0
        yield {"time": time, "stage": "detector", "kelvin": round(4.2 + leak + chance.gauss(0, 0.03), 3)}


def _commands(chance: random.Random) -> Iterator[dict[str, Any]]:
    names = ["slew", "track", "expose", "read_out", "park"]
    for number, time in _every(6):
        late = timedelta(milliseconds=chance.randrange(900))
        yield {"time": time + late, "command": names[number % len(names)], "id": number}


def _responses(chance: random.Random, commands: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for command in commands:
        if command["id"] != 13:  # one is never answered
            delay = timedelta(milliseconds=chance.randrange(100, 2_600))
            yield {"time": command["time"] + delay, "response": "done", "id": command["id"]}


def _cabin(chance: random.Random) -> Iterator[dict[str, Any]]:
    for number, time in _every(0.5):
        drop = 90 if 150 <= number < 153 else 0
        yield {"time": time, "pressure": round(756 - drop + chance.gauss(0, 1.5), 1), "seq": number}


def record(flight: Flight, folder: Path) -> None:
    """Write what is recorded on board."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_csv(folder / "mount.csv", [{**row, "time": _iso(row["time"])} for row in flight.mount])
    _write_csv(
        folder / "cryostat.csv", [{**row, "time": round(row["time"].timestamp() * 1000)} for row in flight.cryostat]
    )
    lines = [f'command={row["command"]}(id={row["id"]} time="{_iso(row["time"])}")' for row in flight.commands]
    (folder / "commands.scl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    lines = [json.dumps({**row, "time": _iso(row["time"])}) for row in flight.responses]
    (folder / "responses.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def publish(flight: Flight, address: str) -> None:
    """Publish the live part, once somebody listens: a publisher throws away what nobody has subscribed to."""
    import zmq

    context = zmq.Context()
    socket = context.socket(zmq.XPUB)
    socket.bind(address)
    print(f"publishing on {socket.getsockopt_string(zmq.LAST_ENDPOINT)}; waiting for a subscriber", flush=True)
    socket.recv()
    for row in flight.cabin:
        socket.send_multipart([TOPIC.encode(), json.dumps({**row, "time": _iso(row["time"])}).encode()])
    socket.send_multipart([TOPIC.encode(), LAST.encode()])
    print(f"published {len(flight.cabin)} messages", flush=True)
    socket.close(linger=5_000)
    context.term()


def main() -> None:
    """Fly once."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    arguments.add_argument("--seed", type=int, default=7, help="another seed is another flight")
    arguments.add_argument("--folder", type=Path, default=Path("out/observatory"), help="where the records go")
    arguments.add_argument("--publish", action="store_true", help="publish the live part over ZeroMQ, too")
    arguments.add_argument("--address", default=ADDRESS, help="where to publish it")
    given = arguments.parse_args()
    flight = fly(given.seed)
    record(flight, given.folder)
    print(f"wrote mount.csv, cryostat.csv, commands.scl, responses.jsonl to {given.folder}", flush=True)
    if given.publish:
        publish(flight, given.address)


if __name__ == "__main__":
    main()
