"""`plait.processing`: what its windows, joins and accounts must be is computed here without it, of all events."""

import contextlib
import io
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plait import CallbackError, PlaitError, SinkError, SpecError
from plait.processing import Event, StreamProcessing

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "examples" / "processing_demo.py"
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NAIVE = datetime(2026, 3, 1, 12, 0)


def at(second: float, name: str = "e", kind: str = "view", **data) -> Event:
    return Event(name, kind, data, START + timedelta(seconds=second))


def times(events) -> list[float]:
    return [(event.event_time - START).total_seconds() for event in events]


def one_stream(**config) -> StreamProcessing:
    sp = StreamProcessing()
    sp.create_stream("s", config)
    return sp


def process_all(sp: StreamProcessing, *streams: str) -> None:
    for stream in streams or ("s",):
        while sp.event_buffer[stream]:
            sp.process_stream_batch(stream, 1000)


# The script of the interface, from top to bottom

SCRIPT = """
from collections import defaultdict
from datetime import datetime, timedelta
from plait.processing import StreamProcessing, Event

sp = StreamProcessing()
sp.create_stream("user-events", {"type": "user_activity"})

def count_events(event: Event) -> dict:
    current = sp.get_state(event.event_type, namespace="counters") or 0
    sp.update_state(event.event_type, current + 1, namespace="counters")
    return {"event_type": event.event_type, "count": current + 1}

sp.register_processor(processor_id="event_counter", stream_id="user-events", process_fn=count_events)
base_time = datetime(2026, 3, 1, 12, 0)
for i in range(10):
    event = Event(
        event_id=f"event_{i}",
        event_type="page_view" if i % 2 == 0 else "button_click",
        data={"user_id": f"user_{i % 3}", "page": f"/page{i}"},
        event_time=base_time + timedelta(seconds=i * 30),
    )
    sp.publish_event("user-events", event)
sp.create_tumbling_window(window_id="5min_tumbling", stream_id="user-events", window_size_seconds=300)
sp.create_sliding_window(
    window_id="10min_sliding", stream_id="user-events", window_size_seconds=600, slide_size_seconds=300
)
if sp.event_buffer["user-events"]:
    event = sp.event_buffer["user-events"][0]
    windows = sp.assign_to_window("5min_tumbling", event)
    print(f"assigned to {len(windows)}, and {len(sp.assign_to_window('10min_sliding', event))} that slide")

def count_by_type(events: list) -> dict:
    counts = defaultdict(int)
    for event in events:
        counts[event.event_type] += 1
    return dict(counts)

tumbling_config = sp.windows["5min_tumbling"]
if tumbling_config.get("current_window"):
    print(sp.aggregate_window(tumbling_config["current_window"], count_by_type))
sp.update_state("total_events", 1000, namespace="stats")
sp.update_state("total_users", 50, namespace="stats")
print(sp.get_state("total_events", namespace="stats"), sp.get_state("total_users", namespace="stats"))
sp.set_watermark("user-events", base_time - timedelta(minutes=5))
sp.create_stream("transaction-events", {"type": "transactions"})
join = sp.join_streams(
    join_id="user_transaction_join",
    stream1_id="user-events",
    stream2_id="transaction-events",
    join_key="user_id",
    window_seconds=300,
)
print(join["join_id"], join["join_key"], join["window_seconds"])
batch_result = sp.process_stream_batch(stream_id="user-events", batch_size=5)
print(batch_result["processed_count"], batch_result["remaining_count"])
metrics = sp.get_stream_metrics("user-events")
print(metrics["total_events"], metrics["buffer_size"], metrics["processor_count"])
for proc in metrics["processors"]:
    print(proc["processor_id"], proc["processed_count"])
print(sp.get_state("page_view", namespace="counters"), sp.get_state("button_click", namespace="counters"))
print(sp.aggregate_window(tumbling_config["current_window"], count_by_type))
report = sp.generate_processing_report()
print(*(report["summary"][f"total_{what}"] for what in ("streams", "processors", "windows", "processed_events")))
for stream in report["streams"]:
    print(stream["stream_id"], stream["total_events"], stream["buffer_size"])
"""

PRINTED = """\
assigned to 1, and 2 that slide
{'page_view': 1}
1000 50
user_transaction_join user_id 300
5 5
10 5 1
event_counter 5
3 2
{'page_view': 3, 'button_click': 2}
2 1 2 5
user-events 10 5
transaction-events 0 0
"""


