"""Worker processes, and the one thread that talks to them.

A pool of the standard library (and so of pathos) shares two pipes and a lock among its workers: one that is killed
while it holds the lock stops all the others, and the task that it was on is waited for for ever. Here each worker has a
pipe of its own, and whoever waits for its answer waits for its death too.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from ..errors import WorkerError
from .starting import starting
from .task import RemoteTracebackError, Task
from .worker import BEGUN, DONE, FAILED, READY, WHERE, work

__all__ = ["Crew", "Worker"]

_PRELOADED = ["dill", "plait.util.worker", "plait.queue.waiting", "polars", "pyarrow", "pyarrow.ipc"]
_GRACE_SECONDS = 2.0


@dataclass(eq=False, slots=True)
class Worker:
    """A worker process, as its owner sees it.

    Attributes:
        process: it has `pid` and `sentinel`.
        task: what it is on.
        begun: whether it has said so.
        ready: whether it has come up.
    """

    process: Any
    pipe: Any
    task: Task | None = None
    begun: bool = False
    ready: bool = False

    @property
    def pid(self) -> int:
        return int(self.process.pid)

    @property
    def sentinel(self) -> int:
        return int(self.process.sentinel)

    def ending(self) -> str:
        """Say how the process ended."""
        self.process.join()
        code = self.process.exitcode
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        return f"worker process {self.pid} {how}"


def context() -> Any:
    """Return the context of pathos' library that starts workers: from a server that has the heavy imports done."""
    import multiprocess

    method = "forkserver" if "forkserver" in multiprocess.get_all_start_methods() else "spawn"
    made = multiprocess.get_context(method)
    if method == "forkserver":
        made.set_forkserver_preload(_PRELOADED)
    return made


