"""Streams of events in twelve points, with `plait.processing`: a shop's page views and orders.

    ./venv/bin/python examples/processing_demo.py

All times are given, so it prints the same every time: what that is stands in processing_demo.txt.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from plait.processing import Event, StreamProcessing, Window

OPENS = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
VIEWS = [
    # seconds after opening, who, which page; in the order in which they arrive, which is not that of time
    (5, "ada", "tea"),
    (62, "ben", "cups"),
    (40, "ada", "pots"),
    (130, "ada", "cart"),
    (118, "cy", "tea"),
    (310, "ben", "cart"),
    (295, "cy", "cups"),
    (460, "ben", "tea"),
]
ORDERS = [(150, "ada", 31.5), (330, "ben", 12.0), (900, "cy", 8.25)]


def point(number: int, title: str) -> None:
    print(f"{number}. {title}")


def show(*words: object) -> None:
    print("  ", *words)


def after(seconds: float) -> datetime:
    return OPENS + timedelta(seconds=seconds)


def span(window: Window) -> str:
    return f"{window.start:%H:%M:%S} to {window.end:%H:%M:%S}"


def pages(events: list[Event]) -> dict[str, int]:
    """Count the pages of a window: what `aggregate_window` calls."""
    return dict(sorted(Counter(event.data["page"] for event in events).items()))


def streams(shop: StreamProcessing) -> None:
    point(1, "Creating multiple event streams")
    for name, kind in (("views", "page views"), ("orders", "orders")):
        show(shop.create_stream(name, {"type": kind}))


def processors(shop: StreamProcessing) -> None:
    def count(event: Event) -> int:
        seen: int = shop.get_state(event.data["user"], namespace="views", default=0) + 1
        shop.update_state(event.data["user"], seen, namespace="views")
        return seen

    def add(event: Event) -> float:
        total: float = shop.get_state("turnover", default=0.0) + event.data["sum"]
        shop.update_state("turnover", total)
        return total

    point(2, "Registering stream processors")
    show(shop.register_processor("count_views", "views", count))
    show(shop.register_processor("add_turnover", "orders", add))


def windows(shop: StreamProcessing) -> None:
    point(3, "Creating tumbling and sliding windows")
    shop.create_tumbling_window("by_5_minutes", "views", window_size_seconds=300)
    shop.create_sliding_window("last_4_minutes", "views", window_size_seconds=240, slide_size_seconds=120)
    shop.create_session_window("visits", "views", gap_seconds=120, by="user")
    for window_id, config in shop.windows.items():
        show(window_id, "is", config["type"])


def publish(shop: StreamProcessing) -> None:
    point(4, "Publishing events to streams")
    for number, (seconds, user, page) in enumerate(VIEWS):
        shop.publish_event("views", Event(f"view {number}", "view", {"user": user, "page": page}, after(seconds)))
    for number, (seconds, user, paid) in enumerate(ORDERS):
        shop.publish_event("orders", Event(f"order {number}", "order", {"user": user, "sum": paid}, after(seconds)))
    show("the views wait in the order of time:", *(f"{e.event_time:%M:%S}" for e in shop.event_buffer["views"]))


def assign(shop: StreamProcessing) -> None:
    point(5, "Assigning events to windows")
    event = shop.event_buffer["views"][3]
    for window_id in shop.windows:
        for window in shop.assign_to_window(window_id, event):
            show(f"{event.event_id} at {event.event_time:%M:%S} lies in {window_id}: {span(window)}")


def aggregate(shop: StreamProcessing) -> None:
    point(6, "Window aggregation operations")
    window = shop.windows["by_5_minutes"]["current_window"]
    show(f"{span(window)}, so far:", shop.aggregate_window(window, pages))


def state(shop: StreamProcessing) -> None:
    point(7, "State management and retrieval")
    shop.update_state("opened", OPENS.isoformat(), namespace="shop")
    show("opened:", shop.get_state("opened", namespace="shop"))
    show("in another namespace:", shop.get_state("opened", namespace="stock"))


def watermark(shop: StreamProcessing) -> None:
    point(8, "Setting watermarks for late data")
    show("watermark:", shop.set_watermark("views", after(60)).time())
    show("it never goes back:", shop.set_watermark("views", after(30)).time())
    late = Event("view 8", "view", {"user": "cy", "page": "tea"}, after(20))
    show("is view 8 in time?", shop.publish_event("views", late))
    show(shop.dead_letters[0].kind, "-", shop.dead_letters[0].reason)


def join(shop: StreamProcessing) -> None:
    point(9, "Creating stream joins")
    config = shop.join_streams("bought", "views", "orders", join_key="user", window_seconds=60)
    show(f"{config['join_id']}: equal {config['join_key']}, at most {config['window_seconds']} s apart")


def batches(shop: StreamProcessing) -> None:
    point(10, "Batch processing")
    for stream_id in ("views", "views", "orders"):
        batch = shop.process_stream_batch(stream_id, batch_size=5)
        show(f"{stream_id}: {batch['processed_count']} processed, {batch['remaining_count']} remain")
    show("turnover:", shop.get_state("turnover"))
    for pair in shop.join_results("bought"):
        show(f"{pair.key} looked at {pair.event1.data['page']} and paid {pair.event2.data['sum']}")
    shop.set_watermark("views", after(600))
    for window_id in shop.windows:
        for window in shop.window_results(window_id):
            whose = f" of {window.key}" if window.key else ""
            show(f"{window_id} {span(window)}{whose}:", shop.aggregate_window(window, pages))


def metrics(shop: StreamProcessing) -> None:
    point(11, "Stream metrics and monitoring")
    found = shop.get_stream_metrics("views")
    for name in ("total_events", "processed_events", "late_events", "buffer_size"):
        show(f"{name}:", found[name])
    for processor in found["processors"]:
        show(f"{processor['processor_id']}: {processor['processed_count']} events")


def report(shop: StreamProcessing) -> None:
    point(12, "Comprehensive processing reports")
    found: dict[str, Any] = shop.generate_processing_report()
    for name, count in found["summary"].items():
        show(f"{name}: {count}")
    for stream in found["streams"]:
        show(f"{stream['stream_id']}: {stream['total_events']} events, {stream['buffer_size']} buffered")


def main() -> None:
    with StreamProcessing() as shop:
        for step in (streams, processors, windows, publish, assign, aggregate):
            step(shop)
        for step in (state, watermark, join, batches, metrics, report):
            step(shop)


if __name__ == "__main__":
    main()