def test_the_interface_works_as_one_script_from_top_to_bottom():
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(SCRIPT, {"__name__": "script"})
    assert said.getvalue() == PRINTED


# Order, lateness, the watermark


def test_a_batch_takes_the_earliest_events_in_event_time_order_and_those_of_one_time_as_published():
    sp = one_stream()
    seen = []
    sp.register_processor("p", "s", lambda event: seen.append(event.event_id))
    for second, name in [(5, "a"), (1, "b"), (5, "c"), (0, "d"), (1, "e")]:
        assert sp.publish_event("s", at(second, name))
    assert [event.event_id for event in sp.event_buffer["s"]] == ["d", "b", "e", "a", "c"]
    first = sp.process_stream_batch("s", 3)
    assert (first["processed_count"], first["remaining_count"], seen) == (3, 2, ["d", "b", "e"])
    assert [result["event_id"] for result in first["results"]] == seen
    assert sp.process_stream_batch("s", 3)["processed_count"] == 2
    assert sp.process_stream_batch("s", 3)["processed_count"] == 0
    assert seen == ["d", "b", "e", "a", "c"]


def test_an_event_is_late_if_it_is_before_the_watermark_and_becomes_a_dead_letter():
    sp = one_stream()
    assert sp.publish_event("s", at(1, "before the watermark was set"))
    assert sp.set_watermark("s", START + timedelta(seconds=10)) == START + timedelta(seconds=10)
    assert sp.publish_event("s", at(10, "at the watermark"))
    assert not sp.publish_event("s", at(9.999999, "late"))
    metrics = sp.get_stream_metrics("s")
    assert (metrics["total_events"], metrics["late_events"], metrics["buffer_size"]) == (3, 1, 2)
    (letter,) = sp.dead_letters
    assert (letter.stage, letter.kind, letter.record["event_id"]) == ("s", "late", "late")
    assert letter.reason == "2026-03-01T12:00:09.999999+00:00 is before the watermark, 2026-03-01T12:00:10+00:00"


def test_a_watermark_never_goes_back():
    sp = one_stream()
    later = sp.set_watermark("s", START)
    assert sp.set_watermark("s", START - timedelta(days=1)) == later == sp.get_stream_metrics("s")["watermark"]
    assert not sp.publish_event("s", at(-1))


def test_with_lateness_the_watermark_follows_the_largest_time():
    sp = one_stream(lateness_seconds=5)
    accepted = [sp.publish_event("s", at(second)) for second in (10, 5, 4.9, 12, 6.9, 7)]
    assert accepted == [True, True, False, True, False, True]
    assert sp.get_stream_metrics("s")["watermark"] == START + timedelta(seconds=7)


def test_naive_times_are_taken_as_utc_and_windows_of_naive_events_are_naive():
    sp = one_stream()
    sp.create_tumbling_window("w", "s", 60)
    sp.set_watermark("s", NAIVE)
    east = timezone(timedelta(hours=2))
    assert not sp.publish_event("s", Event("e", "t", {}, datetime(2026, 3, 1, 13, 59, tzinfo=east)))
    assert sp.publish_event("s", Event("e", "t", {}, NAIVE + timedelta(seconds=61)))
    process_all(sp)
    window = sp.windows["w"]["current_window"]
    assert (window.start, window.end) == (NAIVE + timedelta(minutes=1), NAIVE + timedelta(minutes=2))
    assert sp.set_watermark("s", START + timedelta(minutes=3)).tzinfo is UTC
    assert sp.window_results("w") == [window]


# Windows


def test_a_window_goes_out_once_when_the_watermark_passes_its_end():
    sp = one_stream()
    sp.create_tumbling_window("w", "s", 10)
    for second in (1, 9, 10, 25):
        sp.publish_event("s", at(second))
    process_all(sp)
    sp.set_watermark("s", START + timedelta(seconds=9.999999))
    assert sp.window_results("w") == []
    sp.set_watermark("s", START + timedelta(seconds=20))
    assert [times(window.events) for window in sp.window_results("w")] == [[1, 9], [10]]
    assert sp.window_results("w") == []
    assert times(sp.windows["w"]["current_window"].events) == [25]
    sp.set_watermark("s", datetime.max)
    assert [times(window.events) for window in sp.windows["w"]["results"]] == [[25]]
    assert sp.windows["w"]["current_window"] is None


