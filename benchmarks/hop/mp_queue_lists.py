"""multiprocessing.Queue with lists of 1,000 rows: what a program does that has found the queue too slow."""

import itertools

from race import race


def make(context):
    return context.Queue()


def send(queue, rows):
    while block := list(itertools.islice(rows, 1000)):
        queue.put(block)
    queue.put(None)


def receive(queue):
    rows = total = 0
    while (block := queue.get()) is not None:
        for row in block:
            rows += 1
            total += row["co2"]
    return rows, total


if __name__ == "__main__":
    race(make, send, receive)
