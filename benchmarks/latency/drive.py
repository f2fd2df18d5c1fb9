"""Publish JSON messages at a steady rate to one receiver, which is started here and prints what it found.

    python drive.py 10000 50000 COMMAND ...    10,000 a second, 50,000 in all

The receiver finds the address in the environment: ADDRESS. Nothing is sent before it has subscribed, each message
carries the time at which it was sent (the monotonic clock, the same in all processes), and a message `end` is the last.
"""

import json
import os
import subprocess
import sys
import time

import zmq


def main(rate, count, *command):
    socket = zmq.Context.instance().socket(zmq.XPUB)
    socket.set_hwm(0)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    environment = {**os.environ, "ADDRESS": f"tcp://127.0.0.1:{port}", "COUNT": count, "RATE": rate}
    receiver = subprocess.Popen(command, env=environment)
    assert socket.recv() == b"\x01", "the first thing to come is a subscription"
    send(socket, int(rate), int(count))
    socket.send(b"end")
    return receiver.wait()


def send(socket, rate, count):
    begin = time.perf_counter()
    for number in range(count):
        ahead = begin + number / rate - time.perf_counter()
        if ahead > 0:
            time.sleep(ahead)
        message = {
            "ts": time.time_ns() // 1000,
            "sensor": f"s{number % 200:03d}",
            "temperature": 20.5,
            "number": number,
        }
        socket.send(json.dumps(message | {"sent": time.monotonic_ns()}).encode())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
