"""What is done about a reading out of limits: observatory.scl says `call="alarms:note"`.

A module beside the pipeline file needs no installation. The function is called in the process that was started, with
one dict per event, in the order of the stream; what it raises is counted and told at the end, and stops nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

QUIET = timedelta(seconds=5)


@dataclass
class Episode:
    """Readings of one source that were out of limits, none of them more than `QUIET` after the one before."""

    source: str
    first: datetime
    last: datetime
    readings: int = 1

    def __str__(self) -> str:
        return f"{self.source}: {self.readings} readings from {self.first:%H:%M:%S} to {self.last:%H:%M:%S}"


@dataclass
class Duty:
    """The engineer on duty is called once per episode, not once per reading."""

    episodes: list[Episode] = field(default_factory=list)
    _latest: dict[str, Episode] = field(default_factory=dict)

    def note(self, event: Mapping[str, Any]) -> None:
        """Add the event to its episode, or begin one and say so."""
        source, time = event["source"], event["timestamp"]
        latest = self._latest.get(source)
        if latest is not None and time - latest.last <= QUIET:
            latest.last, latest.readings = time, latest.readings + 1
            return
        self._latest[source] = Episode(source, time, time)
        self.episodes.append(self._latest[source])
        print(f"*** {source} is out of limits since {time:%H:%M:%S}", flush=True)


duty = Duty()
note = duty.note
