"""faster-fifo with put_many and get_many, a thousand rows at a time."""

import itertools

import faster_fifo
from race import race


def make(context):
    return faster_fifo.Queue(max_size_bytes=10_000_000)


def send(queue, rows):
    while block := list(itertools.islice(rows, 1000)):
        queue.put_many(block, timeout=60)
    queue.put(None, timeout=60)


def receive(queue):
    rows = total = 0
    while True:
        for row in queue.get_many(timeout=60):
            if row is None:
                return rows, total
            rows += 1
            total += row["co2"]


if __name__ == "__main__":
    race(make, send, receive)
