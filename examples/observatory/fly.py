"""The whole flight in one command: simulate, publish, merge, watch the limits, and sum up.

    ./venv/bin/python examples/observatory/fly.py [--engine serial|local]

The simulator runs in a process of its own, as the real feed does; observatory.scl is loaded and run from Python.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import alarms
from plait import Pipeline
from plait.engines import RunReport

HERE = Path(__file__).parent
SOURCES = ("mount", "cryostat", "commands", "responses", "cabin")


@contextmanager
def simulator() -> Iterator[str]:
    """Run the simulator while the block runs, and give the block the address that it publishes on."""
    command = [sys.executable, str(HERE / "simulate.py"), "--publish", "--address", "tcp://127.0.0.1:*"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own script
        try:
            assert process.stdout is not None, "a pipe was asked for"
            words = [line.split() for line in islice(process.stdout, 2)]
            if len(words) < 2:
                raise SystemExit("the simulator ended before it had an address to publish on")
            yield words[-1][-1]
        finally:
            process.terminate()


def run(engine: str | None) -> RunReport:
    """Run observatory.scl on a new flight. The address is not known when the file is written: it is set here."""
    with simulator() as address:
        pipeline = Pipeline.load(HERE / "observatory.scl", settings={"cabin.connect": address})
        return pipeline.run(engine)


def summary(report: RunReport) -> Iterator[str]:
    """Say in a few lines how the flight was."""
    yield f"{report.rows_in:,} records of {len(SOURCES)} sources in one stream:"
    for name in SOURCES:
        yield f"  {name:<10}{report[name].counts.delivered:>6,}"
    yield f"{report['cabin'].extra.get('messages missing', 0)} messages of the cabin were lost on the way"
    yield f"{report['alarms'].counts.delivered} readings were out of limits, in {len(alarms.duty.episodes)} episodes:"
    for episode in alarms.duty.episodes:
        yield f"  {episode}"
    yield "see out/observatory/flight.csv and out/observatory/alarms.jsonl"


def main() -> int:
    """Fly, and print the alarms as they come and the summary at the end."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--engine", choices=["serial", "local"], help="one process, or a pool of workers")
    report = run(arguments.parse_args().engine)
    print("", *summary(report), sep="\n")
    return report.exit_code


if __name__ == "__main__":  # worker processes import this module, too
    sys.exit(main())
