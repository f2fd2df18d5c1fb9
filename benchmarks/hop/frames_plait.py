"""plait's Queue: a frame is put, and got as it is."""

from plait.queue import END, Queue
from race_frames import race_frames


def make(context):
    return Queue(maxsize=500_000)


def send(queue, frames):
    for frame in frames:
        queue.put(frame)
    queue.put(END)


def receive(queue):
    rows = total = 0
    while (frame := queue.get_block()) is not END:
        rows += frame.height
        total += frame["co2"].sum()
    return rows, total


if __name__ == "__main__":
    race_frames(make, send, receive)
