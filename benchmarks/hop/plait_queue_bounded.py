"""plait's Queue with room for 10,000 rows, put and get one by one."""

from plait.queue import END, Queue
from race import race


def make(context):
    return Queue(maxsize=10_000)


def send(queue, rows):
    for row in rows:
        queue.put(row)
    queue.put(END)


def receive(queue):
    rows = total = 0
    while (row := queue.get()) is not END:
        rows += 1
        total += row["co2"]
    return rows, total


def take(queue):
    return queue.get()


if __name__ == "__main__":
    race(make, send, receive, take)
