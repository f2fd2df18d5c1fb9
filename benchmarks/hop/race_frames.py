"""The frame of every hop of frames: 50,000 rows of six columns each, from another process.

python CONTENDER.py frames 5000000    rows a second, from the first put to the last get
"""

import json
import multiprocessing
import sys
import time

ROWS = 50_000


def make_frame():
    """Return a frame of 50,000 readings."""
    import numpy as np
    import polars as pl

    random = np.random.default_rng(1)
    return pl.DataFrame(
        {
            "timestamp": np.datetime64("2026-01-01", "us") + np.arange(ROWS) * np.timedelta64(10, "ms"),
            "sensor": [f"s{number:03d}" for number in random.integers(200, size=ROWS)],
            "temperature": random.normal(20, 5, ROWS),
            "humidity": random.uniform(20, 90, ROWS),
            "co2": random.integers(350, 2000, ROWS),
            "status": random.choice(["ok", "warn", "fail"], ROWS, p=[0.9, 0.08, 0.02]),
        },
        schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    )


def _produce(queue, send, frames, line):
    frame = make_frame()
    for number in (1, frames):
        line.send("ready")
        line.recv()
        send(queue, [frame] * number)
    line.recv()  # until all has been received: a socket must not be closed before


def race_frames(make, send, receive):
    """Run one contender; `make`, `send` and `receive` are as in `race`, the rows being frames, in a list."""
    frames, each = int(sys.argv[2]) // ROWS, int(make_frame()["co2"].sum())
    context = multiprocessing.get_context("spawn")
    queue = make(context)
    line, other = context.Pipe()
    producer = context.Process(target=_produce, args=(queue, send, frames, other))
    producer.start()
    for number in (1, frames):  # one to warm up: connections are made, and libraries imported
        assert line.recv() == "ready"
        line.send("go")
        begin = time.perf_counter()
        rows, total = receive(queue)
        seconds = time.perf_counter() - begin
        assert (rows, total) == (number * ROWS, number * each), f"{rows} rows arrived, which add up to {total}"
    line.send("done")
    producer.join()
    print(json.dumps({"rows": rows, "seconds": seconds}))
