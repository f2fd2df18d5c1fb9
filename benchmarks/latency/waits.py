"""The callback of both receivers: notes how long each message was under way, and prints p50 and p99 at the end.

How many messages came is the answer that is compared: who drops some is quick with the others.

The first second does not count: connections are made then, and libraries imported.
"""

import atexit
import json
import os
import time


class Waits:
    def __init__(self):
        self.ns = []

    def __call__(self, event):
        self.ns.append(time.monotonic_ns() - event["sent"])

    def tell(self):
        counted = sorted(self.ns[int(os.environ["RATE"]) :])
        print(
            json.dumps(
                {
                    "p50_us": counted[len(counted) // 2] / 1000,
                    "p99_us": counted[len(counted) * 99 // 100] / 1000,
                    "answer": f"{len(self.ns)} of {os.environ['COUNT']} messages",
                }
            )
        )


note = Waits()
atexit.register(note.tell)
