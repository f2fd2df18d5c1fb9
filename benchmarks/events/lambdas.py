"""Plain Python: a lambda for each rule, all of them tried."""

from stream import race


def make(note):
    from rules_python import RULES

    def trigger(row):
        for name, holds in RULES:
            if holds(row):
                note(name)

    return trigger


if __name__ == "__main__":
    race(make)
