"""pyzmq: PUSH and PULL over a Unix socket, frames as Arrow streams written by Polars."""

import io
import tempfile

import polars as pl
import zmq
from race_frames import race_frames


class Line:
    """Where both ends meet; each makes its socket when it first uses it."""

    def __init__(self):
        self.address = f"ipc://{tempfile.mkdtemp()}/hop"
        self.socket = None

    def end(self, kind):
        if self.socket is None:
            self.socket = zmq.Context.instance().socket(kind)
            self.socket.set_hwm(10)
            (self.socket.bind if kind == zmq.PULL else self.socket.connect)(self.address)
        return self.socket


def make(context):
    return Line()


def send(line, frames):
    socket = line.end(zmq.PUSH)
    for frame in frames:
        stream = io.BytesIO()
        frame.write_ipc_stream(stream)
        socket.send(stream.getbuffer(), copy=False)
    socket.send(b"")


def receive(line):
    socket = line.end(zmq.PULL)
    rows = total = 0
    while len(message := socket.recv(copy=False).buffer):
        frame = pl.read_ipc_stream(io.BytesIO(message))
        rows += frame.height
        total += frame["co2"].sum()
    return rows, total


if __name__ == "__main__":
    race_frames(make, send, receive)
