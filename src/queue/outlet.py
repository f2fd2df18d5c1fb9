"""Putting into a queue of another process.

Theory of operation. Puts gather in a tray, and what has gathered is shipped as one block: blocks grow with the load. An
outlet is cold or warm, and the limit of its tray says which.

* Cold (limit 1): every put ships at once, in the thread that puts. So an idle queue has the latency of the socket.
* Warm (limit 1,000): puts gather, and the one that fills the tray ships it. An outlet becomes warm when one shipment
  follows another more quickly than a change of threads; whoever finds that wakes the minder. One that is opened when
  its process is ending already stays cold: nobody will ask it to ship what is left.
* The minder is a thread that ships what is left when the others pause. It needs the interpreter for that: once awake it
  gets it when they pause, or have used up their time slice, or are shipping. If a tray has been filled meanwhile, the
  stream is in flow, and those who put ship best by themselves: what is to be pickled is still in their cache, and the
  interpreter is not passed to and fro. Then the minder keeps out of their way, and looks again every 5 ms. When nothing
  has been shipped since it last looked, it makes the outlet cold, ships what is left, and sleeps.

Why nothing is left lying: who puts appends first and looks at the limit then; the minder lowers the limit first and
looks at the tray then; who raises the limit wakes the minder afterwards.
"""

from __future__ import annotations

import contextlib
import queue
import select
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from .allowance import Allowance
from .blocks import Block, Loose
from .deadlines import deadline_of
from .endings import is_ending
from .open_ends import OpenEnds
from .place import PUTS, Place, call
from .segments import Segments
from .tray import Tray
from .wire import RELEASE, SOME

__all__ = ["Outlet"]

_COLD, _WARM = 1, 1000
_FLOW_MILLISECONDS = 5
"""How often the minder looks at a stream in flow: as often as the interpreter changes threads by itself.

A minder that ships whatever has gathered since it last could, by no timer, is no quicker for that, and the stream is
6 % slower: they take turns with the interpreter and the lock, and blocks are smaller.
"""
_BRISK_SECONDS = 50e-6
"""What a change of threads costs."""


