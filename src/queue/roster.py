"""Who takes part in a multiplexer: the inputs and outputs that are registered, and until when that is possible."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from ..errors import SpecError
from .bell import Bell
from .inputs import Input
from .outputs import Output
from .waiting import adopt

__all__ = ["Roster"]


class Roster:
    """The inputs and outputs of a multiplexer, shared by the threads that register them and the one that serves them.

    Attributes:
        lock: held while an input or output is added, and by the server while it decides on the very first records.
        bell: readable when there is something new: an input, an output, or the wish to stop.
        closed: why nothing can be registered any more; empty while it can.
        stopping: whether the multiplexer is to end now.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.lock = threading.RLock()
        self.bell = Bell()
        self.inputs: Sequence[Input] = ()
        self.outputs: Sequence[Output] = ()
        self.closed = ""
        self.stopping = False
        self._ended = False

    def add_input(self, queue: Any, name: str | None, process: Any) -> None:
        """Register an input. Raises SpecError once the first record has gone out."""
        with self.lock:
            self._admit("input_queue", queue, "get")
            if any(queue is getattr(source.queue, "source", source.queue) for source in self.inputs):
                raise SpecError(f"{self._name}.input_queue", "this queue is an input already", option="queue")
            name = name or f"input {len(self.inputs) + 1}"
            self.inputs = (*self.inputs, Input(name, adopt(queue), process))
            self.bell.ring()

    def add_output(self, queue: Any) -> None:
        """Register an output. Raises SpecError once the first record has gone out."""
        with self.lock:
            self._admit("output_queue", queue, "put")
            self.outputs = (*self.outputs, Output(queue))
            self.bell.ring()

    def stop(self) -> None:
        """Ask the server to end."""
        with self.lock:
            self.stopping = True
            if not self._ended:
                self.bell.ring()

    def hear(self) -> None:
        """Note that the server knows what is new."""
        with self.lock:
            self.bell.mute()

    def end(self) -> None:
        """Note that the multiplexer has ended."""
        with self.lock:
            self.closed = f"{self._name} has ended"
            self._ended = True
            self.bell.close()

    def _admit(self, method: str, queue: Any, needed: str) -> None:
        if self.closed:
            raise SpecError(f"{self._name}.{method}", f"it is too late to register a queue: {self.closed}")
        if not callable(getattr(queue, needed, None)):
            raise SpecError(f"{self._name}.{method}", f"a queue has the method {needed}", option="queue", value=queue)