def test_a_window_waits_for_the_events_before_the_watermark_that_are_not_assigned_yet():
    sp = one_stream()
    sp.create_tumbling_window("w", "s", 10)
    first, second = at(1, "a"), at(2, "b")
    sp.publish_event("s", first)
    sp.publish_event("s", second)
    sp.set_watermark("s", START + timedelta(seconds=10))
    (window,) = sp.assign_to_window("w", second)
    assert sp.windows["w"]["results"] == []
    assert sp.assign_to_window("w", first) == [window] == sp.assign_to_window("w", second)
    sp.set_watermark("s", START + timedelta(seconds=10))
    assert sp.window_results("w") == [window]
    process_all(sp)
    assert (sp.window_results("w"), sp.windows["w"]["current_window"]) == ([], None), "it was opened again"
    assert times(window.events) == [1, 2]


def test_an_event_assigned_late_lies_in_no_window_and_is_a_dead_letter():
    sp = one_stream()
    sp.create_sliding_window("w", "s", 10, 5)
    sp.set_watermark("s", START)
    assert sp.assign_to_window("w", at(-1)) == []
    assert [letter.kind for letter in sp.dead_letters] == ["late"]
    assert sp.windows["w"]["late_events"] == 1
    assert [window.start for window in sp.assign_to_window("w", at(0))] == [START - timedelta(seconds=5), START]


def test_windows_that_leave_gaps_hold_what_lies_in_them():
    sp = one_stream()
    sp.create_sliding_window("w", "s", 1, 10)
    assert sp.assign_to_window("w", at(5)) == []
    assert len(sp.assign_to_window("w", at(10.5))) == 1


def test_an_event_that_is_published_again_is_another_one_and_one_assigned_before_is_not():
    sp = one_stream()
    sp.create_tumbling_window("w", "s", 10)
    again, before = at(1, "again"), at(3, "before")
    for _ in range(2):
        sp.publish_event("s", again)
        sp.publish_event("s", again)
        sp.assign_to_window("w", again)
        process_all(sp)
    sp.assign_to_window("w", before)
    sp.publish_event("s", before)
    process_all(sp)
    assert [event.event_id for event in sp.windows["w"]["current_window"].events] == ["again"] * 4 + ["before"]


ticks = st.integers(-40, 40)
published = st.tuples(st.just("publish"), ticks, st.sampled_from(["a", "b", None]))
steps = st.lists(
    published
    | st.tuples(st.just("process"), st.integers(1, 4), st.none())
    | st.tuples(st.just("assign"), st.integers(0, 5), st.none())
    | st.tuples(st.just("watermark"), ticks, st.none()),
    max_size=40,
)


def run_steps(sp: StreamProcessing, what, accepted: list[Event], check) -> None:
    """Do the steps with the stream `s` and the window `w`, then process and close all."""
    for step, number, key in what:
        if step == "publish":
            event = at(number, str(len(accepted)), key=key)
            if sp.publish_event("s", event):
                accepted.append(event)
        elif step == "process":
            sp.process_stream_batch("s", number)
        elif step == "assign" and number < len(sp.event_buffer["s"]):
            sp.assign_to_window("w", sp.event_buffer["s"][number])
        elif step == "watermark":
            sp.set_watermark("s", START + timedelta(seconds=number))
        check()
    process_all(sp)
    sp.set_watermark("s", datetime.max)


def contents(windows) -> list[tuple[datetime, datetime, object, list[str]]]:
    return [(w.end, w.start, w.key, sorted(event.event_id for event in w.events)) for w in windows]


@given(steps, st.integers(1, 12), st.integers(1, 12))
def test_windows_hold_what_an_oracle_finds_each_once_in_order(what, size, slide):
    sp, accepted = one_stream(), []
    config = sp.create_sliding_window("w", "s", size, slide)

    def check():
        mark = sp.get_stream_metrics("s")["watermark"]
        assert all(window.end <= mark for window in config["results"])

    run_steps(sp, what, accepted, check)
    expected = []
    for number in range(-120, 120):
        start = int(START.timestamp()) // slide * slide + number * slide
        inside = [e.event_id for e in accepted if start <= e.event_time.timestamp() < start + size]
        if inside:
            begin = datetime.fromtimestamp(start, UTC)
            expected.append((begin + timedelta(seconds=size), begin, None, sorted(inside)))
    assert contents(config["results"]) == expected
    for window in config["results"]:
        assert times(window.events) == sorted(times(window.events))


