"""A bare SUB loop: receive, json.loads, compare, call."""

import json
import os

import zmq
from waits import note


def main():
    socket = zmq.Context.instance().socket(zmq.SUB)
    socket.set_hwm(0)
    socket.connect(os.environ["ADDRESS"])
    socket.subscribe(b"")
    while (message := socket.recv()) != b"end":
        event = json.loads(message)
        if event["temperature"] > 20:
            note(event)


if __name__ == "__main__":
    main()
