"""Counts of streams, windows and joins, as dicts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .joining import Joining
from .stream import Stream
from .windows import Gathering

__all__ = ["metrics_of", "report_of"]


def metrics_of(stream: Stream) -> dict[str, Any]:
    """Return the counts of a stream."""
    return {
        "stream_id": stream.stream_id,
        "total_events": stream.total,
        "processed_events": stream.processed,
        "late_events": stream.late,
        "failed_events": stream.failed,
        "buffer_size": len(stream.buffer),
        "watermark": stream.watermark,
        "processor_count": len(stream.processors),
        "processors": [processor.shown() for processor in stream.processors],
    }


def report_of(
    streams: Iterable[Stream], gatherings: Iterable[Gathering], joinings: Iterable[Joining], dead: int
) -> dict[str, Any]:
    """Return the counts of everything."""
    metrics = [metrics_of(stream) for stream in streams]
    windows = [_window(gathering) for gathering in gatherings]
    joins = [_join(joining) for joining in joinings]
    summary = {
        "total_streams": len(metrics),
        "total_processors": sum(stream["processor_count"] for stream in metrics),
        "total_windows": len(windows),
        "total_joins": len(joins),
        "total_events": sum(stream["total_events"] for stream in metrics),
        "total_processed_events": sum(stream["processed_events"] for stream in metrics),
        "total_late_events": sum(stream["late_events"] for stream in metrics),
        "total_failed_events": sum(stream["failed_events"] for stream in metrics),
        "dead_letters": dead,
    }
    return {"summary": summary, "streams": metrics, "windows": windows, "joins": joins}


def _window(gathering: Gathering) -> dict[str, Any]:
    config = gathering.config
    named = {name: config[name] for name in ("window_id", "stream_id", "type")}
    late = {"late_events": config["late_events"]}
    return {**named, "open_windows": gathering.open, "results_waiting": len(config["results"]), **late}


def _join(joining: Joining) -> dict[str, Any]:
    config = joining.config
    named = {name: config[name] for name in ("join_id", "stream1_id", "stream2_id", "join_key", "window_seconds")}
    waiting = len(config["results"])
    counts = {"held_events": joining.held - waiting, "results_waiting": waiting, "without_key": config["without_key"]}
    return {**named, **counts}
