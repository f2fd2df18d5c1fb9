"""multiprocessing.Queue: Polars frames, pickled."""

from race_frames import race_frames


def make(context):
    return context.Queue(maxsize=10)


def send(queue, frames):
    for frame in frames:
        queue.put(frame)
    queue.put(None)


def receive(queue):
    rows = total = 0
    while (frame := queue.get()) is not None:
        rows += frame.height
        total += frame["co2"].sum()
    return rows, total


if __name__ == "__main__":
    race_frames(make, send, receive)
