"""Events as dicts, the rules that stand in a folder, and a clock around what matches them."""

import json
import random
import sys
import time

DIFFERENT = 10_000
CHECKED = 500


def make_events():
    """Return 10,000 events, as different as the readings of the other jobs."""
    chance = random.Random(7)
    return [
        {
            "timestamp": 1767225600000 + number,
            "sensor": f"s{chance.randrange(200):03d}",
            "temperature": round(chance.gauss(20, 5), 2),
            "humidity": chance.randrange(200, 900) / 10,
            "co2": chance.randrange(350, 2000),
            "status": chance.choices(["ok", "warn", "fail"], [90, 8, 2])[0],
        }
        for number in range(DIFFERENT)
    ]


def race(make):
    """Time one contender; prints the seconds, and which rules the first 500 events trigger.

    Args:
        make: returns a function that takes an event, given a function to call with the name of each rule that holds
            and the folder of the rules.
    """
    count, folder = int(sys.argv[1]), sys.argv[2]
    events, found = make_events(), []
    trigger = make(found.append, folder)
    for event in events[:CHECKED]:
        trigger(event)
    answer = sorted(found)
    begin = time.perf_counter()
    for number in range(count):
        trigger(events[number % DIFFERENT])
    print(json.dumps({"seconds": time.perf_counter() - begin, "answer": answer}))
