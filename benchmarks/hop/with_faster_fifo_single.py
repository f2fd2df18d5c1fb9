"""faster-fifo, put and get one by one."""

import faster_fifo
from race import race


def make(context):
    return faster_fifo.Queue(max_size_bytes=10_000_000)


def send(queue, rows):
    for row in rows:
        queue.put(row, timeout=60)
    queue.put(None, timeout=60)


def receive(queue):
    rows = total = 0
    while (row := queue.get(timeout=60)) is not None:
        rows += 1
        total += row["co2"]
    return rows, total


def take(queue):
    return queue.get(timeout=60)


if __name__ == "__main__":
    race(make, send, receive, take)
