"""Messages from ZeroMQ sockets, and what becomes of bad ones. Real sockets on this machine, no sleeping."""

import json
import pickle
import queue as stdlib_queue
import re
import shutil
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import zmq
from plait.errors import SourceError, SpecError
from plait.fields import options_of
from plait.readers import ZeroMQReader
from plait.readers.zeromq_reader import MessageSorter
from plait.record import END, Idle
from plait.running import Batch, Context


@pytest.fixture
def endpoint():
    """An address that nobody has bound. Not under tmp_path: such an address has 107 characters at most."""
    folder = tempfile.mkdtemp(prefix="plait")
    yield f"ipc://{Path(folder) / 'socket'}"
    shutil.rmtree(folder)


@pytest.fixture
def push(endpoint):
    """Send messages (bytes, or lists of frames) that wait for the reader to bind."""
    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.linger = 0
        socket.connect(endpoint)

        def send(*messages):
            for message in messages:
                socket.send_multipart([message] if isinstance(message, bytes) else message)

        yield send


class Run:
    """The outcome of reading to the end."""

    def __init__(self, reader, **more):
        self.letters = []
        self.context = Context(stage="live", dead=self.letters.append, **more)
        self.batches = [item for item in reader.open(self.context) if isinstance(item, Batch)]
        self.rows = [row for batch in self.batches for row in batch.frame.to_dicts()]
        self.lines = [line for batch in self.batches for line in batch.lines]
        self.dead = {letter.line: letter.reason for letter in self.letters}
        self.counts = dict(self.context.counts)


def pull(endpoint, **options):
    return ZeroMQReader(bind=endpoint, socket="pull", **{"end": "END", **options})


def subscribe(publish, **options):
    """Run a reader that subscribes; `publish(socket)` is called when it has."""
    with zmq.Context() as context, context.socket(zmq.XPUB) as socket:
        socket.bind("tcp://127.0.0.1:*")
        reader = ZeroMQReader(connect=socket.last_endpoint.decode(), **options)

        def serve():
            for _ in reader.topic or [""]:
                socket.recv()  # a subscription has arrived
            publish(socket)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            return Run(reader)
        finally:
            thread.join()


def dumps(**fields):
    return json.dumps(fields).encode()


def test_json_messages_are_rows_until_the_end_message(endpoint, push):
    push(dumps(timestamp="2010-01-01T00:00:00Z", x=1), dumps(timestamp="2010-01-01T00:00:01Z", y="a"), b"END")
    run = Run(pull(endpoint))
    assert run.rows[0]["timestamp"] == datetime(2010, 1, 1, tzinfo=UTC)
    assert [(row["x"], row.get("y")) for row in run.rows] == [(1, None), (None, "a")]
    assert run.lines == [1, 2]
    assert {batch.origin for batch in run.batches} == {endpoint}
    assert run.letters == []


def test_message_that_cannot_be_read_is_a_dead_letter_with_its_number(endpoint, push):
    bad = [b"garbage", b"\xff\xfe", b"[1]", b"", pickle.dumps({"x": 1}), [b"a", b"b", dumps(x=3)], dumps(x="text")]
    push(dumps(x=1), *bad, dumps(x=2), b"END")
    run = Run(pull(endpoint))
    assert [row["x"] for row in run.rows] == [1, 2]
    assert run.lines == [1, 9]
    says = ["not JSON", "not UTF-8|not JSON", "not an object", "empty", "pickle", "3 frames", "schema=\\(x=text\\)"]
    assert sorted(run.dead) == list(range(2, 9))
    for number, expected in enumerate(says, 2):
        assert re.search(expected, run.dead[number]), run.dead[number]
    assert {(letter.stage, letter.kind, letter.origin) for letter in run.letters} == {("live", "dead", endpoint)}


def test_event_time_that_is_missing_or_unreadable_is_a_dead_letter(endpoint, push):
    push(dumps(ts=1, x=1), dumps(x=2), dumps(ts="soon", x=3), dumps(ts=2.5, x=4), b"END")
    run = Run(pull(endpoint, timestamp="ts", unit="s"))
    assert [row["x"] for row in run.rows] == [1, 4]
    assert run.rows[1]["timestamp"] == datetime(1970, 1, 1, 0, 0, 2, 500_000, tzinfo=UTC)
    assert sorted(run.dead) == [2, 3]


def test_time_of_arrival_can_be_the_event_time_and_never_goes_back(endpoint, push):
    push(*[dumps(x=n) for n in range(3)], b"END")
    times = iter([100.0, 50.0, 50.0, 50.0])
    run = Run(pull(endpoint, arrival=True, now=lambda: next(times)))
    assert {row["timestamp"] for row in run.rows} == {datetime(1970, 1, 1, 0, 1, 40, tzinfo=UTC)}


