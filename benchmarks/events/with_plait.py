"""plait's EventManager: a callback for each rule, found by the index."""

from functools import partial

from plait.event import EventManager
from stream import race


def make(note):
    from rules_conditions import RULES

    manager = EventManager()
    for name, condition in RULES:
        manager.register(partial(found, note, name), condition)
    return manager.trigger


def found(note, name, event):
    note(name)


if __name__ == "__main__":
    race(make)
