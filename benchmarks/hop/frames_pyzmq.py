"""pyzmq: PUSH and PULL over a Unix socket, frames as Arrow streams written by Polars."""

import io
import tempfile

import polars as pl
import zmq
from race_frames import race_frames


def make(context):
    return f"ipc://{tempfile.mkdtemp()}/hop"


def send(address, frames):
    socket = zmq.Context.instance().socket(zmq.PUSH)
    socket.set_hwm(10)
    socket.connect(address)
    for frame in frames:
        stream = io.BytesIO()
        frame.write_ipc_stream(stream)
        socket.send(stream.getbuffer(), copy=False)
    socket.send(b"")


def receive(address):
    socket = zmq.Context.instance().socket(zmq.PULL)
    socket.set_hwm(10)
    socket.bind(address)
    rows = total = 0
    while len(message := socket.recv(copy=False).buffer):
        frame = pl.read_ipc_stream(io.BytesIO(message))
        rows += frame.height
        total += frame["co2"].sum()
    return rows, total


if __name__ == "__main__":
    race_frames(make, send, receive)
