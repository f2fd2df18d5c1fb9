"""plait lays many timestamped streams into one stream in time order, and acts on it.

Pipelines: `Pipeline`, built in Python or loaded from a file in SCL, and `StageHandle`, what its methods return.
Parts: `plait.queue` (queues and multiplexers), `plait.event` (conditions, the event manager), `plait.readers`,
`plait.writers`, `plait.lexer` (SCL), `plait.util` (process pools).
The end of a stream is `END`. Errors: `PlaitError` and those below it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import (
    CallbackError,
    OrderError,
    PlaitError,
    ScriptError,
    SinkError,
    SourceError,
    SpecError,
    WorkerError,
)
from .record import END

if TYPE_CHECKING:
    from .api import Pipeline, StageHandle

__version__ = "0.1.0"

__all__ = [
    "END",
    "CallbackError",
    "OrderError",
    "Pipeline",
    "PlaitError",
    "ScriptError",
    "SinkError",
    "SourceError",
    "SpecError",
    "StageHandle",
    "WorkerError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """Import what pipelines need when it is first asked for: whoever wants a queue alone does not wait for it."""
    if name in ("Pipeline", "StageHandle"):
        from . import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