def test_integers_become_floats_at_the_first_fraction(endpoint, push):
    push(dumps(x=1), dumps(x=2.5), dumps(x=3), b"END")
    run = Run(pull(endpoint))
    assert run.letters == []
    assert run.batches[0].frame["x"].to_list() == [1]
    assert [row["x"] for row in run.rows] == [1, 2.5, 3.0]
    assert run.batches[-1].frame["x"].dtype == pl.Float64


def test_csv_text_and_raw_payloads(endpoint, push):
    push(b"1,a", b"2", b"3,", b"END")
    run = Run(pull(endpoint, payload="csv", columns=["n", "t"]))
    assert run.rows == [{"n": 1, "t": "a"}, {"n": 3, "t": None}]
    assert "1 fields, not the 2" in run.dead[2]


def test_text_payload_is_one_column(endpoint, push):
    push("dôme".encode(), b"17", b"\xff", b"END")
    run = Run(pull(endpoint, payload="text"))
    assert run.rows == [{"text": "dôme"}, {"text": "17"}]
    assert list(run.dead) == [3]


def test_raw_payload_is_one_column_of_bytes(endpoint, push):
    push(b"\x00\xff", b"END")
    assert Run(pull(endpoint, payload="raw")).rows == [{"payload": b"\x00\xff"}]


def test_count_ends_the_stream_and_counts_unreadable_messages_too(endpoint, push):
    push(dumps(x=1), b"bad", dumps(x=3), dumps(x=4))
    run = Run(pull(endpoint, count=3, end=None))
    assert [row["x"] for row in run.rows] == [1, 3]


def test_what_had_come_behind_the_end_is_counted_and_not_delivered():
    context = Context()
    sorter = MessageSorter(ZeroMQReader(connect="tcp://127.0.0.1:1", end="END"), context)
    block = sorter.sort([[b"{}"], [b"topic", b"END"], [b"{}"], [b"{}"]])
    assert sorter.ended
    assert block.data == [b"{}"]
    assert context.counts["messages behind the end"] == 2


def test_text_of_each_message_is_kept_if_asked_for(endpoint, push):
    from plait.record import TEXT

    push(b'{"x":  1}', b"END")
    assert Run(pull(endpoint), keep_text=True).rows == [{"x": 1, TEXT: '{"x":  1}'}]


# Topics


def test_only_messages_under_the_topics_arrive_with_their_topic(endpoint):
    def publish(socket):
        for topic in (b"sensor:temp", b"sensor:wind", b"other", b"log"):
            socket.send_multipart([topic, dumps(x=topic.decode())])
        socket.send_multipart([b"sensor:", b"END"])

    run = subscribe(publish, topic=["sensor:", "log"], topic_as="topic", end="END")
    assert [(row["topic"], row["x"]) for row in run.rows] == [
        ("sensor:temp", "sensor:temp"), ("sensor:wind", "sensor:wind"), ("log", "log")
    ]  # fmt: skip


def test_topic_and_payload_may_share_one_frame():
    def publish(socket):
        for message in (b'sensor:temp {"x": 1}', b"sensor:temp", b"sensor: END"):
            socket.send(message)

    run = subscribe(publish, topic="sensor:", topic_as="from", end="END")
    assert run.rows == [{"x": 1, "from": "sensor:temp"}]
    assert list(run.dead) == [2]


def test_without_a_topic_one_frame_is_the_payload():
    def publish(socket):
        socket.send(b'{"x": "a b"}')
        socket.send(b"END")

    assert subscribe(publish, end="END").rows == [{"x": "a b"}]


def test_field_that_is_called_as_the_topic_column_is_a_dead_letter(endpoint, push):
    push([b"t", dumps(topic=1)], [b"t", dumps(x=1)], b"END")
    run = Run(pull(endpoint, topic_as="topic"))
    assert run.rows == [{"x": 1, "topic": "t"}]
    assert list(run.dead) == [1]


# Numbered messages


def numbered(topic, number, size=8):
    return [topic, number.to_bytes(size, "big"), dumps(n=number)]


def test_missing_numbers_in_a_frame_are_counted_per_topic(endpoint, push):
    push(*[numbered(b"a", n) for n in (5, 6, 9)], *[numbered(b"b", n, 4) for n in (1, 2)], numbered(b"a", 10),
         numbered(b"a", 12), [b"a", dumps(n=1)], [b"a", b"123", dumps(n=1)], b"END")  # fmt: skip
    run = Run(pull(endpoint, sequence="frame"))
    assert [row["n"] for row in run.rows] == [5, 6, 9, 1, 2, 10, 12]
    assert (run.counts["gaps"], run.counts["messages missing"]) == (2, 3)
    assert any("numbers of messages are missing" in note for note in run.context.notes)
    assert "2 frames" in run.dead[8]
    assert "3 bytes" in run.dead[9]


def test_missing_numbers_in_a_field_are_counted_and_going_back_is_a_restart(endpoint, push):
    push(*[dumps(seq=n) for n in (1, 2, 5, 1, 2)], dumps(x=1), b"END")
    run = Run(pull(endpoint, sequence="seq"))
    assert run.counts == {"gaps": 1, "messages missing": 2, "restarts": 1, "messages without a number": 1}


