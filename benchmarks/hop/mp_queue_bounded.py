"""multiprocessing.Queue with room for 10,000 rows, put and get one by one."""

from race import race


def make(context):
    return context.Queue(maxsize=10_000)


def send(queue, rows):
    for row in rows:
        queue.put(row)
    queue.put(None)


def receive(queue):
    rows = total = 0
    while (row := queue.get()) is not None:
        rows += 1
        total += row["co2"]
    return rows, total


def take(queue):
    return queue.get()


if __name__ == "__main__":
    race(make, send, receive, take)