@given(steps, st.integers(1, 12), st.booleans())
def test_sessions_hold_what_an_oracle_finds_each_once_in_order(what, gap, by_key):
    sp, accepted = one_stream(), []
    config = sp.create_session_window("w", "s", gap, by="key" if by_key else None)

    def check():
        mark = sp.get_stream_metrics("s")["watermark"]
        assert all(window.end < mark for window in config["results"])

    run_steps(sp, what, accepted, check)
    sessions: list[list[Event]] = []
    latest: dict[object, list[Event]] = {}
    for event in sorted(accepted, key=lambda e: e.event_time):
        key = event.data["key"] if by_key else None
        if key in latest and event.event_time - latest[key][-1].event_time <= timedelta(seconds=gap):
            latest[key].append(event)
        else:
            latest[key] = [event]
            sessions.append(latest[key])
    expected = [
        (
            s[-1].event_time + timedelta(seconds=gap),
            s[0].event_time,
            s[0].data["key"] if by_key else None,
            sorted(e.event_id for e in s),
        )
        for s in sessions
    ]
    in_order = sorted(expected, key=lambda w: (w[0], w[1], type(w[2]).__name__, str(w[2])))
    assert contents(config["results"]) == in_order


@given(steps)
def test_every_event_is_accounted_for_and_what_is_late_is_decided_by_the_order_of_publishing(what):
    sp, accepted, mark = one_stream(), [], None
    sp.create_tumbling_window("w", "s", 7)
    late = 0
    for step, number, _ in what:
        if step == "watermark":
            mark = number if mark is None else max(mark, number)
        late += step == "publish" and mark is not None and number < mark
    run_steps(sp, what, accepted, lambda: None)
    metrics = sp.get_stream_metrics("s")
    assert (metrics["late_events"], len(sp.dead_letters)) == (late, late)
    assert metrics["total_events"] == sum(step == "publish" for step, *_ in what) == metrics["processed_events"] + late
    assert metrics["processed_events"] == len(accepted)


def test_a_bridging_event_makes_one_session_of_two_and_the_earlier_goes_on():
    sp = one_stream()
    sp.create_session_window("w", "s", 10, by="user")
    (one,) = sp.assign_to_window("w", at(0, user=1))
    (two,) = sp.assign_to_window("w", at(20, user=1))
    assert one is not two
    assert sp.assign_to_window("w", at(10, user=2)) != [one]
    assert sp.assign_to_window("w", at(10, user=1)) == [one]
    assert (times(one.events), one.end, one.key) == ([0, 10, 20], START + timedelta(seconds=30), 1)
    assert sp.generate_processing_report()["windows"][0]["open_windows"] == 2


def test_a_session_waits_for_an_event_at_the_very_end_of_its_gap():
    sp = one_stream()
    sp.create_session_window("w", "s", 10)
    sp.publish_event("s", at(0))
    process_all(sp)
    sp.set_watermark("s", START + timedelta(seconds=10))
    assert sp.publish_event("s", at(10))
    process_all(sp)
    sp.set_watermark("s", START + timedelta(seconds=20.000001))
    assert [times(window.events) for window in sp.window_results("w")] == [[0, 10]]


@pytest.mark.parametrize("key", [lambda: ["x"], lambda: float("nan")])
def test_what_cannot_be_hashed_is_a_key_by_its_repr_and_nan_is_a_key(key):
    sp = one_stream()
    sp.create_session_window("w", "s", 10, by="tags")
    (one,) = sp.assign_to_window("w", at(0, tags=key()))
    assert sp.assign_to_window("w", at(1, tags=key())) == [one] != sp.assign_to_window("w", at(1, tags=["y"]))
    sp.create_stream("other")
    sp.join_streams("j", "s", "other", "tags", 10)
    for stream in ("s", "other"):
        sp.publish_event(stream, at(2, tags=key()))
        sp.process_stream_batch(stream)
    assert len(sp.join_results("j")) == 1


# Joins

join_steps = st.lists(
    st.tuples(
        st.sampled_from(["publish", "process", "watermark"]),
        st.sampled_from([0, 1]),
        ticks,
        st.sampled_from(["a", "b", None]),
    ),
    max_size=60,
)


