"""The frame of every hop: a producer in another process, rows that are made beforehand, and a clock.

    python CONTENDER.py dicts 1000000    rows a second, from the first put to the last get
    python CONTENDER.py idle 1000        microseconds from put to get, a row every two milliseconds

A contender says how its queue is made, how rows are sent and how they are received. It prints one JSON object.
"""

import itertools
import json
import multiprocessing
import statistics
import sys
import time

PAUSE_S = 0.002
DIFFERENT = 10_000


def make_rows(count):
    """Return `count` small dicts, of which 10,000 differ."""
    rows = [
        {
            "timestamp": 1767225600000 + number,
            "sensor": f"s{number % 200:03d}",
            "temperature": number / 7,
            "co2": number,
        }
        for number in range(min(DIFFERENT, count))
    ]
    return itertools.islice(itertools.cycle(rows), count)


def paced_rows(count):
    """Yield `count` rows, one every two milliseconds, each with the time at which it was made."""
    for _ in range(count):
        time.sleep(PAUSE_S)
        yield {"sent": time.monotonic_ns()}


def _produce(queue, send, job, count, line):
    rows = make_rows(count) if job == "dicts" else paced_rows(count)
    line.send("ready")
    line.recv()
    send(queue, rows)
    line.recv()  # until all has been received: a socket must not be closed before


def _receive_all(queue, receive, count):
    begin = time.perf_counter()
    rows, total = receive(queue)
    seconds = time.perf_counter() - begin
    assert rows == count, f"{rows} rows of {count} arrived"
    expected = sum(row["co2"] for row in make_rows(count))
    assert total == expected, f"the rows that arrived add up to {total}, not to {expected}"
    return {"rows": rows, "seconds": seconds}


def _waited_us(row):
    return (time.monotonic_ns() - row["sent"]) / 1000


def _receive_paced(queue, take, count):
    waits = sorted(_waited_us(take(queue)) for _ in range(count))
    return {"rows": count, "p50_us": statistics.median(waits), "p99_us": waits[count * 99 // 100]}


def race(make, send, receive, take=None):
    """Run one contender as the command line says.

    Args:
        make: returns the queue, given the multiprocessing context.
        send: puts the rows on the queue and then says that these were all.
        receive: takes rows until the end; returns how many, and the sum of their `co2`.
        take: takes one row.
    """
    job, count = sys.argv[1], int(sys.argv[2])
    context = multiprocessing.get_context("spawn")
    queue = make(context)
    line, other = context.Pipe()
    producer = context.Process(target=_produce, args=(queue, send, job, count, other))
    producer.start()
    assert line.recv() == "ready"
    line.send("go")
    result = _receive_all(queue, receive, count) if job == "dicts" else _receive_paced(queue, take, count)
    line.send("done")
    producer.join()
    print(json.dumps(result))
