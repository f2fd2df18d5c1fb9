"""Live progress on a terminal: rows, rows/s, the time that the stream has reached, what holds it back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .engines.assembly import Assembly
from .engines.flow import Flow
from .engines.merge_node import MergeNode
from .engines.run import Control

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = ["live_progress"]

_REFRESHES_PER_SECOND = 8


class _Watch:
    """Looks at what a run counts, from the thread that draws."""

    def __init__(self) -> None:
        self._flow: Flow | None = None
        self._started = time.monotonic()

    def begin(self, flow: Flow, assembly: Assembly) -> None:
        self._flow = flow

    def __rich__(self) -> RenderableType:
        from rich.text import Text

        if self._flow is None:
            return Text("starting ...", style="dim")
        rows = sum(inlet.rows_read() for inlet in self._flow.inlets)
        seconds = time.monotonic() - self._started
        parts = [
            f"{rows:,} rows",
            f"{rows / seconds if seconds else 0:,.0f} rows/s",
            *self._reached(),
            *self._holding(),
        ]
        return Text("  ".join(parts), style="dim")

    def _reached(self) -> list[str]:
        """Say which time the merged stream has reached; without a merge, whatever has come furthest."""
        nodes = list(self._flow.nodes) if self._flow else []
        merges = [node for node in nodes if isinstance(node, MergeNode)]
        times = [node.state.counts.last for node in merges or nodes if node.state.counts.last is not None]
        return [f"at {max(times):%Y-%m-%d %H:%M:%S}"] if times else []

    def _holding(self) -> list[str]:
        names = self._flow.holding() if self._flow else []
        return [f"waiting for {', '.join(names)}"] if names else []


@contextmanager
def live_progress(control: Control, console: Console) -> Iterator[None]:
    """Show the progress of the run that `control` belongs to, until the block is left; then take it away."""
    from rich.live import Live

    watch = _Watch()
    control.on_start = watch.begin
    with Live(watch, console=console, transient=True, refresh_per_second=_REFRESHES_PER_SECOND):
        yield