@given(join_steps, st.integers(1, 15))
def test_a_join_finds_each_pair_that_an_oracle_finds_once(what, apart):
    sp, names = StreamProcessing(), ("one", "two")
    for name in names:
        sp.create_stream(name)
    config = sp.join_streams("j", "one", "two", "key", apart)
    accepted: tuple[list[Event], list[Event]] = ([], [])
    for step, side, number, key in what:
        if step == "publish":
            event = at(number, f"{side}.{len(accepted[side])}", key=key)
            if sp.publish_event(names[side], event):
                accepted[side].append(event)
        elif step == "process":
            sp.process_stream_batch(names[side], abs(number) // 8 + 1)
        else:
            sp.set_watermark(names[side], START + timedelta(seconds=number))
    process_all(sp, *names)
    expected = Counter(
        (left.data["key"], left.event_id, right.event_id, max(left.event_time, right.event_time))
        for left in accepted[0]
        for right in accepted[1]
        if left.data["key"] == right.data["key"] is not None
        and abs(left.event_time - right.event_time) <= timedelta(seconds=apart)
    )
    found = sp.join_results("j")
    assert Counter((p.key, p.event1.event_id, p.event2.event_id, p.event_time) for p in found) == expected
    assert config["without_key"] == sum(event.data["key"] is None for event in (*accepted[0], *accepted[1]))
    assert sp.join_results("j") == []


def test_a_join_holds_an_event_until_no_partner_can_come_and_no_longer():
    sp = StreamProcessing()
    sp.create_stream("one")
    sp.create_stream("two")
    join = sp.join_streams("j", "one", "two", "user", 10)
    for second in (0, 89.999, 90, 95):
        sp.publish_event("one", at(second, user=1))
    process_all(sp, "one")
    sp.set_watermark("two", START + timedelta(seconds=100))
    sp.publish_event("two", at(100, user=1))
    process_all(sp, "two")
    assert [times([p.event1, p.event2]) for p in sp.join_results("j")] == [[90, 100], [95, 100]]
    sp.set_watermark("two", datetime.max)
    sp.set_watermark("one", datetime.max)
    assert sp.generate_processing_report()["joins"][0]["held_events"] == 0
    assert join["results"] == []


def test_pairs_of_a_batch_are_in_order_of_the_later_time_then_of_the_first_stream():
    sp = StreamProcessing()
    sp.create_stream("one")
    sp.create_stream("two")
    sp.join_streams("j", "one", "two", "user", 10)
    for second in (3, 1, 5):
        sp.publish_event("one", at(second, user=7))
    sp.publish_event("one", at(1, user=8))
    for second in (4, 2):
        sp.publish_event("two", at(second, user=7))
    process_all(sp, "one")
    assert sp.join_results("j") == []
    process_all(sp, "two")
    pairs = sp.join_results("j")
    assert [times([p.event1, p.event2]) for p in pairs] == [[1, 2], [3, 2], [1, 4], [3, 4], [5, 2], [5, 4]]
    assert [p.event_time for p in pairs] == sorted(p.event_time for p in pairs)
    assert {p.key for p in pairs} == {7}


# Processors and state


def test_a_processor_that_raises_leaves_a_dead_letter_and_the_rest_waiting():
    sp = one_stream()
    sp.create_tumbling_window("w", "s", 100)

    def refuse(event):
        sp.update_state("seen", (sp.get_state("seen") or 0) + 1)
        return 1 / (times([event])[0] - 2)

    sp.register_processor("divide", "s", refuse)
    for second in range(5):
        sp.publish_event("s", at(second, f"e{second}"))
    with pytest.raises(CallbackError, match="'divide' raised at event 'e2': ZeroDivisionError") as caught:
        sp.process_stream_batch("s", 4)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert [letter.kind for letter in sp.dead_letters] == ["failed"]
    assert times(sp.event_buffer["s"]) == [3, 4]
    assert sp.process_stream_batch("s")["processed_count"] == 2
    metrics = sp.get_stream_metrics("s")
    assert (metrics["total_events"], metrics["processed_events"], metrics["failed_events"]) == (5, 4, 1)
    assert metrics["processors"][0]["processed_count"] == 4
    assert times(sp.windows["w"]["current_window"].events) == [0, 1, 3, 4]
    assert sp.get_state("seen") == 5


def test_an_interrupted_batch_loses_nothing():
    sp = one_stream()

    def interrupted(event):
        if times([event]) == [1] and not sp.get_state("interrupted"):
            sp.update_state("interrupted", True)
            raise KeyboardInterrupt

    sp.register_processor("p", "s", interrupted)
    for second in range(3):
        sp.publish_event("s", at(second))
    with pytest.raises(KeyboardInterrupt):
        sp.process_stream_batch("s")
    assert times(sp.event_buffer["s"]) == [1, 2]
    assert sp.process_stream_batch("s")["processed_count"] == 2


def test_a_processor_may_publish_set_the_watermark_and_process_another_stream():
    sp = one_stream()
    sp.create_stream("out")
    sp.create_tumbling_window("w", "s", 10)

    def forward(event):
        sp.publish_event("out", event)
        sp.set_watermark("s", event.event_time + timedelta(seconds=20))
        assert sp.windows["w"]["results"] == [], "its window has closed without it"
        return sp.process_stream_batch("out")["processed_count"]

    sp.register_processor("p", "s", forward)
    for second in (1, 2):
        sp.publish_event("s", at(second))
    assert [result["result"] for result in sp.process_stream_batch("s")["results"]] == [1, 1]
    assert [times(window.events) for window in sp.window_results("w")] == [[1, 2]]


def test_namespaces_keep_apart_and_what_is_not_there_is_the_default():
    with StreamProcessing() as sp:
        sp.update_state("k", 1)
        sp.update_state("k", {"deep": [2]}, namespace="n")
        assert (sp.get_state("k"), sp.get_state("k", "n"), sp.get_state("other")) == (1, {"deep": [2]}, None)
        assert sp.get_state("other", default=0) == 0
        sp.delete_state("k", namespace="n")
        sp.delete_state("never there")
        assert (sp.get_state("k"), sp.get_state("k", namespace="n")) == (1, None)


CRASH = """
import os, signal, sys
from datetime import datetime
from plait.processing import Event, StreamProcessing

sp = StreamProcessing(sys.argv[1])
sp.create_stream("s")
sp.update_state("outside", 1)

def count(event):
    sp.update_state("count", (sp.get_state("count") or 0) + 1)
    if event.event_id == "last":
        os.kill(os.getpid(), signal.SIGKILL)

sp.register_processor("p", "s", count)
for name in ("a", "b", "c", "last"):
    sp.publish_event("s", Event(name, "t", {}, datetime(2026, 3, 1)))
sp.process_stream_batch("s", 2)
sp.process_stream_batch("s", 2)
"""


@pytest.mark.processes
@pytest.mark.timeout(60)
def test_state_survives_a_crash_as_of_the_last_batch_that_was_over(tmp_path):
    path = tmp_path / "state.db"
    done = subprocess.run([sys.executable, "-c", CRASH, str(path)], capture_output=True, text=True, timeout=50)
    assert done.returncode == -signal.SIGKILL, done.stderr
    with StreamProcessing(path) as sp:
        assert (sp.get_state("outside"), sp.get_state("count")) == (1, 2)
        sp.update_state("count", 3)
    with StreamProcessing(str(path)) as sp:
        assert sp.get_state("count") == 3


# Threads


def started(failures: list[BaseException], calls) -> list[threading.Thread]:
    def guarded(work, argument) -> None:
        try:
            work(argument)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=call) for call in calls]
    for thread in threads:
        thread.start()
    return threads


