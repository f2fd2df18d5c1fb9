"""Run the benchmarks: `python benchmarks/run.py`, or `--quick` for a small run in about two minutes.

The first run makes the virtual environments of the contenders and the data. See benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from harness.homes import BUILD, compile_pins, make_homes

WORK = BUILD / "work"


def main() -> int:
    """Do what the command line says; return the exit status: 1 if any contender failed or was wrong."""
    chosen = _arguments()
    if chosen.compile:
        compile_pins()
        return 0
    homes = make_homes()
    if Path(sys.prefix).resolve() != homes["plait"].folder.resolve():
        python = str(homes["plait"].python)
        os.execv(python, [python, *sys.argv])
    from harness.session import run_all, write_page

    if chosen.page:
        write_page()
        return 0
    return run_all(chosen, homes, WORK)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run plait and others in turn, and tell what each of them used.")
    parser.add_argument("--quick", action="store_true", help="small data, no warm-up, everything in about two minutes")
    parser.add_argument("--only", metavar="JOB,...", help="these jobs, such as merge,rules")
    parser.add_argument("--contenders", metavar="NAME,...", help="these contenders, such as plait,Polars")
    parser.add_argument(
        "--runs", type=int, metavar="N", help="runs that count (3, the short ones more; 1 with --quick)"
    )
    parser.add_argument("--rows", type=int, metavar="N", help="rows, in place of those of the job")
    parser.add_argument(
        "--write", action="store_true", help="with the options above: record it, and write docs/performance.md"
    )
    parser.add_argument("--page", action="store_true", help="write the page anew from results.json and learnt.md only")
    parser.add_argument("--compile", action="store_true", help="pin requirements*.in anew, and do nothing else")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
