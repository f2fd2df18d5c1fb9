"""plait's EventManager: a callback for each rule, found by the index."""

import runpy
from functools import partial

from plait.event import EventManager
from stream import race


def make(note, folder):
    rules = runpy.run_path(f"{folder}/rules_conditions.py")["RULES"]
    manager = EventManager()
    for name, condition in rules:
        manager.register(partial(found, note, name), condition)
    return manager.trigger


def found(note, name, event):
    note(name)


if __name__ == "__main__":
    race(make)