@pytest.mark.timeout(60)
def test_publishing_and_processing_from_several_threads_loses_and_doubles_nothing():
    sp, each, publishers = one_stream(), 200, 4
    sp.create_stream("other")
    sp.create_sliding_window("w", "s", 20, 10)
    sp.join_streams("j", "s", "other", "n", 1)
    published, failures = threading.Event(), []

    def count(event):
        sp.update_state("count", sp.get_state("count", default=0) + 1)

    sp.register_processor("p", "s", count)
    sp.register_processor("q", "other", count)

    def publish(who: int) -> None:
        for number in range(each):
            event = at(number, f"{who}.{number}", n=(who, number))
            sp.publish_event("s", event)
            sp.publish_event("other", event)

    def process(stream: str) -> None:
        while not published.is_set() or sp.event_buffer[stream]:
            sp.process_stream_batch(stream, 7)

    makers = started(failures, [(publish, who) for who in range(publishers)])
    takers = started(failures, [(process, name) for name in ("s", "s", "other")])
    for thread in makers:
        thread.join()
    published.set()
    for thread in takers:
        thread.join()
    sp.set_watermark("s", datetime.max)
    assert failures == []
    assert sp.get_state("count") == 2 * each * publishers
    assert sum(len(window.events) for window in sp.window_results("w")) == 2 * each * publishers
    assert len(sp.join_results("j")) == each * publishers
    assert sp.get_stream_metrics("s")["processed_events"] == each * publishers