class Outlet:
    """Puts into a queue of another process. Raises BrokenPipeError when that has ended.

    Args:
        place: where the queue lives.
        maxsize: of the queue; if there is one, room is asked for before anything is put on the tray.
        tray: where puts gather; from now on this outlet empties it.
    """

    def __init__(self, place: Place, maxsize: int, tray: Tray) -> None:
        self._place = place
        self._maxsize = maxsize
        self._wire = call(place, PUTS)
        self._shipping = threading.RLock()  # reentrant: a finalizer or a signal's handler may put, too
        self._sending = False
        self._shipped = self._warmed = 0
        self._rested = 0.0
        self._bell: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._broken: OSError | None = None
        self._segments = Segments()
        self._tray = tray
        self._allowance = Allowance(place, self._wire, maxsize, tray, self._say)
        tray.full, tray.limit = self._ship_full, _COLD
        OpenEnds.add(self)
        self._may_be_warm = not is_ending()

    # Putting.

    def put(self, part: Any, block: bool, timeout: float | None) -> None:
        """Put one sealed item. Raises queue.Full."""
        if self._tray.room is not None and not next(self._tray.room, False):
            self._allowance.take(1, SOME, deadline_of(block, timeout))
        self._tray.lay(part)
        if len(self._tray) >= self._tray.limit:
            self._ship_full()

    def put_block(self, parcel: Block, block: bool, timeout: float | None) -> None:
        """Put a whole block; it has been shipped when this returns. Raises queue.Full."""
        if self._maxsize:
            self._allowance.take(parcel.count, 0, deadline_of(block, timeout))
        self._send_behind(lambda: self._written(parcel))

    def _written(self, parcel: Block) -> tuple[int, int, Any]:
        try:
            return parcel.message(self._segments)
        except BaseException:  # there is no memory for it, for instance
            if self._maxsize:
                self._send(RELEASE, parcel.count, b"")
            raise

    def flush(self) -> None:
        """Ship all that was put; blocks while the owner is too busy to read."""
        with self._shipping:
            self._ship()

    def _ship_full(self) -> None:
        with self._shipping:
            pause = monotonic() - self._rested
            self._ship()
            if self._tray.room is not None and not self._sending:
                self._allowance.look_ahead()
            self._rested = monotonic()
            if self._tray.limit == _COLD and pause < _BRISK_SECONDS and self._may_be_warm:
                self._tray.limit, self._warmed = _WARM, self._shipped
                self._wake(False)

    def _ship(self) -> None:
        full = not self._sending  # what interrupts a shipment leaves its own for the end of it
        while full and (self._tray or self._wire.unsent()):
            self._sending = True
            try:
                if self._tray:
                    self._send(*self._taken())
                else:
                    self._try(self._wire.send_on)
            finally:
                self._sending = False
            full = len(self._tray) >= self._tray.limit

    def _taken(self) -> tuple[int, int, Any]:
        parts = self._tray.take()
        try:
            message = Loose(parts, self._tray.kind(parts)).message()
        except BaseException:  # Ctrl-C
            self._tray[:0] = parts
            raise
        self._shipped += 1
        return message

    def _say(self, kind: int, number: int, flags: int = 0) -> None:
        self._send_behind(lambda: (kind, number, b""), flags)

    def _send_behind(self, message: Callable[[], tuple[int, int, Any]], flags: int = 0) -> None:
        """Send something behind all that was put."""
        with self._shipping:
            self._ship()
            if self._sending:
                raise RuntimeError("a queue cannot be asked anything by what interrupts a put on it")
            self._sending = True
            try:
                self._send(*message(), flags)
            finally:
                self._sending = False

    def _send(self, kind: int, number: int, data: Any, flags: int = 0) -> None:
        self._try(self._wire.send, kind, number, data, flags)

    def _try(self, send: Callable[..., None], *message: Any) -> None:
        try:
            if self._broken is None:
                send(*message)
        except OSError as error:
            self._broken = error
        except BaseException:  # Ctrl-C: the wire sends the rest before anything else, and that soon
            self._wake(False)
            raise
        if self._broken is not None:
            self._tray.clear()  # nobody is left to take it
            raise self._ended() from self._broken

    def _ended(self) -> BrokenPipeError:
        return BrokenPipeError(f"process {self._place.owner}, which made the queue, has ended")

    # The minder.

    def _wake(self, last: bool) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._mind, name="plait-outlet", daemon=True)
            self._thread.start()
        self._bell.put(last)

    def _mind(self) -> None:
        owner = select.poll()
        owner.register(self._wire, 0)  # to be told that it has ended
        while not self._bell.get():
            shipped = self._warmed
            while shipped != self._shipped or self._sending:
                shipped = self._shipped
                owner.poll(_FLOW_MILLISECONDS)
            self._tray.limit = _COLD
            with contextlib.suppress(OSError):  # the next put says so
                self.flush()
        self.end()
        self._hang_up()

    def qsize(self) -> int:
        """Return how many items wait at the owner, all that were put here among them."""
        return self._allowance.qsize()

    # The end.

    def close(self) -> None:
        """Ship all that was put, and hang up when the owner has it; a thread that waits for room gets none.

        Whoever puts meanwhile appends first, and looks at the limit then: it is shipped, or hears of the end.
        """
        with self._shipping:
            self._may_be_warm = False
            self._tray.full, self._tray.limit = self._refuse, _COLD
        try:
            self._allowance.recall()
            self.qsize()
        finally:
            self._leave()

    def _refuse(self) -> None:
        raise ValueError(f"the handle of a queue of process {self._place.owner} is closed")

    def leave(self) -> None:
        """Have all that was put shipped, and hang up then; never blocks (for the garbage collector)."""
        if self._tray or self._wire.unsent():
            self._wake(True)
        else:
            self._leave()

    def _leave(self) -> None:
        if self._thread is None:
            self._hang_up()
        else:
            self._bell.put(True)

    def _hang_up(self) -> None:
        OpenEnds.remove(self)
        self._segments.close()
        self._wire.close()

    def end(self) -> None:
        """Ship all that was put, until the owner has it: the process ends."""
        try:
            self._allowance.recall()
            self.qsize()
        except OSError:
            OpenEnds.remove(self)  # the owner ended first, and nobody is left to get what was put

    def abandon(self) -> None:
        """Let go without shipping: what is pending is lost, or belongs to the process that this one was forked off."""
        self._tray.clear()
        self._hang_up()
