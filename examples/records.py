"""The function that map.scl calls with each row: readings pass that are the highest of their city so far."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from plait.state import KeyedState


def highest_so_far(row: dict[str, Any], state: KeyedState) -> dict[str, Any] | None:
    """Return a new record, the one that it has beaten and how many days that had stood; None if it is no record."""
    best = state.get(row["city"])
    if best is not None and row["temp"] <= best["temp"]:
        return None
    state.set(row["city"], {"temp": row["temp"], "since": row["timestamp"]})
    if best is None:
        return {"city": row["city"], "temp": row["temp"]}
    stood = (row["timestamp"] - best["since"]) / timedelta(days=1)
    return {"city": row["city"], "temp": row["temp"], "beaten": best["temp"], "stood_days": round(stood, 2)}