@pytest.mark.timeout(60)
def test_publishing_does_not_wait_for_a_processor():
    sp = one_stream()
    begun, may_end = threading.Event(), threading.Event()

    def wait(event):
        begun.set()
        assert may_end.wait(30)

    sp.register_processor("p", "s", wait)
    sp.publish_event("s", at(0))
    worker = threading.Thread(target=sp.process_stream_batch, args=("s",))
    worker.start()
    assert begun.wait(30)
    assert sp.publish_event("s", at(1))
    assert times(sp.event_buffer["s"]) == [1]
    may_end.set()
    worker.join()
    assert sp.get_stream_metrics("s")["processed_events"] == 1


# What cannot be


def filled() -> StreamProcessing:
    sp = StreamProcessing()
    sp.create_stream("clicks")
    sp.create_stream("orders")
    sp.create_tumbling_window("minute", "clicks", 60)
    sp.join_streams("both", "clicks", "orders", "user", 60)
    sp.register_processor("counter", "clicks", len)
    return sp


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            lambda sp: sp.publish_event("click", at(0)),
            r"stream_id: there is no stream 'click'; did you mean 'clicks'\?",
        ),
        (lambda sp: sp.process_stream_batch("xyz"), "there is no stream 'xyz'; allowed: clicks, orders"),
        (lambda sp: sp.set_watermark(7, START), "there is no stream 7"),
        (lambda sp: sp.get_stream_metrics("order"), "did you mean 'orders'"),
        (lambda sp: sp.register_processor("p", "clickz", len), "did you mean 'clicks'"),
        (lambda sp: sp.create_sliding_window("w", "clickz", 2, 1), "did you mean 'clicks'"),
        (lambda sp: sp.create_session_window("w", "clickz", 2), "did you mean 'clicks'"),
        (lambda sp: sp.join_streams("j", "clicks", "orderz", "user", 1), "did you mean 'orders'"),
        (lambda sp: sp.assign_to_window("minutes", at(0)), r"window_id: there is no window .* did you mean 'minute'"),
        (lambda sp: sp.window_results("minutes"), "did you mean 'minute'"),
        (lambda sp: sp.join_results("bot"), "join_id: there is no join 'bot'; did you mean 'both'"),
        (lambda sp: sp.create_stream("clicks"), "there is a stream 'clicks' already"),
        (lambda sp: sp.create_stream(""), "takes a name, not ''"),
        (lambda sp: sp.create_stream("s", {"lateness_seconds": -1}), "lateness_seconds: .*0 or more; not -1"),
        (lambda sp: sp.create_tumbling_window("minute", "clicks", 5), "there is a window 'minute' already"),
        (lambda sp: sp.register_processor("counter", "orders", len), "there is a processor 'counter' already"),
        (lambda sp: sp.join_streams("both", "clicks", "orders", "x", 1), "there is a join 'both' already"),
        (lambda sp: sp.join_streams("j", "clicks", "clicks", "x", 1), "'clicks' is joined with itself"),
        (lambda sp: sp.create_tumbling_window("w", "clicks", 0), "window_size_seconds: .* not 0"),
        (lambda sp: sp.create_tumbling_window("w", "clicks", float("nan")), "not nan"),
        (lambda sp: sp.create_tumbling_window("w", "clicks", True), "not True"),
        (lambda sp: sp.create_tumbling_window("w", "clicks", 1e-9), "to the microsecond"),
        (lambda sp: sp.create_sliding_window("w", "clicks", 5, -1), "slide_size_seconds: .* not -1"),
        (lambda sp: sp.create_session_window("w", "clicks", "5"), "gap_seconds: .* not '5'"),
        (lambda sp: sp.join_streams("j", "clicks", "orders", "x", 0), "window_seconds: .* not 0"),
        (lambda sp: sp.process_stream_batch("clicks", 0), "batch_size: takes a whole number of at least 1, not 0"),
        (lambda sp: sp.publish_event("clicks", {"event_id": 1}), r"takes an Event\(event_id, event_type, data"),
        (lambda sp: sp.assign_to_window("minute", None), "takes an Event"),
        (lambda sp: sp.set_watermark("clicks", 12), "watermark_time: takes a datetime, not 12"),
        (lambda sp: sp.register_processor("p", "clicks", "len"), "process_fn: takes a function, not 'len'"),
        (lambda sp: sp.aggregate_window({}, len), "window: takes a Window"),
        (lambda sp: Event("e", "t", [], START), "Event: data: takes a mapping"),
        (lambda sp: Event("e", "t", {}, "2026-03-01"), "Event: event_time: takes a datetime"),
        (lambda sp: StreamProcessing(max_held=0), "max_held"),
        (lambda sp: StreamProcessing().publish_event("s", at(0)), "none has been created yet"),
    ],
)
def test_what_cannot_be_is_refused_with_what_would_have_been_right(wrong, words):
    sp = filled()
    before = sp.generate_processing_report()
    with pytest.raises(SpecError, match=words) as caught:
        wrong(sp)
    assert isinstance(caught.value, PlaitError | ValueError)
    assert sp.generate_processing_report() == before


