"""What bad messages come to in a whole run, on both engines: dead letters with their number, or one clear message."""

import json
import os
import pickle
import re
import shutil
import tempfile
import threading
from pathlib import Path

import pytest
import zmq
from plait import Pipeline
from plait.engines import Control
from plait.errors import SourceError

pytestmark = [pytest.mark.processes, pytest.mark.timeout(60)]

ENGINES = pytest.mark.parametrize("engine", ["serial", "local"])


@pytest.fixture
def endpoint():
    """An address that nobody has bound. Not under tmp_path: such an address has 107 characters at most."""
    folder = tempfile.mkdtemp(prefix="plait")
    yield f"ipc://{folder}/socket"
    shutil.rmtree(folder)


@pytest.fixture
def context():
    with zmq.Context() as context:
        context.linger = 0
        yield context


def message(second: int, **fields) -> bytes:
    return json.dumps({"timestamp": f"2010-01-01T00:00:{second:02d}Z", **fields}).encode()


def pipeline(folder: Path, **options) -> Pipeline:
    (folder / "b.csv").write_text(
        "timestamp,m\n2010-01-01T00:00:00Z,1\n2010-01-01T00:00:30Z,2\n2010-01-01T00:01:00Z,3\n"
    )
    p = Pipeline("p", dead_letters="dead.jsonl", base=folder)
    live = p.reader("zeromq", name="live", **options)
    b = p.reader("csv", name="b", path="b.csv")
    p.merge("sorted", name="m", inputs=[live, b]).writer("jsonl", name="out", path="out.jsonl")
    return p