def test_messages_that_the_publisher_drops_at_its_high_water_mark_are_counted():
    total, flooded, first_seen, drained = 4000, threading.Event(), threading.Event(), threading.Event()
    with zmq.Context() as context, context.socket(zmq.XPUB) as socket:
        socket.sndhwm = 5
        socket.bind("tcp://127.0.0.1:*")

        def serve():
            socket.recv()
            socket.send(dumps(n=0))
            first_seen.wait()  # from here on the reader does not read
            for n in range(1, total):
                socket.send(dumps(n=n, pad="x" * 10_000))
            flooded.set()
            drained.wait()  # now there is room again
            socket.send(dumps(n=total))
            socket.send(b"END")

        thread = threading.Thread(target=serve)
        thread.start()
        counted = Context()
        address = socket.last_endpoint.decode()
        items = ZeroMQReader(connect=address, sequence="n", high_water_mark=5, end="END", idle="300ms").open(counted)
        seen = next(items).frame.height
        first_seen.set()
        flooded.wait()
        for item in items:
            seen += item.frame.height if isinstance(item, Batch) else 0
            if isinstance(item, Idle):
                drained.set()
        thread.join()
    assert counted.counts["gaps"] >= 1
    assert counted.counts["messages missing"] > 0
    assert seen + counted.counts["messages missing"] == total + 1


# Addresses and options


def test_address_in_use_is_named():
    with zmq.Context() as context, context.socket(zmq.PUB) as other:
        other.bind("tcp://127.0.0.1:*")
        address = other.last_endpoint.decode()
        with pytest.raises(SourceError, match=f"{address}: the address is in use"):
            Run(ZeroMQReader(bind=address))


@pytest.mark.parametrize("way", ["bind", "connect"])
@pytest.mark.parametrize("address", ["tcp://127.0.0.1", "127.0.0.1:5555", "tcp//x", "nothing://x"])
def test_bad_address_is_named(way, address):
    with pytest.raises(SourceError, match=f"^{address}: not a"):
        Run(ZeroMQReader(**{way: address}))


@pytest.mark.parametrize(
    ("options", "option", "says"),
    [
        ({}, None, "connect= and bind="),
        ({"connect": "a", "bind": "b"}, None, "connect= and bind="),
        ({"connect": "a", "socket": "pull", "topic": "x"}, "topic", "socket=sub"),
        ({"connect": "a", "socket": "rep"}, "socket", "not one of"),
        ({"connect": "a", "payload": "csv"}, "columns", "needs it"),
        ({"connect": "a", "columns": ["x"]}, "columns", "payload=csv"),
        ({"connect": "a", "delimiter": ";"}, "delimiter", "payload=csv"),
        ({"connect": "a", "payload": "raw", "timestamp": "t"}, "timestamp", "arrival"),
        ({"connect": "a", "arrival": True, "timestamp": "t"}, "arrival", "either"),
        ({"connect": "a", "secret_key": "f"}, "server_key", "missing"),
        ({"bind": "a", "server_key": "f"}, "server_key", "secret_key"),
        ({"connect": "a", "count": 0}, "count", "at least 1"),
        ({"connect": "a", "high_water_mark": 0}, "high_water_mark", "at least 1"),
    ],
)
def test_options_that_do_not_fit_are_refused_by_name(options, option, says):
    with pytest.raises(SpecError, match=says) as caught:
        ZeroMQReader(**options)
    assert caught.value.option == option


def test_reader_pickles_and_scripts_know_its_options():
    reader = ZeroMQReader(connect="tcp://127.0.0.1:1", topic=["a", "b"], payload="csv", columns=["x"], idle="2s")
    assert pickle.loads(pickle.dumps(reader)) == reader
    options = options_of(ZeroMQReader)
    assert {"connect", "bind", "topic", "payload", "columns", "idle", "sequence", "end", "count"} <= options.keys()
    assert not {"queue", "wrapper", "now"} & options.keys()


# Without an engine


def test_run_puts_dicts_as_they_were_sent_and_then_the_end(endpoint, push):
    push(dumps(timestamp=1010, value=1), b"bad", dumps(value="x", nested={"a": [1, "b"]}), b"END")
    queue = stdlib_queue.Queue()
    assert pull(endpoint, queue=queue).run() == 2
    assert list(iter(queue.get, END)) == [{"timestamp": 1010, "value": 1}, {"value": "x", "nested": {"a": [1, "b"]}}]


def test_wrapper_gets_each_record(endpoint, push):
    push(dumps(x=1), dumps(x=2), b"END")
    assert list(pull(endpoint, wrapper=lambda record: record["x"]).records()) == [1, 2]


def test_address_that_cannot_be_had_ends_the_queue_and_raises():
    queue = stdlib_queue.Queue()
    with pytest.raises(SourceError):
        ZeroMQReader(bind="nothing://x", queue=queue).run()
    assert queue.get_nowait() is END