@pytest.mark.parametrize("full", ["buffer", "window", "join", "dead_letters"])
def test_what_is_full_refuses_and_loses_nothing(full):
    sp = StreamProcessing(max_held=3)
    sp.create_stream("s")
    sp.create_stream("t")
    if full == "window":
        sp.create_tumbling_window("w", "s", 60)
    if full == "join":
        sp.join_streams("j", "s", "t", "user", 60)
    if full == "dead_letters":
        sp.set_watermark("s", START + timedelta(days=1))
    for second in range(3):
        sp.publish_event("s", at(second, user=1))
    if full in ("window", "join"):
        process_all(sp)
    before = sp.generate_processing_report()
    with pytest.raises(SinkError, match=f"{full}.*: holds 3, and max_held allows no more"):
        sp.publish_event("s", at(5))
    assert sp.generate_processing_report() == before
    sp.set_watermark("s", START + timedelta(days=1))
    sp.set_watermark("t", START + timedelta(days=1))
    process_all(sp)
    sp.dead_letters.clear()
    if full == "window":
        sp.window_results("w")
    assert sp.publish_event("s", at(200_000))


def test_the_state_of_a_window_is_there_until_all_streams_have_passed_it():
    sp, seen = one_stream(), []
    sp.create_stream("t")

    def count(event):
        start = START + timedelta(seconds=times([event])[0] // 10 * 10)
        seen.append(sp.state.of_window(start, start + timedelta(seconds=10)).update("n", lambda n: n + 1, 0))

    sp.register_processor("p", "s", count)
    for second in (0, 5, 9, 10, 25):
        sp.publish_event("s", at(second))
    sp.set_watermark("s", START + timedelta(days=1))
    process_all(sp)
    assert (seen, sp.state.time, len(sp.state)) == ([1, 2, 3, 1, 1], None, 3)  # `t` may be as far behind as it likes
    sp.set_watermark("t", START + timedelta(seconds=15))
    assert (sp.state.time, len(sp.state)) == (START + timedelta(seconds=15), 2)
    sp.set_watermark("t", datetime.max)
    assert (sp.state.time, len(sp.state)) == (START + timedelta(seconds=25), 1)  # no event has come so far as that


# The demo and the page


@pytest.mark.processes
@pytest.mark.timeout(60)
def test_the_demo_prints_what_stands_beside_it():
    done = subprocess.run([sys.executable, str(DEMO)], capture_output=True, text=True, timeout=50, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == DEMO.with_suffix(".txt").read_text(encoding="utf-8")


def test_the_demo_has_twelve_points():
    shown = re.findall(r"^(\d+)\. ", DEMO.with_suffix(".txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert shown == [str(number) for number in range(1, 13)]


def test_the_page_does_what_it_shows_from_top_to_bottom():
    page = (ROOT / "docs" / "processing.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```\n(?:\n?```text\n(.*?)```)?", page, re.DOTALL)
    assert len(blocks) == page.count("```python") > 4
    names: dict[str, object] = {"__name__": "page"}
    for code, shown in blocks:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(code, names)
        assert said.getvalue() == shown, code


def test_the_table_of_methods_has_all_of_them():
    public = {name for name in vars(StreamProcessing) if not name.startswith("_")}
    assert public == set(re.findall(r"`(\w+)(?:\(|`)", StreamProcessing.__doc__.split("| method")[1])) & public