def read_jsonl(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class WouldOpenAFile:
    """A pickle of this makes a file when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


BAD = {
    "garbage": ([b"\x00\x07garbage"], "not JSON"),
    "no UTF-8": ([b"\xff\xfe"], "not UTF-8|not JSON"),
    "empty": ([b""], "empty"),
    "cut in the middle": ([message(2, x=7)[:-4]], "not JSON"),
    "a list": ([b"[1]"], "not an object"),
    "a number": ([b"7"], "not an object"),
    "too many frames": ([b"topic", b"7", message(2, x=7)], "3 frames"),
    "no time": ([b'{"x": 7}'], "time"),
    "an unreadable time": ([b'{"timestamp": "soon", "x": 7}'], "'soon' is not a time"),
    "a value of another type": ([message(2, x="seven")], r"schema=\(x=text\)"),
}


@ENGINES
def test_a_message_that_cannot_be_read_is_a_dead_letter_with_its_number(tmp_path, endpoint, context, engine):
    with context.socket(zmq.PUSH) as push:
        push.connect(endpoint)
        for frames in ([message(1, x=1)], *(frames for frames, _ in BAD.values()), [message(3, x=3)], [b"END"]):
            push.send_multipart(frames)
        report = pipeline(tmp_path, bind=endpoint, socket="pull", end="END", idle=None).run(engine)
    assert [row.get("x") for row in read_jsonl(tmp_path / "out.jsonl")] == [None, 1, 3, None, None]
    letters = read_jsonl(tmp_path / "dead.jsonl")
    assert {(letter["stage"], letter["kind"], letter["origin"]) for letter in letters} == {("live", "dead", endpoint)}
    letters.sort(key=lambda letter: letter["line"])
    assert [letter["line"] for letter in letters] == list(range(2, 2 + len(BAD)))
    for letter, (case, (_, reason)) in zip(letters, BAD.items(), strict=True):
        assert re.search(reason, letter["reason"]), (case, letter)
        assert "text" in letter or "record" in letter
    counts = report["live"].counts
    assert (counts.received, counts.delivered, counts.dead) == (2 + len(BAD), 2, len(BAD))
    assert (report.exit_code, report.imbalances) == (3, ())


@ENGINES
@pytest.mark.parametrize("payload", ["json", "text", "csv"])
def test_a_pickle_is_never_unpickled(tmp_path, endpoint, context, engine, payload):
    trap = tmp_path / "trap"
    options = {"columns": ["a"]} if payload == "csv" else {}
    timed = {} if payload == "json" else {"arrival": True}
    with context.socket(zmq.PUSH) as push:
        push.connect(endpoint)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            push.send(pickle.dumps(WouldOpenAFile(trap), protocol))
        push.send(b"END")
        p = pipeline(tmp_path, bind=endpoint, socket="pull", end="END", idle=None, payload=payload, **options, **timed)
        report = p.run(engine, check=False)
    assert not trap.exists()
    assert report.error is None
    assert report["live"].counts.received == pickle.HIGHEST_PROTOCOL + 1
    if payload == "json":
        assert ["pickle" in letter["reason"] for letter in read_jsonl(tmp_path / "dead.jsonl")].count(True) >= 4
        assert report["live"].letters == pickle.HIGHEST_PROTOCOL + 1
    pickle.loads(pickle.dumps(WouldOpenAFile(trap)))
    assert trap.exists()  # the trap would have shown


@ENGINES
def test_an_address_in_use_ends_the_run_with_a_message(tmp_path, endpoint, context, engine):
    with context.socket(zmq.PULL) as taken:
        taken.bind("tcp://127.0.0.1:*")
        address = taken.last_endpoint.decode()
        report = pipeline(tmp_path, bind=address, socket="pull").run(engine, check=False)
    assert isinstance(report.error, SourceError)
    assert str(report.error) == f"{address}: the address is in use"
    assert report.error.__notes__ == ["in stage live"]
    assert report.exit_code == 1
    assert not (tmp_path / "out.jsonl").exists()


@ENGINES
def test_a_publisher_that_comes_late_is_waited_for(tmp_path, endpoint, context, engine):
    with context.socket(zmq.XPUB) as publisher:

        def come(*_):
            publisher.bind(endpoint)
            publisher.recv()  # a subscription has arrived
            publisher.send(message(10, x=1))
            publisher.send(b"END")

        thread = threading.Thread(target=come)
        control = Control(on_start=lambda *_: thread.start())
        report = pipeline(tmp_path, connect=endpoint, end="END", idle=None).run(engine, control=control)
        thread.join()
    assert [row.get("x", row.get("m")) for row in read_jsonl(tmp_path / "out.jsonl")] == [None, 1, None, None]
    assert report.exit_code == 0


@ENGINES
def test_a_publisher_that_never_comes_is_named_and_a_request_to_stop_ends_the_run(tmp_path, endpoint, context, engine):
    control = Control()
    p = Pipeline("p", base=tmp_path)
    never = p.reader("zeromq", name="live", connect=endpoint, idle=0)
    other = p.reader("zeromq", name="other", bind=f"{endpoint}2", socket="pull", idle=None)
    m = p.merge("sorted", name="m", inputs=[never, other])
    m.writer("jsonl", path="out.jsonl")
    m.event("when", name="last", condition={"x": 3}, call=lambda row: control.stop())
    with context.socket(zmq.PUSH) as push:
        push.connect(f"{endpoint}2")
        for second in (1, 2, 3):
            push.send(message(second, x=second))
        report = p.run(engine, control=control)
    assert [row["x"] for row in read_jsonl(tmp_path / "out.jsonl")] == [1, 2, 3]
    (note,) = report.notes
    assert re.match(
        r"m went on without 'live', .* silent since \d+\.\d s into the run; \d+ rows? had been waiting", note
    )
    assert report.exit_code == 0
    assert report.imbalances == ()


@ENGINES
def test_without_idle_a_publisher_that_never_comes_holds_the_merge_until_the_run_is_stopped(tmp_path, endpoint, engine):
    control = Control(on_start=lambda *_: control.stop())
    report = pipeline(tmp_path, connect=endpoint, idle=None).run(engine, control=control)
    assert report.error is None
    assert report["live"].counts.received == 0
    assert report.exit_code in (0, 130)  # 130 if the file had not been read to its end
    assert (tmp_path / "out.jsonl").exists() == (report.exit_code == 0)
