"""Plain Python: a lambda for each rule, all of them tried."""

import runpy

from stream import race


def make(note, folder):
    rules = runpy.run_path(f"{folder}/rules_python.py")["RULES"]

    def trigger(row):
        for name, holds in rules:
            if holds(row):
                note(name)

    return trigger


if __name__ == "__main__":
    race(make)