class Crew:
    """Some workers and what they are to do. A worker that dies is replaced, and only its own task fails.

    Args:
        size: how many workers.

    Attributes:
        alive: the crews of this process whose thread has not ended, for the end of the program.
    """

    alive: ClassVar[weakref.WeakSet[Crew]] = weakref.WeakSet()

    def __init__(self, size: int) -> None:
        from multiprocess.connection import Pipe

        self.size = size
        self._pid = os.getpid()
        self._waiting: deque[Task] = deque()
        self._workers: list[Worker] = []
        self._lock = threading.RLock()  # reentrant: a pool that is collected as garbage closes its crew
        self._ear, self._mouth = Pipe(duplex=False)
        self._context = context()
        self._called = False
        self._closed = False
        self._terminated = False
        self._wanted = size
        self._staffed = threading.Event()
        self._thread = threading.Thread(target=self._lead, name="plait-crew", daemon=True)
        self.alive.add(self)  # the thread keeps it there
        self._thread.start()

    # For everybody.

    def submit(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Task:
        """Have a worker call the function. Raises ValueError if the crew is closed, or what pickling raises."""
        from .pickling import dumps

        name = getattr(function, "__qualname__", repr(function))
        task = Task(name, dumps((function, args, kwargs)))
        with self._lock:
            if self._closed or self._pid != os.getpid():
                raise ValueError("the pool is closed" if self._closed else f"the pool is process {self._pid}'s")
            self._waiting.append(task)
            self._call()
        return task

    @property
    def closed(self) -> bool:
        """Whether it takes no more tasks."""
        return self._closed

    def workers(self) -> tuple[Worker, ...]:
        """Return the workers, waiting until they have been started."""
        self._staffed.wait()
        with self._lock:
            return tuple(self._workers)

    def close(self) -> None:
        """Take no more tasks; the workers end when those that there are have been done."""
        with self._lock:
            self._closed = True
            self._call()

    def terminate(self) -> None:
        """End the workers: idle ones in good order, those on a task by SIGTERM, and by SIGKILL after two seconds."""
        with self._lock:
            self._closed = self._terminated = True
            self._call()

    def join(self) -> None:
        """Wait until all workers have ended; after `close` or `terminate`. Raises ValueError before."""
        if not self._closed:
            raise ValueError("the pool is still open")
        if self._pid == os.getpid():
            self._thread.join()

    def _call(self) -> None:
        if not self._called:  # one call is enough, and a pipe holds only so many
            self._called = True
            with contextlib.suppress(OSError):  # the thread has ended already
                self._mouth.send_bytes(b"\0")

    # The thread.

    def _lead(self) -> None:
        from multiprocess.connection import wait

        try:
            while self._go_on():
                ready = wait([self._ear, *(w.pipe for w in self._workers), *(w.sentinel for w in self._workers)])
                if self._ear in ready:
                    self._ear.recv_bytes()
                    self._called = False  # before a look at what there is to do
                    self._wanted = self.size
                for worker in [w for w in self._workers if w.pipe in ready or w.sentinel in ready]:
                    self._hear(worker, dead=worker.sentinel in ready)
        finally:
            self._dismiss()

    def _go_on(self) -> bool:
        """Start workers and hand out tasks; False when there is nothing more to do."""
        while not self._closed and len(self._workers) < self._wanted:
            try:
                self._hire()
            except (OSError, EOFError) as error:  # too many processes or open files, or the server has been killed
                self._do_without(f"a worker could not be started: {error}")
        self._staffed.set()
        for worker in self._workers:
            if worker.ready and worker.task is None and self._waiting:
                self._give(worker, self._waiting.popleft())
        busy = self._waiting or any(worker.task for worker in self._workers)
        return not self._terminated and not (self._closed and not busy)

    def _hire(self) -> None:
        from multiprocessing import current_process

        from multiprocess import resource_tracker
        from multiprocess.connection import Pipe

        ours, theirs = Pipe()
        arguments = (theirs, os.getpid(), bytes(current_process().authkey))
        process = self._context.Process(target=work, args=arguments, name="plait-worker", daemon=True)
        with starting(resource_tracker):
            process.start()
        theirs.close()
        with self._lock:
            self._workers.append(Worker(process, ours))

    def _give(self, worker: Worker, task: Task) -> None:
        worker.task, worker.begun = task, False
        with contextlib.suppress(OSError):  # it is dead: its sentinel says so, and the task goes to another
            worker.pipe.send_bytes(task.payload)

    def _hear(self, worker: Worker, *, dead: bool) -> None:
        try:
            while worker.pipe.poll():
                self._understand(worker, worker.pipe.recv_bytes())
        except (EOFError, OSError):
            dead = True
        if dead:
            self._bury(worker)

    def _understand(self, worker: Worker, message: bytes) -> None:
        kind, content = message[:1], memoryview(message)[1:]
        if kind == WHERE:
            worker.pipe.send_bytes(_place(bytes(content).decode()))
        elif kind == READY:
            worker.ready = True
        elif kind == BEGUN:
            assert worker.task is not None
            worker.begun, worker.task.pid = True, worker.pid
        else:
            task, worker.task = worker.task, None
            assert task is not None
            _settle(task, kind, content)

    def _bury(self, worker: Worker) -> None:
        with self._lock:
            self._workers.remove(worker)
        worker.pipe.close()
        ending = worker.ending()
        if not worker.ready:
            guard = 'if __name__ == "__main__":'
            self._do_without(f"{ending} before it was ready; is what the program does under `{guard}`?")
        elif worker.task is not None and not worker.begun:
            self._waiting.appendleft(worker.task)
        elif worker.task is not None:
            worker.task.settle(error=WorkerError(f"{ending} while it was on {worker.task.name}"))

    def _do_without(self, reason: str) -> None:
        """Go on with the workers that there are, until somebody submits again; without any, no task can be done."""
        self._wanted = len(self._workers)
        if not self._workers:
            self._fail_all(reason)

    def _fail_all(self, reason: str) -> None:
        while self._waiting:
            self._waiting.popleft().settle(error=WorkerError(reason))

    def _dismiss(self) -> None:
        from multiprocess.connection import wait

        with self._lock:
            self._closed = True
        for worker in self._workers:
            worker.pipe.close()
            if worker.task is not None:
                worker.process.terminate()
        for worker in self._workers:
            if not wait([worker.sentinel], _GRACE_SECONDS):
                worker.process.kill()
            ending = worker.ending()
            if worker.task is not None:
                worker.task.settle(error=WorkerError(f"{ending} while it was on {worker.task.name}: the pool ended"))
        self._fail_all("the pool ended before the task began")
        self._workers.clear()


def _settle(task: Task, kind: bytes, content: memoryview) -> None:
    import pickle

    import dill

    try:
        if kind == DONE:
            task.settle(dill.loads(content))  # noqa: S301 - from our own worker
            return
        assert kind == FAILED
        pickled, shown, text = pickle.loads(content)  # noqa: S301 - from our own worker
        error = WorkerError(shown) if pickled is None else dill.loads(pickled)  # noqa: S301
    except Exception as problem:  # what arrived cannot be unpickled here
        task.settle(error=problem)
        return
    error.__cause__ = RemoteTracebackError(text)
    task.settle(error=error)


def _place(name: str) -> bytes:
    """Answer where a module lies: its file, "" for a package without one, None if it is not known here either."""
    import pickle

    module = sys.modules.get(name)
    return pickle.dumps(None if module is None else getattr(module, "__file__", None) or "")
